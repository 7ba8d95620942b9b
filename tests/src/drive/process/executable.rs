//! A check that a file can run as a node.
//!
//! The system reports little about a file that it cannot run. A shell that reads such a file as a
//! script reports a misleading error. So the bench checks the file before a test begins.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::Errno;

use super::Program;
use super::node::kill;

/// The number of bytes that the check reads: as many as Linux reads of a first line.
const HEAD: u64 = 256;

/// Returns the program in a file, with a path free of symbolic links.
///
/// # Errors
///
/// Returns the reason why the file cannot run, and what to do.
pub fn executable(path: &Path) -> Result<Program, String> {
    use std::os::unix::fs::PermissionsExt;
    let system = |error: io::Error| error.to_string();
    let canonical = path.canonicalize().map_err(|error| {
        // The path is a whole command line, or a name to look up in PATH.
        let is_name = !path.is_absolute() && path.components().count() == 1;
        let hint = if is_name || path.to_string_lossy().contains(char::is_whitespace) {
            "; --bin takes the path of one file, like ./node.py; put its arguments after --"
        } else {
            ""
        };
        format!("{error}{hint}")
    })?;
    let metadata = canonical.metadata().map_err(system)?;
    if !metadata.is_file() {
        return Err("is not a file".to_owned());
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return Err("is not executable; try chmod +x".to_owned());
    }
    let mut head = Vec::new();
    // The user may have permission to execute the program, but not to read it.
    if File::open(&canonical).and_then(|file| file.take(HEAD).read_to_end(&mut head)).is_ok() {
        check(&canonical, &head)?;
        // Java runs such a file with a shell, and so does Maelstrom.
        if !head.starts_with(b"#!") && !head.contains(&0) {
            return Ok(Program::ShellScript(canonical));
        }
    }
    Ok(Program::Binary(canonical))
}

fn check(path: &Path, head: &[u8]) -> Result<(), String> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
        return check_interpreter(&String::from_utf8_lossy(line));
    }
    if head.strip_prefix(BYTE_ORDER_MARK).is_some_and(|rest| rest.starts_with(b"#!")) {
        return Err("begins with a byte order mark, which hides its #! line; save it as UTF-8 \
                    without a byte order mark"
            .to_owned());
    }
    if head.is_empty() {
        return Err("is empty".to_owned());
    }
    if !head.contains(&0) || is_like_own(head) {
        return Ok(());
    }
    // The system may support formats other than the bench's own.
    reason_not_startable(path).map_or(Ok(()), |reason| Err(format!("cannot be run: {reason}")))
}

/// Returns the reason why the system cannot start a program, or `None` if it can.
///
/// Only a direct start shows it: the `execvp` of a launcher passes such a file to a shell.
pub(super) fn reason_not_startable(path: &Path) -> Option<String> {
    let mut start = Command::new(path);
    start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    match start.spawn() {
        Ok(mut child) => {
            kill(&child);
            let _ = child.wait();
            None
        }
        Err(error) => Some(why_not_started(path, &error)),
    }
}

/// Returns the reason why the system did not start a program, and what to do.
pub(super) fn why_not_started(path: &Path, error: &io::Error) -> String {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOEXEC) => format!(
            "{error}: it is not a program, or is damaged, or is for another kind of machine; build \
             it for this machine"
        ),
        Some(Errno::NOENT) if path.exists() => format!(
            "{error}: the file exists, but its loader or interpreter does not (`readelf -l` shows \
             the name); build it for this system, or statically linked"
        ),
        _ => error.to_string(),
    }
}

/// Returns `true` if a program is for the same kind of machine as the bench.
fn is_like_own(head: &[u8]) -> bool {
    let mut own = Vec::new();
    let read = std::env::current_exe().and_then(File::open);
    let _ = read.and_then(|file| file.take(HEAD).read_to_end(&mut own));
    // The fields of ELF: the magic number, the word size, the byte order, and the machine.
    [0..6, 18..20].into_iter().all(|part| {
        let own = own.get(part.clone());
        own.is_some() && own == head.get(part)
    })
}

/// Checks the interpreter line after `#!`.
fn check_interpreter(line: &str) -> Result<(), String> {
    if line.ends_with('\r') {
        return Err(format!(
            "ends its lines with CR LF, so that the system looks for the interpreter {:?}; save \
             it with LF alone, or try sed -i 's/\\r$//'",
            line.trim_start_matches([' ', '\t'])
        ));
    }
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let Some(interpreter) = words.next() else {
        return Err("has a #! line without an interpreter; try #!/usr/bin/env python3".to_owned());
    };
    let path = Path::new(interpreter);
    if path.is_relative() {
        // `env` looks up a bare name in PATH, and uses a path with a slash unchanged.
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let advice = match name.is_empty() {
            true => "name an interpreter by its absolute path".to_owned(),
            false => format!("try #!/usr/bin/env {name}, or the interpreter's absolute path"),
        };
        return Err(format!(
            "names the interpreter {interpreter:?}, which is not an absolute path; {advice}"
        ));
    }
    if !path.exists() {
        return Err(format!(
            "names the interpreter {interpreter:?}, which does not exist; correct its first line"
        ));
    }
    Ok(())
}
