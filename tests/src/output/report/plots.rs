//! The plots of a test. Plots that Maelstrom also has use its file names.

use std::collections::BTreeMap;

use super::chart::{Band, Chart, Marks, Scale, Series};
use super::data::{OpOutcome, Operation, ReportData};
use super::svg::Svg;
use crate::judge::quantile;

/// The maximum number of intervals in a plot over time.
const BINS: usize = 120;

/// The maximum number of message types with a separate line.
const MAX_KINDS: usize = 7;

/// A plot and its file.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The file's name.
    pub file: &'static str,
    /// The picture.
    pub svg: Svg,
}

/// Draws all plots for which the test has data.
#[must_use]
pub fn all(data: &ReportData) -> Vec<Plot> {
    let time = Timeline::new(data);
    let mut plots = vec![
        Plot { file: "rate.svg", svg: time.rate().draw() },
        Plot { file: "latency-raw.svg", svg: time.latency_raw().draw() },
        Plot { file: "latency-quantiles.svg", svg: time.latency_quantiles().draw() },
    ];
    if !data.messages.list.is_empty() {
        plots.push(Plot { file: "messages-per-op.svg", svg: time.messages_per_op().draw() });
    }
    if !data.stable_latencies_ms.is_empty() {
        plots.push(Plot { file: "stable-latency.svg", svg: stable_latency(data).draw() });
    }
    plots
}

/// The time axis that most plots share.
struct Timeline<'a> {
    data: &'a ReportData,
    /// The start and the end of the axis, in seconds since operations could start.
    range: (f64, f64),
    bin_s: f64,
}

impl<'a> Timeline<'a> {
    fn new(data: &'a ReportData) -> Timeline<'a> {
        let end = data.seconds(data.end_us).max(1e-3);
        let rough = end / BINS as f64;
        let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0];
        let bin_s = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        Timeline { data, range: (0.0, end), bin_s }
    }

    fn chart(&self, title: &str, y_label: &str, scale: Scale, series: Vec<Series>) -> Chart {
        let band = |fault: &super::data::FaultPeriod| Band {
            label: fault.kind.clone(),
            hover: format!(
                "{} from {:.3} s to {:.3} s {}",
                fault.kind,
                self.data.seconds(fault.start_us),
                self.data.seconds(fault.end_us),
                fault.detail
            ),
            from: self.data.seconds(fault.start_us),
            until: self.data.seconds(fault.end_us),
        };
        Chart {
            title: title.to_owned(),
            x_label: "seconds since the first operation could start".to_owned(),
            y_label: y_label.to_owned(),
            x_range: self.range,
            scale,
            series,
            bands: self.data.faults.iter().map(band).collect(),
        }
    }

    fn bin(&self, at_us: u64) -> Option<usize> {
        let seconds = self.data.seconds(at_us);
        (seconds >= 0.0).then(|| (seconds / self.bin_s) as usize)
    }

    /// Returns a point for each interval that has a value.
    ///
    /// A NaN point interrupts the line at intervals without a value.
    fn interrupted(&self, values: impl IntoIterator<Item = (usize, f64)>) -> Vec<(f64, f64)> {
        let mut points = Vec::new();
        let mut next = None;
        for (bin, value) in values {
            if next.is_some_and(|next| next != bin) {
                points.push((f64::NAN, f64::NAN));
            }
            points.push(((bin as f64 + 0.5) * self.bin_s, value));
            next = Some(bin + 1);
        }
        points
    }

    fn bin_count(&self) -> usize {
        (self.range.1 / self.bin_s).ceil() as usize
    }

    /// Returns the middle of each interval, with the interval's value.
    fn points(&self, values: &BTreeMap<usize, f64>) -> Vec<(f64, f64)> {
        let value = |bin: usize| values.get(&bin).copied().unwrap_or(0.0);
        (0..self.bin_count()).map(|bin| ((bin as f64 + 0.5) * self.bin_s, value(bin))).collect()
    }

    /// Draws the operations that ended in each interval, by kind and outcome.
    fn rate(&self) -> Chart {
        let mut rates: BTreeMap<(u32, OpOutcome), BTreeMap<usize, f64>> = BTreeMap::new();
        for op in &self.data.operations {
            let Some(bin) = self.bin(op.start_us + op.took_us) else { continue };
            let bins = rates.entry((op.f, op.outcome)).or_default();
            *bins.entry(bin).or_default() += 1.0 / self.bin_s;
        }
        let series = rates.iter().enumerate().map(|(index, ((f, outcome), bins))| Series {
            name: format!("{} {}", self.function(*f), outcome.name()),
            class: match outcome {
                OpOutcome::Ok => format!("s{}", index % 8),
                _ => format!("{} dashed", outcome.name()),
            },
            marks: Marks::Line,
            points: self.points(bins),
        });
        let title = "Operations per second";
        self.chart(
            title,
            "operations per second, by the time at which they ended",
            Scale::Linear,
            series.collect(),
        )
    }

