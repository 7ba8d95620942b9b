//! Why a test could not be carried through.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::base::excerpt::{beginning, excerpt};
use crate::format::wire::Malformed;

/// A test that failed as such: there is no history to judge, or none worth it.
#[derive(Debug)]
pub enum Failure {
    /// A node wrote something that is no proper message.
    Malformed {
        /// Which node.
        node: String,
        /// The line of its standard output, from 1.
        line_number: u64,
        /// The line.
        line: String,
        /// What is wrong with it.
        malformed: Malformed,
    },
    /// A node was not ready in time.
    NotReady {
        /// Which node.
        node: String,
        /// What it was asked: `init` or the like.
        request: &'static str,
        /// How long it had.
        waited: Duration,
        /// What it was to answer.
        expected: String,
        /// The last it wrote.
        speech: Box<Speech>,
    },
    /// A node closed its standard output, and ran on.
    Closed {
        /// Which node.
        node: String,
        /// The last it wrote to its standard error.
        stderr: String,
    },
    /// A node exited although nobody had stopped it.
    Exited {
        /// Which node.
        node: String,
        /// How.
        status: ExitStatus,
        /// Whether it had arguments that it may have refused: it ended before its first line.
        may_refuse_args: bool,
        /// Whether a shell ran it, because it names no interpreter.
        by_shell: bool,
        /// The last it wrote to its standard error.
        stderr: String,
    },
    /// A node wrote a line that does not end.
    Endless {
        /// Which node.
        node: String,
        /// The longest line allowed, in bytes.
        limit: usize,
    },
    /// A node could not be started.
    CannotStart {
        /// Which program.
        program: String,
        /// Why.
        reason: String,
    },
    /// Simulated time does not go on.
    Stuck {
        /// The node whose deadline stays where it is; without one, nobody waits for anything.
        node: Option<String>,
    },
    /// The results could not be stored.
    Store {
        /// Which file or folder.
        path: String,
        /// Why.
        reason: String,
    },
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

/// The last output of a node that did not answer.
#[derive(Clone, Debug, Default)]
pub struct Speech {
    /// The beginning of what it wrote to standard output after the last newline.
    pub unfinished_line: String,
    /// The last lines it wrote to standard error.
    pub stderr: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Malformed { node, line_number, line, malformed } => write!(
                f,
                "node {node} wrote a line which {}\n  line {line_number} of its standard output: \
                 {}\n  expected: {}\n  likely: {}",
                malformed.problem,
                excerpt(line),
                malformed.expected,
                malformed.hint,
            ),
            Failure::NotReady { node, request, waited, expected, speech } => {
                let Speech { unfinished_line, stderr } = &**speech;
                let limit = waited.as_secs();
                write!(f, "node {node} did not answer {request:?} within {limit} s")?;
                if !unfinished_line.trim().is_empty() {
                    return write!(
                        f,
                        "\n  unfinished line of its standard output: {}\n  expected: {expected}, \
                         and a newline\n  likely: it does not write a newline after each \
                         message{}",
                        excerpt(unfinished_line),
                        Said(stderr)
                    );
                }
                let ignorance = match *request {
                    "init" => {
                        "does not know the request, or starts slowly (build it before the test)"
                    }
                    _ => "or does not know the request",
                };
                write!(
                    f,
                    "\n  expected: {expected}\n  likely: it waits for more input, does not flush \
                     its standard output, {ignorance}{}",
                    Said(stderr)
                )
            }
            Failure::Closed { node, stderr } => write!(
                f,
                "node {node} closed its standard output and ran on\n  expected: it keeps it open \
                 until it is killed\n  likely: it redirected its output, or what writes to it \
                 has ended{}",
                Said(stderr)
            ),
            Failure::Exited { node, status, may_refuse_args, by_shell, stderr } => {
                let shell = if *by_shell {
                    "/bin/sh ran it, for it has no #! line: if it is no shell script, begin it \
                     with one, like #!/usr/bin/env python3; else "
                } else {
                    ""
                };
                write!(
                    f,
                    "node {node} exited by itself ({status})\n  expected: it runs until it is \
                     killed\n  likely: {shell}{}{}",
                    why_exited(status.code(), *may_refuse_args, stderr),
                    Said(stderr)
                )
            }
            Failure::Endless { node, limit } => write!(
                f,
                "node {node} wrote more than {limit} bytes without a newline\n  expected: one \
                 message per line\n  likely: it writes messages without the newline after each"
            ),
            Failure::CannotStart { program, reason } => {
                write!(f, "cannot start {program}: {reason}")
            }
            Failure::Stuck { node: Some(node) } => write!(
                f,
                "node {node} does not move its deadline past the present\n  expected: \
                 handle_deadline leaves a later deadline, or none"
            ),
            Failure::Stuck { node: None } => f.write_str("the test waits for nothing"),
            Failure::Store { path, reason } => write!(f, "cannot write {path}: {reason}"),
            Failure::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Failure {}

/// What an exit status usually means, as shells and readers of command lines have it. What the
/// node said itself is better than a guess.
fn why_exited(code: Option<i32>, may_refuse_args: bool, stderr: &str) -> &'static str {
    match code {
        Some(127) => {
            "a command was not found: the one that its first line names, or one that it calls"
        }
        _ if !stderr.trim().is_empty() => "its last words are below",
        Some(0) => "it took the end of one request for the end of all",
        Some(2) if may_refuse_args => {
            "it refuses its arguments, which are those that follow --, or it crashed"
        }
        _ => "it crashed",
    }
}

/// How much of a line of a node's standard error is told, in characters: more than of others,
/// for here it says what is wrong. Its log has all.
const MOST_SAID: usize = 1000;

/// What a node said last, if anything.
struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.lines().enumerate() {
            f.write_str(if index == 0 { "\n  its standard error: " } else { "\n    " })?;
            f.write_str(&beginning(&line.replace('\t', "    "), MOST_SAID))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of up to 64 KiB are kept, and colours are.
    #[test]
    fn a_nodes_last_words_fit_a_screen_and_do_nothing_to_it() {
        let long = "x".repeat(60_000);
        let told =
            Said(&format!("\u{1b}[31mpanic:\u{1b}[0m\n\tat main.go:7\n{long}\n")).to_string();
        let mut lines = told.lines().skip(1);
        assert_eq!(lines.next(), Some("  its standard error: \\u{1b}[31mpanic:\\u{1b}[0m"));
        assert_eq!(lines.next(), Some("        at main.go:7"));
        let clipped = lines.next().unwrap_or_default();
        assert!(clipped.ends_with("x… (60000 bytes in all)"), "{clipped:.100}");
        assert!(clipped.len() < 1100, "{}", clipped.len());
    }
}
