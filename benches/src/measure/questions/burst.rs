//! How long a burst takes.

use benches::rounds::{BURST_IDS, burst};
use benches::subject::{Ours, Subject, Visitor, visit_capped};

use crate::table;

const ROUNDS: usize = 200;

struct Burst {
    rows: Vec<Vec<String>>,
    ours_us: f64,
}

impl Burst {
    fn row(&mut self, name: &str, us: f64) {
        let row = vec![name.into(), format!("{us:.0}"), table::ratio(self.ours_us, us)];
        self.rows.push(row);
    }
}

impl Visitor for Burst {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        self.row(S::NAME, median_us(&subject));
    }
}

fn median_us(subject: &impl Subject) -> f64 {
    table::median((0..ROUNDS).map(|_| burst(subject).as_nanos() as f64 / 1000.0).collect())
}

pub(crate) fn ask() {
    let ours_us = median_us(&Ours::with_lead_ms(2));
    let mut rows = Burst { rows: Vec::new(), ours_us };
    rows.row("snowflake (this crate), lead 2 ms: uncapped", ours_us);
    visit_capped(&mut rows);
    table::print(
        &format!("A burst of {BURST_IDS} IDs"),
        &format!(
            "From the first call to the last, after 5 ms of rest. Without a lead the layout caps it: \
             two milliseconds must end first. Medians of {ROUNDS} rounds."
        ),
        &["subject", "µs", "this crate's share of it, with its lead"],
        &rows.rows,
    );
}
