//! The bench as a library, for tests of a node in the suite of the node's crate.
//!
//! [`Bench::run`] tests a program. [`Bench::simulate`] tests a type that implements
//! [`SimulatedNode`]. Both return a [`Report`], whose figures a test can assert.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::address::Directory;
use crate::drive::process::{Launch, ProcessDriver, executable};
use crate::drive::sim::Simulator;
use crate::format::edn::Edn;
use crate::judge::Valid;
use crate::net::latency::Latency;
use crate::output::progress::Screen;
use crate::output::report::assemble::{Context, assemble};
use crate::output::store::Store;
use crate::plan::{Availability, Plan};
use crate::runner::{FinishedTest, Runner};
use crate::workload::broadcast::topology::Topology;
use crate::workload::{Options, Visitor, Workload};

pub use crate::drive::sim::{DataDir, NodeClock, SimulatedNode, Startup, Write};
pub use crate::judge::transactions::Model as ConsistencyModel;
pub use crate::output::report::{Figures, Report};
pub use crate::plan::Nemesis;
pub use crate::runner::failure::Failure;
pub use crate::workload::WorkloadName;

/// A test that has not been run. The defaults are Maelstrom's, with nodes named n0, n1 ….
#[derive(Clone, Debug)]
pub struct Bench {
    workload: WorkloadName,
    node_count: usize,
    clients_per_node: usize,
    consistency_models: Vec<ConsistencyModel>,
    plan: Plan,
    store: PathBuf,
}

impl Bench {
    /// Creates a test of five nodes with one client each and without faults. The clients start five
    /// operations per second in all, for ten seconds.
    #[must_use]
    pub fn new(workload: WorkloadName) -> Bench {
        let directory = Directory::numbered(1);
        let plan = Plan { time_limit: Duration::from_secs(10), ..Plan::new(directory) };
        let store = PathBuf::from("store");
        Bench {
            workload,
            node_count: 5,
            clients_per_node: 1,
            consistency_models: vec![ConsistencyModel::StrictSerializable],
            plan,
            store,
        }
    }

    /// Sets the number of nodes; 0 counts as 1.
    #[must_use]
    pub fn nodes(self, node_count: usize) -> Bench {
        Bench { node_count: node_count.max(1), ..self }
    }

    /// Sets the number of clients of each node; 0 counts as 1.
    #[must_use]
    pub fn clients_per_node(self, clients_per_node: usize) -> Bench {
        Bench { clients_per_node: clients_per_node.max(1), ..self }
    }

    /// Sets the operations per second, over all clients.
    #[must_use]
    pub fn rate(self, rate: f64) -> Bench {
        self.with(|plan| plan.rate = rate)
    }

    /// Sets the time during which clients start operations.
    #[must_use]
    pub fn time_limit(self, time_limit: Duration) -> Bench {
        self.with(|plan| plan.time_limit = time_limit)
    }

