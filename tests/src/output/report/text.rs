//! The judgement, the figures and the settings as text.

use super::data::{Entry, ReportData, VerdictText};
use super::{Figures, Report};
use crate::history::EventKind;
use crate::judge::Valid;
use crate::net::Model;
use crate::plan::{Availability, Plan};
use crate::runner::FinishedTest;
use crate::runner::failure::Failure;
use crate::workload::Workload;

/// Describes the judgement and its limits.
pub(super) fn verdict<W: Workload>(
    test: &FinishedTest<W>,
    report: Result<&Report, &Failure>,
    driver: &str,
    data: &ReportData,
) -> VerdictText {
    let operations = data.operations.len();
    let (class, sentence) = match report {
        Err(failure) => ("failed", format!("The test did not run to its end: {failure}")),
        Ok(report) => match report.valid {
            Valid::True if report.findings.is_empty() => {
                ("valid", format!("No checker found an anomaly in {operations} operations."))
            }
            Valid::True => {
                let count = report.findings.len();
                let text = "findings that Maelstrom does not count; --strict does";
                ("valid", format!("Valid for Maelstrom, with {count} {text}."))
            }
            Valid::False if report.anomalies.is_empty() => {
                let count = report.findings.len();
                ("invalid", format!("--strict counts {count} findings as anomalies."))
            }
            Valid::False => {
                let count = report.anomalies.len();
                let what = if count == 1 { "anomaly" } else { "anomalies" };
                ("invalid", format!("{count} {what} in {operations} operations."))
            }
            Valid::Unknown => {
                ("unknown", "The history does not decide whether the nodes work.".to_owned())
            }
        },
    };
    VerdictText { class, sentence, limits: limits(test, report.ok(), driver, data) }
}

fn limits<W: Workload>(
    test: &FinishedTest<W>,
    report: Option<&Report>,
    driver: &str,
    data: &ReportData,
) -> Vec<String> {
    let mut limits = vec![
        "The verdict is about this one history. Another seed, rate or fault can show an anomaly \
         that this history does not have."
            .to_owned(),
    ];
    let uncertain =
        test.history.events().iter().filter(|e| matches!(e.kind, EventKind::Info { .. })).count();
    if uncertain > 0 {
        limits.push(format!(
            "{uncertain} operations ended without a definite result. The checkers accept either \
             outcome of them."
        ));
    }
    let workload = report.and_then(|report| report.results.get("workload"));
    for (key, what) in [
        (
            "never-read-count",
            "values were never read after they were added; the history does not show whether they \
             were stored",
        ),
        (
            "allowed-loss-count",
            "values may have been lost with killed nodes, within the allowed loss window",
        ),
    ] {
        let count = workload.and_then(|results| results.get(key)).map(ToString::to_string);
        if let Some(count) = count.filter(|count| count != "0") {
            limits.push(format!("{count} {what}."));
        }
    }
    if test.plan.nemesis.is_empty() {
        limits.push("No faults were injected.".to_owned());
    }
    limits.push(
        match driver {
            "simulation" => {
                "The nodes ran in virtual time: a message costs no processor time, and threads, \
                 sockets and disks are not part of the simulation."
            }
            _ => "The nodes ran as processes: the same seed does not repeat the same history.",
        }
        .to_owned(),
    );
    if data.messages.left_out > 0 {
        limits.push(format!(
            "The recording of messages holds the first {} that ended; {} later ones are missing \
             from this report. The verdict does not depend on the recording.",
            data.messages.list.len(),
            data.messages.left_out
        ));
    }
    limits
}

/// Lists the figures for a comparison of tests.
pub(super) fn figures(figures: &Figures) -> Vec<Entry> {
    let mut list = vec![Entry::new("operations", figures.operations)];
    let mut add = |name: &str, value: Option<f64>, digits: usize, unit: &str| {
        list.extend(value.map(|value| Entry::new(name, format!("{value:.digits$}{unit}"))));
    };
    add("rate", figures.rate, 1, " per second");
    add("server messages per operation", figures.server_messages_per_op, 3, "");
    add("client latency, median", figures.client_median_ms, 2, " ms");
    add("client latency, 99 %", figures.client_p99_ms, 2, " ms");
    add("stable latency, median", figures.stable_median_ms, 0, " ms");
    add("stable latency, most", figures.stable_max_ms, 0, " ms");
    for (fault, count) in &figures.faults {
        list.push(Entry::new(format!("{fault} faults"), count));
    }
    list
}

/// Lists the settings of a test.
pub(super) fn settings(plan: &Plan, driver: &str) -> Vec<Entry> {
    let names = plan.directory.node_names().join(" ");
    let nemesis: Vec<&str> = plan.nemesis.iter().map(|nemesis| nemesis.name()).collect();
    let nemesis = if nemesis.is_empty() { "none".to_owned() } else { nemesis.join(", ") };
    let distribution = format!("{:?}", plan.latency.distribution).to_lowercase();
    let availability = match plan.availability {
        None => "not checked".to_owned(),
        Some(Availability::Total) => "total".to_owned(),
        Some(Availability::AtLeast(share)) => share.to_string(),
    };
    vec![
        Entry::new("nodes", format!("{}: {names}", plan.directory.node_count())),
        Entry::new("driver", driver),
        Entry::new("seed", plan.seed),
        Entry::new("clients", plan.concurrency),
        Entry::new("rate", format!("{} per second", plan.rate)),
        Entry::new("time limit", format!("{} s", plan.time_limit.as_secs_f64())),
        Entry::new("latency", format!("{:?}, {distribution}", plan.latency.mean)),
        Entry::new(
            "network",
            match plan.model {
                Model::Maelstrom => "Maelstrom's, with head-of-line blocking",
                Model::Ideal => "ideal",
                Model::Busy => "Maelstrom's on a busy machine",
            },
        ),
        Entry::new("nemesis", nemesis),
        Entry::new("nemesis interval", format!("{} s", plan.nemesis_interval.as_secs_f64())),
        Entry::new("quiet time", format!("{} s", plan.quiet_time.as_secs_f64())),
        Entry::new("availability", availability),
        Entry::new("strict", plan.strict),
    ]
}