    fn function(&self, f: u32) -> &str {
        self.data.functions.get(f as usize).map_or("?", String::as_str)
    }

    fn latency_raw(&self) -> Chart {
        let series = OpOutcome::ALL.into_iter().filter_map(|outcome| {
            let ops = self.data.operations.iter().filter(|op| op.outcome == outcome);
            let point = |op: &Operation| (self.data.seconds(op.start_us), millis(op));
            let points: Vec<(f64, f64)> = ops.map(point).collect();
            let class = outcome.name().to_owned();
            (!points.is_empty()).then(|| Series {
                name: outcome.name().to_owned(),
                class,
                marks: Marks::Dots,
                points,
            })
        });
        self.chart(
            "Latency",
            "milliseconds, of each operation",
            Scale::Logarithmic,
            series.collect(),
        )
    }

    fn latency_quantiles(&self) -> Chart {
        let mut bins: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for op in self.data.operations.iter().filter(|op| op.outcome == OpOutcome::Ok) {
            if let Some(bin) = self.bin(op.start_us) {
                bins.entry(bin).or_default().push(millis(op));
            }
        }
        bins.values_mut().for_each(|waits| waits.sort_by(f64::total_cmp));
        let points = [("median", 0.5), ("95 %", 0.95), ("99 %", 0.99), ("maximum", 1.0)];
        let series = points.iter().enumerate().map(|(index, (name, point))| Series {
            name: (*name).to_owned(),
            class: format!("s{index}"),
            marks: Marks::Line,
            points: self.interrupted(
                bins.iter().filter_map(|(bin, waits)| Some((*bin, quantile(waits, *point)?))),
            ),
        });
        let label = "milliseconds, of operations that succeeded";
        self.chart("Latency quantiles", label, Scale::Logarithmic, series.collect())
    }

    /// Draws the messages sent per operation started in each interval, by type.
    fn messages_per_op(&self) -> Chart {
        let mut started: BTreeMap<usize, f64> = BTreeMap::new();
        for bin in self.data.operations.iter().filter_map(|op| self.bin(op.start_us)) {
            *started.entry(bin).or_default() += 1.0;
        }
        let by_kind = self.data.messages_by_kind();
        let place: BTreeMap<u32, usize> = by_kind
            .iter()
            .enumerate()
            .map(|(place, (kind, _))| (*kind, place.min(MAX_KINDS)))
            .collect();
        let mut sent: BTreeMap<usize, BTreeMap<usize, f64>> = BTreeMap::new();
        for message in &self.data.messages.list {
            let place = place.get(&message.kind).copied().unwrap_or(MAX_KINDS);
            if let Some(bin) = self.bin(message.sent_us)
                && let Some(operations) = started.get(&bin)
            {
                *sent.entry(place).or_default().entry(bin).or_default() += 1.0 / operations;
            }
        }
        let name = |place: usize| match by_kind.get(place).filter(|_| place < MAX_KINDS) {
            Some((kind, _)) => self.data.kinds.get(*kind as usize).map_or("?", String::as_str),
            None => "others",
        };
        let series = sent.iter().map(|(place, bins)| Series {
            name: name(*place).chars().take(40).collect(),
            class: format!("s{place}"),
            marks: Marks::Line,
            points: self.interrupted(bins.iter().map(|(bin, count)| (*bin, *count))),
        });
        let label = "messages for each operation started";
        self.chart("Messages per operation, by kind", label, Scale::Linear, series.collect())
    }
}

/// Draws the percentage of values that were stable within a time.
fn stable_latency(data: &ReportData) -> Chart {
    let mut latencies = data.stable_latencies_ms.clone();
    latencies.sort_unstable();
    let count = latencies.len();
    let share = |rank: usize| (rank + 1) as f64 * 100.0 / count as f64;
    let mut points: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    // Equal values share one step, so that the line has no redundant points.
    for (rank, latency) in latencies.iter().enumerate() {
        if latencies.get(rank + 1) != Some(latency) {
            points.push((*latency as f64, points.last().map_or(0.0, |last| last.1)));
            points.push((*latency as f64, share(rank)));
        }
    }
    let max = latencies.last().copied().unwrap_or(0) as f64;
    points.push((max.max(1.0) * 1.02, 100.0));
    let name = format!("{count} values");
    Chart {
        title: "Stable latency".to_owned(),
        x_label: "milliseconds from the moment a value is known until every read shows it"
            .to_owned(),
        y_label: "percent of values that are stable by then".to_owned(),
        x_range: (0.0, max.max(1.0) * 1.02),
        scale: Scale::Linear,
        series: vec![Series { name, class: "s0".to_owned(), marks: Marks::Line, points }],
        bands: Vec::new(),
    }
}

fn millis(op: &Operation) -> f64 {
    // The clock counts microseconds. A shorter duration counts as one microsecond.
    op.took_us.max(1) as f64 / 1000.0
}
