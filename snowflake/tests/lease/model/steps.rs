//! What can happen, and what it does to the world.

use std::collections::BTreeSet;

use snowflake::lease::{AcquireRequest, Grant, Takeover};
use snowflake::{NodeId, UnixMillis};

use super::protocol::Protocol;
use super::world::{Claim, END, GRANT_MS, LIMITS, Process, SEALED, Sent, World};

const NODES: u16 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    TimePasses,
    Acquire {
        by: usize,
        node: u16,
        now: u64,
        heard: bool,
    },
    /// Becomes the holder again, after another one.
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
    Hear {
        by: usize,
    },
    RaiseWord {
        by: usize,
    },
    RaiseCeiling {
        by: usize,
    },
    Claim {
        by: usize,
        now: u64,
    },
    ReadLimit {
        by: usize,
    },
    Look {
        by: usize,
        now: u64,
    },
    LookForTicket {
        by: usize,
    },
    Take {
        by: usize,
    },
    TakeTicket {
        by: usize,
    },
    Redeem {
        by: usize,
    },
    Release {
        by: usize,
    },
}

impl Protocol {
    /// What may happen next.
    pub(crate) fn steps(self, world: &World, steps: &mut Vec<Step>) {
        let acquired: u64 = world.table.iter().map(|(_, record)| record.fencing_token).sum();
        if self.goes_by_time() && world.now < END {
            steps.push(Step::TimePasses);
        }
        let most = self.most();
        let halfway = world.processes.iter().flatten().any(|process| process.claim.is_some());
        for at in 0..world.sent.len() {
            // One that is never applied is lost.
            steps.push(Step::Apply { at });
        }
        for (by, process) in world.processes.iter().enumerate() {
            let Some(process) = process else {
                // Processes are alike: the first that is down starts.
                let first = world.processes.iter().position(Option::is_none) == Some(by);
                if !first || acquired == most.acquired {
                    continue;
                }
                for node in 0..NODES {
                    let id = NodeId::new(node).unwrap();
                    let high_water_mark =
                        world.table.get(id).map_or(0, |record| record.high_water_mark.0);
                    for now in self.readings_to_acquire(world.now, high_water_mark) {
                        let acquire = |heard| Step::Acquire { by, node, now, heard };
                        steps.extend([acquire(true), acquire(false)]);
                    }
                }
                continue;
            };
            if process.lease.node != world.watched.0 {
                // What it does there changes nothing here.
                continue;
            }
            if process.ticket {
                steps.push(Step::Redeem { by });
            }
            if process.claim.is_some() {
                steps.push(Step::Take { by });
            } else if !process.is_sealed() && process.word <= END {
                // A reading below the word is as good as one at it.
                let readings = self.readings(world.now).map(|now| now.max(process.word));
                let readings = BTreeSet::from_iter(readings);
                steps.extend(readings.iter().map(|&now| Step::Claim { by, now }));
                if !halfway {
                    steps.push(Step::ReadLimit { by });
                    steps.extend(readings.iter().map(|&now| Step::Look { by, now }));
                }
                // A ticket of another ID is a claim by the clock that makes none.
                if process.word == world.watched.1 && self.has_ticket(process) {
                    steps.push(Step::TakeTicket { by });
                    if !halfway {
                        steps.push(Step::LookForTicket { by });
                    }
                }
            }
            if process.is_sealed() {
                continue;
            }
            let newest = world.table.get(process.lease.node).map(|record| record.fencing_token);
            if newest != Some(process.lease.fencing_token) && acquired < most.acquired {
                steps.push(Step::Reacquire { by });
            }
            if process.answer.is_some() {
                steps.push(Step::Hear { by });
            }
            if process.awaits_answer {
                steps.push(Step::GiveUp { by });
            } else if world.sent.len() < most.sent {
                let longer = process.lease.until.0 + 1..=END;
                steps.extend(longer.map(|until| Step::Renew { by, until }));
                if self.releases() {
                    steps.push(Step::Release { by });
                }
            }
            match process.next {
                Some((_, false)) => steps.push(Step::RaiseWord { by }),
                Some((_, true)) => steps.push(Step::RaiseCeiling { by }),
                None => {}
            }
        }
    }

