//! The tables of one machine.

use std::fmt::Write as _;
use std::time::Duration;

use benches::latency::{Latency, QUANTILES};
use benches::rounds::{BURST_IDS, FRESH_IDS};
use benches::subject::Role;

use crate::report::{Cost, Report};

const NONE: &str = "–";

/// Writes a table.
pub(super) fn table(text: &mut String, columns: &[String], rows: &[Vec<String>]) {
    let _ = writeln!(text, "| {} |", columns.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(columns.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text.push('\n');
}

fn section(text: &mut String, heading: &str, note: &str) {
    let _ = writeln!(text, "### {heading}\n\n{note}\n");
}

fn columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn quantile_names() -> impl Iterator<Item = String> {
    QUANTILES.iter().map(|(name, _)| (*name).to_owned())
}

fn quantiles(latency: &Latency) -> impl Iterator<Item = String> {
    latency.0.map(|ns| ns.map_or_else(|| NONE.to_owned(), time)).into_iter()
}

fn time(ns: u64) -> String {
    let digits = if ns < 1000 { 0 } else { 1 };
    format!("{:.digits$?}", Duration::from_nanos(ns))
}

fn or_none<T>(figure: Option<T>, show: impl FnOnce(T) -> String) -> String {
    figure.map_or_else(|| NONE.to_owned(), show)
}

/// Writes the cost of an ID below the cap, and the duration of a burst.
pub(super) fn below_the_cap(text: &mut String, report: &Report) {
    section(
        text,
        "Below the cap",
        &format!(
            "ns per ID: each thread issues {FRESH_IDS} IDs in a fresh millisecond. Two threads share one generator. Their \
             time begins with the first call of either thread and ends with the last. It is divided by the IDs of both. \
             Subjects take turns, and the figures are medians. Burst: one thread issues {BURST_IDS} IDs after a pause of \
             5 ms."
        ),
    );
    let floors = [&report.one_thread, &report.two_threads]
        .map(|costs| costs.iter().find(|cost| cost.role == Role::Floor).map(|cost| cost.ns));
    let mut names: Vec<&str> = Vec::new();
    let costs = report.one_thread.iter().chain(&report.two_threads).map(|cost| &cost.subject);
    let bursts = report.loads.iter().filter(|loads| loads.burst_us.is_some());
    for name in costs.chain(bursts.map(|loads| &loads.subject)) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let rows: Vec<_> = names
        .iter()
        .map(|name| {
            let ns = |costs: &[Cost]| {
                costs.iter().find(|cost| cost.subject == *name).map(|cost| cost.ns)
            };
            let mut row = vec![(*name).to_owned()];
            for (costs, floor) in [&report.one_thread, &report.two_threads].into_iter().zip(floors)
            {
                row.push(or_none(ns(costs), |ns| format!("{ns:.2}")));
                let of_floor = ns(costs).zip(floor).map(|(ns, floor)| ns / floor);
                row.push(or_none(of_floor, |ratio| format!("{ratio:.2}")));
            }
            let loads = report.loads.iter().find(|loads| loads.subject == *name);
            let burst = loads.and_then(|loads| loads.burst_us);
            row.push(or_none(burst, |us| format!("{us:.0}")));
            row
        })
        .collect();
    let columns =
        columns(&["subject", "1 thread, ns", "× floor", "2 threads, ns", "× floor", "burst, µs"]);
    table(text, &columns, &rows);
}

/// Writes the latencies at paced loads.
pub(super) fn paced(text: &mut String, report: &Report) {
    section(
        text,
        "Paced",
        "One thread calls at a constant rate. The time of a call begins at the moment at which it was due. The row of \
         the floor shows the latency of the machine itself.",
    );
    let mut rows = Vec::new();
    let rates = report.loads.iter().flat_map(|loads| &loads.paced).map(|paced| paced.ids_per_s);
    let mut rates: Vec<u64> = rates.collect();
    rates.sort_unstable();
    rates.dedup();
    for rate in rates {
        for loads in &report.loads {
            for paced in loads.paced.iter().filter(|paced| paced.ids_per_s == rate) {
                let mut row = vec![grouped(rate), loads.subject.clone()];
                row.extend(quantiles(&paced.latency_ns));
                rows.push(row);
            }
        }
    }
    let mut columns = columns(&["IDs/s", "subject"]);
    columns.extend(quantile_names());
    table_or_gap(text, &columns, &rows);
}

/// Writes share, CPU time and latencies at the cap.
pub(super) fn saturated(text: &mut String, report: &Report) {
    section(
        text,
        "Saturated",
        "Threads share one generator, and each calls again as soon as it has an ID. The layout's cap is 4,096,000 \
         IDs/s. A share above 1 means that IDs are ahead of the clock. CPU time is that of the whole process. \
         Latencies are from separate runs, and include one reading of the cycle counter.",
    );
    let mut rows = Vec::new();
    let threads = report.loads.iter().flat_map(|loads| &loads.saturated).map(|run| run.threads);
    let mut threads: Vec<u64> = threads.collect();
    threads.sort_unstable();
    threads.dedup();
    for threads in threads {
        for loads in &report.loads {
            if let Some(saturated) = loads.saturated_by(threads) {
                let mut row = vec![
                    threads.to_string(),
                    loads.subject.clone(),
                    format!("{:.3}", saturated.share),
                    format!("{:.4}", saturated.cpu_s_per_million),
                ];
                row.extend(quantiles(&saturated.latency_ns));
                rows.push(row);
            }
        }
    }
    let mut columns = columns(&["threads", "subject", "share of the cap", "CPU s per million"]);
    columns.extend(quantile_names());
    table(text, &columns, &rows);
}

/// Writes the throughput of tasks on tokio.
pub(super) fn tasks(text: &mut String, report: &Report) {
    section(
        text,
        "Tasks on tokio",
        "Tasks on two workers share one generator, and each task awaits one ID after another. tokio's timer counts \
         whole milliseconds, so a subject that sleeps with it \
         cannot reach the cap, unless its IDs may be ahead of the clock.",
    );
    let mut rows = Vec::new();
    for loads in &report.loads {
        for run in &loads.tasks {
            rows.push(vec![
                run.tasks.to_string(),
                loads.subject.clone(),
                format!("{:.3}", run.share),
                format!("{:.4}", run.cpu_s_per_million),
            ]);
        }
    }
    rows.sort_by_key(|row| row[0].parse::<u64>().unwrap_or_default());
    table(text, &columns(&["tasks", "subject", "share of the cap", "CPU s per million"]), &rows);
}

/// Writes criterion's figures.
pub(super) fn calls(text: &mut String, report: &Report) {
    section(
        text,
        "Calls",
        "criterion's medians with their 95 % confidence intervals, for one thread. The clock does not limit the calls, \
         because IDs of this crate may be an hour ahead of it.",
    );
    let row = |call: &crate::report::Call| {
        let each = |ns: f64| format!("{:.2}", ns / call.elements as f64);
        let interval = format!("{} to {}", each(call.low_ns), each(call.high_ns));
        vec![call.group.clone(), call.name.clone(), each(call.ns), interval]
    };
    let rows: Vec<_> = report.calls.iter().map(row).collect();
    table_or_gap(text, &columns(&["group", "call", "ns per ID", "interval"]), &rows);
}

fn table_or_gap(text: &mut String, columns: &[String], rows: &[Vec<String>]) {
    if rows.is_empty() {
        text.push_str("Not measured at this commit.\n\n");
    } else {
        table(text, columns, rows);
    }
}

/// Groups digits by threes.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
