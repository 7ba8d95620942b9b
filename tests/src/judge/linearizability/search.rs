//! The search for an order of effects.

use std::collections::BTreeSet;

use super::cache::{Cache, Configuration};
use super::window::Window;
use super::{Call, Limit, Limits, Linearizability, NULL, Operation, Value, Violation};

/// Checks whether a history of one register, which holds [`NULL`] at first, is linearizable.
#[must_use]
pub fn check(operations: &[Operation], limits: Limits) -> Linearizability {
    Search::new(operations).run(limits)
}

/// An operation of known outcome.
#[derive(Clone, Copy, Debug)]
struct KnownOp {
    /// The index of the operation among all operations.
    index: usize,
    call: Call,
    invoked: usize,
    completed: usize,
}

/// The operations of unknown outcome with the same request, by the time of their invocation.
#[derive(Debug)]
struct Class {
    call: Call,
    members: Vec<(usize, usize)>,
}

/// An operation that may take effect next.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// An operation of known outcome, by its number.
    Known(u32),
    /// The next operation of a class of unknown outcome.
    Unknown(u32),
}

/// A configuration under examination.
#[derive(Debug)]
struct Frame {
    configuration: Configuration,
    moves: Vec<Move>,
    next: usize,
    /// The last step of the path to the configuration.
    step: u32,
}

/// A step of the search, and the step before it.
#[derive(Clone, Copy, Debug)]
struct PathStep {
    before: u32,
    operation: u32,
}

/// The step before the first.
const START: u32 = u32::MAX;

/// The furthest point that the search has reached.
#[derive(Debug, Default)]
struct Furthest {
    /// The first completion that the search could not pass.
    completion: usize,
    /// The operation that completes there.
    operation: Option<u32>,
    /// The last step of the longest path to that point.
    step: Option<u32>,
    length: usize,
    /// The values of the register at that point.
    values: BTreeSet<Value>,
    done: Window,
}

/// The search for an order of one history.
#[derive(Debug)]
struct Search {
    /// The operations of known outcome, in order of invocation.
    known: Vec<KnownOp>,
    classes: Vec<Class>,
    cache: Cache,
    steps: Vec<PathStep>,
    furthest: Furthest,
}

impl Search {
    fn new(operations: &[Operation]) -> Search {
        let mut known: Vec<KnownOp> = Vec::new();
        let mut unknown: Vec<(Call, usize, usize)> = Vec::new();
        for (index, operation) in operations.iter().enumerate() {
            let Operation { call, invoked, completed } = *operation;
            match completed {
                Some(completed) => known.push(KnownOp { index, call, invoked, completed }),
                // No client saw the result, and the operation does not change the register.
                None if call.changes_nothing() => {}
                None => unknown.push((call, invoked, index)),
            }
        }
        known.sort_by_key(|known| (known.invoked, known.index));
        unknown.sort_unstable();
        let mut classes: Vec<Class> = Vec::new();
        for (call, invoked, index) in unknown {
            match classes.last_mut() {
                Some(class) if class.call == call => class.members.push((invoked, index)),
                _ => classes.push(Class { call, members: vec![(invoked, index)] }),
            }
        }
        let (cache, furthest) = (Cache::default(), Furthest::default());
        Search { known, classes, cache, steps: Vec::new(), furthest }
    }

    fn run(mut self, limits: Limits) -> Linearizability {
        let start = Configuration {
            done: Window::default(),
            value: NULL,
            used: vec![0; self.classes.len()].into(),
        };
        let mut taken = 0u64;
        let mut stack = vec![self.examine(start, START, 0)];
        while let Some(frame) = stack.last_mut() {
            if frame.configuration.done.base() as usize == self.known.len() {
                return Linearizability::Linearizable;
            }
            let Some(&next) = frame.moves.get(frame.next) else {
                stack.pop();
                continue;
            };
            frame.next += 1;
            taken += 1;
            if taken > limits.steps {
                return Linearizability::Unknown(Limit::Steps);
            }
            let before = frame.step;
            let Some((configuration, operation)) = self.follow(&frame.configuration, next) else {
                continue;
            };
            if !self.cache.insert(&configuration) {
                continue;
            }
            let steps = self.steps.len() * size_of::<PathStep>();
            if self.cache.memory() + steps + stack.len() * size_of::<Frame>() > limits.memory {
                return Linearizability::Unknown(Limit::Memory);
            }
            self.steps.push(PathStep { before, operation });
            let step = self.steps.len() as u32 - 1;
            let frame = self.examine(configuration, step, stack.len());
            stack.push(frame);
        }
        match self.violation() {
            Some(violation) => Linearizability::Violation(violation),
            None => Linearizability::Linearizable,
        }
    }

