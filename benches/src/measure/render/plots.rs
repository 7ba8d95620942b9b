//! The plots of one machine, as SVG.

use std::error::Error;
use std::path::Path;

use benches::latency::{Latency, QUANTILES};
use benches::subject::Role;
use plotters::coord::ranged1d::{KeyPointHint, Ranged};
use plotters::prelude::*;

use super::tables::grouped;
use crate::report::{Loads, Report};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FONT: (&str, u32) = ("sans-serif", 14);
const PANEL: (u32, u32) = (480, 360);

/// Colors that readers with color blindness can distinguish, after Okabe and Ito.
const COLORS: [RGBColor; 9] = [
    RGBColor(213, 94, 0),
    RGBColor(230, 159, 0),
    RGBColor(0, 114, 178),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(120, 94, 240),
    RGBColor(150, 130, 0),
    RGBColor(110, 110, 110),
];

/// Draws the plots. Returns their file names with alternative texts.
pub(super) fn draw(report: &Report, directory: &Path) -> Result<Vec<(String, String)>> {
    let slug = report.machine.slug();
    let processor = &report.machine.processor;
    let latency = format!("{slug}-latency.svg");
    draw_latency(report, &directory.join(&latency))?;
    let cpu = format!("{slug}-cpu.svg");
    draw_cpu(report, &directory.join(&cpu))?;
    Ok(vec![
        (latency, format!("Latency by quantile at each load, {processor}")),
        (cpu, format!("CPU time per million IDs by saturating threads, {processor}")),
    ])
}

/// A subject's line, with points in the order of the x axis.
struct Line<'a> {
    subject: &'a str,
    role: Role,
    points: Vec<(i32, f64)>,
}

/// One plot in a row of several.
struct Panel<'a> {
    title: String,
    x_names: Vec<String>,
    y_title: &'a str,
    lines: Vec<Line<'a>>,
}

fn draw_latency(report: &Report, path: &Path) -> Result<()> {
    let line = |loads: &'_ Loads, latency: &Latency| {
        let points = (0..).zip(latency.0).filter_map(|(at, ns)| Some((at, ns?.max(1) as f64)));
        (loads.role, points.collect::<Vec<_>>())
    };
    let panel = |title: String, of: &dyn Fn(&Loads) -> Option<Latency>| Panel {
        title,
        x_names: QUANTILES.map(|(name, _)| name.to_owned()).into(),
        y_title: "ns per call",
        lines: report
            .loads
            .iter()
            .filter_map(|loads| {
                let (role, points) = line(loads, &of(loads)?);
                Some(Line { subject: &loads.subject, role, points })
            })
            .collect(),
    };
    let paced = |rate: u64| {
        panel(format!("{} IDs/s", grouped(rate)), &|loads| {
            loads.paced.iter().find(|paced| paced.ids_per_s == rate).map(|paced| paced.latency_ns)
        })
    };
    let saturated = |threads: u64| {
        panel(format!("saturated, threads: {threads}"), &|loads| {
            Some(loads.saturated_by(threads)?.latency_ns)
        })
    };
    let panels = [10_000, 100_000, 1_000_000]
        .map(paced)
        .into_iter()
        .chain([1, 2, 4].map(saturated))
        .filter(|panel| !panel.lines.is_empty());
    draw_panels(path, panels.collect())
}

fn draw_cpu(report: &Report, path: &Path) -> Result<()> {
    let all = report.loads.iter().flat_map(|loads| &loads.saturated);
    let mut threads: Vec<u64> = all.map(|run| run.threads).collect();
    threads.sort_unstable();
    threads.dedup();
    let line = |loads: &'_ Loads| {
        let points = (0..).zip(&threads).filter_map(|(at, &threads)| {
            Some((at, loads.saturated_by(threads)?.cpu_s_per_million))
        });
        points.collect::<Vec<_>>()
    };
    let lines = report
        .loads
        .iter()
        .filter(|loads| !loads.saturated.is_empty())
        .map(|loads| Line { subject: &loads.subject, role: loads.role, points: line(loads) })
        .collect();
    let panel = Panel {
        title: "saturated, by threads".to_owned(),
        x_names: threads.iter().map(u64::to_string).collect(),
        y_title: "CPU s per million IDs",
        lines,
    };
    draw_panels(path, vec![panel])
}

