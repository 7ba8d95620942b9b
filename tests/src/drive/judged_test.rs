//! Tests from the start of their nodes to the stored verdict.

use std::path::Path;

use crate::base::excerpt::beginning;
use crate::drive::process::{Launch, ProcessDriver};
use crate::drive::sim::{Factory, Simulator};
use crate::format::edn::Edn;
use crate::judge::Valid;
use crate::output::progress::Screen;
use crate::output::report::Report;
use crate::output::report::assemble::{ReportInputs, assemble};
use crate::output::store::Store;
use crate::runner::failure::Failure;
use crate::runner::{FinishedTest, Runner};
use crate::workload::Workload;

/// The nodes of a test.
#[derive(Clone, Copy)]
pub enum Nodes<'a> {
    /// Processes of this program.
    Processes(&'a Launch),
    /// Simulated nodes, which this function creates.
    Simulated(&'a Factory<'a>),
}

impl std::fmt::Debug for Nodes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Nodes<'_> {
    /// Returns `true` if the nodes are simulated.
    #[must_use]
    pub fn are_simulated(self) -> bool {
        matches!(self, Nodes::Simulated(_))
    }

    /// Returns the name of the driver in results.
    fn name(self) -> &'static str {
        if self.are_simulated() { "simulation" } else { "process" }
    }
}

/// A test that has ended, and its judgement.
#[derive(Debug)]
pub struct JudgedTest<W: Workload> {
    /// The data of the test.
    pub test: FinishedTest<W>,
    /// The judgement, or the failure that ended the test early.
    pub report: Result<Report, Failure>,
    driver: &'static str,
}

impl<W: Workload> JudgedTest<W> {
    /// Runs a test and judges it.
    ///
    /// Processes write their standard error to the store. Simulated nodes have none.
    pub fn run(
        mut runner: Runner<W>,
        nodes: Nodes<'_>,
        store: Option<&Store>,
        screen: &Screen,
    ) -> JudgedTest<W> {
        let ended = match nodes {
            Nodes::Processes(launch) => {
                let names = runner.plan().directory.node_names().to_vec();
                // Dropped before the test is judged, which takes time: no process outlives its
                // test.
                ProcessDriver::new(launch, store, screen, &names).run(&mut runner)
            }
            Nodes::Simulated(factory) => {
                Simulator::new(runner.plan(), factory, screen).run(&mut runner)
            }
        };
        let test = runner.finish();
        let driver = nodes.name();
        let logs = store.map(Store::node_logs);
        let report = ended.map(|()| Report::new(&test, driver, logs.as_deref()));
        JudgedTest { test, report, driver }
    }

    /// Returns `true` if the test came to its end and is valid.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.report.as_ref().is_ok_and(Report::is_valid)
    }

    /// Returns the first reason why a test is not valid, in one line.
    ///
    /// The result is empty if the test is valid.
    #[must_use]
    pub fn reason(&self) -> String {
        let reason = match &self.report {
            Ok(report) => report.reason().unwrap_or_default(),
            Err(failure) => failure.to_string(),
        };
        beginning(reason.lines().next().unwrap_or_default(), 120)
    }

    /// Stores the test. A failed test is stored up to the failure, so that the user can examine it.
    ///
    /// `replay` is the command that repeats the test.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub fn write(&self, store: &Store, replay: Option<&str>) -> Result<(), Failure> {
        let JudgedTest { test, report, driver } = self;
        let failed;
        let results = match report {
            Ok(report) => &report.results,
            Err(failure) => {
                failed = Edn::map([
                    ("error", failure.to_string().into()),
                    ("driver", Edn::Keyword(driver)),
                    ("seed", test.plan.seed.into()),
                    ("valid?", Valid::Unknown.into()),
                ]);
                &failed
            }
        };
        store.write_history(&test.history)?;
        store.write_results(results)?;
        let logs = store.node_logs();
        let logs = Some(logs.as_path()).filter(|logs: &&Path| logs.exists());
        let context = ReportInputs { driver, replay, logs, results };
        store.write_report(&assemble(test, report.as_ref(), context))
    }
}
