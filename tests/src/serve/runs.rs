//! The runs of a store and their results.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::files::{self, Found};
use crate::format::datum::Datum;
use crate::format::edn_reader::EdnReader;

/// The maximum size of a results file that is read, in bytes.
const MAX_RESULTS: u64 = 16 << 20;

/// The verdict of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunVerdict {
    /// `:valid? true`
    Valid,
    /// `:valid? false`
    Invalid,
    /// Any other value.
    Unknown,
    /// The run has no results: the run has not ended, or was killed.
    Unfinished,
    /// The results are not EDN: the run was killed while it wrote them.
    Unreadable,
}

impl RunVerdict {
    /// Returns the word that pages display and filters use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            RunVerdict::Valid => "valid",
            RunVerdict::Invalid => "invalid",
            RunVerdict::Unknown => "unknown",
            RunVerdict::Unfinished => "unfinished",
            RunVerdict::Unreadable => "unreadable",
        }
    }

    /// All verdicts.
    pub const ALL: [RunVerdict; 5] = [
        RunVerdict::Valid,
        RunVerdict::Invalid,
        RunVerdict::Unknown,
        RunVerdict::Unfinished,
        RunVerdict::Unreadable,
    ];
}

/// One run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The name of the run: `<workload>/<time>`.
    pub name: String,
    /// The verdict.
    pub verdict: RunVerdict,
    /// The results, or nil if there are none.
    pub results: Datum,
}

/// The runs of one store.
#[derive(Debug)]
pub struct Runs {
    root: PathBuf,
    /// The results files that were read, by the name of the run.
    read: Mutex<HashMap<String, ReadFile>>,
}

/// A results file that was read. A file with another modification time or size is read again.
#[derive(Debug)]
struct ReadFile {
    changed: SystemTime,
    length: u64,
    summary: Arc<Summary>,
}

impl Runs {
    /// Opens a store.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory does not exist.
    pub fn new(root: &Path) -> io::Result<Runs> {
        let root = root.canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Runs { root, read: Mutex::default() })
    }

    /// Returns the directory, as a path without links.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the names of all runs, the latest first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<(String, String)> = Vec::new();
        for workload in directories(&self.root) {
            let runs = directories(&self.root.join(&workload));
            names.extend(runs.into_iter().map(|run| (run, workload.clone())));
        }
        // The names of runs are times, so the order of the names is the order of the times.
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.iter().map(|(run, workload)| format!("{workload}/{run}")).collect()
    }

    /// Returns the run at a path, which may contain links such as `latest`.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Arc<Summary>> {
        let directory = self.directory(path)?;
        let name = directory.strip_prefix(&self.root).ok()?.to_str()?;
        Some(self.summary(name))
    }

    /// Returns the directory of the run at a path, without links.
    #[must_use]
    pub fn directory(&self, path: &str) -> Option<PathBuf> {
        let Found::Directory(directory) = files::find(&self.root, path)? else { return None };
        let depth = directory.strip_prefix(&self.root).ok()?.iter().count();
        (depth == 2).then_some(directory)
    }

    /// Returns the summary of the run with this name.
    #[must_use]
    pub fn summary(&self, name: &str) -> Arc<Summary> {
        let unfinished = || {
            let (verdict, results) = (RunVerdict::Unfinished, Datum::Nil);
            Arc::new(Summary { name: name.to_owned(), verdict, results })
        };
        let Some(Found::File(path)) = files::find(&self.root, &format!("{name}/results.edn"))
        else {
            return unfinished();
        };
        let Ok(metadata) = path.metadata() else { return unfinished() };
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let read = || self.read.lock();
        let length = metadata.len();
        if let Some(file) = read().get(name)
            && (file.changed, file.length) == (changed, length)
        {
            return Arc::clone(&file.summary);
        }
        let text = match length {
            0..=MAX_RESULTS => fs::read_to_string(&path).unwrap_or_default(),
            _ => String::new(),
        };
        let results = EdnReader::new(&text).read().ok().flatten().unwrap_or(Datum::Nil);
        let verdict = match results.get("valid?") {
            Some(Datum::Bool(true)) => RunVerdict::Valid,
            Some(Datum::Bool(false)) => RunVerdict::Invalid,
            Some(_) => RunVerdict::Unknown,
            None => RunVerdict::Unreadable,
        };
        let summary = Arc::new(Summary { name: name.to_owned(), verdict, results });
        read().insert(name.to_owned(), ReadFile { changed, length, summary: Arc::clone(&summary) });
        summary
    }
}

impl Summary {
    /// Returns the value under a path of nested keywords in the results.
    #[must_use]
    pub fn get(&self, path: &[&str]) -> Option<&Datum> {
        path.iter().try_fold(&self.results, |datum, key| datum.get(key))
    }

    /// Returns the values of the results with their paths, at most `MAX_VALUES`.
    #[must_use]
    pub fn flat(&self) -> Vec<(String, String)> {
        let mut flat = Vec::new();
        flatten(&self.results, String::new(), &mut flat);
        flat
    }
}

/// The maximum number of result values on a page.
const MAX_VALUES: usize = 2000;

fn flatten(datum: &Datum, path: String, flat: &mut Vec<(String, String)>) {
    if flat.len() >= MAX_VALUES {
        return;
    }
    match datum.entries() {
        Some(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                let key = key.keyword().map_or_else(|| key.to_json(), str::to_owned);
                let path = if path.is_empty() { key } else { format!("{path} {key}") };
                flatten(value, path, flat);
            }
        }
        _ => flat.push((path, datum.to_json())),
    }
}

/// Returns the names of the directories in a directory.
///
/// Links, such as `latest`, are excluded.
fn directories(directory: &Path) -> Vec<String> {
    let is_directory = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().filter(is_directory);
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
