//! What an ID costs two threads that share a generator.

use std::hint::black_box;

use benches::rounds::{FRESH_IDS, pair};
use benches::subject::{Ours, Subject, Visitor, visit_capped, visit_uncapped};

use crate::table;

/// Rounds of each subject, in turns of [`TURN`].
const ROUNDS: usize = 1000;
const TURN: usize = 100;

type Turn = Box<dyn FnMut() -> Vec<f64>>;

#[derive(Default)]
struct Turns(Vec<(String, Turn)>);

impl Visitor for Turns {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        let turn = move || {
            let make = || {
                || {
                    black_box(subject.next());
                }
            };
            ns_per_id(pair(TURN, make))
        };
        self.0.push((S::NAME.into(), Box::new(turn)));
    }
}

fn ns_per_id(spans: Vec<std::time::Duration>) -> Vec<f64> {
    spans.into_iter().map(|span| table::ns_each(span, 2 * FRESH_IDS)).collect()
}

pub(crate) fn ask() {
    let mut turns = Turns::default();
    visit_capped(&mut turns);
    visit_uncapped(&mut turns);
    // Two thousand IDs each in blocks of 64 fill the millisecond to the last: a lead
    // keeps the cap out of this row as well.
    let ours = Ours::with_lead_ms(1);
    let handles = move || {
        let make = || {
            let mut handle = ours.0.local();
            move || {
                let _ = black_box(handle.next_id());
            }
        };
        ns_per_id(pair(TURN, make))
    };
    turns.0.push(("snowflake, a block handle each, lead 1 ms".into(), Box::new(handles)));

    let mut times: Vec<Vec<f64>> = turns.0.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS / TURN {
        for ((_, turn), times) in turns.0.iter_mut().zip(&mut times) {
            times.extend(turn());
        }
    }
    let medians: Vec<f64> = times.into_iter().map(table::median).collect();
    let ours = medians[0];
    let rows: Vec<_> = turns
        .0
        .iter()
        .zip(&medians)
        .map(|((name, _), &ns)| vec![name.clone(), format!("{ns:.2}"), table::ratio(ours, ns)])
        .collect();
    table::print(
        "Two threads on one generator",
        &format!(
            "{FRESH_IDS} IDs each from a fresh millisecond on, from the first claim of either thread to \
             the last, divided by all of them: below the cap. Whoever is refused, as ferroid is \
             when another thread was faster, asks again. Medians of {ROUNDS} rounds, of each \
             subject in turn."
        ),
        &["subject", "ns per ID, together", "this crate's share of it"],
        &rows,
    );
}
