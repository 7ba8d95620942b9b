//! The display of progress while a test runs.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::console;
use crate::runner::{Phase, Progress};

/// The display on standard error: a progress line on a terminal, or plain lines.
#[derive(Clone, Debug)]
pub struct Screen {
    progress: ProgressForm,
    start: Instant,
    last: Arc<AtomicU64>,
}

/// The form in which progress is shown.
#[derive(Clone, Debug)]
enum ProgressForm {
    /// A progress line.
    Bar(ProgressBar),
    /// Plain lines.
    Lines,
    /// No progress.
    Never,
}

/// The interval between updates of the progress line, and between plain lines.
const MOVES_EVERY: Duration = Duration::from_millis(100);
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The line that announces that operations start.
const READY: &str = "the nodes are ready";

impl Screen {
    /// Creates the display of this process.
    #[must_use]
    pub fn new() -> Screen {
        if !std::io::stderr().is_terminal() {
            return Screen::with(ProgressForm::Lines);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {wide_msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
        Screen::with(ProgressForm::Bar(bar.with_style(style)))
    }

    /// Creates a display without progress, for series of many tests.
    #[must_use]
    pub fn silent() -> Screen {
        Screen::with(ProgressForm::Never)
    }

    fn with(progress: ProgressForm) -> Screen {
        Screen { progress, start: Instant::now(), last: Arc::new(AtomicU64::new(0)) }
    }

    /// Shows the progress of a test in real time.
    pub fn show(&self, progress: &Progress) {
        match &self.progress {
            ProgressForm::Bar(bar) => {
                bar.set_message(describe(progress));
                bar.tick();
            }
            ProgressForm::Lines => {
                if let Some(line) = self.plain_line(progress) {
                    console::eprintln(line);
                }
            }
            ProgressForm::Never => {}
        }
    }

    /// Returns the plain line that is due, if any.
    ///
    /// One line is due per phase, and one per interval of the main phase.
    fn plain_line(&self, progress: &Progress) -> Option<String> {
        const LATER: u64 = u64::MAX / 2;
        let slot = match progress.phase {
            Phase::Initializing | Phase::SettingUp => u64::MAX,
            Phase::Main => 1 + progress.elapsed.as_secs() / PLAIN_EVERY.as_secs(),
            phase => LATER + phase as u64,
        };
        // RELAXED: the value synchronizes no other data.
        let before = self.last.swap(slot, Ordering::Relaxed);
        // The line appears even if it is late, because scripts may wait for it.
        let is_news = progress.phase == Phase::Main && !(1..LATER).contains(&before);
        (before != slot).then(|| if is_news { READY.to_owned() } else { describe(progress) })
    }

    /// Shows the progress of a simulated test, at most once per interval.
    ///
    /// Shows nothing before the first interval has passed.
    pub fn show_now_and_then(&self, progress: impl FnOnce() -> Progress) {
        let every = match &self.progress {
            ProgressForm::Bar(_) => MOVES_EVERY,
            ProgressForm::Lines => PLAIN_EVERY,
            ProgressForm::Never => return,
        };
        if self.turns_to((self.start.elapsed().as_millis() / every.as_millis()) as u64) {
            match &self.progress {
                ProgressForm::Bar(_) => self.show(&progress()),
                _ => console::eprintln(describe(&progress())),
            }
        }
    }

    /// Returns `true` if the value shown last differs from `slot`.
    fn turns_to(&self, slot: u64) -> bool {
        // RELAXED: the value synchronizes no other data.
        self.last.swap(slot, Ordering::Relaxed) != slot
    }

    /// Prints a line that remains on the screen.
    pub fn print_line(&self, line: &str) {
        match &self.progress {
            ProgressForm::Bar(bar) => bar.suspend(|| console::eprintln(line)),
            ProgressForm::Lines | ProgressForm::Never => console::eprintln(line),
        }
    }

    /// Removes the progress line.
    pub fn clear(&self) {
        if let ProgressForm::Bar(bar) = &self.progress {
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
    let operations = format!(
        "{} operations, {} of them without success",
        progress.started, progress.unsuccessful
    );
    match progress.phase {
        Phase::Initializing | Phase::SettingUp => "starting the nodes".to_owned(),
        Phase::Main if progress.elapsed.as_secs() == 0 => READY.to_owned(),
        Phase::Main => format!("{} s: {operations}", progress.elapsed.as_secs()),
        Phase::Draining => format!("waiting for the last answers: {operations}"),
        Phase::Healing => "ending the faults".to_owned(),
        Phase::Quiet => {
            format!("{} s for the nodes to recover", progress.quiet_time.as_secs_f64())
        }
        Phase::FinalReads => "last reads".to_owned(),
        Phase::Over => format!("done: {operations}"),
    }
}

/// A counter of completed items: a bar on a terminal, or a line for every tenth.
#[derive(Debug)]
pub struct Counter {
    bar: Option<ProgressBar>,
    total: u64,
    done: AtomicU64,
}

impl Counter {
    /// Creates a counter that counts up to `total`.
    #[must_use]
    pub fn new(total: u64) -> Counter {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(total));
        Counter { bar, total, done: AtomicU64::new(0) }
    }

    /// Counts one more item.
    pub fn advance(&self) {
        // RELAXED: the value synchronizes no other data.
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if done * 10 / self.total > (done - 1) * 10 / self.total => {
                console::eprintln(format_args!("{done} of {} seeds", self.total));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stalled_terminal_does_not_delay_the_ready_message() {
        let screen = Screen::with(ProgressForm::Lines);
        let line = |phase, elapsed_s| {
            let elapsed = Duration::from_secs(elapsed_s);
            let quiet_time = Duration::from_millis(2500);
            screen.plain_line(&Progress { phase, elapsed, quiet_time, started: 3, unsuccessful: 1 })
        };
        assert_eq!(line(Phase::SettingUp, 0).as_deref(), Some("starting the nodes"));
        assert_eq!(line(Phase::SettingUp, 0), None);
        assert_eq!(line(Phase::Main, 7).as_deref(), Some(READY));
        assert_eq!(line(Phase::Main, 9), None);
        let tenth = line(Phase::Main, 10).unwrap();
        assert_eq!(tenth, "10 s: 3 operations, 1 of them without success");
        assert_eq!(line(Phase::Quiet, 11).as_deref(), Some("2.5 s for the nodes to recover"));
        assert_eq!(
            line(Phase::Over, 12).as_deref(),
            Some("done: 3 operations, 1 of them without success")
        );
    }
}
