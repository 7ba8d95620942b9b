//! Passes arbitrary lines to a node. The node never panics, and sends only valid messages.
//!
//! A line of `@` and a number advances the time by this number of milliseconds. Every other line
//! is input for the node. `just fuzz` runs this target.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use checked_node::CheckedNode;

#[path = "../../tests/integration/checked_node.rs"]
mod checked_node;

fuzz_target!(|input: &[u8]| {
    let mut node = CheckedNode::new(Duration::from_millis(u64::from(input.len() as u16)));
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
