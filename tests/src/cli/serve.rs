//! `workbench serve`: shows the store in a browser.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;

use super::run::STORE;
use crate::output::console;
use crate::output::exit::EXIT_FAILED;
use crate::serve::Server;

/// The flags of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The directory with the runs.
    #[arg(long, value_name = "DIR", default_value = STORE)]
    pub store: PathBuf,

    /// The port on the loopback interface; 0 selects a free port.
    #[arg(short, long, value_name = "PORT", default_value = "8080")]
    pub port: u16,
}

/// Serves the store until the process ends. Returns the exit status if the server cannot run.
#[must_use]
pub fn run(args: &ServeArgs) -> u8 {
    let failed = |problem: String| {
        console::eprintln(format_args!("error: {problem}"));
        EXIT_FAILED
    };
    let store = args.store.display();
    let server = match Server::new(&args.store, args.port) {
        Ok(server) => server,
        Err(error) => {
            let port = args.port;
            let advice = match error.kind() {
                ErrorKind::AddrInUse => "try --port 0, which selects a free port",
                _ => "see --help",
            };
            return failed(format!("cannot serve {store} at port {port}: {error}; {advice}"));
        }
    };
    match server.address() {
        Ok(address) => console::eprintln(format_args!("Serving {store} at http://{address}/")),
        Err(error) => return failed(error.to_string()),
    }
    server.run();
    EXIT_FAILED
}
