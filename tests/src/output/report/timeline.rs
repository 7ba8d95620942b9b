//! `timeline.html`: the operations of each client as boxes in a column.
//!
//! The file has Jepsen's name. The page needs no script; `report.html` shows the same operations
//! with zoom.

use std::io::{self, Write};

use super::data::{Operation, ReportData};
use crate::format::markup::Escaped;

/// The maximum number of operations in the page, which is Jepsen's limit.
const MAX_OPERATIONS: usize = 10_000;

const COLUMN: u64 = 110;
const ROW: u64 = 18;
/// The maximum number of rows that an operation covers.
const MAX_ROWS: u64 = 40;

const STYLE: &str = "\
body { font: 14px/1.3 system-ui, sans-serif; margin: 1rem; background: var(--paper); color: var(--ink); }
a { color: var(--link); }
.ops { position: relative; }
.ops a, .ops b { position: absolute; width: 104px; overflow: hidden; white-space: nowrap; font-size: 12px; padding: 0 3px; box-sizing: border-box; border-radius: 3px; text-decoration: none; }
.ops a { color: var(--ink); background: var(--panel); border: 1px solid var(--rule); border-left: 4px solid var(--open); }
.ops .ok { border-left-color: var(--ok); } .ops .fail { border-left-color: var(--fail); } .ops .info { border-left-color: var(--info); }
";

/// Writes the page.
///
/// # Errors
///
/// Returns an error if `out` cannot be written to.
pub fn write(data: &ReportData, out: &mut impl Write) -> io::Result<()> {
    let shown = &data.operations[..data.operations.len().min(MAX_OPERATIONS)];
    let title = format!("{} timeline", data.workload);
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{}{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n\
         <p>{} of {} operations, each client in a column; a box leads to \
         <a href=\"report.html\">the report</a>.</p>",
        Escaped(&title),
        include_str!("assets/plot.css"),
        shown.len(),
        data.operations.len(),
    )?;
    // Each start has a row, so that later operations are further down.
    let starts: Vec<u64> = shown.iter().map(|op| op.start_us).collect();
    let row = |at_us: u64| starts.partition_point(|start| *start < at_us) as u64;
    let height = (shown.len() as u64 + MAX_ROWS) * ROW + 40;
    writeln!(out, "<div class=\"ops\" style=\"height:{height}px\">")?;
    for (client, name) in data.clients.iter().enumerate() {
        let left = client as u64 * COLUMN;
        writeln!(out, "<b style=\"left:{left}px;top:0\">{}</b>", Escaped(name))?;
    }
    for (place, op) in shown.iter().enumerate() {
        let rows = row(op.start_us + op.took_us).saturating_sub(place as u64).clamp(1, MAX_ROWS);
        write_operation(data, op, place as u64, rows, out)?;
    }
    writeln!(out, "</div>\n</body>\n</html>")
}

fn write_operation(
    data: &ReportData,
    op: &Operation,
    place: u64,
    rows: u64,
    out: &mut impl Write,
) -> io::Result<()> {
    let f = data.functions.get(op.f as usize).map_or("?", String::as_str);
    let outcome = op.outcome.name();
    let (left, top) = (u64::from(op.client) * COLUMN, (place + 2) * ROW);
    let hover = format!(
        "{f} {outcome}, process {}, index {}\nat {:.6} s for {:.3} ms\n{}",
        op.process,
        op.index,
        data.seconds(op.start_us),
        op.took_us as f64 / 1000.0,
        op.text
    );
    writeln!(
        out,
        "<a class=\"{outcome}\" href=\"report.html#op-{}\" title=\"{}\" \
         style=\"left:{left}px;top:{top}px;height:{}px\">{} {}</a>",
        op.index,
        Escaped(&hover),
        rows * ROW - 2,
        Escaped(f),
        Escaped(&op.text),
    )
}
