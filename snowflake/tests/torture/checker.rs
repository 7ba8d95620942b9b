//! The verdict on all IDs: each process's increase, and none was made twice.

use std::fmt;

use snowflake::Id;

use super::history::What;
use super::process::Process;

/// IDs in a row: plain numbers from `first` to `last`.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u64,
    last: u64,
    process: usize,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Run { first, last, process } = self;
        write!(f, "{first} to {last} by process {process}")?;
        match Id::from_raw(*first) {
            Ok(id) => write!(f, ", from {:?}", id.parts()),
            Err(error) => write!(f, ", {error}"),
        }
    }
}

/// How many IDs there are, or what is wrong with them.
pub(crate) fn check<'a>(processes: impl Iterator<Item = &'a Process>) -> Result<u64, String> {
    let mut runs = Vec::new();
    for (process, it) in processes.enumerate() {
        let begun = runs.len();
        runs.extend(it.history().iter().filter_map(|event| match event.what {
            What::Ids { first, count } => Some(Run { first, last: first + (count - 1), process }),
            _ => None,
        }));
        if let Some(at) = runs[begun..].windows(2).position(|pair| pair[0].last >= pair[1].first) {
            let pair = &runs[begun + at..][..2];
            return Err(format!("a process made {} and then {}", pair[0], pair[1]));
        }
    }
    none_twice(runs)
}

fn none_twice(mut runs: Vec<Run>) -> Result<u64, String> {
    runs.sort_unstable_by_key(|run| run.first);
    let twice = runs.windows(2).filter(|pair| pair[0].last >= pair[1].first);
    let (mut overlaps, mut example) = (0, None);
    for pair in twice {
        overlaps += 1;
        example = example.or(Some(pair));
    }
    match example {
        Some(pair) => Err(format!("{overlaps} runs overlap: {} and {}", pair[0], pair[1])),
        None => Ok(runs.iter().map(|run| run.last - run.first + 1).sum()),
    }
}

#[test]
fn an_id_that_is_made_twice_is_found() {
    let run = |process, first, last| Run { first, last, process };
    let apart = vec![run(0, 10, 19), run(1, 30, 30), run(0, 20, 29)];
    assert_eq!(none_twice(apart.clone()), Ok(21));
    for twice in [run(2, 19, 19), run(2, 30, 31), run(2, 5, 10), run(2, 1, 99)] {
        let overlapping = [apart.clone(), vec![twice]].concat();
        assert!(none_twice(overlapping).is_err(), "{twice:?}");
    }
}
