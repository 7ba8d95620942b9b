//! The bench as a library, for tests of a node in the suite of the node's crate.
//!
//! [`Bench::run`] tests a program. [`Bench::simulate`] tests a type that implements
//! [`SimulatedNode`]. Both return a [`Report`], whose figures a test can assert.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::address::Directory;
use crate::drive::judged_test::{JudgedTest, Nodes};
use crate::drive::process::{Launch, executable};
use crate::net::latency::Latency;
use crate::output::progress::Screen;
use crate::output::store::Store;
use crate::plan::{Availability, MAX_NODES, Plan};
use crate::runner::Runner;
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
    /// The workload's number, unless it is set.
    clients_per_node: Option<usize>,
    consistency_models: Vec<ConsistencyModel>,
    plan: Plan,
    store: PathBuf,
}

impl Bench {
    /// Creates a test of five nodes without faults. Each node has one client, or two with lin-kv.
    /// The clients start five operations per second in all, for ten seconds.
    #[must_use]
    pub fn new(workload: WorkloadName) -> Bench {
        let directory = Directory::numbered(1);
        let plan = Plan { time_limit: Duration::from_secs(10), ..Plan::new(directory) };
        let store = PathBuf::from("store");
        Bench {
            workload,
            node_count: 5,
            clients_per_node: None,
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

    /// Sets the number of clients of each node; 0 counts as 1. lin-kv needs an even number.
    #[must_use]
    pub fn clients_per_node(self, clients_per_node: usize) -> Bench {
        Bench { clients_per_node: Some(clients_per_node.max(1)), ..self }
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
    /// Returns an error if the settings do not fit together, with the flag of the command line.
    /// Also returns an error if the test could not be completed: the program cannot be started,
    /// exits, or writes a line that is not a message.
    pub fn run(self, program: impl AsRef<Path>, args: &[&str]) -> Result<Report, Failure> {
        let path = program.as_ref();
        let program = executable(path).map_err(|reason| Failure::CannotStart {
            program: path.display().to_string(),
            reason,
        })?;
        let args = args.iter().map(|arg| (*arg).into()).collect();
        let launch = Launch { program, args, show_stderr: false };
        self.test(Nodes::Processes(&launch))
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
        let factory = |startup: Startup| -> Box<dyn SimulatedNode> { Box::new(node(startup)) };
        self.test(Nodes::Simulated(&factory))
    }

    fn with(mut self, change: impl FnOnce(&mut Plan)) -> Bench {
        change(&mut self.plan);
        self
    }

    fn test(self, nodes: Nodes<'_>) -> Result<Report, Failure> {
        // A number above the limit is an error of the plan.
        let node_count = self.node_count.min(MAX_NODES + 1);
        let mut plan = Plan { directory: Directory::numbered(node_count), ..self.plan };
        let default = self.workload.facts().clients_per_node;
        plan.concurrency = node_count.saturating_mul(self.clients_per_node.unwrap_or(default));
        let (models, store) = (&self.consistency_models, &self.store);
        self.workload.visit(Test { plan, models, store, nodes })
    }
}

/// A test whose workload is not known yet.
struct Test<'a> {
    plan: Plan,
    models: &'a [ConsistencyModel],
    store: &'a Path,
    nodes: Nodes<'a>,
}

impl Visitor for Test<'_> {
    type Output = Result<Report, Failure>;

    fn visit<W: Workload>(self) -> Self::Output {
        let Test { plan, models, store, nodes } = self;
        let checked = plan.check(nodes.are_simulated()).and_then(|()| W::check_plan(&plan));
        checked.map_err(Failure::Settings)?;
        let create = || Store::create(store, W::NAME);
        let logs = if nodes.are_simulated() { None } else { Some(create()?) };
        let workload = W::from_options(&Options::new(&plan, models));
        let runner = Runner::new(plan, workload).recording_messages();
        let judged = JudgedTest::run(runner, nodes, logs.as_ref(), &Screen::silent());
        let store = match logs {
            None if !judged.is_valid() => Some(create()?),
            logs => logs,
        };
        store.map_or(Ok(()), |store| judged.write(&store, None))?;
        judged.report
    }
}