    /// Finds the possible moves, and updates the furthest point of the search.
    fn examine(&mut self, configuration: Configuration, step: u32, length: usize) -> Frame {
        let Configuration { done, value, .. } = &configuration;
        let mut first: Option<(usize, u32)> = None;
        let mut moves: Vec<Move> = Vec::new();
        let mut greedy = None;
        for number in done.base()..self.known.len() as u32 {
            if done.contains(number) {
                continue;
            }
            let known = self.known[number as usize];
            if first.is_some_and(|(completion, _)| known.invoked > completion) {
                break;
            }
            if first.is_none_or(|(completion, _)| known.completed < completion) {
                first = Some((known.completed, number));
            }
            if known.call.apply(*value).is_some() {
                moves.push(Move::Known(number));
                if known.call.changes_nothing() {
                    greedy = Some(Move::Known(number));
                }
            }
        }
        let Some((completion, operation)) = first else {
            return Frame { configuration, moves: Vec::new(), next: 0, step };
        };
        if let Some(only) = greedy {
            moves = vec![only];
        } else {
            for (number, class) in self.classes.iter().enumerate() {
                let next = class.members.get(configuration.used[number] as usize);
                if next.is_some_and(|&(invoked, _)| invoked < completion)
                    && class.call.apply(*value).is_some_and(|after| after != *value)
                {
                    moves.push(Move::Unknown(number as u32));
                }
            }
        }
        let furthest = &mut self.furthest;
        if completion > furthest.completion || furthest.operation.is_none() {
            furthest.completion = completion;
            furthest.operation = Some(operation);
            furthest.step = None;
            furthest.length = 0;
            furthest.values.clear();
        }
        if completion == furthest.completion {
            furthest.values.insert(*value);
            if length >= furthest.length {
                furthest.length = length;
                furthest.step = Some(step);
                furthest.done.clone_from(done);
            }
        }
        Frame { configuration, moves, next: 0, step }
    }

    /// Returns the configuration after a move, and the operation that takes effect in it.
    fn follow(&self, from: &Configuration, next: Move) -> Option<(Configuration, u32)> {
        let mut to = from.clone();
        let (call, operation) = match next {
            Move::Known(number) => {
                to.done.insert(number);
                let known = self.known.get(number as usize)?;
                (known.call, known.index)
            }
            Move::Unknown(class) => {
                let used = to.used.get_mut(class as usize)?;
                let class = self.classes.get(class as usize)?;
                let &(_, index) = class.members.get(*used as usize)?;
                *used += 1;
                (class.call, index)
            }
        };
        to.value = call.apply(from.value)?;
        Some((to, operation as u32))
    }

    /// Returns the violation that the failed search has found.
    fn violation(&self) -> Option<Violation> {
        let furthest = &self.furthest;
        let blocked = self.known.get(furthest.operation? as usize)?;
        let mut prefix: Vec<usize> = Vec::new();
        let mut step = furthest.step.unwrap_or(START);
        while let Some(&PathStep { before, operation }) = self.steps.get(step as usize) {
            prefix.push(operation as usize);
            step = before;
        }
        prefix.reverse();
        let earlier = self.known.iter().filter(|known| known.completed < blocked.completed);
        let pending = self
            .known
            .iter()
            .enumerate()
            .filter(|(number, known)| {
                !furthest.done.contains(*number as u32)
                    && known.invoked < blocked.completed
                    && known.index != blocked.index
            })
            .map(|(_, known)| known.index);
        Some(Violation {
            operation: blocked.index,
            previous: earlier.max_by_key(|known| known.completed).map(|known| known.index),
            values: furthest.values.iter().copied().collect(),
            pending: pending.collect(),
            prefix,
        })
    }
}
