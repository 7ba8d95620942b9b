//! A worker as the conductor sees it: a process that can be signalled, and what it wrote down.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::forecast::Seen;
use super::history::{Event, LENGTH, What, now_ms};
use super::schedule::BACK_MS;
use super::worker::Orders;

/// How long anything may take that has to come: as long as the longest forecast wait, and more.
const PATIENCE_MS: u64 = BACK_MS + 10_000;

/// A process that makes IDs, until it is dropped.
pub(crate) struct Process {
    child: Child,
    file: File,
    /// How much of the file is in `history`.
    read: u64,
    history: Vec<Event>,
}

/// The clock of a lane's processes, for libfaketime.
#[derive(Clone)]
pub(crate) struct FakeClock {
    library: PathBuf,
    /// A file that says how far it is off.
    setting: PathBuf,
}

impl FakeClock {
    /// None where libfaketime is not installed.
    pub(crate) fn library() -> Option<PathBuf> {
        let folders = fs::read_dir("/usr/lib").ok()?.flatten();
        let library = |folder: &Path| folder.join("faketime/libfaketimeMT.so.1");
        folders.map(|it| library(&it.path())).find(|path| path.exists())
    }

    pub(crate) fn new(library: &Path, folder: &Path) -> FakeClock {
        let clock = FakeClock { library: library.to_owned(), setting: folder.join("clock") };
        clock.set_off(0);
        clock
    }

    /// Sets it so far from the right time, from one reading to the next.
    pub(crate) fn set_off(&self, ms: i64) {
        let new = self.setting.with_extension("new");
        fs::write(&new, format!("{:+}\n", ms / 1000)).unwrap();
        fs::rename(new, &self.setting).unwrap();
    }
}

impl Process {
    pub(crate) fn start(orders: &Orders, clock: Option<&FakeClock>) -> Process {
        let mut command = orders.command();
        if let Some(FakeClock { library, setting }) = clock {
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", setting);
            for setting in ["FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"] {
                command.env(setting, "1");
            }
        }
        let child = command.spawn().unwrap();
        let begun_ms = now_ms();
        let file = loop {
            match File::open(&orders.history) {
                Ok(file) => break file,
                Err(error) => assert!(now_ms() - begun_ms < PATIENCE_MS, "no history: {error}"),
            }
            thread::sleep(Duration::from_millis(2));
        };
        Process { child, file, read: 0, history: Vec::new() }
    }

    /// Stops it. When this returns all of its threads stand still.
    pub(crate) fn stop(&self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::STOP).unwrap();
        let (_, status) = waitpid(Some(id), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{status:?}");
    }

    /// Ends its stop.
    pub(crate) fn go_on(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).unwrap();
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn end(&mut self) {
        let told_ms = now_ms();
        drop(self.child.stdin.take());
        self.wait_for("its end", told_ms, |event| event.what == What::Ended);
        self.wait();
    }

    fn wait(&mut self) {
        self.child.wait().unwrap();
        // What libfaketime keeps of a process that it saw no end of.
        for name in ["faketime_shm_", "sem.faketime_sem_"] {
            let _ = fs::remove_file(format!("/dev/shm/{name}{}", self.child.id()));
        }
    }

    /// The first event at `since_ms` or later of which `wanted` holds.
    pub(crate) fn wait_for(
        &mut self,
        what: &str,
        since_ms: u64,
        wanted: impl Fn(&Event) -> bool,
    ) -> Event {
        let begun_ms = now_ms();
        loop {
            self.read();
            let next = self.history.partition_point(|event| event.at_ms < since_ms);
            if let Some(event) = self.history[next..].iter().find(|event| wanted(event)) {
                return *event;
            }
            let waited_ms = now_ms() - begun_ms;
            assert!(waited_ms < PATIENCE_MS, "{what} never came; last {:?}", self.history.last());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Everything it has written down so far.
    pub(crate) fn history(&self) -> &[Event] {
        &self.history
    }

    /// Reads on. IDs in a row are joined, unless time has passed between them.
    pub(crate) fn read(&mut self) {
        self.file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes).unwrap();
        for mut bytes in bytes.chunks_exact(LENGTH) {
            let event = Event::read(&mut bytes).unwrap();
            self.read += LENGTH as u64;
            if let What::Ids { first, count } = event.what
                && let Some(last) = self.history.last_mut()
                && let What::Ids { first: begun, count: so_far } = &mut last.what
                && *begun + *so_far == first
                && event.at_ms <= last.at_ms + 1
            {
                *so_far += count;
                last.at_ms = event.at_ms;
            } else {
                self.history.push(event);
            }
        }
    }

    /// How far its IDs may run ahead of its clock.
    pub(crate) fn ahead_ms(&self) -> u64 {
        let started = self.history.iter().find_map(|event| match event.what {
            What::Started { ahead_ms } => Some(ahead_ms),
            _ => None,
        });
        started.unwrap_or_default()
    }

    pub(crate) fn seen(&self, span_ms: RangeInclusive<u64>) -> Seen {
        Seen::of(&self.history, span_ms)
    }

    /// Its IDs, as the first of a run and how many, with the time.
    pub(crate) fn runs(&self) -> impl DoubleEndedIterator<Item = (u64, u64, u64)> {
        self.history.iter().filter_map(|event| match event.what {
            What::Ids { first, count } => Some((first, count, event.at_ms)),
            _ => None,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.wait();
    }
}
