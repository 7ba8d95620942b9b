//! Two key-value stores behind one name.
//!
//! Maelstrom's documentation calls this service eventually consistent: replicas gossip, and the
//! last write wins. Its code merges replicas, but then discards the result (`Eventual` in
//! `service.clj`). Nodes run against that code, so these replicas exchange nothing either.

use std::collections::BTreeMap;

use super::kv::{Answer, KvRequest};
use crate::base::rng::Rng;
use crate::format::json::Canonical;

/// Two replicas. Each request uses a random one.
#[derive(Debug, Default)]
pub(super) struct Eventual {
    replicas: [Replica; 2],
}

#[derive(Debug, Default)]
struct Replica(BTreeMap<Canonical, Canonical>);

impl Eventual {
    pub(super) fn handle(&mut self, request: &KvRequest, rng: &mut Rng) -> Answer {
        self.replicas[rng.index(2)].handle(request)
    }
}

impl Replica {
    fn handle(&mut self, request: &KvRequest) -> Answer {
        // Maelstrom's store does not support `create_if_not_exists`.
        let request = match request.clone() {
            KvRequest::Cas { key, from, to, .. } => KvRequest::Cas { key, from, to, create: false },
            other => other,
        };
        let effect = request.effect(self.0.get(request.key()));
        if let Some(value) = effect.writes {
            self.0.insert(request.key().clone(), value);
        }
        effect.answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    #[test]
    fn half_of_the_reads_miss_a_value_that_was_written_once() {
        let mut rng = Rng::new(1, Stream::Services);
        let mut store = Eventual::default();
        let key = Canonical::parse("1").unwrap();
        store.handle(&KvRequest::Write { key: key.clone(), value: key.clone() }, &mut rng);
        let read = KvRequest::Read { key };
        let answers = (0..1000).map(|_| store.handle(&read, &mut rng));
        let missed = answers.filter(|answer| *answer == Answer::NoSuchKey).count();
        assert!((400..600).contains(&missed), "{missed}");
    }
}
