//! Charts over time or over a share: axes, series, shaded periods, a legend.

use std::collections::BTreeSet;

use super::svg::{Anchor, Svg};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const PLOT_HEIGHT: f64 = 230.0;
const BAND_ROW: f64 = 16.0;
const CHARACTER: f64 = 6.8;
/// The minimum distance between dots. Closer dots are drawn as one dot.
const CELL: f64 = 2.0;

/// The mapping from values to heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences have equal heights.
    Linear,
    /// Equal ratios have equal heights.
    Logarithmic,
}

/// The style of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// A line through all points.
    Line,
    /// A separate dot for each point.
    Dots,
}

/// One set of points.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The class that determines its color.
    pub class: String,
    /// The style.
    pub marks: Marks,
    /// The points, in the units of the axes.
    pub points: Vec<(f64, f64)>,
}

/// A shaded period.
#[derive(Clone, Debug)]
pub struct Band {
    /// The label of the period's event.
    pub label: String,
    /// The longer label, which is shown on hovering.
    pub hover: String,
    /// The start of the period.
    pub from: f64,
    /// The end of the period.
    pub until: f64,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The title.
    pub title: String,
    /// The label of the horizontal axis.
    pub x_label: String,
    /// The label of the vertical axis.
    pub y_label: String,
    /// The minimum and the maximum value of the horizontal axis.
    pub x_range: (f64, f64),
    /// The mapping from values to heights.
    pub scale: Scale,
    /// The points.
    pub series: Vec<Series>,
    /// The shaded periods.
    pub bands: Vec<Band>,
}

/// The position of the plot's area, and the values at its edges.
struct Frame {
    top: f64,
    x: (f64, f64),
    y: (f64, f64),
    scale: Scale,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        let share = (value - self.x.0) / (self.x.1 - self.x.0);
        // `clamp` keeps NaN.
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.y.0) / (self.y.1 - self.y.0),
            Scale::Logarithmic => {
                (value.max(self.y.0) / self.y.0).ln() / (self.y.1 / self.y.0).ln()
            }
        };
        self.top + PLOT_HEIGHT * (1.0 - share.clamp(0.0, 1.0))
    }

    fn bottom(&self) -> f64 {
        self.top + PLOT_HEIGHT
    }
}

impl Chart {
    /// Draws the chart.
    #[must_use]
    pub fn draw(&self) -> Svg {
        let mut kinds: Vec<&str> = Vec::new();
        for band in &self.bands {
            if !kinds.contains(&band.label.as_str()) {
                kinds.push(&band.label);
            }
        }
        let legend = self.legend_rows();
        let legend_top = 40.0;
        let bands_top = legend_top + legend.len() as f64 * BAND_ROW;
        let top = bands_top + kinds.len() as f64 * BAND_ROW + 4.0;
        let x = if self.x_range.1 > self.x_range.0 { self.x_range } else { (0.0, 1.0) };
        let frame = Frame { top, x, y: self.y_range(), scale: self.scale };
        let mut svg = Svg::new(WIDTH, frame.bottom() + 40.0, &self.title);
        svg.text("title", (LEFT, 20.0), Anchor::Start, &self.title);
        for (row, items) in legend.iter().enumerate() {
            let y = legend_top + row as f64 * BAND_ROW;
            for (x, series) in items {
                svg.line(&format!("{} key", series.class), (*x, y - 4.0), (*x + 14.0, y - 4.0));
                svg.text("label", (*x + 19.0, y), Anchor::Start, &series.name);
            }
        }
        self.draw_bands(&mut svg, &frame, &kinds, bands_top);
        self.draw_axes(&mut svg, &frame);
        for series in &self.series {
            let points = series.points.iter().map(|&(x, y)| (frame.x(x), frame.y(y)));
            let class = &series.class;
            match series.marks {
                Marks::Line => svg.polyline(&format!("{class} line"), points),
                Marks::Dots => svg.dots(&format!("{class} dots"), distinct(points)),
            }
        }
        if self.series.iter().all(|series| series.points.is_empty()) {
            let middle = (WIDTH / 2.0, top + PLOT_HEIGHT / 2.0);
            svg.text("label", middle, Anchor::Middle, "nothing to show");
        }
        svg
    }

    /// Returns the legend's entries, row by row, with their positions.
    fn legend_rows(&self) -> Vec<Vec<(f64, &Series)>> {
        let mut rows: Vec<Vec<(f64, &Series)>> = Vec::new();
        let mut x = f64::INFINITY;
        for series in &self.series {
            let width = 34.0 + series.name.chars().count() as f64 * CHARACTER;
            if x + width > WIDTH {
                rows.push(Vec::new());
                x = LEFT;
            }
            if let Some(row) = rows.last_mut() {
                row.push((x, series));
            }
            x += width;
        }
        rows
    }

    fn y_range(&self) -> (f64, f64) {
        let values = || self.series.iter().flat_map(|series| series.points.iter().map(|p| p.1));
        // `max` and `min` ignore NaN.
        let max = values().fold(0.0, f64::max);
        match self.scale {
            Scale::Linear => (0.0, if max > 0.0 { max * 1.05 } else { 1.0 }),
            Scale::Logarithmic => {
                let min = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
                let low = 10f64.powf(min.min(max).clamp(1e-3, 1e9).log10().floor());
                let high = 10f64.powf(max.clamp(1e-3, 1e9).log10().ceil());
                (low, if high > low { high } else { low * 10.0 })
            }
        }
    }

