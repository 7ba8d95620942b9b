//! A picture of a cycle of transactions, on a circle with arrows between them.

use std::f64::consts::TAU;

use super::data::Cycle;
use super::svg::{Anchor, Svg};

/// A phone shows the whole picture at this width.
const WIDTH: f64 = 320.0;
const BOX: (f64, f64) = (48.0, 26.0);

/// Draws a cycle. The boxes have the numbers of the transactions, and their texts on hovering.
#[must_use]
pub fn draw(cycle: &Cycle) -> Svg {
    let count = cycle.steps.len().max(1);
    let height = (130.0 + count as f64 * 30.0).min(WIDTH);
    let mut svg = Svg::new(WIDTH, height, &cycle.name);
    let (rx, ry) = (WIDTH / 2.0 - 60.0, height / 2.0 - 30.0);
    let place = |step: usize| {
        let angle = TAU * step as f64 / count as f64 - TAU / 4.0;
        (WIDTH / 2.0 + rx * angle.cos(), height / 2.0 + ry * angle.sin())
    };
    for (index, step) in cycle.steps.iter().enumerate() {
        let (from, to) = (place(index), place((index + 1) % count));
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy).max(1.0);
        let (ux, uy) = (dx / length, dy / length);
        // The arrow is offset from the line of centers, so that two transactions can have two
        // arrows.
        let (sx, sy) = (-uy * 9.0, ux * 9.0);
        let start = (from.0 + sx, from.1 + sy);
        // The arrowhead ends before the box.
        let gap = ((BOX.1 / 2.0 + 3.0) / uy.abs()).min((BOX.0 / 2.0 + 3.0) / ux.abs());
        let head = (to.0 + sx - ux * gap, to.1 + sy - uy * gap);
        svg.line("s1 line", start, head);
        for side in [-1.0, 1.0] {
            let back = (head.0 - ux * 10.0 - side * uy * 5.0, head.1 - uy * 10.0 + side * ux * 5.0);
            svg.line("s1 line", head, back);
        }
        let middle = ((start.0 + head.0) / 2.0 + sx * 1.8, (start.1 + head.1) / 2.0 + sy * 1.8);
        svg.text("title", middle, Anchor::Middle, &step.edge);
    }
    for (index, step) in cycle.steps.iter().enumerate() {
        let (x, y) = place(index);
        let corner = (x - BOX.0 / 2.0, y - BOX.1 / 2.0);
        svg.rect("box", corner, BOX, &step.transaction.text);
        svg.text("strip-label", (x, y + 4.0), Anchor::Middle, &format!("T{}", index + 1));
    }
    svg
}
