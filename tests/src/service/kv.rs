//! A key-value store in one place: what it holds is what was written last.

use std::collections::BTreeMap;

use crate::format::json::Canonical;

/// What a store can be asked.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Read {
        key: Canonical,
    },
    Write {
        key: Canonical,
        value: Canonical,
    },
    /// Compare and set.
    Cas {
        key: Canonical,
        from: Canonical,
        to: Canonical,
        /// Whether a key that is not there is as good as one that holds `from`.
        create: bool,
    },
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Read(Canonical),
    Written,
    Swapped,
    NoSuchKey,
    OtherValue { is: Canonical, expected: Canonical },
}

/// What a request comes to, seen from the value that its key has.
#[derive(Debug)]
pub(super) struct Effect {
    pub(super) answer: Answer,
    /// The key's new value, if the request writes one.
    pub(super) writes: Option<Canonical>,
}

impl Request {
    pub(super) fn key(&self) -> &Canonical {
        match self {
            Request::Read { key } | Request::Write { key, .. } | Request::Cas { key, .. } => key,
        }
    }

    /// What the request does where its key has this value.
    pub(super) fn effect(&self, current: Option<&Canonical>) -> Effect {
        let (answer, writes) = match (self, current) {
            (Request::Write { value, .. }, _) => (Answer::Written, Some(value.clone())),
            (Request::Read { .. }, Some(value)) => (Answer::Read(value.clone()), None),
            (Request::Cas { to, create: true, .. }, None) => (Answer::Swapped, Some(to.clone())),
            (Request::Read { .. } | Request::Cas { .. }, None) => (Answer::NoSuchKey, None),
            (Request::Cas { from, to, .. }, Some(is)) if is == from => {
                (Answer::Swapped, Some(to.clone()))
            }
            (Request::Cas { from, .. }, Some(is)) => {
                (Answer::OtherValue { is: is.clone(), expected: from.clone() }, None)
            }
        };
        Effect { answer, writes }
    }
}

/// A linearizable store.
#[derive(Debug, Default)]
pub(super) struct KeyValue {
    values: BTreeMap<Canonical, Canonical>,
}

impl KeyValue {
    pub(super) fn handle(&mut self, request: &Request) -> Answer {
        let effect = request.effect(self.values.get(request.key()));
        if let Some(value) = effect.writes {
            self.values.insert(request.key().clone(), value);
        }
        effect.answer
    }
}
