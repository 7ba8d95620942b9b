//! The messages of etcd's JSON gateway, with the field names of etcd's `rpc.proto`.
//!
//! Keys and values are in base64, and 64-bit numbers are strings. A field with the value zero,
//! false or empty is absent. Some versions write field names in camel case.

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

/// A revision of etcd's store: a count that every changing transaction increases.
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

/// A transaction: `success` if every comparison is true, and otherwise `failure`, atomically.
#[derive(Debug, serde::Serialize)]
pub(super) struct Transaction {
    pub(super) compare: Vec<Compare>,
    pub(super) success: Vec<Operation>,
    pub(super) failure: Vec<Operation>,
}

/// A comparison of a key's last change with a revision. At revision 0 the key must not exist.
#[derive(Debug, serde::Serialize)]
pub(super) struct Compare {
    key: Bytes,
    /// The comparison is for every key in `[key, range_end)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    range_end: Option<Bytes>,
    target: &'static str,
    result: &'static str,
    mod_revision: Revision,
}

impl Compare {
    pub(super) fn changed_at(key: &str, mod_revision: Revision) -> Compare {
        let key = key.into();
        Compare { key, range_end: None, target: "MOD", result: "EQUAL", mod_revision }
    }

    /// Creates a comparison that is true if no key begins with `prefix` and a slash.
    pub(super) fn none_under(prefix: &str) -> Compare {
        let (key, end) = range_under(prefix);
        Compare { range_end: Some(end), key, ..Compare::changed_at("", Revision(0)) }
    }
}

#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    RequestPut {
        key: Bytes,
        value: Bytes,
    },
    /// A read of one key, or of the keys in `[key, range_end)`.
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

    /// Creates a read of all keys that begin with `prefix` and a slash.
    pub(super) fn get_under(prefix: &str) -> Operation {
        let (key, end) = range_under(prefix);
        Operation::RequestRange { key, range_end: Some(end) }
    }
}

/// Returns the range of all keys that begin with `prefix` and a slash.
fn range_under(prefix: &str) -> (Bytes, Bytes) {
    // In ASCII, `0` is the character after the slash.
    (Bytes(format!("{prefix}/").into_bytes()), Bytes(format!("{prefix}0").into_bytes()))
}

/// The result of a transaction.
#[derive(Debug, serde::Deserialize)]
pub(super) struct TransactionResponse {
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

impl TransactionResponse {
    /// Returns the revision of the transaction, and so of the keys that it has put.
    pub(super) fn revision(&self) -> Revision {
        self.header.revision
    }

    /// Returns the keys that the transaction has read.
    pub(super) fn into_key_values(self) -> impl Iterator<Item = KeyValue> {
        self.responses.into_iter().flat_map(|response| response.response_range.kvs)
    }
}

/// A user's name and password.
#[derive(serde::Serialize)]
pub(super) struct Authenticate<'a> {
    pub(super) name: &'a str,
    pub(super) password: &'a str,
}

/// The token of an authenticated user.
#[derive(serde::Deserialize)]
pub(super) struct Authenticated {
    pub(super) token: String,
}

/// The body of an error response.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub(super) message: String,
    /// A status code of gRPC.
    #[serde(default)]
    pub(super) code: u32,
}
