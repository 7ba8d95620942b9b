//! `messages.svg`: a Lamport diagram of the beginning of a test.
//!
//! The file has Maelstrom's name.

use std::collections::BTreeMap;

use super::data::{Message, ReportData};
use super::svg::{Anchor, Svg};
use crate::net::recording::Delivery;

/// The maximum number of messages in the picture. The page shows all messages.
const MAX_MESSAGES: usize = 1000;

const LANE_WIDTH: f64 = 92.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 70.0;
const EVENT_HEIGHT: f64 = 16.0;

/// Draws the first messages. Time runs down, with equal steps between events.
#[must_use]
pub fn draw(data: &ReportData) -> Svg {
    let all = &data.messages.list;
    let shown = &all[..all.len().min(MAX_MESSAGES)];
    let rows = rows(shown);
    let mut columns: BTreeMap<u32, usize> = BTreeMap::new();
    for message in shown {
        columns.insert(message.src, 0);
        columns.insert(message.dest, 0);
    }
    for (column, place) in columns.values_mut().enumerate() {
        *place = column;
    }
    let x = |lane: u32| LEFT + (columns.get(&lane).copied().unwrap_or(0) as f64 + 0.5) * LANE_WIDTH;
    let y = |at_us: u64| TOP + rows.get(&at_us).copied().unwrap_or(0) as f64 * EVENT_HEIGHT;
    let bottom = TOP + (rows.len() as f64 + 1.0) * EVENT_HEIGHT;
    let width = (LEFT + columns.len() as f64 * LANE_WIDTH + 20.0).max(420.0);
    let mut svg = Svg::new(width, bottom + 10.0, "Messages");
    let total = all.len() as u64 + data.messages.left_out;
    let title = match total {
        0 => "No message was recorded".to_owned(),
        total if total as usize == shown.len() => format!("All {total} messages"),
        total => format!("The first {} of {total} messages; report.html shows all", shown.len()),
    };
    svg.text("title", (12.0, 22.0), Anchor::Start, &title);
    for lane in columns.keys().copied() {
        let name = data.lanes.get(lane as usize).map_or("?", |lane| lane.name.as_str());
        let name: String = name.chars().take(12).collect();
        svg.text("label", (x(lane), 50.0), Anchor::Middle, &name);
        svg.line("axis", (x(lane), 56.0), (x(lane), bottom));
    }
    for (at_us, row) in rows.iter().filter(|(_, row)| *row % 5 == 0) {
        let text = format!("{:.3} s", data.seconds(*at_us));
        svg.text("label", (LEFT - 6.0, TOP + *row as f64 * EVENT_HEIGHT + 4.0), Anchor::End, &text);
    }
    for message in shown {
        arrow(
            &mut svg,
            data,
            message,
            (x(message.src), y(message.sent_us)),
            (x(message.dest), y(message.sent_us + message.took_us)),
        );
    }
    svg
}

/// Returns the row of each time at which an event happens.
fn rows(messages: &[Message]) -> BTreeMap<u64, usize> {
    let ends = messages.iter().flat_map(|m| [m.sent_us, m.sent_us + m.took_us]);
    let mut rows: BTreeMap<u64, usize> = ends.map(|at| (at, 0)).collect();
    for (row, place) in rows.values_mut().enumerate() {
        *place = row;
    }
    rows
}

fn arrow(svg: &mut Svg, data: &ReportData, message: &Message, from: (f64, f64), to: (f64, f64)) {
    let kind = data.kinds.get(message.kind as usize).map_or("?", String::as_str);
    let class = match message.delivery {
        Delivery::Arrived => "s0 thin",
        Delivery::UnderWay => "s7 thin dashed",
        _ => "drop thin dashed",
    };
    // The arrow of a dropped message ends halfway.
    let to = match message.delivery {
        Delivery::Arrived => to,
        _ => ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0),
    };
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    svg.line(class, from, to);
    if message.delivery == Delivery::Arrived {
        for side in [-1.0, 1.0] {
            let back = (to.0 - ux * 7.0 - side * uy * 3.0, to.1 - uy * 7.0 + side * ux * 3.0);
            svg.line(class, to, back);
        }
    } else {
        svg.line(class, (to.0 - 4.0, to.1 - 4.0), (to.0 + 4.0, to.1 + 4.0));
        svg.line(class, (to.0 - 4.0, to.1 + 4.0), (to.0 + 4.0, to.1 - 4.0));
    }
    let kind: String = kind.chars().take(24).collect();
    let label = match message.delivery {
        Delivery::Arrived => kind,
        delivery => format!("{kind}, {}", delivery.name()),
    };
    let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0 - 3.0);
    svg.text("label", middle, Anchor::Middle, &label);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_only_the_first_messages_says_so() {
        let message = |id: u64| Message {
            id,
            sent_us: id,
            took_us: 1,
            src: 0,
            dest: 1,
            kind: 0,
            delivery: Delivery::Arrived,
        };
        for (count, title) in [
            (3, "All 3 messages"),
            (1005, "The first 1000 of 1005 messages; report.html shows all"),
        ] {
            let mut data = ReportData::default();
            data.messages.list = (0..count).map(message).collect();
            assert!(draw(&data).file().contains(title), "{title}");
        }
    }
}
