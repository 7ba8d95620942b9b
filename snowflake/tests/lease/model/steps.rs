//! The transitions of the model: which steps are possible, and the state after each.

use std::collections::BTreeSet;

use snowflake::lease::{AcquireRequest, Grant};
use snowflake::{NodeId, UnixMillis};

use super::protocol::Protocol;
use super::world::{Claim, END, GRANT_MS, LIMITS, Process, Request, SEALED, World};

const NODES: u16 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    TimePasses,
    Acquire {
        by: usize,
        node: u16,
        now: u64,
        answer_arrives: bool,
    },
    /// A former holder becomes the holder again.
    Reacquire {
        by: usize,
    },
    Renew {
        by: usize,
        until: u64,
    },
    GiveUp {
        by: usize,
    },
    Apply {
        at: usize,
    },
    ReceiveAnswer {
        by: usize,
    },
    /// E2.
    RaiseCursor {
        by: usize,
    },
    /// E3.
    RaiseGrantEnd {
        by: usize,
    },
    /// C5 to C7 as one step.
    Claim {
        by: usize,
        now: u64,
    },
    /// C2.
    LoadLimit {
        by: usize,
    },
    /// C5 and C6.
    LoadCursor {
        by: usize,
        now: u64,
    },
    /// R1.
    LoadToReserve {
        by: usize,
    },
    /// C3, C7 or R2.
    CompleteClaim {
        by: usize,
    },
    /// R1 and R2 as one step.
    Reserve {
        by: usize,
    },
    /// R3.
    Redeem {
        by: usize,
    },
    /// S1, and the request.
    Release {
        by: usize,
    },
}

impl Protocol {
    /// Lists the steps that are possible now.
    pub(crate) fn steps(self, world: &World, steps: &mut Vec<Step>) {
        let acquisitions: u64 = world.table.iter().map(|(_, record)| record.fencing_token).sum();
        if self.uses_store_clock() && world.now < END {
            steps.push(Step::TimePasses);
        }
        let limits = self.limits();
        let is_claiming = world.processes.iter().flatten().any(|process| process.claim.is_some());
        for at in 0..world.in_flight.len() {
            // A request that is never applied is a lost request.
            steps.push(Step::Apply { at });
        }
        for (by, process) in world.processes.iter().enumerate() {
            let Some(process) = process else {
                // Processes are symmetric: only the first one that is down starts.
                let first = world.processes.iter().position(Option::is_none) == Some(by);
                if !first || acquisitions == limits.acquisitions {
                    continue;
                }
                for node in 0..NODES {
                    let id = NodeId::new(node).unwrap();
                    let high_water_mark =
                        world.table.get(id).map_or(0, |record| record.high_water_mark.0);
                    for now in self.readings_to_acquire(world.now, high_water_mark) {
                        let acquire =
                            |answer_arrives| Step::Acquire { by, node, now, answer_arrives };
                        steps.extend([acquire(true), acquire(false)]);
                    }
                }
                continue;
            };
            if process.lease.node != world.watched.0 {
                // Holders of another node ID do not affect the watched ID.
                continue;
            }
            if process.has_reservation {
                steps.push(Step::Redeem { by });
            }
            if process.claim.is_some() {
                steps.push(Step::CompleteClaim { by });
            } else if !process.is_sealed() && process.cursor <= END {
                // A reading below the cursor has the same effect as one at the cursor.
                let readings = self.readings(world.now).map(|now| now.max(process.cursor));
                let readings = BTreeSet::from_iter(readings);
                steps.extend(readings.iter().map(|&now| Step::Claim { by, now }));
                if !is_claiming {
                    steps.push(Step::LoadLimit { by });
                    steps.extend(readings.iter().map(|&now| Step::LoadCursor { by, now }));
                }
                // A reservation of another ID has the effect of a claim that issues no watched ID.
                if process.cursor == world.watched.1 && self.may_reserve(process) {
                    steps.push(Step::Reserve { by });
                    if !is_claiming {
                        steps.push(Step::LoadToReserve { by });
                    }
                }
            }
            if process.is_sealed() {
                continue;
            }
            let newest = world.table.get(process.lease.node).map(|record| record.fencing_token);
            if newest != Some(process.lease.fencing_token) && acquisitions < limits.acquisitions {
                steps.push(Step::Reacquire { by });
            }
            if process.answer.is_some() {
                steps.push(Step::ReceiveAnswer { by });
            }
            if process.awaits_answer {
                steps.push(Step::GiveUp { by });
            } else if world.in_flight.len() < limits.in_flight {
                let longer = process.lease.until.0 + 1..=END;
                steps.extend(longer.map(|until| Step::Renew { by, until }));
                if self.releases() {
                    steps.push(Step::Release { by });
                }
            }
            match process.next {
                Some((_, false)) => steps.push(Step::RaiseCursor { by }),
                Some((_, true)) => steps.push(Step::RaiseGrantEnd { by }),
                None => {}
            }
        }
    }

