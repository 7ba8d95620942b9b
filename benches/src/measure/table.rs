//! Markdown tables, and the figures in them.

use std::time::Duration;

/// Prints a table under a heading.
pub(crate) fn print(heading: &str, note: &str, columns: &[&str], rows: &[Vec<String>]) {
    println!("\n## {heading}\n");
    println!("{note}\n");
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

/// The middle of some measurements.
pub(crate) fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("a measurement is a number"));
    values[values.len() / 2]
}

/// Nanoseconds for each of `count`.
pub(crate) fn ns_each(time: Duration, count: u64) -> f64 {
    time.as_nanos() as f64 / count as f64
}

/// `value` as a multiple of `of`.
pub(crate) fn ratio(value: f64, of: f64) -> String {
    format!("{:.2}", value / of)
}
