//! Failures that prevent a test from being completed.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::base::excerpt::{beginning, excerpt};
use crate::format::wire::Malformed;

/// A failure of the test itself.
///
/// The test has no history to check, or no useful one.
#[derive(Debug)]
pub enum Failure {
    /// A node wrote a line that is not a valid message.
    Malformed {
        /// The node.
        node: String,
        /// The line of its standard output, from 1.
        line_number: u64,
        /// The line.
        line: String,
        /// The error in the line.
        malformed: Malformed,
    },
    /// A node did not reply in time during setup.
    NotReady {
        /// The node.
        node: String,
        /// The type of the request: `init` or the workload's setup request.
        request: &'static str,
        /// The timeout.
        waited: Duration,
        /// The expected reply.
        expected: String,
        /// The last output of the node.
        speech: Box<LastOutput>,
    },
    /// A node closed its standard output, and continued to run.
    Closed {
        /// The node.
        node: String,
        /// The last lines of the node's standard error.
        stderr: String,
    },
    /// A node exited, but the test runner had not stopped it.
    Exited {
        /// The node.
        node: String,
        /// The exit status.
        status: ExitStatus,
        /// `true` if the node may have rejected its arguments: it exited before its first line.
        may_reject_args: bool,
        /// `true` if a shell ran the program, because the program names no interpreter.
        by_shell: bool,
        /// The last lines of the node's standard error.
        stderr: String,
    },
    /// A node wrote a line longer than the limit.
    Endless {
        /// The node.
        node: String,
        /// The maximum length of a line, in bytes.
        limit: usize,
    },
    /// A node could not be started.
    CannotStart {
        /// The program.
        program: String,
        /// The cause.
        reason: String,
    },
    /// The settings of the test do not fit together.
    Settings(
        /// The problem, with the flag of the command line.
        String,
    ),
    /// Simulated time does not advance.
    Stuck {
        /// The node whose deadline does not advance, or `None` if no deadline exists.
        node: Option<String>,
    },
    /// The results could not be stored.
    Store {
        /// The file or directory.
        path: String,
        /// The cause.
        reason: String,
    },
    /// The user pressed Ctrl-C.
    Interrupted,
}

/// The last output of a node that did not reply.
#[derive(Clone, Debug, Default)]
pub struct LastOutput {
    /// The first line that answers no request, with its number.
    pub stray: Option<(u64, Malformed)>,
    /// The beginning of the text on standard output after the last newline.
    pub unfinished_line: String,
    /// The last lines of the node's standard error.
    pub stderr: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Malformed { node, line_number, line, malformed } => write!(
                f,
                "node {node} wrote a line that {}\n  line {line_number} of its standard output: \
                 {}\n  expected: {}\n  likely: {}",
                malformed.problem,
                excerpt(line),
                malformed.expected,
                malformed.hint,
            ),
            Failure::NotReady { node, request, waited, expected, speech } => {
                let LastOutput { stray, unfinished_line, stderr } = &**speech;
                let limit = waited.as_secs();
                write!(f, "node {node} did not answer {request:?} within {limit} s")?;
                if !unfinished_line.trim().is_empty() {
                    return write!(
                        f,
                        "\n  unfinished line of its standard output: {}\n  expected: {expected}, \
                         and a newline\n  likely: it does not write a newline after each \
                         message{}",
                        excerpt(unfinished_line),
                        StderrLines(stderr)
                    );
                }
                if let Some((line, stray)) = stray {
                    return write!(
                        f,
                        "\n  it wrote a line that {} (line {line} of its standard output)\n  \
                         expected: {}\n  likely: {}{}",
                        stray.problem,
                        stray.expected,
                        stray.hint,
                        StderrLines(stderr)
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
                    StderrLines(stderr)
                )
            }
            Failure::Closed { node, stderr } => write!(
                f,
                "node {node} closed its standard output and ran on\n  expected: an open standard \
                 output until it is killed\n  likely: it redirected its output, or its writing \
                 thread has ended{}",
                StderrLines(stderr)
            ),
            Failure::Exited { node, status, may_reject_args, by_shell, stderr } => {
                let shell = if *by_shell {
                    "/bin/sh ran it, because it has no #! line: if it is not a shell script, begin \
                     it with a line like #!/usr/bin/env python3; otherwise "
                } else {
                    ""
                };
                write!(
                    f,
                    "node {node} exited by itself ({status})\n  expected: a process that runs \
                     until it is killed\n  likely: {shell}{}{}",
                    why_exited(status.code(), *may_reject_args, stderr),
                    StderrLines(stderr)
                )
            }
            Failure::Endless { node, limit } => write!(
                f,
                "node {node} wrote more than {limit} bytes without a newline\n  expected: one \
                 message per line\n  likely: it does not write a newline after each message"
            ),
            Failure::CannotStart { program, reason } => {
                write!(f, "cannot start {program}: {reason}")
            }
            Failure::Settings(problem) => f.write_str(problem),
            Failure::Stuck { node: Some(node) } => write!(
                f,
                "node {node} does not advance its deadline past the current time\n  expected: \
                 handle_deadline leaves a later deadline, or none"
            ),
            Failure::Stuck { node: None } => f.write_str(
                "the simulation is stuck: it has no event \
                                                          and no deadline",
            ),
            Failure::Store { path, reason } => write!(f, "cannot write {path}: {reason}"),
            Failure::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Failure {}

/// Returns the usual meaning of an exit status.
///
/// The meanings are conventions of shells and argument parsers. The node's own message is more
/// reliable than this guess.
fn why_exited(code: Option<i32>, may_reject_args: bool, stderr: &str) -> &'static str {
    match code {
        Some(127) => {
            "a command was not found: the interpreter in its first line, or a command that it runs"
        }
        _ if !stderr.trim().is_empty() => "see its standard error",
        Some(0) => "it exits after one request",
        Some(2) if may_reject_args => "it rejects its arguments (those after --), or it crashed",
        _ => "it crashed",
    }
}

/// The maximum length of a displayed line of standard error, in characters.
///
/// The limit is higher than for other lines, because these lines explain the failure. The log is
/// complete.
const MAX_STDERR_LINE: usize = 1000;

/// The last lines of a node's standard error, if any.
struct StderrLines<'a>(&'a str);

impl fmt::Display for StderrLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.lines().enumerate() {
            f.write_str(if index == 0 { "\n  its standard error: " } else { "\n    " })?;
            f.write_str(&beginning(&line.replace('\t', "    "), MAX_STDERR_LINE))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The input contains colors and a line of almost 64 KiB, the limit for lines of standard
    /// error.
    #[test]
    fn a_nodes_standard_error_is_clipped_and_escaped() {
        let long = "x".repeat(60_000);
        let text = StderrLines(&format!("\u{1b}[31mpanic:\u{1b}[0m\n\tat main.go:7\n{long}\n"))
            .to_string();
        let mut lines = text.lines().skip(1);
        assert_eq!(lines.next(), Some("  its standard error: \\u{1b}[31mpanic:\\u{1b}[0m"));
        assert_eq!(lines.next(), Some("        at main.go:7"));
        let clipped = lines.next().unwrap_or_default();
        assert!(clipped.ends_with("x… (60000 bytes in all)"), "{clipped:.100}");
        assert!(clipped.len() < 1100, "{}", clipped.len());
    }
}
