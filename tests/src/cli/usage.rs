//! Command lines that start no test: wrong ones, and requests for help.

use std::ffi::{OsStr, OsString};

use clap::ValueEnum;
use clap::error::{ContextKind, ErrorKind};

use super::NODE_HELP;
use crate::base::excerpt::excerpt;
use crate::drive::own_node;
use crate::output::console;
use crate::output::exit::{EXIT_BAD_FLAGS, EXIT_FAILED};
use crate::workload::WorkloadName;

/// Prints the requested help, or the error in the flags. Returns the exit status.
#[must_use]
pub fn explain(usage: &clap::Error) -> u8 {
    if usage.use_stderr() {
        return usage_error(&one_line(usage));
    }
    match console::printed(usage.print()) {
        Ok(()) => 0,
        Err(failure) => {
            console::eprintln(format_args!("error: {failure}"));
            EXIT_FAILED
        }
    }
}

/// Prints an error in the flags, in one line. Returns the exit status.
#[must_use]
pub fn usage_error(problem: &str) -> u8 {
    console::eprintln(format_args!("error: {problem}"));
    EXIT_BAD_FLAGS
}

/// Describes an error in the flags, in one line.
///
/// The problem precedes the first blank line of the message. From the rest, only the suggested name
/// is useful: the other tips fit command lines in general, but not this one.
fn one_line(usage: &clap::Error) -> String {
    let text = usage.to_string();
    let problem = text.split("\n\n").next().unwrap_or_default();
    let problem = problem.strip_prefix("error: ").unwrap_or(problem);
    let problem = problem.split_whitespace().collect::<Vec<_>>().join(" ");
    let args = args_before_node();
    // Dashes are checked first: clap does not parse an argument with a dash as a flag, which causes
    // other errors.
    if let Some(explained) = args.iter().find_map(|arg| dash(arg)) {
        return explained;
    }
    let unknown = usage.get(ContextKind::InvalidArg).map(ToString::to_string);
    if let Some(arg) = unknown.filter(|_| usage.kind() == ErrorKind::UnknownArgument)
        && own_node::FLAGS.contains(&arg.as_str())
    {
        return format!(
            "{problem}; it is an argument of this project's node; put it after --, at the end of \
             the line, as in -- {arg} …; see {NODE_HELP}"
        );
    }
    let guesses =
        [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand];
    match guesses.into_iter().find_map(|kind| usage.get(kind)) {
        Some(guess) => format!("{problem}; did you mean {guess}? See --help"),
        None if usage.kind() == ErrorKind::UnknownArgument => {
            let begun = std::env::args_os().nth(1).is_some_and(|first| first == "test");
            let begin = if begun { "" } else { "begin with a subcommand, such as test; " };
            format!("{problem}; {begin}arguments for the node follow --; see --help")
        }
        None => format!("{problem}; see --help"),
    }
}

/// Explains a workload that is named without `-w`, if no flag names a workload.
#[must_use]
pub fn workload_without_flag(node_args: &[OsString]) -> Option<String> {
    let args = args_before_node();
    if args.iter().any(|arg| arg.starts_with("-w") || arg.starts_with("--workload")) {
        return None;
    }
    let is_for_node = |arg: &&String| node_args.iter().any(|given| given == OsStr::new(arg));
    let is_workload = |arg: &&String| WorkloadName::from_str(arg, false).is_ok();
    let arg = args.iter().filter(is_for_node).find(is_workload)?;
    Some(format!(
        "{arg:?} is a workload; select it with -w {arg}, and add -- {arg} if the node takes it as \
         an argument; see --help"
    ))
}

/// Returns the arguments of this process that precede `--`.
fn args_before_node() -> Vec<String> {
    let args = std::env::args_os().skip(1).take_while(|arg| arg != "--");
    args.map(|arg| arg.to_string_lossy().into_owned()).collect()
}

/// Explains the first argument that begins with a dash and precedes `--`.
#[must_use]
pub fn pasted_dash(node_args: &[OsString]) -> Option<String> {
    let is_for_node = |arg: &&String| node_args.iter().any(|given| given == OsStr::new(arg));
    args_before_node().iter().filter(is_for_node).find_map(|arg| dash(arg))
}

/// Explains an argument that begins with a dash instead of a hyphen.
///
/// Web pages and word processors replace two hyphens by one dash.
fn dash(arg: &str) -> Option<String> {
    let is_dash = |c: char| matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}');
    let name = arg.trim_start_matches(|c| c == '-' || is_dash(c));
    let begin = &arg[..arg.len() - name.len()];
    let dash = begin.chars().find(|c| is_dash(*c))?;
    let named = match dash {
        '\u{2013}' => "an en dash",
        '\u{2014}' => "an em dash",
        _ => "a dash",
    };
    let hyphens = if name.split('=').next().is_some_and(|name| name.chars().count() == 1) {
        "-"
    } else {
        "--"
    };
    let (arg, meant) = (excerpt(arg), excerpt(&format!("{hyphens}{name}")));
    Some(format!(
        "argument {arg:?} begins with {named} (U+{:04X}), as text copied from a web page may; \
         write {meant} with hyphens",
        u32::from(dash)
    ))
}
