//! A worker as the test runner sees it: a process that receives signals, and its history.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::expectation::Observation;
use super::history::{EVENT_BYTES, Event, EventKind, now_ms};
use super::schedule::STEP_BACK_MS;
use super::worker::WorkerConfig;

/// The longest wait for an event: longer than the longest expected silence.
const EVENT_TIMEOUT_MS: u64 = STEP_BACK_MS + 10_000;

/// A worker's process. Dropping it kills the process.
pub(crate) struct Process {
    child: Child,
    file: File,
    /// The bytes of the file that `history` has.
    read_bytes: u64,
    history: Vec<Event>,
}

/// The clock of an instance's processes, through libfaketime.
#[derive(Clone)]
pub(crate) struct FakeClock {
    library: PathBuf,
    /// The file from which libfaketime reads the offset of the clock.
    offset_file: PathBuf,
}

impl FakeClock {
    /// Returns the path of libfaketime, or `None` if it is not installed.
    pub(crate) fn library() -> Option<PathBuf> {
        let directories = fs::read_dir("/usr/lib").ok()?.flatten();
        let library = |directory: &Path| directory.join("faketime/libfaketimeMT.so.1");
        directories.map(|it| library(&it.path())).find(|path| path.exists())
    }

    pub(crate) fn new(library: &Path, directory: &Path) -> FakeClock {
        let (library, offset_file) = (library.to_owned(), directory.join("clock"));
        let clock = FakeClock { library, offset_file };
        clock.set_offset(0);
        clock
    }

    /// Sets the offset from the correct time. It takes effect at the next reading.
    pub(crate) fn set_offset(&self, ms: i64) {
        let new = self.offset_file.with_extension("new");
        fs::write(&new, format!("{:+}\n", ms / 1000)).unwrap();
        fs::rename(new, &self.offset_file).unwrap();
    }
}

impl Process {
    pub(crate) fn start(worker: &WorkerConfig, clock: Option<&FakeClock>) -> Process {
        let mut command = worker.command();
        if let Some(FakeClock { library, offset_file }) = clock {
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", offset_file);
            for setting in ["FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"] {
                command.env(setting, "1");
            }
        }
        let child = command.spawn().unwrap();
        let started_ms = now_ms();
        let file = loop {
            match File::open(&worker.history) {
                Ok(file) => break file,
                Err(error) => {
                    let waited_ms = now_ms() - started_ms;
                    assert!(waited_ms < EVENT_TIMEOUT_MS, "no history: {error}");
                }
            }
            thread::sleep(Duration::from_millis(2));
        };
        Process { child, file, read_bytes: 0, history: Vec::new() }
    }

    /// Stops the process. All its threads are stopped when this returns.
    pub(crate) fn stop(&self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(id), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{status:?}");
    }

    /// Resumes a stopped process.
    pub(crate) fn resume(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }

    /// Closes the process's input, and waits until it has released its node ID and ended.
    pub(crate) fn shut_down(&mut self) {
        let closed_ms = now_ms();
        drop(self.child.stdin.take());
        self.wait_for("a release", closed_ms, |event| event.kind == EventKind::Released);
        self.wait();
    }

    fn wait(&mut self) {
        self.child.wait().unwrap();
        // libfaketime leaves these files when a process is killed.
        for name in ["faketime_shm_", "sem.faketime_sem_"] {
            let _ = fs::remove_file(format!("/dev/shm/{name}{}", self.child.id()));
        }
    }

    /// Waits for the first event since `since_ms` that `is_wanted` accepts.
    pub(crate) fn wait_for(
        &mut self,
        wanted: &str,
        since_ms: u64,
        is_wanted: impl Fn(&Event) -> bool,
    ) -> Event {
        let start_ms = now_ms();
        loop {
            self.read();
            let next = self.history.partition_point(|event| event.at_ms < since_ms);
            if let Some(event) = self.history[next..].iter().find(|event| is_wanted(event)) {
                return *event;
            }
            let waited_ms = now_ms() - start_ms;
            assert!(
                waited_ms < EVENT_TIMEOUT_MS,
                "no event after {waited_ms} ms: expected {wanted}; the last event is {:?}",
                self.history.last()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Returns the events that were read so far.
    pub(crate) fn history(&self) -> &[Event] {
        &self.history
    }

    /// Reads new events. It joins ranges of consecutive IDs that are at most 1 ms apart.
    pub(crate) fn read(&mut self) {
        self.file.seek(SeekFrom::Start(self.read_bytes)).unwrap();
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes).unwrap();
        for mut bytes in bytes.chunks_exact(EVENT_BYTES) {
            let event = Event::read(&mut bytes).unwrap();
            self.read_bytes += EVENT_BYTES as u64;
            if let EventKind::Ids { first, count } = event.kind
                && let Some(last) = self.history.last_mut()
                && let EventKind::Ids { first: range_first, count: range_count } = &mut last.kind
                && *range_first + *range_count == first
                && event.at_ms <= last.at_ms + 1
            {
                *range_count += count;
                last.at_ms = event.at_ms;
            } else {
                self.history.push(event);
            }
        }
    }

    /// Returns how far the process's IDs may be ahead of its clock.
    pub(crate) fn ahead_ms(&self) -> u64 {
        let started = self.history.iter().find_map(|event| match event.kind {
            EventKind::Started { ahead_ms } => Some(ahead_ms),
            _ => None,
        });
        started.unwrap_or_default()
    }

    pub(crate) fn observe(&self, span_ms: RangeInclusive<u64>) -> Observation {
        Observation::of(&self.history, span_ms)
    }

    /// Returns the process's IDs as ranges.
    pub(crate) fn id_ranges(&self) -> impl DoubleEndedIterator<Item = IdRange> {
        self.history.iter().filter_map(|event| match event.kind {
            EventKind::Ids { first, count } => {
                Some(IdRange { first, last: first + (count - 1), at_ms: event.at_ms })
            }
            _ => None,
        })
    }
}

/// Consecutive IDs as raw numbers, with the time at which they were issued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) at_ms: u64,
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.child.kill();
        self.wait();
    }
}
