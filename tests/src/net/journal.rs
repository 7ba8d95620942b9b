//! Counts of the messages of a test.

use super::Packet;
use crate::format::edn::Edn;

/// Counts of messages, by Maelstrom's rules.
///
/// Initialization, acknowledgements, retransmissions and messages that a partition dropped all
/// count. Messages of the quiet period at the end count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Messages to or from clients.
    pub clients: Traffic,
    /// Messages among nodes and services.
    pub servers: Traffic,
}

/// One kind of traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Distinct messages sent.
    pub sent: u64,
    /// Messages received, copies included.
    pub received: u64,
}

impl Journal {
    pub(super) fn sent(&mut self, packet: &Packet) {
        self.traffic(packet).sent += 1;
    }

    pub(super) fn received(&mut self, packet: &Packet) {
        self.traffic(packet).received += 1;
    }

    fn traffic(&mut self, packet: &Packet) -> &mut Traffic {
        if packet.src.is_client() || packet.dest.is_client() {
            &mut self.clients
        } else {
            &mut self.servers
        }
    }

    /// Returns the sum of all traffic.
    #[must_use]
    pub fn all(&self) -> Traffic {
        Traffic {
            sent: self.clients.sent + self.servers.sent,
            received: self.clients.received + self.servers.received,
        }
    }

    /// Returns the `:net` part of the results, for `operations` client operations.
    #[must_use]
    pub fn to_edn(&self, operations: usize) -> Edn {
        Edn::map([
            ("all", self.all().to_edn(operations)),
            ("clients", self.clients.to_edn(operations)),
            ("servers", self.servers.to_edn(operations)),
        ])
    }
}

impl Traffic {
    /// Returns the distinct messages per client operation, reads included.
    #[must_use]
    pub fn per_operation(&self, operations: usize) -> Option<f64> {
        (operations > 0).then(|| self.sent as f64 / operations as f64)
    }

    fn to_edn(self, operations: usize) -> Edn {
        let mut map = Edn::map([
            ("send-count", self.sent.into()),
            ("recv-count", self.received.into()),
            ("msg-count", self.sent.into()),
        ]);
        if let Some(ratio) = self.per_operation(operations) {
            map.insert("msgs-per-op", Edn::Float(ratio));
        }
        map
    }
}
