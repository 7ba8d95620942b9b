//! What an ID costs one thread.

use std::hint::black_box;

use benches::rounds::{FRESH_IDS, fresh};
use benches::subject::{Floor, Ours, Subject, Visitor, visit_capped, visit_uncapped};

use crate::table;

const ROUNDS: usize = 500;

/// Rounds of all subjects take turns, so that a slow moment of the machine is everybody's.
type Round = Box<dyn FnMut() -> f64>;

#[derive(Default)]
struct Rounds(Vec<(String, Round)>);

impl Rounds {
    fn add(&mut self, name: &str, mut make: impl FnMut() + 'static) {
        let round = move || table::ns_each(fresh(&mut make), FRESH_IDS);
        self.0.push((name.into(), Box::new(round)));
    }

    fn add_batches(&mut self, count: u32) {
        // An hour's lead, so that a batch never has to wait.
        let ours = Ours::with_lead_ms(3_600_000);
        let round = move || {
            let batches = FRESH_IDS.max(4 * u64::from(count)) / u64::from(count);
            benches::rounds::await_fresh_ms();
            let begun = std::time::Instant::now();
            for _ in 0..batches {
                let batch = ours.0.try_reserve(count).expect("an hour's lead");
                batch.for_each(|id| {
                    black_box(id);
                });
            }
            table::ns_each(begun.elapsed(), batches * u64::from(count))
        };
        self.0.push((format!("`reserve({count})`, uncapped: an hour's lead"), Box::new(round)));
    }
}

impl Visitor for Rounds {
    fn visit<S: Subject + 'static>(&mut self, subject: S) {
        self.add(S::NAME, move || {
            black_box(subject.try_next());
        });
    }
}

pub(crate) fn ask() {
    let mut rounds = Rounds::default();
    visit_capped(&mut rounds);
    visit_uncapped(&mut rounds);
    for count in [16, 256, 4096] {
        rounds.add_batches(count);
    }

    let mut times: Vec<Vec<f64>> = rounds.0.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((_, round), times) in rounds.0.iter_mut().zip(&mut times) {
            times.push(round());
        }
    }
    let medians: Vec<f64> = times.into_iter().map(table::median).collect();
    let of = |wanted: &str| {
        let at = rounds.0.iter().position(|(name, _)| name == wanted);
        medians[at.expect("every run has it")]
    };
    let (ours, floor) = (of(<Ours>::NAME), of(Floor::NAME));
    let rows: Vec<_> = rounds
        .0
        .iter()
        .zip(&medians)
        .map(|((name, _), &ns)| {
            let us = table::ratio(ours, ns);
            vec![
                name.clone(),
                format!("{ns:.2}"),
                table::ratio(ns, floor),
                table::ratio(ns, ours),
                us,
            ]
        })
        .collect();
    table::print(
        "One thread",
        &format!(
            "{FRESH_IDS} IDs by `try` of a fresh millisecond, with the system's clock: below the \
             layout's cap of 4,096,000 IDs/s. Medians of {ROUNDS} interleaved rounds. ferroid pays \
             for its figure with a thread that wakes every millisecond for ever; this crate has \
             none. It is below the floor because most of its IDs need no addition that other \
             threads see."
        ),
        &["subject", "ns per ID", "of the floor", "of this crate", "this crate's share of it"],
        &rows,
    );
    local();
}

/// The block handle borrows its generator, so it has rounds of its own.
fn local() {
    let ours = Ours::with_lead_ms(0);
    let mut handle = ours.0.local();
    let times = (0..ROUNDS).map(|_| {
        let time = fresh(|| {
            let _ = black_box(handle.try_next_id());
        });
        table::ns_each(time, FRESH_IDS)
    });
    println!(
        "\nA block handle of this crate, alone: {:.2} ns per ID.",
        table::median(times.collect())
    );
}
