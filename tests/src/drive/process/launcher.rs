//! The launcher: the process that becomes a node.
//!
//! The bench starts each node through its own binary. That process registers with the kernel to be
//! killed when the bench dies for any reason, and then becomes the node. Otherwise a node that
//! ignores the end of its input would outlive a killed bench.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Access, access};
use rustix::process::{Pid, getppid};

use super::executable::why_not_started;
use crate::drive::own_node;
use crate::output::console;

/// The first argument that makes the bench's binary a launcher.
pub const LAUNCH: &str = "__launch-node";

/// The shell that runs a file without an interpreter line.
const SHELL: &str = "/bin/sh";

/// The exit code of a launcher that cannot become the node. Its last line begins with `LAST_WORDS`.
const NOT_STARTED: i32 = 126;
const LAST_WORDS: &str = "workbench: not started: ";

/// The program that a node runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// This project's node, inside the bench's own binary.
    Own,
    /// Any other program that the system can start.
    Binary(PathBuf),
    /// A file without an interpreter line, which `/bin/sh` runs.
    ShellScript(PathBuf),
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Program::Own => f.write_str("the bench's own node"),
            Program::Binary(path) | Program::ShellScript(path) => {
                write!(f, "{}", path.display())
            }
        }
    }
}

/// `true` if this process is the bench's own binary.
static IS_BENCH: AtomicBool = AtomicBool::new(false);

/// Declares this process to be the bench's own binary, which handles [`LAUNCH`].
///
/// A test of another crate does not call it: its binary does not handle that argument.
pub fn declare_bench() {
    // RELAXED: the value protects no other data, and is set before any thread starts.
    IS_BENCH.store(true, Ordering::Relaxed);
}

/// Returns the command that starts a node.
///
/// The node runs in the system's directory for temporary files, as under Maelstrom.
///
/// # Errors
///
/// Returns an error if the bench cannot find its own binary, or if no node can run in that
/// directory. Outside the bench, returns an error for [`Program::Own`].
pub fn command(program: &Program, args: &[OsString]) -> Result<Command, String> {
    let directory = working_directory()?;
    // RELAXED: see above.
    let mut command = match IS_BENCH.load(Ordering::Relaxed) {
        true => through_bench(program)?,
        // Such a node may outlive a killed test until it reads the end of its input.
        false => match program {
            Program::Own => return Err("only the workbench binary contains it".to_owned()),
            Program::Binary(path) => Command::new(path),
            Program::ShellScript(path) => {
                let mut shell = Command::new(SHELL);
                shell.arg(path);
                shell
            }
        },
    };
    command.args(args).current_dir(directory);
    Ok(command)
}

/// Returns the directory in which nodes run.
///
/// The system's error would name the program that it could not start there, not the directory.
fn working_directory() -> Result<PathBuf, String> {
    let directory = std::env::temp_dir();
    let unusable = |reason: &dyn fmt::Display| {
        format!(
            "its working directory {} is not usable: {reason}; set TMPDIR to a directory that \
             exists and is writable",
            directory.display()
        )
    };
    let metadata = directory.metadata().map_err(|error| unusable(&error))?;
    if !metadata.is_dir() {
        return Err(unusable(&"it is not a directory"));
    }
    access(&directory, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| unusable(&error))?;
    Ok(directory)
}

fn through_bench(program: &Program) -> Result<Command, String> {
    let own =
        std::env::current_exe().map_err(|e| format!("cannot find the workbench binary: {e}"))?;
    let mut command = Command::new(own);
    command.arg(LAUNCH).arg(std::process::id().to_string());
    match program {
        Program::Own => command.arg(""),
        Program::Binary(path) => command.arg(path),
        Program::ShellScript(path) => command.arg(SHELL).arg(path),
    };
    Ok(command)
}

/// Becomes a node. The arguments are those that [`command`] wrote after [`LAUNCH`].
#[must_use]
pub fn become_node(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let bench = args.next().and_then(|id| id.to_str()?.parse().ok()).and_then(Pid::from_raw);
    let program = args.next().unwrap_or_default();
    if let Err(error) = die_with_parent() {
        return not_started(&error);
    }
    // The kernel does not signal the death of a bench that died before the request above.
    if getppid() != bench {
        return not_started(&"the bench has exited");
    }
    if program.is_empty() {
        return own_node::run(args);
    }
    let error = Command::new(&program).args(args).exec();
    not_started(&why_not_started(Path::new(&program), &error))
}

/// Registers the process to be killed when the bench dies. Only Linux guarantees that.
#[cfg(target_os = "linux")]
fn die_with_parent() -> rustix::io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() -> rustix::io::Result<()> {
    Ok(())
}

fn not_started(reason: &dyn fmt::Display) -> ExitCode {
    console::eprintln(format_args!("{LAST_WORDS}{reason}"));
    ExitCode::from(NOT_STARTED as u8)
}

/// Returns the reason why a process that has exited never became a node, if it did not.
#[must_use]
pub fn reason_not_started(status: Option<ExitStatus>, stderr: &str) -> Option<String> {
    let reason = stderr.lines().last()?.strip_prefix(LAST_WORDS)?;
    (status?.code() == Some(NOT_STARTED)).then(|| reason.to_owned())
}
