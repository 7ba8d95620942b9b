//! The service of the examples: it prints an ID ten times a second, and stops on a signal.

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use snowflake::SystemClock;
use snowflake::lease::KeeperBuilder;

/// Prints an error, and returns the exit code.
pub(crate) fn report(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Acquires a node ID, runs the service, and releases the node ID.
pub(crate) fn run(keeper: KeeperBuilder) -> Result<(), Box<dyn Error>> {
    // The handler comes first: a signal after the acquisition must not skip the release.
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        // SIGTERM, SIGINT or SIGHUP. An error means that the service is stopping already.
        let _ = stop.send(());
    })?;

    let keeper = keeper.start(SystemClock)?;
    let generator = keeper.generator();
    eprintln!("issuing IDs with node ID {}", generator.node());
    while stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        match generator.next_id() {
            Ok(id) => println!("{id}"),
            // The store may be unreachable. The service returns the error for this request, and the
            // keeper retries.
            Err(error) => eprintln!("{error}"),
        }
    }

    // A clean stop ends the requests first. Then it ends the generator and frees the node ID.
    keeper.release()?;
    eprintln!("released the node ID");
    Ok(())
}