    fn draw_bands(&self, svg: &mut Svg, frame: &Frame, kinds: &[&str], top: f64) {
        for band in &self.bands {
            let row = kinds.iter().position(|kind| *kind == band.label).unwrap_or(0);
            let y = top + row as f64 * BAND_ROW;
            let (from, until) = (frame.x(band.from), frame.x(band.until));
            let width = (until - from).max(1.5);
            let class = format!("fault{}", row % 4);
            svg.rect(&format!("{class} strip"), (from, y), (width, BAND_ROW - 3.0), &band.hover);
            svg.rect(
                &format!("{class} band"),
                (from, frame.top),
                (width, PLOT_HEIGHT),
                &band.hover,
            );
            if width > band.label.chars().count() as f64 * CHARACTER + 6.0 {
                svg.text("strip-label", (from + 4.0, y + 10.0), Anchor::Start, &band.label);
            }
        }
        for (row, kind) in kinds.iter().enumerate() {
            let y = top + row as f64 * BAND_ROW + 10.0;
            let shown: String = kind.chars().take(9).collect();
            svg.text("label", (LEFT - 5.0, y), Anchor::End, &shown);
        }
    }

    fn draw_axes(&self, svg: &mut Svg, frame: &Frame) {
        for value in ticks(frame.x.0, frame.x.1, 10) {
            let x = frame.x(value);
            svg.line("grid", (x, frame.top), (x, frame.bottom()));
            svg.text("label", (x, frame.bottom() + 16.0), Anchor::Middle, &shown(value));
        }
        let values = match self.scale {
            Scale::Linear => ticks(frame.y.0, frame.y.1, 5),
            Scale::Logarithmic => powers_of_ten(frame.y.0, frame.y.1),
        };
        for value in values {
            let y = frame.y(value);
            svg.line("grid", (LEFT, y), (WIDTH - RIGHT, y));
            svg.text("label", (LEFT - 5.0, y + 4.0), Anchor::End, &shown(value));
        }
        svg.line("axis", (LEFT, frame.bottom()), (WIDTH - RIGHT, frame.bottom()));
        let middle = (WIDTH / 2.0, frame.bottom() + 33.0);
        svg.text("label", middle, Anchor::Middle, &self.x_label);
        svg.text("label", (WIDTH - RIGHT, 20.0), Anchor::End, &self.y_label);
    }
}

/// Omits points that would be drawn over each other.
///
/// A plot of a million operations is therefore not larger than a plot of ten thousand.
fn distinct(points: impl Iterator<Item = (f64, f64)>) -> impl Iterator<Item = (f64, f64)> {
    let mut seen = BTreeSet::new();
    points.filter_map(move |(x, y)| {
        let cell = ((x / CELL).round() as i64, (y / CELL).round() as i64);
        seen.insert(cell).then_some((cell.0 as f64 * CELL, cell.1 as f64 * CELL))
    })
}

/// Returns about `count` round values between two others.
pub(super) fn ticks(from: f64, until: f64, count: usize) -> Vec<f64> {
    let span = until - from;
    if !span.is_finite() || span <= 0.0 {
        return Vec::new();
    }
    let rough = span / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(power * 10.0);
    let (first, last) = ((from / step).ceil() as i64, (until / step).floor() as i64);
    (first..=last.min(first + 1000)).map(|tick| tick as f64 * step).collect()
}

fn powers_of_ten(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().round() as i32, high.log10().round() as i32);
    (first..=last).map(|power| 10f64.powi(power)).collect()
}

/// Formats a value for an axis.
fn shown(value: f64) -> String {
    let size = value.abs();
    if size >= 1e6 {
        return format!("{}M", trimmed(value / 1e6));
    }
    if size >= 1e4 {
        return format!("{}k", trimmed(value / 1e3));
    }
    trimmed(value)
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_range() {
        assert_eq!(ticks(0.0, 30.0, 10), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        let shown: Vec<String> = ticks(0.0, 0.7, 5).into_iter().map(shown).collect();
        assert_eq!(shown, ["0", "0.2", "0.4", "0.6"]);
        assert_eq!(ticks(-1.0, 1.0, 2), [-1.0, 0.0, 1.0]);
        assert!(ticks(0.0, 0.0, 5).is_empty());
        assert!(ticks(0.0, f64::INFINITY, 5).is_empty());
    }

    #[test]
    fn a_chart_without_points_has_a_notice_and_a_million_points_stay_small() {
        let mut chart = Chart {
            title: "Latency".to_owned(),
            x_label: "s".to_owned(),
            y_label: "ms".to_owned(),
            x_range: (0.0, 10.0),
            scale: Scale::Logarithmic,
            series: Vec::new(),
            bands: vec![Band {
                label: "partition".to_owned(),
                hover: "n1 | n2".to_owned(),
                from: 2.0,
                until: 5.0,
            }],
        };
        let empty = chart.draw().file();
        assert!(empty.contains("nothing to show") && empty.contains(">partition<"), "{empty}");
        assert!(empty.contains("<title>n1 | n2</title>"), "{empty}");
        let points = (0..1_000_000).map(|n| (f64::from(n) / 1e5, f64::from(n % 1000))).collect();
        let name = "ok".to_owned();
        chart.series = vec![Series { name, class: "ok".to_owned(), marks: Marks::Dots, points }];
        let full = chart.draw().file();
        assert!(full.len() < 600_000, "{}", full.len());
        assert!(!full.contains("nothing to show"));
    }
}