    /// The world after a step, unless it cannot be done.
    pub(crate) fn after(self, world: &World, step: Step) -> Option<World> {
        let mut world = world.clone();
        let process = |world: &mut World, by: usize| world.processes[by].clone();
        match step {
            Step::TimePasses => world.now += 1,
            Step::Acquire { by, node, now, heard } => {
                let node = NodeId::new(node).unwrap();
                let asked_at = self.asks_at(world.table.get(node), world.now, now)?;
                let request = AcquireRequest {
                    node: Some(node),
                    now: UnixMillis(asked_at),
                    grant_ms: GRANT_MS,
                    holder: String::new(),
                    takeover: Takeover::Immediate,
                };
                let lease = world.table.acquire(&request, UnixMillis(world.now), LIMITS).ok()?;
                if heard {
                    world.processes[by] = Some(Process::new(lease, self.begins_at(&lease, now)));
                }
            }
            Step::Reacquire { by } => {
                let mut it = process(&mut world, by)?;
                let node = it.lease.node;
                let reading = world.table.get(node).map_or(UnixMillis(0), |it| it.high_water_mark);
                let request = AcquireRequest {
                    node: Some(it.lease.node),
                    now: reading,
                    grant_ms: GRANT_MS,
                    holder: String::new(),
                    // Whether the other one still holds it is for a clock to say: any answer.
                    takeover: Takeover::Immediate,
                };
                let now = UnixMillis(world.now);
                it.hear(world.table.acquire(&request, now, LIMITS).ok()?);
                world.processes[by] = Some(it);
            }
            Step::Renew { by, until } => {
                let mut it = process(&mut world, by)?;
                let until = self.renews_until(world.now, until);
                if until <= it.lease.until.0 {
                    return None;
                }
                let Grant { node, fencing_token, .. } = it.lease;
                world.sent.push(Sent::Renewal { by, node, fencing_token, until });
                it.awaits_answer = true;
                world.processes[by] = Some(it);
            }
            Step::GiveUp { by } => {
                let mut it = process(&mut world, by)?;
                (it.awaits_answer, it.answer) = (false, None);
                world.processes[by] = Some(it);
            }
            Step::Apply { at } => world.apply(at),
            Step::Hear { by } => {
                let mut it = process(&mut world, by)?;
                let grant = it.answer.take()?;
                it.awaits_answer = false;
                it.hear(grant);
                world.processes[by] = Some(it);
            }
            Step::RaiseWord { by } => {
                let mut it = process(&mut world, by)?;
                let (next, raised) = it.next.as_mut()?;
                (it.word, *raised) = (it.word.max(next.from.0), true);
                world.processes[by] = Some(it);
            }
            Step::RaiseCeiling { by } => {
                let mut it = process(&mut world, by)?;
                let (next, _) = it.next.take()?;
                (it.ceiling, it.lease) = (next.until.0, next);
                world.processes[by] = Some(it);
            }
            Step::ReadLimit { by } => {
                let mut it = process(&mut world, by)?;
                it.claim = Some(Claim::FetchAdd { limit: it.ceiling });
                world.processes[by] = Some(it);
            }
            Step::Look { by, now } => {
                let mut it = process(&mut world, by)?;
                let first = it.word.max(now);
                if first >= it.ceiling {
                    return None;
                }
                it.claim = Some(Claim::Swap { seen: it.word, first });
                world.processes[by] = Some(it);
            }
            Step::LookForTicket { by } => {
                let mut it = process(&mut world, by)?;
                it.claim = Some(Claim::Ticket { seen: it.word });
                world.processes[by] = Some(it);
            }
            Step::Take { by } => world.take(by),
            Step::TakeTicket { by } => {
                world = self.after(&world, Step::LookForTicket { by })?;
                world.take(by);
            }
            Step::Redeem { by } => world.redeem(by),
            Step::Claim { by, now } => {
                world = self.after(&world, Step::Look { by, now })?;
                world.take(by);
            }
            Step::Release { by } => {
                let mut it = process(&mut world, by)?;
                let high_water_mark = it.word.min(it.ceiling).max(it.since);
                let Grant { node, fencing_token, .. } = it.lease;
                world.sent.push(Sent::Release { node, fencing_token, high_water_mark });
                it.word = SEALED;
                world.processes[by] = Some(it);
            }
        }
        // Requests on their way have no order.
        world.sent.sort_unstable();
        Some(world)
    }
}
