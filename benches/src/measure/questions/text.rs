//! What an ID costs as text.

use std::hint::black_box;
use std::time::Instant;

use snowflake::{DecimalBuffer, Id};

use crate::table;

const ROUNDS: usize = 400;

/// IDs of nineteen digits, so far apart that no digit is the same for all.
fn ids() -> Vec<Id> {
    let raw = |n: u64| 1_541_815_603_606_036_480 + n * 7_919_000_000_000_001;
    (0..512).map(|n| Id::from_raw(raw(n)).expect("below 2^63")).collect()
}

/// Nanoseconds per item of the two, in turns.
fn compare<T>(items: &[T], mut ours: impl FnMut(&T), mut theirs: impl FnMut(&T)) -> (f64, f64) {
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.0.push(round(items, &mut ours));
        times.1.push(round(items, &mut theirs));
    }
    (table::median(times.0), table::median(times.1))
}

fn round<T>(items: &[T], work: &mut impl FnMut(&T)) -> f64 {
    let begun = Instant::now();
    for item in items {
        work(black_box(item));
    }
    table::ns_each(begun.elapsed(), items.len() as u64)
}

pub(crate) fn ask() {
    let ids = ids();
    let spelled: Vec<String> = ids.iter().map(Id::to_string).collect();
    let mut line = Vec::with_capacity(64);
    let mut other = Vec::with_capacity(64);

    let decimal = compare(
        &ids,
        |id| {
            black_box(id.encode_decimal(&mut DecimalBuffer::new()));
        },
        |id| {
            black_box(itoa::Buffer::new().format(id.get()));
        },
    );
    let parse = compare(
        &spelled,
        |text| {
            let _ = black_box(text.parse::<Id>());
        },
        |text| {
            let _ = black_box(text.parse::<u64>());
        },
    );
    let json = compare(
        &ids,
        |id| {
            line.clear();
            id.push_json(&mut line);
            black_box(&line);
        },
        |id| {
            other.clear();
            let _ = serde_json::to_writer(&mut other, id);
            black_box(&other);
        },
    );
    let rows: Vec<_> = [
        ("decimal", "itoa", decimal),
        ("strict parse", "`u64::from_str`", parse),
        ("with quotes, into a JSON buffer", "serde_json", json),
    ]
    .map(|(what, whose, (ours, theirs))| {
        let figures = [format!("{ours:.2}"), whose.into(), format!("{theirs:.2}")];
        [vec![what.to_owned()], figures.to_vec(), vec![table::ratio(ours, theirs)]].concat()
    })
    .into();
    table::print(
        "Text",
        &format!("IDs of 19 digits. Medians of {ROUNDS} interleaved rounds."),
        &["", "this crate, ns", "compared with", "ns", "ratio"],
        &rows,
    );
}
