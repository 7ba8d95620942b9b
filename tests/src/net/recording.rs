//! A record of every message of a test, with its times and its delivery.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Packet;
use crate::base::address::{Address, Service};
use crate::base::excerpt::beginning;
use crate::base::time::Time;

/// The maximum number of messages in a recording: 64 MB.
const MAX_MESSAGES: usize = 2_000_000;

/// The maximum number of message types, and of characters in the name of a type.
///
/// A node can invent types.
const MAX_KINDS: usize = 1000;
const MAX_KIND_LENGTH: usize = 60;

/// The result of sending a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// The message arrived.
    Arrived,
    /// The fault "loss" dropped the message.
    Lost,
    /// A partition dropped the message.
    Partition,
    /// A one-way cut dropped the message.
    OneWay,
    /// The receiver did not run, or was killed before the message arrived.
    Down,
    /// The message was in transit when the test ended.
    UnderWay,
}

impl Delivery {
    /// All results, in the order of their numbers.
    pub const ALL: [Delivery; 6] = [
        Delivery::Arrived,
        Delivery::Lost,
        Delivery::Partition,
        Delivery::OneWay,
        Delivery::Down,
        Delivery::UnderWay,
    ];

    /// Returns a phrase for the result.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Delivery::Arrived => "arrived",
            Delivery::Lost => "dropped by loss",
            Delivery::Partition => "dropped by a partition",
            Delivery::OneWay => "dropped by a one-way cut",
            Delivery::Down => "dropped because the receiver was down",
            Delivery::UnderWay => "under way at the end",
        }
    }

    /// Returns `true` if the message can no longer arrive.
    #[must_use]
    pub fn is_dropped(self) -> bool {
        !matches!(self, Delivery::Arrived | Delivery::UnderWay)
    }
}

/// One message, or one copy of a duplicated message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedMessage {
    /// The number of the message; copies share it.
    pub id: u64,
    /// The time at which the message was sent.
    pub sent: Time,
    /// The microseconds until it arrived or was dropped, at most an hour.
    pub took_us: u32,
    /// The sender.
    pub src: Endpoint,
    /// The receiver.
    pub dest: Endpoint,
    /// The body's `type`, as an index into [`Recording::kinds`].
    pub kind: u16,
    /// The result of sending the message.
    pub delivery: Delivery,
}

/// An [`Address`] in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint(u32);

const SERVICE: u32 = 1 << 30;
const CLIENT: u32 = 1 << 31;

impl From<Address> for Endpoint {
    fn from(address: Address) -> Endpoint {
        Endpoint(match address {
            Address::Node(node) => node as u32 & (SERVICE - 1),
            Address::Service(service) => SERVICE | service as u32,
            Address::Client(client) => CLIENT | client as u32 & (CLIENT - 1),
        })
    }
}

impl Endpoint {
    /// Returns the address.
    #[must_use]
    pub fn address(self) -> Address {
        let Endpoint(number) = self;
        if number & CLIENT != 0 {
            return Address::Client((number & !CLIENT).into());
        }
        let service = (number & SERVICE != 0)
            .then(|| Service::ALL.get((number & !SERVICE) as usize))
            .flatten();
        service.map_or(Address::Node(number as usize), |service| Address::Service(*service))
    }
}

/// The messages of a test, up to a limit.
#[derive(Debug, Default)]
pub struct Recording {
    messages: Vec<RecordedMessage>,
    kinds: Vec<String>,
    by_name: BTreeMap<String, u16>,
    left_out: u64,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<std::borrow::Cow<'a, str>>,
}

impl Recording {
    /// Adds a message that has been delivered or dropped.
    pub(super) fn add(&mut self, now: Time, packet: &Packet, delivery: Delivery) {
        let Packet { id, sent, src, dest, body } = packet;
        self.add_body(now, (*id, *sent), (*src, *dest), body, delivery);
    }

    pub(super) fn add_body(
        &mut self,
        now: Time,
        (id, sent): (u64, Time),
        (src, dest): (Address, Address),
        body: &str,
        delivery: Delivery,
    ) {
        if self.messages.len() >= MAX_MESSAGES {
            self.left_out += 1;
            return;
        }
        let kind = self.kind(body);
        let took_us = u32::try_from((now - sent).as_micros()).unwrap_or(u32::MAX);
        let (src, dest) = (src.into(), dest.into());
        self.messages.push(RecordedMessage { id, sent, took_us, src, dest, kind, delivery });
    }

    fn kind(&mut self, body: &str) -> u16 {
        let typed: Option<Typed<'_>> = serde_json::from_str(body).ok();
        let name = typed.and_then(|typed| typed.kind).unwrap_or_default();
        if let Some(kind) = self.by_name.get(name.as_ref()) {
            return *kind;
        }
        let name = match self.kinds.len() {
            0..MAX_KINDS => beginning(&name, MAX_KIND_LENGTH),
            _ => "others".to_owned(),
        };
        if let Some(kind) = self.by_name.get(&name) {
            return *kind;
        }
        let kind = self.kinds.len() as u16;
        self.by_name.insert(name.clone(), kind);
        self.kinds.push(name);
        kind
    }

    /// Sorts the messages by the time at which they were sent.
    pub(super) fn sort(&mut self) {
        self.messages.sort_by_key(|message| (message.sent, message.id));
    }

    /// Returns the messages.
    ///
    /// After the test they are sorted by the time at which they were sent.
    #[must_use]
    pub fn messages(&self) -> &[RecordedMessage] {
        &self.messages
    }

    /// Returns the types of message.
    #[must_use]
    pub fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// Returns the number of messages beyond the limit.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_packing() {
        let services = Service::ALL.map(Address::Service);
        let others =
            [Address::Node(0), Address::Node(1023), Address::Client(0), Address::Client(99_999)];
        for address in services.into_iter().chain(others) {
            assert_eq!(Endpoint::from(address).address(), address);
        }
    }

    #[test]
    fn many_message_types_do_not_exhaust_the_memory() {
        let mut recording = Recording::default();
        let ends = (Address::Node(0), Address::Node(1));
        for n in 0..3000 {
            let body = format!(r#"{{"type":"{n}{}"}}"#, "x".repeat(500));
            recording.add_body(Time(9), (n, Time(5)), ends, &body, Delivery::Arrived);
        }
        for body in ["{}", "[", r#"{"type":7}"#] {
            recording.add_body(Time(9), (3000, Time(5)), ends, body, Delivery::Lost);
        }
        assert_eq!(recording.messages().len(), 3003);
        assert_eq!(recording.kinds().len(), MAX_KINDS + 1);
        assert!(recording.kinds().iter().all(|kind| kind.len() < 2 * MAX_KIND_LENGTH));
        assert_eq!(recording.messages()[0].took_us, 4);
    }
}
