//! A program that issues IDs without std and without an allocator.
//!
//! It would not link if the core needed either. It exits with 0 if the IDs are right.
#![no_std]
#![no_main]

use snowflake::{Clock, Epoch, Generator, NodeId, UnixMillis};

/// A clock for a device without an operating system.
struct Timer;

impl Clock for Timer {
    fn now(&self) -> UnixMillis {
        UnixMillis(Epoch::Y2024.start().0 + 5)
    }
}

static IDS: Generator<Timer> = Generator::builder(NodeId::MAX, Epoch::Y2024).build_static(Timer);

// The C runtime calls `main`, and ends the process with the code that it returns.
#[link(name = "c")]
unsafe extern "C" {}

// SAFETY: the C runtime calls `main` with this signature, and nothing else here defines it.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8) -> i32 {
    let (Ok(first), Ok(batch)) = (IDS.try_next_id(), IDS.try_reserve(16)) else { return 1 };
    let parts = first.parts();
    let right = (parts.timestamp_ms, parts.node, parts.sequence) == (5, 1023, 0);
    let text = "25161728".parse() == Ok(first);
    if right && text && batch.last() > Some(first) { 0 } else { 2 }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
