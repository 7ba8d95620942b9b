//! The checker of all IDs: each process's IDs increase, and no ID was issued twice.

use std::fmt;

use snowflake::Id;

use super::process::{IdRange, Process};

/// A range of IDs, with the number of the process that issued it.
#[derive(Clone, Copy, Debug)]
struct ProcessRange {
    ids: IdRange,
    process: usize,
}

impl fmt::Display for ProcessRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProcessRange { ids: IdRange { first, last, .. }, process } = self;
        write!(f, "{first} to {last} of process {process}")?;
        match Id::from_raw(*first) {
            Ok(id) => write!(f, ", from {:?}", id.parts()),
            Err(error) => write!(f, ", {error}"),
        }
    }
}

/// Returns the number of IDs, or the first anomaly.
pub(crate) fn check<'a>(processes: impl Iterator<Item = &'a Process>) -> Result<u64, String> {
    let mut ranges: Vec<ProcessRange> = Vec::new();
    for (process, it) in processes.enumerate() {
        let start = ranges.len();
        ranges.extend(it.id_ranges().map(|ids| ProcessRange { ids, process }));
        let mut pairs = ranges[start..].windows(2);
        if let Some(pair) = pairs.find(|pair| pair[0].ids.last >= pair[1].ids.first) {
            return Err(format!("IDs do not increase: {} came before {}", pair[0], pair[1]));
        }
    }
    check_unique(ranges)
}

fn check_unique(mut ranges: Vec<ProcessRange>) -> Result<u64, String> {
    ranges.sort_unstable_by_key(|range| range.ids.first);
    let overlapping = ranges.windows(2).filter(|pair| pair[0].ids.last >= pair[1].ids.first);
    let (mut overlaps, mut example) = (0, None);
    for pair in overlapping {
        overlaps += 1;
        example = example.or(Some(pair));
    }
    match example {
        Some(pair) => Err(format!(
            "duplicate IDs: {overlaps} ranges overlap, such as {} and {}",
            pair[0], pair[1]
        )),
        None => Ok(ranges.iter().map(|range| range.ids.last - range.ids.first + 1).sum()),
    }
}

#[test]
fn the_checker_finds_a_duplicate_id() {
    let range = |process, first, last| {
        let ids = IdRange { first, last, at_ms: 0 };
        ProcessRange { ids, process }
    };
    let disjoint = vec![range(0, 10, 19), range(1, 30, 30), range(0, 20, 29)];
    assert_eq!(check_unique(disjoint.clone()), Ok(21));
    for overlap in [range(2, 19, 19), range(2, 30, 31), range(2, 5, 10), range(2, 1, 99)] {
        let overlapping = [disjoint.clone(), vec![overlap]].concat();
        assert!(check_unique(overlapping).is_err(), "{overlap:?}");
    }
}
