//! An example service: customers and their orders, with typed Snowflake IDs in the HTTP API, the
//! database and the API's documentation.
//!
//! ```sh
//! cargo run --manifest-path examples/orders/Cargo.toml
//! ```
//!
//! `README.md` beside this package lists the settings and the endpoints.
#![forbid(unsafe_code)]

mod api;
mod config;
mod database;
mod ids;
mod status;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use snowflake::SystemClock;
use snowflake::lease::Keeper;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use config::Config;
use database::Database;

/// The parts of the service that its handlers share.
struct Service {
    database: Database,
    keeper: Keeper<SystemClock>,
    metrics: PrometheusHandle,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orders: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // The handlers come before the lease, so that a signal always leads to its release.
    let signals = runtime.block_on(async { StopSignals::new() })?;
    // It blocks until the node ID is leased, so it runs outside of the runtime.
    let keeper = ids::start_keeper(&config)?;
    let metrics = PrometheusBuilder::new().install_recorder()?;
    snowflake::metrics::describe();
    let keeper = runtime.block_on(serve(&config, keeper, metrics, signals))?;
    // The node ID is free for the next process immediately.
    keeper.release()?;
    Ok(())
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> std::io::Result<StopSignals> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(StopSignals { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Serves requests until SIGTERM or SIGINT, and returns the keeper.
async fn serve(
    config: &Config,
    keeper: Keeper<SystemClock>,
    metrics: PrometheusHandle,
    mut signals: StopSignals,
) -> Result<Keeper<SystemClock>, Box<dyn Error>> {
    let database = Database::connect(&config.database_url).await?;
    let service = Arc::new(Service { database, keeper, metrics });
    let listener = TcpListener::bind(&config.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, api::router(Arc::clone(&service)))
        .with_graceful_shutdown(async move { signals.recv().await })
        .await?;
    service.database.close().await;
    let service = Arc::into_inner(service).ok_or("a request outlived the server")?;
    Ok(service.keeper)
}
