//! What people see while a test runs.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::conductor::{Phase, Progress};
use crate::output;

/// Standard error: a line that moves on a terminal, a few plain lines elsewhere.
#[derive(Clone, Debug)]
pub struct Screen {
    bar: Option<ProgressBar>,
    last: Arc<AtomicU64>,
}

/// How often a plain line is due.
const PLAIN_EVERY_S: u64 = 5;

impl Screen {
    /// The screen of this process.
    #[must_use]
    pub fn new() -> Screen {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {wide_msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Screen { bar, last: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Shows how far a test is.
    pub fn show(&self, progress: &Progress) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(describe(progress));
                bar.tick();
            }
            None => {
                // One line per phase, and one every few seconds of it.
                let slot = match progress.phase {
                    Phase::Main => progress.elapsed.as_secs() / PLAIN_EVERY_S,
                    phase => u64::MAX / 2 + phase as u64,
                };
                // RELAXED: the value guards nothing but itself.
                if self.last.swap(slot, Ordering::Relaxed) != slot {
                    output::say(describe(progress));
                }
            }
        }
    }

    /// Shows a line that stays.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::say(line)),
            None => output::say(line),
        }
    }

    /// Removes the line that moves.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Default for Screen {
    fn default() -> Screen {
        Screen::new()
    }
}

fn describe(progress: &Progress) -> String {
    let seconds = |span: Duration| span.as_secs();
    let operations = format!(
        "{} operations, {} of them without success",
        progress.started, progress.unsuccessful
    );
    match progress.phase {
        Phase::Initialising | Phase::SettingUp => "starting the nodes".to_owned(),
        Phase::Main => format!("{} s: {operations}", seconds(progress.elapsed)),
        Phase::Draining => format!("waiting for the last answers: {operations}"),
        Phase::Quiet => "10 s for the nodes to recover".to_owned(),
        Phase::Finale => "last reads".to_owned(),
        Phase::Over => format!("done: {operations}"),
    }
}

/// How many of many have been done: a bar on a terminal, a line for every tenth elsewhere.
#[derive(Debug)]
pub struct Counter {
    bar: Option<ProgressBar>,
    total: u64,
    done: AtomicU64,
}

impl Counter {
    /// A counter that goes up to `total`.
    #[must_use]
    pub fn new(total: u64) -> Counter {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(total));
        Counter { bar, total, done: AtomicU64::new(0) }
    }

    /// Counts one more.
    pub fn advance(&self) {
        // RELAXED: the value guards nothing but itself.
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if done * 10 / self.total > (done - 1) * 10 / self.total => {
                output::say(format_args!("{done} of {} seeds", self.total));
            }
            None => {}
        }
    }

    /// Removes the bar.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