    /// Sets the latency between servers.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Bench {
        self.with(|plan| plan.latency = Latency::constant(latency))
    }

    /// Sets the consistency models that transactions must satisfy.
    ///
    /// The default is strict serializability. Other workloads ignore the models.
    #[must_use]
    pub fn consistency_models(self, models: &[ConsistencyModel]) -> Bench {
        Bench { consistency_models: models.to_vec(), ..self }
    }

    /// Sets the faults, and the mean time from the start of a fault to its end.
    #[must_use]
    pub fn faults(self, faults: &[Nemesis], interval: Duration) -> Bench {
        self.with(|plan| {
            plan.nemesis = faults.to_vec();
            plan.nemesis.sort_unstable();
            plan.nemesis.dedup();
            plan.nemesis_interval = interval;
        })
    }

    /// Sets the time without faults that nodes have before the final reads.
    #[must_use]
    pub fn quiet_time(self, quiet_time: Duration) -> Bench {
        self.with(|plan| plan.quiet_time = quiet_time)
    }

    /// Sets the seed, which decides operations, latencies and faults. The default is 0.
    #[must_use]
    pub fn seed(self, seed: u64) -> Bench {
        self.with(|plan| plan.seed = seed)
    }

    /// Requires every operation to succeed.
    #[must_use]
    pub fn total_availability(self) -> Bench {
        self.with(|plan| plan.availability = Some(Availability::Total))
    }

    /// Makes the test fail for findings that Maelstrom does not make.
    #[must_use]
    pub fn strict(self) -> Bench {
        self.with(|plan| plan.strict = true)
    }

    /// Sets the directory of the histories, results and logs. The default is `store` in the working
    /// directory.
    #[must_use]
    pub fn store(self, store: impl Into<PathBuf>) -> Bench {
        Bench { store: store.into(), ..self }
    }

    /// Runs the test in real time with a program as the node, and stores the test.
    ///
    /// # Errors
    ///
    /// Returns an error if the test could not be completed: the program cannot be started, exits,
    /// or writes a line that is not a message.
    pub fn run(self, program: impl AsRef<Path>, args: &[&str]) -> Result<Report, Failure> {
        let path = program.as_ref();
        let program = executable(path).map_err(|reason| Failure::CannotStart {
            program: path.display().to_string(),
            reason,
        })?;
        let args = args.iter().map(|arg| (*arg).into()).collect();
        let launch = Launch { program, args, show_stderr: false };
        self.visit(|settings| Processes { settings, launch: &launch })
    }

    /// Runs the test in virtual time with simulated nodes. Only a test that is not valid is stored.
    ///
    /// The same seed gives the same history if the nodes draw all randomness from
    /// [`Startup::incarnation`] and read no clock except [`Startup::clock`]. They
    /// can store files in [`Startup::data_dir`].
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Bench::run`].
    pub fn simulate<N: SimulatedNode + 'static>(
        self,
        node: impl Fn(Startup) -> N + Sync,
    ) -> Result<Report, Failure> {
        self.visit(|settings| Simulated { settings, node: &node })
    }

    fn with(mut self, change: impl FnOnce(&mut Plan)) -> Bench {
        change(&mut self.plan);
        self
    }

    fn visit<V: Visitor>(self, visitor: impl FnOnce(Settings) -> V) -> V::Output {
        let directory = Directory::numbered(self.node_count);
        let concurrency = self.node_count * self.clients_per_node;
        let plan = Plan { directory, concurrency, ..self.plan };
        let settings =
            Settings { plan, consistency_models: self.consistency_models, store: self.store };
        self.workload.visit(visitor(settings))
    }
}

/// The settings of a test, for a workload that is not known yet.
struct Settings {
    plan: Plan,
    consistency_models: Vec<ConsistencyModel>,
    store: PathBuf,
}

impl Settings {
    fn runner<W: Workload>(&self) -> Runner<W> {
        let workload = W::from_options(&Options {
            plan: &self.plan,
            topology: Topology::Grid,
            key_count: 10,
            max_writes_per_key: 16,
            max_txn_length: 4,
            consistency_models: &self.consistency_models,
            unknown_models: &[],
        });
        Runner::new(self.plan.clone(), workload).recording_messages()
    }
}

struct Processes<'a> {
    settings: Settings,
    launch: &'a Launch,
}

impl Visitor for Processes<'_> {
    type Output = Result<Report, Failure>;

    fn visit<W: Workload>(self) -> Self::Output {
        let Processes { settings, launch } = self;
        let store = Store::create(&settings.store, W::NAME)?;
        let screen = Screen::silent();
        let names = settings.plan.directory.node_names().to_vec();
        let mut runner = settings.runner::<W>();
        let ended = ProcessDriver::new(launch, Some(&store), &screen, &names).run(&mut runner);
        let test = runner.finish();
        let report = ended.map(|()| Report::new(&test, "process", Some(&store.node_logs())));
        keep(&store, &test, report.as_ref(), "process")?;
        report
    }
}

/// Stores a test and its report. A failed test is stored up to the failure.
fn keep<W: Workload>(
    store: &Store,
    test: &FinishedTest<W>,
    report: Result<&Report, &Failure>,
    driver: &'static str,
) -> Result<(), Failure> {
    let failed;
    let results = match report {
        Ok(report) => &report.results,
        Err(failure) => {
            failed = Edn::map([
                ("error", failure.to_string().into()),
                ("valid?", Valid::Unknown.into()),
            ]);
            &failed
        }
    };
    let logs = store.node_logs();
    let logs = logs.exists().then_some(logs.as_path());
    store.write_history(&test.history)?;
    store.write_results(results)?;
    store.write_report(&assemble(test, report, Context { driver, replay: None, logs, results }))
}

struct Simulated<'a, F> {
    settings: Settings,
    node: &'a F,
}

impl<N: SimulatedNode + 'static, F: Fn(Startup) -> N + Sync> Visitor for Simulated<'_, F> {
    type Output = Result<Report, Failure>;

    fn visit<W: Workload>(self) -> Self::Output {
        let Simulated { settings, node } = self;
        let factory = |startup: Startup| -> Box<dyn SimulatedNode> { Box::new(node(startup)) };
        let screen = Screen::silent();
        let mut runner = settings.runner::<W>();
        let ended = Simulator::new(&settings.plan, &factory, &screen).run(&mut runner);
        let test = runner.finish();
        let report = ended.map(|()| Report::new(&test, "simulation", None));
        if !report.as_ref().is_ok_and(Report::is_valid) {
            keep(&Store::create(&settings.store, W::NAME)?, &test, report.as_ref(), "simulation")?;
        }
        report
    }
}
