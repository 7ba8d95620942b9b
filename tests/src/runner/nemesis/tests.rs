use std::collections::BTreeSet;

use super::*;
use crate::base::address::Directory;
use crate::base::rng::Stream;

fn schedule(kinds: &[Nemesis], targets: &[Targets], seed: u64) -> NemesisSchedule {
    let plan = Plan {
        nemesis: kinds.to_vec(),
        nemesis_targets: targets.to_vec(),
        ..Plan::new(Directory::numbered(5))
    };
    NemesisSchedule::new(&plan, Rng::new(seed, Stream::Nemesis))
}

/// Returns the next operations, and the time of the last one.
fn next(schedule: &mut NemesisSchedule, count: usize) -> (Vec<NemesisOp>, Time) {
    let mut now = Time::default();
    let ops = (0..count).map(|_| {
        now = schedule.deadline().unwrap();
        schedule.next(now).unwrap()
    });
    (ops.collect(), now)
}

#[test]
fn starts_and_stops_alternate_and_average_the_interval() {
    let mut schedule = schedule(&[Nemesis::Partition], &Targets::ALL, 1);
    schedule.begin(Time(5));
    assert_eq!(schedule.deadline(), Some(Time(5)), "the first starts immediately");
    let (ops, end) = next(&mut schedule, 1000);
    for (turn, op) in ops.iter().enumerate() {
        assert_eq!(op.f, ["start-partition", "stop-partition"][turn % 2]);
    }
    let mean_s = end.0 as f64 / 1e6 / 1000.0;
    assert!((9.0..11.0).contains(&mean_s), "{mean_s}");
}

#[test]
fn kills_and_pauses_share_one_schedule_and_alternate_each_with_its_end() {
    let mut schedule = schedule(&[Nemesis::Kill, Nemesis::Pause], &Targets::ALL, 1);
    let (ops, end) = next(&mut schedule, 1000);
    let mean_s = end.0 as f64 / 1e6 / 1000.0;
    assert!((9.0..11.0).contains(&mean_s), "{mean_s}");
    for turns in [["kill", "start"], ["pause", "resume"]] {
        let of_kind = ops.iter().filter(|op| turns.contains(&op.f));
        for (turn, op) in of_kind.clone().enumerate() {
            assert_eq!(op.f, turns[turn % 2]);
        }
        assert!((400..600).contains(&of_kind.count()));
    }
    // One is under way while the other starts.
    assert!(ops.windows(2).any(|pair| [pair[0].f, pair[1].f] == ["kill", "pause"]));
}

#[test]
fn a_kill_draws_from_all_ways_and_a_start_acts_on_all_nodes() {
    let mut every = schedule(&[Nemesis::Kill], &Targets::ALL, 1);
    let mut counts = BTreeSet::new();
    for op in next(&mut every, 400).0 {
        match op.action {
            Action::Kill(nodes) => counts.insert(nodes.len()),
            action => {
                assert_eq!(action, Action::Start(vec![0, 1, 2, 3, 4]));
                assert_eq!(op.value, Edn::vector(["n0", "n1", "n2", "n3", "n4"]));
                false
            }
        };
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let mut one = schedule(&[Nemesis::Pause], &[Targets::One], 1);
    for op in next(&mut one, 100).0 {
        assert!(!matches!(op.action, Action::Pause(nodes) if nodes.len() != 1));
    }
}

#[test]
fn stopping_the_nemesis_ends_only_active_faults() {
    let mut schedule = schedule(&[Nemesis::Partition, Nemesis::Kill], &Targets::ALL, 2);
    assert!(schedule.stop().is_empty());
    let begun = [schedule.next(Time(0)), schedule.next(Time(0))].into_iter().flatten();
    assert_eq!(begun.count(), 2);
    let undone: Vec<Action> = schedule.stop().into_iter().map(|op| op.action).collect();
    let all = vec![0, 1, 2, 3, 4];
    assert_eq!(undone, [Action::Heal(FaultKind::Partition), Action::Start(all)]);
    assert!(schedule.stop().is_empty());
}