/// Draws panels in rows of three, and a legend below them.
fn draw_panels(path: &Path, panels: Vec<Panel<'_>>) -> Result<()> {
    const LEGEND_ROW: u32 = 20;
    let per_row = panels.len().clamp(1, 3);
    let rows = panels.len().div_ceil(per_row);
    let mut subjects: Vec<(&str, Role)> = Vec::new();
    for line in panels.iter().flat_map(|panel| &panel.lines) {
        if !subjects.iter().any(|(subject, _)| *subject == line.subject) {
            subjects.push((line.subject, line.role));
        }
    }
    let legend_columns = if per_row == 1 { 2 } else { 4 };
    let legend = LEGEND_ROW * (subjects.len().div_ceil(legend_columns) as u32 + 1);
    let width = PANEL.0 * per_row as u32;
    let root = SVGBackend::new(path, (width, PANEL.1 * rows as u32 + legend)).into_drawing_area();
    root.fill(&WHITE)?;
    let (charts, below) = root.split_vertically(PANEL.1 * rows as u32);
    let style = |subject: &str| {
        let place = subjects.iter().position(|(other, _)| *other == subject).unwrap_or_default();
        match subjects[place].1 {
            Role::Ours => COLORS[place % COLORS.len()].stroke_width(4),
            Role::Floor => BLACK.stroke_width(1),
            _ => COLORS[place % COLORS.len()].stroke_width(2),
        }
    };
    for (area, panel) in charts.split_evenly((rows, per_row)).iter().zip(&panels) {
        draw_panel(area, panel, style)?;
    }
    for (place, (subject, _)) in subjects.iter().enumerate() {
        let column = (width as usize / legend_columns * (place % legend_columns)) as i32;
        let row = (place / legend_columns) as i32 * LEGEND_ROW as i32;
        let line = vec![(column + 20, row + 8), (column + 44, row + 8)];
        below.draw(&PathElement::new(line, style(subject)))?;
        below.draw(&Text::new(subject.replace('`', ""), (column + 50, row + 1), FONT))?;
    }
    root.present()?;
    Ok(())
}

fn draw_panel<'a>(
    area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    panel: &Panel<'_>,
    style: impl Fn(&str) -> ShapeStyle,
) -> Result<()> {
    let values = || panel.lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(low, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, ("sans-serif", 18))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(70)
        .build_cartesian_2d(Steps(panel.x_names.len()), (low / 1.5..high * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(BLACK.mix(0.06))
        .label_style(FONT)
        .y_desc(panel.y_title)
        .x_label_formatter(&|at| panel.x_names.get(*at as usize).cloned().unwrap_or_default())
        .y_label_formatter(&|value| number(*value))
        .draw()?;
    for line in &panel.lines {
        chart.draw_series(LineSeries::new(line.points.iter().copied(), style(line.subject)))?;
    }
    Ok(())
}

/// Formats a figure of a logarithmic axis.
fn number(value: f64) -> String {
    if value >= 1.0 { grouped(value.round() as u64) } else { format!("{value:.3}") }
}

/// An axis of named steps, with half a step of room on each side.
struct Steps(usize);

impl Ranged for Steps {
    type FormatOption = plotters::coord::ranged1d::DefaultFormatting;
    type ValueType = i32;

    fn map(&self, value: &i32, limit: (i32, i32)) -> i32 {
        let step = f64::from(limit.1 - limit.0) / self.0.max(1) as f64;
        limit.0 + ((f64::from(*value) + 0.5) * step) as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<i32> {
        (0..self.0 as i32).collect()
    }

    fn range(&self) -> std::ops::Range<i32> {
        0..self.0 as i32
    }
}
