//! The figures of a test.

use std::collections::BTreeMap;
use std::fmt;

use crate::history::{EventKind, FaultEdge, History};
use crate::judge::{Verdict, perf, quantile};
use crate::workload::Workload;

/// The figures for a comparison of tests.
///
/// A figure that a test does not have is `None`.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// The number of client operations, final reads included.
    pub operations: usize,
    /// The number of operations started per second of the main phase.
    pub rate: Option<f64>,
    /// The number of distinct messages among servers per operation.
    pub server_messages_per_op: Option<f64>,
    /// The median stable latency of values.
    pub stable_median_ms: Option<f64>,
    /// The maximum stable latency of values.
    pub stable_max_ms: Option<f64>,
    /// The median latency of clients' operations.
    pub client_median_ms: Option<f64>,
    /// The 99th percentile of the latency of clients' operations.
    pub client_p99_ms: Option<f64>,
    /// The number of faults of each kind that began.
    pub faults: BTreeMap<&'static str, usize>,
}

impl Figures {
    /// Returns the figures that a history shows. `workload` is the verdict of the workload's
    /// checker.
    pub(super) fn new<W: Workload>(history: &History<W>, workload: &Verdict) -> Figures {
        let stable =
            |point| quantile(&workload.stable_latencies_ms, point).map(|millis| millis as f64);
        let clients = perf::median_and_p99(history);
        Figures {
            operations: history.invocations().count(),
            rate: perf::rate(history),
            server_messages_per_op: None,
            stable_median_ms: stable(0.5),
            stable_max_ms: stable(1.0),
            client_median_ms: clients.map(|(median, _)| median),
            client_p99_ms: clients.map(|(_, p99)| p99),
            faults: faults(history),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} operations", self.operations)?;
        if let Some(rate) = self.rate {
            write!(f, ", {rate:.1}/s")?;
        }
        if let Some(ratio) = self.server_messages_per_op {
            write!(f, ", servers {ratio:.3} msgs/op")?;
        }
        if let (Some(median), Some(max)) = (self.stable_median_ms, self.stable_max_ms) {
            write!(f, ", stable latency median {median} max {max} ms")?;
        }
        if let (Some(median), Some(p99)) = (self.client_median_ms, self.client_p99_ms) {
            write!(f, ", client latency median {median:.2} p99 {p99:.2} ms")?;
        }
        for (index, (fault, count)) in self.faults.iter().enumerate() {
            write!(f, "{}{fault} {count}", if index == 0 { ", faults: " } else { ", " })?;
        }
        Ok(())
    }
}

/// Returns the number of faults of each kind that began, by the nemesis's names.
pub(super) fn faults<W: Workload>(history: &History<W>) -> BTreeMap<&'static str, usize> {
    let mut faults = BTreeMap::new();
    for event in history.events() {
        let EventKind::Nemesis { f, .. } = event.kind else { continue };
        if let Some(FaultEdge { fault, starts: true, .. }) = FaultEdge::named(f) {
            *faults.entry(fault).or_default() += 1;
        }
    }
    faults
}
