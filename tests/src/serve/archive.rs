//! A run as a ZIP archive, written while the client reads it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// The maximum number of files in an archive. A run has tens, and one for each node.
const MAX_FILES: usize = 10_000;

/// The maximum depth of directories below a run.
const MAX_DEPTH: usize = 8;

/// Files of at least this size have 64-bit lengths in the archive.
const LARGE_FILE: u64 = 1 << 30;

/// An archive of one run.
#[derive(Debug)]
pub struct Archive {
    directory: PathBuf,
    name: String,
}

impl Archive {
    /// Creates an archive of a directory without links in its path.
    ///
    /// The archive has the name of the workload and of the run.
    #[must_use]
    pub fn new(directory: &Path) -> Archive {
        let parts = directory.iter().rev().take(2).map(|part| part.to_string_lossy());
        let parts: Vec<_> = parts.collect();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let name = parts.into_iter().rev().collect::<Vec<_>>().join("-");
        Archive { directory: directory.to_owned(), name: name.chars().map(plain).collect() }
    }

    /// Returns the name of the archive without its extension, in plain characters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes the archive.
    ///
    /// Links are left out, because they may lead out of the store. A file that cannot be opened is
    /// left out too.
    ///
    /// # Errors
    ///
    /// Returns an error if `out` cannot be written to, or if a file cannot be read to its end.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut zip = ZipWriter::new_stream(out);
        for path in files_below(&self.directory) {
            let Ok(name) = path.strip_prefix(&self.directory) else { continue };
            let Ok(file) = File::open(&path) else { continue };
            let length = file.metadata()?.len();
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .large_file(length >= LARGE_FILE);
            zip.start_file(format!("{}/{}", self.name, name.display()), options)?;
            // The run may still be active, and the file may grow while it is read.
            io::copy(&mut file.take(length), &mut zip)?;
        }
        zip.finish()?;
        Ok(())
    }
}

/// Returns the regular files below a directory, in the order of their paths.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            // This kind is the entry's own: it does not follow links.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && depth < MAX_DEPTH {
                directories.push((entry.path(), depth + 1));
            } else if kind.is_file() && files.len() < MAX_FILES {
                files.push(entry.path());
            }
        }
    }
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_archive_has_the_files_of_the_run_and_follows_no_link() {
        let directory = tempfile::tempdir().unwrap();
        let run = directory.path().join("echo/1 \"\r\n");
        fs::create_dir_all(run.join("node-logs")).unwrap();
        let text = "{:valid? true}".repeat(1000);
        fs::write(run.join("results.edn"), &text).unwrap();
        fs::write(run.join("node-logs/n0.log"), "hello").unwrap();
        fs::write(directory.path().join("secret"), "the secret").unwrap();
        symlink("../../secret", run.join("link")).unwrap();
        symlink("../..", run.join("up")).unwrap();
        let archive = Archive::new(&run);
        assert_eq!(archive.name(), "echo-1____");
        let mut bytes = Vec::new();
        archive.write(&mut bytes).unwrap();
        assert!(bytes.len() < text.len(), "it is compressed");
        let mut zip = zip::ZipArchive::new(io::Cursor::new(bytes)).unwrap();
        let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, ["echo-1____/node-logs/n0.log", "echo-1____/results.edn"]);
        let mut read = String::new();
        zip.by_name("echo-1____/results.edn").unwrap().read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
    }

    #[test]
    fn a_run_without_files_is_an_empty_archive() {
        let directory = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        Archive::new(directory.path()).write(&mut bytes).unwrap();
        assert_eq!(zip::ZipArchive::new(io::Cursor::new(bytes)).unwrap().len(), 0);
    }
}
