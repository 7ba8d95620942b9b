//! Runs code in a forked child.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;

/// Runs `child` in a forked process, and returns the numbers that it reports.
///
/// The child has only the thread that forked, so a lock that another thread held stays locked.
/// So `child` must not take a lock that other threads use. Its reports go through a pipe.
pub(crate) fn in_child(child: impl FnOnce(&mut dyn FnMut(u64))) -> Vec<u64> {
    let mut ends = [0; 2];
    // SAFETY: `pipe` writes two descriptors into an array of two, and each `File` is the only owner
    // of one. After `fork` the child takes no such lock, and ends by `_exit`, which
    // runs no other code of the process.
    let (mut reader, pid) = unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
        let (reader, mut writer) = (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]));
        let pid = libc::fork();
        assert!(pid >= 0, "fork failed");
        if pid == 0 {
            child(&mut |word| {
                if writer.write_all(&word.to_ne_bytes()).is_err() {
                    libc::_exit(1);
                }
            });
            libc::_exit(0);
        }
        (reader, pid)
    };
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    let mut status = 0;
    // SAFETY: `pid` is a child of this process, and no other thread waits for it.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert_eq!(status, 0, "the child failed");
    bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect()
}
