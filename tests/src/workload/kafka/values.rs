//! Operations and results as EDN.

use std::collections::BTreeMap;

use super::{Kafka, Key, Offset, Op, Output, Record};
use crate::format::edn::Edn;
use crate::history::Operations;

impl Operations for Kafka {
    type Op = Op;
    type Output = Output;

    fn f(op: &Op) -> &'static str {
        match op {
            Op::Assign { .. } => "assign",
            Op::Crash => "crash",
            Op::Poll => "poll",
            Op::Send { .. } => "send",
        }
    }

    fn op_value(op: &Op) -> Edn {
        match op {
            Op::Assign { keys, rewind } => {
                let keys = Edn::vector(keys.iter().map(Edn::from));
                if *rewind { Edn::map([("seek-to-beginning", keys)]) } else { keys }
            }
            Op::Crash => Edn::Nil,
            Op::Poll => Edn::Vector(vec![Edn::Vector(vec![Edn::Keyword("poll")])]),
            Op::Send { key, message } => send_value(key, (*message).into()),
        }
    }

    fn output_value(op: &Op, output: &Output) -> Edn {
        let offsets = |offsets: &BTreeMap<Key, Offset>| {
            Edn::Map(offsets.iter().map(|(key, offset)| (key.into(), (*offset).into())).collect())
        };
        match (op, output) {
            (Op::Send { key, message }, Output::Sent(offset)) => {
                send_value(key, Edn::vector([*offset, *message]))
            }
            (_, Output::Assigned { start, listed }) => {
                let mut assigned = Edn::map([("start", offsets(start))]);
                if let Some(listed) = listed {
                    assigned.insert("committed", offsets(listed));
                }
                assigned
            }
            (_, Output::Polled(polled)) => {
                let pair = |record: &Record| {
                    Edn::Vector(vec![record.offset.into(), (&record.message).into()])
                };
                let key = |(key, records): (&Key, &Vec<Record>)| {
                    (key.into(), Edn::Vector(records.iter().map(pair).collect()))
                };
                let polled = Edn::Map(polled.iter().map(key).collect());
                Edn::Vector(vec![Edn::Vector(vec![Edn::Keyword("poll"), polled])])
            }
            (_, Output::Sent(offset)) => (*offset).into(),
        }
    }
}

fn send_value(key: &Key, message: Edn) -> Edn {
    let send = vec![Edn::Keyword("send"), key.into(), message];
    Edn::Vector(vec![Edn::Vector(send)])
}

impl From<&Key> for Edn {
    fn from(key: &Key) -> Edn {
        Edn::Str(key.name().into_owned())
    }
}
