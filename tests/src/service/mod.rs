//! Maelstrom's services: key-value stores and a timestamp oracle.
//!
//! The bench provides the services to nodes.
//!
//! A service does not reply to a request of an unknown type. Maelstrom's services do not either.

mod eventual;
mod kv;
mod sequential;

use std::fmt::Write;

use crate::base::address::Service;
use crate::base::rng::Rng;
use crate::format::json::Canonical;
use crate::format::wire::Body;

use eventual::Eventual;
use kv::{Answer, KeyValue, KvRequest};
use sequential::Sequential;

/// The state of all services.
#[derive(Debug)]
pub struct Services {
    lin_kv: KeyValue,
    seq_kv: Sequential,
    lww_kv: Eventual,
    next_timestamp: u64,
    rng: Rng,
}

impl Services {
    /// Creates services that hold no values.
    #[must_use]
    pub fn new(rng: Rng) -> Services {
        Services {
            lin_kv: KeyValue::default(),
            seq_kv: Sequential::default(),
            lww_kv: Eventual::default(),
            next_timestamp: 0,
            rng,
        }
    }

    /// Handles a request and returns the reply, both as JSON.
    ///
    /// `client` is the node that sends the request.
    pub fn handle(&mut self, service: Service, client: usize, body: &str) -> Option<String> {
        let body = Body::parse_text(body).ok()?;
        // Maelstrom copies any value of `msg_id`.
        let msg_id = body.raw("msg_id").map_or("null", |id| id.get());
        if service == Service::LinTso {
            if body.text("type")? != "ts" {
                return None;
            }
            self.next_timestamp += 1;
            let ts = self.next_timestamp - 1;
            return Some(format!(r#"{{"type":"ts_ok","ts":{ts},"in_reply_to":{msg_id}}}"#));
        }
        let request = KvRequest::parse(&body)?;
        let answer = match service {
            Service::SeqKv => self.seq_kv.handle(client, &request, &mut self.rng),
            Service::LwwKv => self.lww_kv.handle(&request, &mut self.rng),
            _ => self.lin_kv.handle(&request),
        };
        Some(answer.to_json(msg_id))
    }
}

impl Answer {
    fn to_json(&self, msg_id: &str) -> String {
        let mut json = String::from(r#"{"type":"#);
        // Writing to a string cannot fail.
        let _ = match self {
            Answer::Read(value) => write!(json, r#""read_ok","value":{}"#, value.as_str()),
            Answer::Written => write!(json, r#""write_ok""#),
            Answer::Swapped => write!(json, r#""cas_ok""#),
            Answer::NoSuchKey => write!(json, r#""error","code":20,"text":"key does not exist""#),
            Answer::OtherValue { is, expected } => {
                let text = format!("current value {} is not {}", is.as_str(), expected.as_str());
                let text = serde_json::Value::from(text);
                write!(json, r#""error","code":22,"text":{text}"#)
            }
        };
        // As in Maelstrom, the field is last.
        let _ = write!(json, r#","in_reply_to":{msg_id}}}"#);
        json
    }
}

impl KvRequest {
    /// Parses a request.
    ///
    /// Returns `None` if a key-value store does not support its type. A missing field is null, as
    /// with Maelstrom.
    fn parse(body: &Body<'_>) -> Option<KvRequest> {
        let field = |name| {
            let text = body.raw(name).map_or("null", |raw| raw.get());
            Canonical::parse(text).ok()
        };
        let key = field("key")?;
        Some(match body.text("type")?.as_ref() {
            "read" => KvRequest::Read { key },
            "write" => KvRequest::Write { key, value: field("value")? },
            "cas" => KvRequest::Cas {
                key,
                from: field("from")?,
                to: field("to")?,
                create: body
                    .raw("create_if_not_exists")
                    .is_some_and(|raw| !["null", "false"].contains(&raw.get())),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    fn services() -> Services {
        Services::new(Rng::new(1, Stream::Services))
    }

    fn ask(services: &mut Services, service: Service, body: &str) -> Option<String> {
        services.handle(service, 0, body)
    }

    #[test]
    fn a_linearizable_store_reads_writes_and_swaps() {
        let mut services = services();
        for (request, answer) in [
            (
                r#"{"type":"read","msg_id":1,"key":"k"}"#,
                r#"{"type":"error","code":20,"text":"key does not exist","in_reply_to":1}"#,
            ),
            (
                r#"{"type":"write","msg_id":2,"key":"k","value":[1]}"#,
                r#"{"type":"write_ok","in_reply_to":2}"#,
            ),
            (
                r#"{"type":"read","msg_id":3,"key":"k"}"#,
                r#"{"type":"read_ok","value":[1],"in_reply_to":3}"#,
            ),
            (
                r#"{"type":"cas","msg_id":4,"key":"k","from":2,"to":3}"#,
                r#"{"type":"error","code":22,"text":"current value [1] is not 2","in_reply_to":4}"#,
            ),
            (
                r#"{"type":"cas","msg_id":5,"key":"k","from":[ 1 ],"to":3}"#,
                r#"{"type":"cas_ok","in_reply_to":5}"#,
            ),
            (
                r#"{"type":"cas","msg_id":6,"key":9,"from":0,"to":1}"#,
                r#"{"type":"error","code":20,"text":"key does not exist","in_reply_to":6}"#,
            ),
            (
                r#"{"type":"cas","msg_id":7,"key":9,"from":0,"to":1,"create_if_not_exists":true}"#,
                r#"{"type":"cas_ok","in_reply_to":7}"#,
            ),
        ] {
            let reply = ask(&mut services, Service::LinKv, request);
            assert_eq!(reply.as_deref(), Some(answer), "{request}");
        }
    }

    /// Clojure's `=` compares doubles by value, and no integer equals a double.
    #[test]
    fn a_swap_compares_numbers_as_maelstrom_does() {
        for (stored, from, is_swapped) in [
            ("1.0", "1.00", true),
            ("1.0", "1e0", true),
            ("1", "1.0", false),
            ("9007199254740993", "9007199254740992", false),
            ("9007199254740993.0", "9007199254740992.0", true),
        ] {
            let mut services = services();
            let write = format!(r#"{{"type":"write","key":{stored},"value":{stored}}}"#);
            ask(&mut services, Service::LinKv, &write).unwrap();
            let swap = format!(r#"{{"type":"cas","key":{stored},"from":{from},"to":0}}"#);
            let reply = ask(&mut services, Service::LinKv, &swap).unwrap();
            assert_eq!(reply.contains("cas_ok"), is_swapped, "{stored} from {from}: {reply}");
            let read = format!(r#"{{"type":"read","key":{from}}}"#);
            let reply = ask(&mut services, Service::LinKv, &read).unwrap();
            assert_eq!(reply.contains("read_ok"), is_swapped, "key {stored}, read as {from}");
        }
    }

    #[test]
    fn the_timestamp_oracle_counts() {
        let mut services = services();
        for ts in 0..3 {
            let reply = ask(&mut services, Service::LinTso, r#"{"type":"ts","msg_id":4}"#);
            let expected = format!(r#"{{"type":"ts_ok","ts":{ts},"in_reply_to":4}}"#);
            assert_eq!(reply, Some(expected));
        }
    }

    #[test]
    fn a_request_is_served_whatever_its_msg_id_is() {
        let mut services = services();
        for (field, copied) in [
            ("", "null"),
            (r#","msg_id":null"#, "null"),
            (r#","msg_id":"a""#, r#""a""#),
            (r#","msg_id":5.0"#, "5.0"),
            (r#","msg_id":18446744073709551615"#, "18446744073709551615"),
        ] {
            let request = format!(r#"{{"type":"write","key":1,"value":2{field}}}"#);
            let answer = format!(r#"{{"type":"write_ok","in_reply_to":{copied}}}"#);
            assert_eq!(ask(&mut services, Service::LinKv, &request), Some(answer));
        }
    }

    #[test]
    fn an_unknown_service_request_gets_no_reply() {
        let mut services = services();
        for service in Service::ALL {
            assert_eq!(ask(&mut services, service, r#"{"type":"delete","msg_id":1}"#), None);
        }
        assert_eq!(ask(&mut services, Service::LinTso, r#"{"type":"read","msg_id":1}"#), None);
    }
}
