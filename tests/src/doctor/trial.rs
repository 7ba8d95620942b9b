//! Two short tests of a workload: one on a usual network, one on a slow network.
//!
//! On the slow network, a node that waits for another node answers after its client has closed.

use std::path::Path;
use std::time::Duration;

use super::{Diagnosis, Examined, Mistake};
use crate::base::address::Directory;
use crate::drive::judged_test::{JudgedTest, Nodes};
use crate::judge::Anomaly;
use crate::judge::transactions::Model as ConsistencyModel;
use crate::net::latency::Latency;
use crate::output::progress::Screen;
use crate::output::report::Report;
use crate::output::store::Store;
use crate::output::warnings::Replies;
use crate::plan::Plan;
use crate::runner::failure::Failure;
use crate::runner::{FinishedTest, Runner};
use crate::workload::{Options, Visitor, Workload, WorkloadName};

/// The latency of the slow network. Two hops take longer than the timeout of a client.
const SLOW: Duration = Duration::from_millis(2600);

const KEEPS: &str = "follows the protocol while clients use it";
const REPLIES: &str = "answers every request";
const RESULTS: &str = "gives right results";
const DROPS: &str = "sends nothing to clients that have closed";

/// Runs both tests and examines them.
///
/// `consistency_models` are the models that transactions must satisfy. Without a store, the tests
/// are not stored.
///
/// # Errors
///
/// Returns an error if a test cannot be stored or is interrupted.
pub fn examine(
    workload: WorkloadName,
    consistency_models: &[ConsistencyModel],
    nodes: Nodes<'_>,
    store: Option<&Path>,
) -> Result<Vec<Examined>, Failure> {
    let trial = |latency, time_limit, rate, quiet_time| Trial {
        plan: Plan {
            concurrency: 6,
            rate,
            time_limit,
            latency: Latency::constant(latency),
            quiet_time,
            strict: true,
            ..Plan::new(Directory::numbered(3))
        },
        consistency_models,
        nodes,
        store,
    };
    let usual =
        trial(Duration::from_millis(10), Duration::from_secs(2), 60.0, Duration::from_secs(2));
    let slow = trial(SLOW, Duration::from_millis(1500), 20.0, Duration::from_secs(6));
    let usual = workload.visit(usual)?;
    let mut examined = usual.examined();
    let result = match &usual.failure {
        Some(_) => Diagnosis::NotTried,
        None => workload.visit(slow)?.late_answers(),
    };
    examined.push(Examined { expected: DROPS, result });
    Ok(examined)
}

/// A test whose workload is not known yet.
struct Trial<'a> {
    plan: Plan,
    consistency_models: &'a [ConsistencyModel],
    nodes: Nodes<'a>,
    store: Option<&'a Path>,
}

/// The parts of a test's results that the checks read.
struct TrialResult {
    failure: Option<Failure>,
    anomalies: Vec<Anomaly>,
    findings: Vec<Anomaly>,
    /// Warnings about violations of the protocol that no schema covers.
    warnings: Vec<String>,
    /// Warnings about requests without an answer, or with an error as the answer.
    replies: Vec<String>,
}

impl Visitor for Trial<'_> {
    type Output = Result<TrialResult, Failure>;

    fn visit<W: Workload>(self) -> Result<TrialResult, Failure> {
        let Trial { plan, consistency_models, nodes, store } = self;
        let workload = W::from_options(&Options::new(&plan, consistency_models));
        let store = store.map(|store| Store::create(store, W::NAME)).transpose()?;
        let runner = Runner::new(plan, workload).recording_messages();
        let judged = JudgedTest::run(runner, nodes, store.as_ref(), &Screen::silent());
        if let Some(store) = &store {
            judged.write(store, None)?;
        }
        match judged.report {
            Err(failure @ (Failure::Interrupted | Failure::Store { .. })) => Err(failure),
            report => {
                let logs = store.map(|store| store.node_logs());
                Ok(TrialResult::new(&judged.test, report, logs.as_deref()))
            }
        }
    }
}

