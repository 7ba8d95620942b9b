//! A linearizable key-value store: a read returns the last value written.

use std::collections::BTreeMap;

use crate::format::json::Canonical;

/// A request to a key-value store.
#[derive(Clone, Debug)]
pub(super) enum KvRequest {
    Read {
        key: Canonical,
    },
    Write {
        key: Canonical,
        value: Canonical,
    },
    /// A compare-and-set operation.
    Cas {
        key: Canonical,
        from: Canonical,
        to: Canonical,
        /// `true` if the operation also creates a key that does not exist.
        create: bool,
    },
}

/// The reply of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Read(Canonical),
    Written,
    Swapped,
    NoSuchKey,
    OtherValue { is: Canonical, expected: Canonical },
}

/// The effect of a request on a key.
#[derive(Debug)]
pub(super) struct Effect {
    pub(super) answer: Answer,
    /// The key's new value, if the request writes one.
    pub(super) writes: Option<Canonical>,
}

impl KvRequest {
    pub(super) fn key(&self) -> &Canonical {
        match self {
            KvRequest::Read { key } | KvRequest::Write { key, .. } | KvRequest::Cas { key, .. } => {
                key
            }
        }
    }

    /// Returns the effect of the request if its key has the value `current`.
    pub(super) fn effect(&self, current: Option<&Canonical>) -> Effect {
        let (answer, writes) = match (self, current) {
            (KvRequest::Write { value, .. }, _) => (Answer::Written, Some(value.clone())),
            (KvRequest::Read { .. }, Some(value)) => (Answer::Read(value.clone()), None),
            (KvRequest::Cas { to, create: true, .. }, None) => (Answer::Swapped, Some(to.clone())),
            (KvRequest::Read { .. } | KvRequest::Cas { .. }, None) => (Answer::NoSuchKey, None),
            (KvRequest::Cas { from, to, .. }, Some(is)) if is == from => {
                (Answer::Swapped, Some(to.clone()))
            }
            (KvRequest::Cas { from, .. }, Some(is)) => {
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
    pub(super) fn handle(&mut self, request: &KvRequest) -> Answer {
        let effect = request.effect(self.values.get(request.key()));
        if let Some(value) = effect.writes {
            self.values.insert(request.key().clone(), value);
        }
        effect.answer
    }
}
