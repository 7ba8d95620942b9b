//! The storage of results: `store/<workload>/<time>/`, in Maelstrom's layout.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::node_logs;
use super::report::data::ReportData;
use super::report::{lamport, page, plots, timeline};
use super::sweep::SweepTable;
use crate::format::edn::Edn;
use crate::format::edn_to_json::to_json;
use crate::history::History;
use crate::runner::failure::Failure;
use crate::workload::Workload;

/// The name of the report's file.
pub const REPORT: &str = "report.html";

/// The name of the file with the failing seeds of a sweep.
pub const SWEEP: &str = "sweep.html";

/// The directory of a sweep's smallest failing test, in the directory of its first failing test.
pub const MINIMIZED: &str = "minimized";

/// The directory of one test.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// Creates a directory for a test that starts now, and points `latest` at it.
    ///
    /// # Errors
    ///
    /// Returns an error if a directory or a link cannot be created.
    pub fn create(root: &Path, workload: &str) -> Result<Store, Failure> {
        let all = root.join(workload);
        fs::create_dir_all(&all).map_err(|error| failure(&all, &error))?;
        let name = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
        // Two tests may start within a millisecond.
        let mut names =
            std::iter::once(name.clone()).chain((2..).map(|count| format!("{name}-{count}")));
        let dir = loop {
            let dir = all.join(names.next().unwrap_or_default());
            match fs::create_dir(&dir) {
                Ok(()) => break dir,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failure(&dir, &error)),
            }
        };
        let store = Store { dir };
        store.point(&all.join("latest"), Path::new(store.name()))?;
        store.point(&root.join("latest"), &Path::new(workload).join(store.name()))?;
        Ok(store)
    }

    /// Creates the directory of the smallest test that fails like this one.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory cannot be created.
    pub fn create_minimized(&self) -> Result<Store, Failure> {
        let dir = self.dir.join(MINIMIZED);
        fs::create_dir(&dir).map_err(|error| failure(&dir, &error))?;
        Ok(Store { dir })
    }

    fn name(&self) -> &std::ffi::OsStr {
        self.dir.file_name().unwrap_or_default()
    }

    /// Replaces a link atomically, so that the link always leads to a test.
    ///
    /// Several threads may replace it at the same time. The last one decides.
    fn point(&self, link: &Path, target: &Path) -> Result<(), Failure> {
        static LINKS: AtomicU64 = AtomicU64::new(0);
        // RELAXED: only the uniqueness of the number matters.
        let number = LINKS.fetch_add(1, Ordering::Relaxed);
        let mut fresh = link.as_os_str().to_owned();
        fresh.push(format!(".{}-{number}", std::process::id()));
        let fresh = PathBuf::from(fresh);
        let replaced =
            std::os::unix::fs::symlink(target, &fresh).and_then(|()| fs::rename(&fresh, link));
        replaced.map_err(|error| {
            // The link may not exist.
            let _ = fs::remove_file(&fresh);
            failure(link, &error)
        })
    }

    /// Returns the directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the directory of the logs that contain the nodes' standard error.
    #[must_use]
    pub fn node_logs(&self) -> PathBuf {
        self.dir.join("node-logs")
    }

    /// Opens the log of a node's standard error in append mode.
    ///
    /// A restarted node continues the same log.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be opened.
    pub fn node_log(&self, node: &str) -> Result<File, Failure> {
        let dir = self.node_logs();
        fs::create_dir_all(&dir).map_err(|error| failure(&dir, &error))?;
        let path = dir.join(node_logs::file_name(node));
        let mut options = File::options();
        options.create(true).append(true).open(&path).map_err(|error| failure(&path, &error))
    }

    /// Writes the results, as EDN and as JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub fn write_results(&self, results: &Edn) -> Result<(), Failure> {
        self.write("results.edn", |out| writeln!(out, "{}", results.pretty(100)))?;
        self.write("results.json", |out| writeln!(out, "{}", to_json(results)))
    }

    /// Writes the failing seeds of a sweep, as JSON and as a page.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub fn write_sweep(&self, sweep: &SweepTable) -> Result<(), Failure> {
        self.write("sweep.json", |out| writeln!(out, "{:#}", sweep.json()))?;
        self.write(SWEEP, |out| sweep.write_page(out))
    }

    /// Writes the history, one event per line, as EDN and as JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub fn write_history<W: Workload>(&self, history: &History<W>) -> Result<(), Failure> {
        self.write("history.edn", |out| history.write(out))?;
        self.write("history.jsonl", |out| history.write_json(out))
    }

    /// Writes the report and the pictures that belong to it.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub fn write_report(&self, data: &ReportData) -> Result<(), Failure> {
        let plots = plots::all(data);
        for plot in &plots {
            self.write(plot.file, |out| out.write_all(plot.svg.file().as_bytes()))?;
        }
        self.write("messages.svg", |out| out.write_all(lamport::draw(data).file().as_bytes()))?;
        self.write("timeline.html", |out| timeline::write(data, out))?;
        self.write(REPORT, |out| page::write(data, &plots, out))
    }

    fn write(
        &self,
        name: &str,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let path = self.dir.join(name);
        let written = File::create(&path).and_then(|file| {
            let mut out = BufWriter::new(file);
            write(&mut out)?;
            out.flush()
        });
        written.map_err(|error| failure(&path, &error))
    }
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::Store { path: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// The tests of a crate run in threads of one process.
    #[test]
    fn tests_that_start_together_are_all_stored() {
        let root = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        Store::create(root.path(), "echo").unwrap();
                    }
                });
            }
        });
        let entries = fs::read_dir(root.path().join("echo")).unwrap();
        assert_eq!(entries.count(), 4 * 50 + 1, "the directories and one link");
        assert!(root.path().join("latest").is_dir());
    }

    #[test]
    fn a_link_that_cannot_be_replaced_leaves_no_file_behind() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("latest")).unwrap();
        let failure = Store::create(root.path(), "echo").unwrap_err();
        assert!(matches!(failure, Failure::Store { .. }), "{failure}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
}
