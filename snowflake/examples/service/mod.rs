//! What the examples have in common: a service that prints an ID ten times a second, until
//! it is told to stop.

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use snowflake::SystemClock;
use snowflake::lease::KeeperBuilder;

/// Says what has failed, and what to do about it.
pub(crate) fn report(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn run(keeper: KeeperBuilder) -> Result<(), Box<dyn Error>> {
    // Before the node ID is taken: a signal that comes now must not end the process with it.
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        // On SIGTERM, SIGINT and SIGHUP. The service may be stopping already.
        let _ = stop.send(());
    })?;

    let keeper = keeper.start(SystemClock)?;
    let generator = keeper.generator();
    eprintln!("makes IDs with node ID {}", generator.node());
    while stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        match generator.next_id() {
            Ok(id) => println!("{id}"),
            // As when the store is gone: nothing to do but to answer that there is no ID.
            Err(error) => eprintln!("{error}"),
        }
    }

    // The order of a clean stop: no more requests, then no more IDs, then the node ID is free.
    keeper.release()?;
    eprintln!("released");
    Ok(())
}
