//! The figures of a run, in the form of the files under `results/`.

use std::fs;
use std::io;
use std::path::Path;

use benches::latency::Latency;
use benches::subject::Role;
use serde::{Deserialize, Serialize};

/// A run on a machine.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) one_thread: Vec<Cost>,
    pub(crate) two_threads: Vec<Cost>,
    pub(crate) loads: Vec<Loads>,
    pub(crate) calls: Vec<Call>,
}

/// The place and time of a run.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    pub(crate) compiler: String,
    pub(crate) peers: String,
    pub(crate) date: String,
    pub(crate) commit: String,
    /// The load average of the minute before the run.
    pub(crate) load: String,
}

/// The cost of an ID below the cap.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Cost {
    pub(crate) subject: String,
    pub(crate) role: Role,
    pub(crate) ns: f64,
}

/// A subject's figures under loads.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Loads {
    pub(crate) subject: String,
    pub(crate) role: Role,
    pub(crate) burst_us: Option<f64>,
    pub(crate) saturated: Vec<Saturated>,
    pub(crate) paced: Vec<Paced>,
    pub(crate) tasks: Vec<Tasks>,
}

/// The figures of saturating threads.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Saturated {
    pub(crate) threads: u64,
    pub(crate) share: f64,
    pub(crate) cpu_s_per_million: f64,
    pub(crate) latency_ns: Latency,
}

/// The latency at a constant rate.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Paced {
    pub(crate) ids_per_s: u64,
    pub(crate) latency_ns: Latency,
}

/// The throughput of tasks on tokio.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Tasks {
    pub(crate) tasks: u64,
    pub(crate) share: f64,
    pub(crate) cpu_s_per_million: f64,
}

/// The median of a call, with its 95 % confidence interval, from criterion.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Call {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) elements: u64,
    pub(crate) ns: f64,
    pub(crate) low_ns: f64,
    pub(crate) high_ns: f64,
}

impl Report {
    /// Reads the reports in a directory, in the order of their file names.
    pub(crate) fn read_all(directory: &Path) -> io::Result<Vec<Report>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| Ok(serde_json::from_slice(&fs::read(path)?)?)).collect()
    }

    /// Writes the report. A later run on the same kind of machine replaces it.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(directory.join(format!("{}.json", self.machine.slug())), text)
    }

    /// Returns this crate's loads.
    pub(crate) fn ours(&self) -> Option<&Loads> {
        self.loads.iter().find(|loads| loads.role == Role::Ours)
    }

    /// Returns the loads of the peers with the same cap.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &Loads> {
        self.loads.iter().filter(|loads| loads.role == Role::Peer)
    }
}

impl Machine {
    /// Returns the processor's name as a file name.
    pub(crate) fn slug(&self) -> String {
        let name = self.processor.to_lowercase().replace("(r)", "").replace("(tm)", "");
        let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
    }
}

impl Loads {
    /// Returns the figures of this many saturating threads.
    pub(crate) fn saturated_by(&self, threads: u64) -> Option<&Saturated> {
        self.saturated.iter().find(|saturated| saturated.threads == threads)
    }
}
