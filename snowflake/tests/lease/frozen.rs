//! A process that is frozen for longer than its grant.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use snowflake::lease::{GrantLimits, Keeper, MemoryStore};
use snowflake::{Epoch, SystemClock};

const CHILD: &str = "SNOWFLAKE_FROZEN_CHILD";
const THREADS: usize = 4;
const CALLS: usize = 250;

/// The child of the next test. Without that test it does nothing.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let store = MemoryStore::new(Epoch::Y2024, GrantLimits::default());
    let keeper = Keeper::builder(store).grant_ms(3000).start(SystemClock).unwrap();
    let generator = keeper.generator();
    generator.next_id().unwrap();
    println!("\nready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    match generator.next_id() {
                        Ok(_) => println!("\nissued"),
                        Err(error) => println!("\nfailed: {error}"),
                    }
                }
            });
        }
    });
}

#[test]
fn calls_after_a_freeze_of_two_grants_wait_for_the_renewal() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["frozen::child", "--exact", "--nocapture"]).env(CHILD, "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line == "ready").expect("the child never started");

    let id = Pid::from_child(&child);
    kill_process(id, Signal::STOP).unwrap();
    let (_, status) = waitpid(Some(id), WaitOptions::UNTRACED).unwrap().unwrap();
    assert!(status.stopped(), "{status:?}");
    thread::sleep(Duration::from_secs(6));
    // The calls begin as soon as the process continues.
    input.write_all(b"\n").unwrap();
    kill_process(id, Signal::CONT).unwrap();

    // All output is read, because the child fails if it cannot write.
    let lines: Vec<_> = lines.collect();
    let failed: Vec<_> = lines.iter().filter(|line| line.starts_with("failed")).collect();
    assert!(failed.is_empty(), "{} calls failed: {}", failed.len(), failed[0]);
    let issued = lines.iter().filter(|line| *line == "issued").count();
    assert_eq!(issued, THREADS * CALLS);
    assert!(child.wait().unwrap().success());
}