impl TrialResult {
    fn new<W: Workload>(
        test: &FinishedTest<W>,
        report: Result<Report, Failure>,
        logs: Option<&Path>,
    ) -> TrialResult {
        let FinishedTest { plan, history, protocol_warnings, .. } = test;
        let mut replies = Replies::new(history, plan);
        replies.exclude_explained(test);
        let (failure, anomalies, findings) = match report {
            Ok(report) => (None, report.anomalies, report.findings),
            Err(failure) => (Some(failure), Vec::new(), Vec::new()),
        };
        TrialResult {
            failure,
            anomalies,
            findings,
            warnings: protocol_warnings.warnings(&plan.directory),
            replies: [replies.silence(plan, logs), replies.errors(plan)]
                .into_iter()
                .flatten()
                .collect(),
        }
    }

    fn examined(&self) -> Vec<Examined> {
        let is_malformed = |finding: &&Anomaly| {
            ["muted node", "malformed line"].iter().any(|name| finding.text.starts_with(name))
        };
        let malformed = self.findings.iter().find(is_malformed);
        let wrong_result =
            self.anomalies.iter().chain(&self.findings).find(|wrong| Some(*wrong) != malformed);
        let protocol = match (&self.failure, malformed, self.warnings.first()) {
            (Some(failure), ..) => of_text(&failure.to_string()),
            (None, Some(malformed), _) => of_anomaly(malformed),
            (None, None, Some(warning)) => of_text(warning),
            (None, None, None) => Diagnosis::Right(String::new()),
        };
        let unless_failed = |diagnosis: Option<Diagnosis>| match (&self.failure, diagnosis) {
            (Some(_), _) => Diagnosis::NotTried,
            (None, Some(diagnosis)) => diagnosis,
            (None, None) => Diagnosis::Right(String::new()),
        };
        let replies = unless_failed(self.replies.first().map(|text| of_text(text)));
        let results = unless_failed(wrong_result.map(of_anomaly));
        vec![
            Examined { expected: KEEPS, result: protocol },
            Examined { expected: REPLIES, result: replies },
            Examined { expected: RESULTS, result: results },
        ]
    }

    fn late_answers(&self) -> Diagnosis {
        let is_late = |text: &str| text.contains("after the client's timeout");
        let finding = self.findings.iter().find(|finding| is_late(&finding.text));
        let warning = self.warnings.iter().find(|text| is_late(text));
        match (&self.failure, finding, warning) {
            (Some(failure), ..) => of_text(&failure.to_string()),
            (None, Some(finding), _) => of_anomaly(finding),
            (None, None, Some(warning)) => of_text(warning),
            (None, None, None) => Diagnosis::Right(String::new()),
        }
    }
}

fn of_anomaly(anomaly: &Anomaly) -> Diagnosis {
    let change = anomaly.cause.map_or_else(no_cause, str::to_owned);
    Diagnosis::Wrong(Mistake::new(anomaly.text.clone(), change))
}

/// Separates the cause from the rest of a message of several lines.
fn of_text(text: &str) -> Diagnosis {
    let text = text.strip_prefix("warning: ").unwrap_or(text);
    let change = text.lines().find_map(cause_of).map_or_else(no_cause, str::to_owned);
    let seen: Vec<&str> = text.lines().filter(|line| cause_of(line).is_none()).collect();
    Diagnosis::Wrong(Mistake::new(seen.join("\n"), change))
}

/// Returns the cause in a line that names it.
fn cause_of(line: &str) -> Option<&str> {
    line.trim().strip_prefix("likely: ")
}

fn no_cause() -> String {
    "see the history and the logs of the test in store/latest".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_into_what_was_seen_and_what_to_change() {
        let text =
            "warning: node n1 is silent\n  expected: an answer\n  likely: it hangs\n  log: x";
        let Diagnosis::Wrong(mistake) = of_text(text) else { panic!() };
        assert_eq!(mistake.seen, "node n1 is silent\n  expected: an answer\n  log: x");
        assert_eq!(mistake.change, "it hangs");
    }
}
