//! The limits that this crate promises to keep, and the figures.

use std::fmt::{self, Display, Formatter};

use benches::subject::{AHEAD, COARSE_AHEAD, Role, TYPEDFLAKE};

use super::tables::table;
use crate::report::{Cost, Loads, Report, Saturated};

/// A figure, and the limit that it must keep.
struct Check {
    what: &'static str,
    limit: Limit,
    figure: fn(&Report) -> Option<f64>,
}

enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

const CHECKS: [Check; 11] = [
    Check {
        what: "one thread: ns per ID / floor",
        limit: Limit::AtMost(1.15),
        figure: |report| of_floor(&report.one_thread),
    },
    Check {
        what: "two threads: ns per ID / contended floor",
        limit: Limit::AtMost(1.1),
        figure: |report| of_floor(&report.two_threads),
    },
    Check {
        what: "saturated by 1 thread: share of the cap",
        limit: Limit::AtLeast(0.99),
        figure: |report| share(report, 1),
    },
    Check {
        what: "saturated by 2 threads: share of the cap",
        limit: Limit::AtLeast(0.99),
        figure: |report| share(report, 2),
    },
    Check {
        what: "saturated by 4 threads: share of the cap",
        limit: Limit::AtLeast(0.99),
        figure: |report| share(report, 4),
    },
    Check {
        what: "saturated by 1 thread: CPU / typedflake's",
        limit: Limit::AtMost(0.8),
        figure: |report| cpu_of_typedflake(report, 1),
    },
    Check {
        what: "saturated by 2 threads: CPU / typedflake's",
        limit: Limit::AtMost(0.8),
        figure: |report| cpu_of_typedflake(report, 2),
    },
    Check {
        what: "saturated by 4 threads: CPU / typedflake's",
        limit: Limit::AtMost(0.8),
        figure: |report| cpu_of_typedflake(report, 4),
    },
    Check {
        what: "saturated by 2 threads: p99.9 / the best peer's",
        limit: Limit::AtMost(1.0),
        figure: tail_of_best_peer,
    },
    Check {
        what: "burst of 10,000, 2 ms ahead / the fastest peer's",
        limit: Limit::AtMost(0.09),
        figure: |report| burst_of_fastest_peer(report, AHEAD),
    },
    Check {
        what: "the same with `CoarseClock`",
        limit: Limit::AtMost(0.09),
        figure: |report| burst_of_fastest_peer(report, COARSE_AHEAD),
    },
];

/// Writes a table with a column per machine.
pub(super) fn write(text: &mut String, reports: &[Report]) {
    let mut columns = vec!["figure".to_owned(), "limit".to_owned()];
    let heading =
        |report: &Report| format!("{}, commit {}", report.machine.processor, report.machine.commit);
    columns.extend(reports.iter().map(heading));
    let row = |check: &Check| {
        let mut row = vec![check.what.to_owned(), check.limit.to_string()];
        row.extend(reports.iter().map(|report| check.verdict(report)));
        row
    };
    text.push_str("## Limits\n\n");
    text.push_str(
        "A peer is another crate with this crate's cap. snowid's `generate` is not a peer, because its IDs may be \
         ahead of the clock without a limit.\n\n",
    );
    table(text, &columns, &CHECKS.iter().map(row).collect::<Vec<_>>());
}

impl Check {
    fn verdict(&self, report: &Report) -> String {
        let Some(figure) = (self.figure)(report) else {
            return "not measured".to_owned();
        };
        let is_met = match self.limit {
            Limit::AtMost(limit) => figure <= limit,
            Limit::AtLeast(limit) => figure >= limit,
        };
        format!("{figure:.3} {}", if is_met { "met" } else { "**missed**" })
    }
}

impl Display for Limit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Limit::AtMost(limit) => write!(f, "≤ {limit}"),
            Limit::AtLeast(limit) => write!(f, "≥ {limit}"),
        }
    }
}

fn of_floor(costs: &[Cost]) -> Option<f64> {
    let of = |role| costs.iter().find(|cost| cost.role == role).map(|cost| cost.ns);
    Some(of(Role::Ours)? / of(Role::Floor)?)
}

fn saturated(loads: Option<&Loads>, threads: u64) -> Option<&Saturated> {
    loads?.saturated_by(threads)
}

fn share(report: &Report, threads: u64) -> Option<f64> {
    Some(saturated(report.ours(), threads)?.share)
}

fn cpu_of_typedflake(report: &Report, threads: u64) -> Option<f64> {
    let ours = saturated(report.ours(), threads)?;
    let typedflake = report.peers().find(|loads| loads.subject == TYPEDFLAKE);
    Some(ours.cpu_s_per_million / saturated(typedflake, threads)?.cpu_s_per_million)
}

fn tail_of_best_peer(report: &Report) -> Option<f64> {
    let tail = |loads: &Loads| loads.saturated_by(2)?.latency_ns.p999();
    let best = report.peers().filter_map(tail).min()?;
    Some(tail(report.ours()?)? as f64 / best as f64)
}

fn burst_of_fastest_peer(report: &Report, subject: &str) -> Option<f64> {
    let ahead = report.loads.iter().find(|loads| loads.subject == subject)?;
    Some(ahead.burst_us? / report.peers().filter_map(|loads| loads.burst_us).reduce(f64::min)?)
}
