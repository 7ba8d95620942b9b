//! A search for a high-water mark that is more than one grant ahead of the clock.
//!
//! It explores every order of acquisitions, renewals, releases and crashes, with a clock that does
//! not step back. The rules are the shipped ones ([`LeaseTable`]). A process may have issued IDs up
//! to its clock. If it started ahead of its clock, it may have issued IDs from the start of its
//! first grant on, for half of the time since then.

use snowflake::lease::{
    AcquireRequest, Grant, GrantLimits, LeaseError, LeaseRecord, LeaseTable, ReleaseRequest,
    RenewRequest,
};
use snowflake::{NodeId, UnixMillis};
use stateright::{Checker, Model, Property};

const GRANT_MS: u64 = 12;
const SHORTEST_MS: u64 = GRANT_MS / 6;
const END_MS: u64 = 30;
const LIMITS: GrantLimits = GrantLimits::DEFAULT.with_max_grant_ms(GRANT_MS).with_max_skew_ms(1000);

/// The rule for the end of a first grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// The shipped rule: one grant ahead of the clock at most.
    OneGrant,
    /// A mistake: each first grant has the requested length.
    FullGrants,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now_ms: u64,
    table: LeaseTable,
    process: Option<Process>,
    had_to_wait: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Process {
    last: Grant,
    first_from_ms: u64,
    started_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    TimePasses,
    Acquire,
    Renew { timeline_ms: u64 },
    Release { timeline_ms: u64 },
    Crash,
}

impl World {
    fn high_water_mark_ms(&self) -> u64 {
        self.table.get(NodeId::MIN).map_or(0, |record| record.high_water_mark.0)
    }

    fn acquire(&mut self, rule: Rule) {
        let now = UnixMillis(self.now_ms);
        let request = AcquireRequest::new(Some(NodeId::MIN), now, GRANT_MS, "");
        let last = match (rule, self.table.acquire(&request, now, LIMITS)) {
            (Rule::OneGrant, Ok(grant)) => grant,
            (Rule::OneGrant, Err(LeaseError::GrantUsedUp { .. })) => {
                self.had_to_wait = true;
                return;
            }
            (Rule::OneGrant, Err(error)) => panic!("{error}"),
            (Rule::FullGrants, _) => {
                let from = UnixMillis(self.high_water_mark_ms().max(self.now_ms));
                let until = UnixMillis(from.0 + GRANT_MS);
                let holder = String::new();
                let record = LeaseRecord {
                    fencing_token: 1,
                    from,
                    high_water_mark: until,
                    held: true,
                    holder,
                };
                self.table.insert(NodeId::MIN, record);
                Grant { node: NodeId::MIN, from, until, fencing_token: 1 }
            }
        };
        let (first_from_ms, started_ms) = (last.from.0, self.now_ms);
        self.process = Some(Process { last, first_from_ms, started_ms });
    }
}

impl Process {
    fn timelines(&self, now_ms: u64) -> impl Iterator<Item = u64> + use<> {
        let catching_up = self.first_from_ms + (now_ms - self.started_ms) / 2;
        self.first_from_ms..=now_ms.max(catching_up).min(self.last.until.0)
    }
}

impl Model for Rule {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World { now_ms: 0, table: LeaseTable::new(), process: None, had_to_wait: false }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.now_ms < END_MS {
            steps.push(Step::TimePasses);
        }
        match &world.process {
            None => steps.push(Step::Acquire),
            Some(process) => {
                steps.push(Step::Crash);
                for timeline_ms in process.timelines(world.now_ms) {
                    let until_ms = renews_until(world.now_ms, timeline_ms);
                    if until_ms > process.last.until.0 {
                        steps.push(Step::Renew { timeline_ms });
                    }
                    steps.push(Step::Release { timeline_ms });
                }
            }
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut world = world.clone();
        let now = UnixMillis(world.now_ms);
        match step {
            Step::TimePasses => world.now_ms += 1,
            Step::Acquire => world.acquire(*self),
            Step::Renew { timeline_ms } => {
                let mut process = world.process?;
                let until = UnixMillis(renews_until(world.now_ms, timeline_ms));
                let request = RenewRequest::after(&process.last, now, until);
                process.last = world.table.renew(&request, now, LIMITS).ok()?;
                world.process = Some(process);
            }
            Step::Release { timeline_ms } => {
                let process = world.process.take()?;
                let request = ReleaseRequest::at(&process.last, UnixMillis(timeline_ms));
                world.table.release(&request).ok()?;
            }
            Step::Crash => world.process = None,
        }
        // Fencing tokens do not matter here, and would make every state a new one.
        let record = world.table.get(NodeId::MIN).cloned();
        if let Some(record) = record {
            world.table.insert(NodeId::MIN, LeaseRecord { fencing_token: 1, ..record });
        }
        if let Some(process) = &mut world.process {
            process.last.fencing_token = 1;
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let one_grant =
            Property::always("the mark is at most one grant ahead", |_, world: &World| {
                world.high_water_mark_ms() <= world.now_ms + GRANT_MS
            });
        if *self == Rule::FullGrants {
            return vec![one_grant];
        }
        vec![
            one_grant,
            // These show that the search reaches the cases that the rule is for.
            Property::sometimes("a start has to wait", |_, world: &World| world.had_to_wait),
            Property::sometimes("a first grant is short", |_, world: &World| {
                let mut processes = world.process.iter();
                processes.any(|it| it.last.until.0 - it.first_from_ms == SHORTEST_MS)
            }),
        ]
    }
}

/// Returns the end that the keeper requests.
fn renews_until(now_ms: u64, timeline_ms: u64) -> u64 {
    (now_ms + GRANT_MS).max(timeline_ms + SHORTEST_MS)
}

#[test]
fn no_order_of_crashes_and_releases_puts_the_mark_more_than_one_grant_ahead() {
    let checker = Rule::OneGrant.checker().threads(2).spawn_bfs().join();
    println!("{} states", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn full_first_grants_add_up() {
    let checker = Rule::FullGrants.checker().threads(2).spawn_bfs().join();
    let path = checker.discovery("the mark is at most one grant ahead");
    println!("{}", path.expect("the search found no mark too far ahead"));
}
