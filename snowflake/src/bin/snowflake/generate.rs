//! `snowflake generate`: new IDs.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use snowflake::lease::Keeper;
use snowflake::{ClaimError, Epoch, Generator, Id, NodeId, SystemClock, TextBuffer};

use crate::Failure;
use crate::decode::Format;
use crate::lease::present_epoch;
use crate::output::{Lines, Reader};
use crate::store::{self, is_directory};

/// Issue IDs, one on each line.
///
/// With `--node` nothing prevents another process from using the same node ID: two of them may
/// issue the same ID. With `--lease` the node ID is leased from a store. It is released when the
/// command ends by itself. After Ctrl-C it becomes free when its grant ends.
#[derive(clap::Args)]
pub(crate) struct Generate {
    /// The epoch: `twitter`, `discord`, a year, an RFC 3339 date or time, or milliseconds.
    #[arg(long, value_parser = present_epoch)]
    epoch: Epoch,
    /// The node ID, from 0 to 1023. No other process may use it. With --lease, the store ensures
    /// that.
    #[arg(long, required_unless_present = "lease")]
    node: Option<NodeId>,
    /// A lease store that `snowflake lease create` made. A database leases any free node ID unless
    /// --node names one. A directory needs --node: another directory may have leased any other node
    /// ID.
    #[arg(long, value_name = "STORE")]
    lease: Option<String>,
    /// The number of IDs [default: 1; with --rate, no limit].
    #[arg(long, short = 'n')]
    count: Option<u64>,
    /// IDs per second, from 0.001 to 4096000 [default: as fast as possible].
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// The form of the IDs.
    #[arg(long, value_enum, default_value_t = Format::Decimal)]
    format: Format,
}

/// Parses a rate.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if rate.is_finite() && (0.001..=4_096_000.0).contains(&rate) {
        Ok(rate)
    } else {
        Err("a rate is from 0.001 to 4096000 IDs per second".to_owned())
    }
}

impl Generate {
    pub(crate) fn run(&self, as_json: bool) -> Result<(), Failure> {
        let Some(place) = &self.lease else {
            let node = self.node.ok_or("--node or --lease is missing")?;
            let generator = Generator::new(node, self.epoch)?;
            return self.print(|| generator.next_id(), as_json);
        };
        let mut builder = Keeper::builder(store::open(place, Some(self.epoch))?);
        match self.node {
            Some(node) => builder = builder.node(node),
            None if is_directory(place) => {
                return Err(
                    "a directory needs --node; pass the node ID that is fixed for this directory"
                        .into(),
                );
            }
            None => {}
        }
        let keeper = builder.start(SystemClock)?;
        let generator = Arc::clone(keeper.generator());
        let printed = self.print(|| generator.next_id(), as_json);
        // Released even after a failure: the node ID is free immediately.
        let released = keeper.release();
        printed?;
        Ok(released?)
    }

    fn print(
        &self,
        mut next: impl FnMut() -> Result<Id, ClaimError>,
        as_json: bool,
    ) -> Result<(), Failure> {
        let count = self.count.unwrap_or(if self.rate.is_some() { u64::MAX } else { 1 });
        let mut pace = self.rate.map(Pace::new);
        let mut lines = Lines::new();
        let mut buffer = TextBuffer::new();
        for _ in 0..count {
            if let Some(pace) = &mut pace {
                if lines.flush()? == Reader::Gone {
                    break;
                }
                pace.wait();
            }
            let id = next()?;
            let text = self.format.encode(id, &mut buffer);
            let reader = if as_json {
                let parts = id.parts();
                let value = json!({
                    "id": text,
                    "timestamp_ms": parts.timestamp_ms,
                    "node": parts.node,
                    "sequence": parts.sequence,
                    "unix_ms": id.time(self.epoch).0,
                });
                lines.write_line(&value)?
            } else {
                lines.write_line(&text)?
            };
            if reader == Reader::Gone {
                break;
            }
        }
        lines.flush().map(drop)
    }
}

/// A steady rate. An ID that is late does not delay those after it.
struct Pace {
    start: Instant,
    rate: f64,
    issued: u64,
}

impl Pace {
    fn new(rate: f64) -> Pace {
        Pace { start: Instant::now(), rate, issued: 0 }
    }

    fn wait(&mut self) {
        let due = Duration::from_secs_f64(self.issued as f64 / self.rate);
        self.issued += 1;
        thread::sleep(due.saturating_sub(self.start.elapsed()));
    }
}
