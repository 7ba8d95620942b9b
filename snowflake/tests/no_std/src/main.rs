//! Makes IDs without std and without an allocator. Links only because nothing in the
//! core asks for either. Exits with 0 if the IDs are what they should be.
#![no_std]
#![no_main]

use snowflake::{Clock, Epoch, Generator, NodeId, UnixMillis};

/// What a device without an operating system would read from its timer.
struct Timer;

impl Clock for Timer {
    fn now(&self) -> UnixMillis {
        UnixMillis(Epoch::Y2024.start().0 + 5)
    }
}

static IDS: Generator<Timer> = Generator::builder(NodeId::MAX, Epoch::Y2024).build_static(Timer);

// What calls `main`, and ends the process with what it returns.
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
