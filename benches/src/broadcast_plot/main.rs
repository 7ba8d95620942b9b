//! Draws the plot of `RESULTS-broadcast.md` from its tables: messages per operation against stable
//! latency.
//!
//! A series is a table column with cells such as `1.143 (1.149)`, and a column with the stable
//! latency as `237 / 444`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::Path;

use plotters::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS-broadcast.md");
const PLOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results/broadcast.svg");
const FONT: (&str, u32) = ("sans-serif", 14);

/// The heading of a table, the name of its series, the color, after Okabe and Ito, and the vertical
/// place of the labels.
const SERIES: [(&str, &str, RGBColor, i32); 3] = [
    ("## Steady links", "steady links, simulated", RGBColor(0, 114, 178), 5),
    ("## A busy machine", "busy machine, real processes", RGBColor(213, 94, 0), -17),
    ("## Published results", "published by others, steady links", RGBColor(110, 110, 110), -17),
];

/// The latencies with a label on the axis.
const LABELED_MS: [f64; 5] = [100.0, 200.0, 500.0, 1000.0, 2000.0];

/// One row of a table.
#[derive(Debug, PartialEq)]
struct Point {
    name: String,
    messages: f64,
    median_ms: f64,
    max_ms: f64,
}

/// Returns the rows of the first table below a heading. The second column has the messages, and the
/// third one the stable latency.
fn points(text: &str, heading: &str) -> Result<Vec<Point>> {
    let section = text.split_once(heading).ok_or_else(|| format!("no section {heading:?}"))?.1;
    let table = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = table.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| point(row).ok_or_else(|| format!("a row without figures: {row}").into()))
        .collect()
}

fn point(row: &str) -> Option<Point> {
    let mut cells = row.trim_matches('|').split('|').map(str::trim);
    let name = cells.next()?.to_owned();
    let messages = cells.next()?.split(' ').next()?.parse().ok()?;
    let (median, max) = cells.next()?.split_once(" / ")?;
    Some(Point { name, messages, median_ms: median.parse().ok()?, max_ms: max.parse().ok()? })
}

/// Draws each point at its median, with a line to the maximum.
fn draw(text: &str, path: &Path) -> Result<()> {
    let root = SVGBackend::new(path, (760, 460)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d((50.0..2500.0).log_scale(), (0.2..20.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("stable latency: median, and a line to the maximum, ms")
        .y_desc("messages per operation")
        .x_label_formatter(&|ms| match LABELED_MS.contains(ms) {
            true => ms.to_string(),
            false => String::new(),
        })
        .label_style(FONT)
        .light_line_style(WHITE)
        .draw()?;
    for (heading, name, color, label) in SERIES {
        let points = points(text, heading)?;
        chart
            .draw_series(points.iter().map(|point| {
                let line = [(point.median_ms, point.messages), (point.max_ms, point.messages)];
                PathElement::new(line, color.stroke_width(1))
            }))?
            .label(name)
            .legend(move |at| Circle::new(at, 4, color.filled()));
        chart.draw_series(points.iter().map(|point| {
            EmptyElement::at((point.median_ms, point.messages))
                + Circle::new((0, 0), 4, color.filled())
                + Text::new(point.name.clone(), (6, label), FONT.into_font().color(&color))
        }))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .border_style(BLACK)
        .background_style(WHITE)
        .label_font(FONT)
        .draw()?;
    root.present()?;
    Ok(())
}

fn main() -> Result<()> {
    draw(&fs::read_to_string(RESULTS)?, Path::new(PLOT))?;
    println!("drew {PLOT}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plot_shows_the_present_tables() {
        let text = fs::read_to_string(RESULTS).unwrap();
        let path = std::env::temp_dir().join(format!("broadcast-{}.svg", std::process::id()));
        draw(&text, &path).unwrap();
        let [drawn, kept] = [&path, Path::new(PLOT)].map(|path| fs::read_to_string(path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(drawn == kept, "run `cargo run --package benches --bin broadcast-plot`");
    }

    #[test]
    fn a_row_has_its_figures() {
        let text = "## A\n\n| a | b | c |\n|---|---|---|\n| 550 | 1.143 (1.149) | 237 / 444 | x |\n\n| b |";
        let point =
            Point { name: "550".to_owned(), messages: 1.143, median_ms: 237.0, max_ms: 444.0 };
        assert_eq!(points(text, "## A").unwrap(), [point]);
        assert!(points(text, "## B").is_err());
        assert!(points("## A\n| a |\n|---|\n| none |", "## A").is_err());
    }
}
