//! Lines and passing time, in any order: the node never panics and never says anything
//! that it should not.
//!
//! A line that is `@` and a number lets so many milliseconds pass; every other line goes
//! to the node. `just fuzz` runs this.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use watched::Watched;

#[path = "../../tests/watched/mod.rs"]
mod watched;

fuzz_target!(|input: &[u8]| {
    let mut node = Watched::new(Duration::from_millis(u64::from(input.len() as u16)));
    for line in input.split(|byte| *byte == b'\n') {
        match passing_ms(line) {
            Some(ms) => drop(node.pass(Duration::from_millis(ms.into()))),
            None => drop(node.line(line)),
        }
    }
    node.pass(Duration::from_secs(60));
});

fn passing_ms(line: &[u8]) -> Option<u16> {
    std::str::from_utf8(line.strip_prefix(b"@")?).ok()?.parse().ok()
}
