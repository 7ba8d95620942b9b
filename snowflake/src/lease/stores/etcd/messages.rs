//! etcd's transactions as its JSON gateway has them.
//!
//! Keys and values are in base64, 64-bit numbers are strings, and what is zero, false or
//! empty is left out. Field names are those of etcd's `rpc.proto`; some versions write
//! them in camel case.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

/// A key or a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl From<&str> for Bytes {
    fn from(text: &str) -> Bytes {
        Bytes(text.as_bytes().to_vec())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map(Bytes).map_err(D::Error::custom)
    }
}

/// A point in etcd's history: how many transactions had changed something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Revision(pub(super) u64);

impl Serialize for Revision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Revision, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Revision).map_err(D::Error::custom)
    }
}

/// If every comparison holds, `success`, or else `failure`: all of it at once.
#[derive(Debug, serde::Serialize)]
pub(super) struct Transaction {
    pub(super) compare: Vec<Compare>,
    pub(super) success: Vec<Operation>,
    pub(super) failure: Vec<Operation>,
}

/// That a key's last change was at this revision; at 0, that there is no such key.
#[derive(Debug, serde::Serialize)]
pub(super) struct Compare {
    key: Bytes,
    target: &'static str,
    result: &'static str,
    mod_revision: Revision,
}

impl Compare {
    pub(super) fn changed_at(key: &str, mod_revision: Revision) -> Compare {
        Compare { key: key.into(), target: "MOD", result: "EQUAL", mod_revision }
    }
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    RequestPut {
        key: Bytes,
        value: Bytes,
    },
    /// One key, or those from `key` to before `range_end`.
    RequestRange {
        key: Bytes,
        #[serde(skip_serializing_if = "Option::is_none")]
        range_end: Option<Bytes>,
    },
}

impl Operation {
    pub(super) fn put(key: &str, value: &str) -> Operation {
        Operation::RequestPut { key: key.into(), value: value.into() }
    }

    pub(super) fn get(key: &str) -> Operation {
        Operation::RequestRange { key: key.into(), range_end: None }
    }

    /// All keys under `prefix` and a slash.
    pub(super) fn get_under(prefix: &str) -> Operation {
        // In ASCII `0` comes right after the slash.
        let (key, range_end) = (format!("{prefix}/"), format!("{prefix}0"));
        Operation::RequestRange { key: (&*key).into(), range_end: Some((&*range_end).into()) }
    }
}

/// What became of a transaction.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Outcome {
    header: Header,
    #[serde(default)]
    pub(super) succeeded: bool,
    #[serde(default)]
    responses: Vec<Response>,
}

#[derive(Debug, serde::Deserialize)]
struct Header {
    revision: Revision,
}

#[derive(Debug, serde::Deserialize)]
struct Response {
    #[serde(default, alias = "responseRange")]
    response_range: Range,
}

#[derive(Debug, Default, serde::Deserialize)]
struct Range {
    #[serde(default)]
    kvs: Vec<KeyValue>,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct KeyValue {
    pub(super) key: Bytes,
    #[serde(alias = "modRevision")]
    pub(super) mod_revision: Revision,
    #[serde(default)]
    pub(super) value: Bytes,
}

impl Outcome {
    /// That of the transaction, and so of what it has put.
    pub(super) fn revision(&self) -> Revision {
        self.header.revision
    }

    /// What its ranges found.
    pub(super) fn into_found(self) -> impl Iterator<Item = KeyValue> {
        self.responses.into_iter().flat_map(|response| response.response_range.kvs)
    }
}

/// A user's name and password.
#[derive(serde::Serialize)]
pub(super) struct Authenticate<'a> {
    pub(super) name: &'a str,
    pub(super) password: &'a str,
}

/// What stands for them from now on.
#[derive(serde::Deserialize)]
pub(super) struct Authenticated {
    pub(super) token: String,
}

/// Why a request was refused.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) message: String,
    /// As gRPC counts them.
    #[serde(default)]
    pub(super) code: u32,
}