    /// Returns the state after a step, or `None` if the step is not possible.
    pub(crate) fn after(self, world: &World, step: Step) -> Option<World> {
        let mut world = world.clone();
        let process = |world: &mut World, by: usize| world.processes[by].clone();
        match step {
            Step::TimePasses => world.now += 1,
            Step::Acquire { by, node, now, answer_arrives } => {
                let node = NodeId::new(node).unwrap();
                let requested_at = self.acquires_at(world.table.get(node), world.now, now)?;
                let requested_at = UnixMillis(requested_at);
                let request = AcquireRequest::new(Some(node), requested_at, GRANT_MS, "");
                let lease = world.table.acquire(&request, UnixMillis(world.now), LIMITS).ok()?;
                if answer_arrives {
                    world.processes[by] = Some(Process::new(lease, self.first_id(&lease, now)));
                }
            }
            Step::Reacquire { by } => {
                let mut it = process(&mut world, by)?;
                let node = it.lease.node;
                let reading = world.table.get(node).map_or(UnixMillis(0), |it| it.high_water_mark);
                // The keeper requests `AfterExpiry`, which a clock decides. Clocks read anything
                // here, so the request may succeed at any time.
                let request = AcquireRequest::new(Some(node), reading, GRANT_MS, "");
                let now = UnixMillis(world.now);
                it.add(world.table.acquire(&request, now, LIMITS).ok()?);
                world.processes[by] = Some(it);
            }
            Step::Renew { by, until } => {
                let mut it = process(&mut world, by)?;
                let until = self.renews_until(world.now, until);
                if until <= it.lease.until.0 {
                    return None;
                }
                let Grant { node, fencing_token, .. } = it.lease;
                world.in_flight.push(Request::Renew { by, node, fencing_token, until });
                it.awaits_answer = true;
                world.processes[by] = Some(it);
            }
            Step::GiveUp { by } => {
                let mut it = process(&mut world, by)?;
                (it.awaits_answer, it.answer) = (false, None);
                world.processes[by] = Some(it);
            }
            Step::Apply { at } => world.apply(at),
            Step::ReceiveAnswer { by } => {
                let mut it = process(&mut world, by)?;
                let grant = it.answer.take()?;
                it.awaits_answer = false;
                it.add(grant);
                world.processes[by] = Some(it);
            }
            Step::RaiseCursor { by } => {
                let mut it = process(&mut world, by)?;
                let (next, is_raised) = it.next.as_mut()?;
                (it.cursor, *is_raised) = (it.cursor.max(next.from.0), true);
                world.processes[by] = Some(it);
            }
            Step::RaiseGrantEnd { by } => {
                let mut it = process(&mut world, by)?;
                let (next, _) = it.next.take()?;
                (it.grant_end, it.lease) = (next.until.0, next);
                world.processes[by] = Some(it);
            }
            Step::LoadLimit { by } => {
                let mut it = process(&mut world, by)?;
                it.claim = Some(Claim::FetchAdd { limit: it.grant_end });
                world.processes[by] = Some(it);
            }
            Step::LoadCursor { by, now } => {
                let mut it = process(&mut world, by)?;
                let first = it.cursor.max(now);
                if first >= it.grant_end {
                    return None;
                }
                it.claim = Some(Claim::CompareAndSwap { seen: it.cursor, first });
                world.processes[by] = Some(it);
            }
            Step::LoadToReserve { by } => {
                let mut it = process(&mut world, by)?;
                it.claim = Some(Claim::Reserve { seen: it.cursor });
                world.processes[by] = Some(it);
            }
            Step::CompleteClaim { by } => world.complete_claim(by),
            Step::Reserve { by } => {
                world = self.after(&world, Step::LoadToReserve { by })?;
                world.complete_claim(by);
            }
            Step::Redeem { by } => world.redeem(by),
            Step::Claim { by, now } => {
                world = self.after(&world, Step::LoadCursor { by, now })?;
                world.complete_claim(by);
            }
            Step::Release { by } => {
                let mut it = process(&mut world, by)?;
                let high_water_mark = it.cursor.min(it.grant_end).max(it.since);
                let Grant { node, fencing_token, .. } = it.lease;
                world.in_flight.push(Request::Release { node, fencing_token, high_water_mark });
                it.cursor = SEALED;
                world.processes[by] = Some(it);
            }
        }
        // Requests in flight have no order.
        world.in_flight.sort_unstable();
        Some(world)
    }
}
