//! The addresses of nodes, clients and services.

use std::collections::BTreeMap;
use std::fmt;

/// One end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// A node, by its index in the list of nodes.
    Node(usize),
    /// A client, `c0` `c1` …, numbered in the order in which clients are opened.
    Client(u64),
    /// One of the key-value stores or the timestamp oracle.
    Service(Service),
}

impl Address {
    /// Returns `true` if this is a client.
    ///
    /// Messages from and to clients have no latency, and the statistics count them separately.
    #[must_use]
    pub fn is_client(self) -> bool {
        matches!(self, Address::Client(_))
    }
}

/// A service to which nodes can send requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// A linearizable key-value store.
    LinKv,
    /// A sequentially consistent key-value store.
    SeqKv,
    /// An eventually consistent key-value store, in which the last write wins.
    LwwKv,
    /// A linearizable timestamp oracle.
    LinTso,
}

impl Service {
    /// All services, in the order of their discriminants.
    pub const ALL: [Service; 4] = [Service::LinKv, Service::SeqKv, Service::LwwKv, Service::LinTso];

    /// Returns the name that messages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Service::LinKv => "lin-kv",
            Service::SeqKv => "seq-kv",
            Service::LwwKv => "lww-kv",
            Service::LinTso => "lin-tso",
        }
    }

    /// Returns the service of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.name() == name)
    }
}

/// The names of all nodes, in the order of the command line.
#[derive(Clone, Debug)]
pub struct Directory {
    names: Vec<String>,
    by_name: BTreeMap<String, usize>,
}

impl Directory {
    /// Creates a directory of nodes with these names.
    ///
    /// # Errors
    ///
    /// Returns a sentence about the first name that is empty, repeated, or the name of a client or
    /// a service. An empty list of names is an error, too.
    pub fn new(names: Vec<String>) -> Result<Directory, String> {
        let mut by_name = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(format!("node {index} has an empty name"));
            }
            if client_number(name).is_some() || Service::named(name).is_some() {
                return Err(format!("node name {name:?} is the name of a client or a service"));
            }
            if by_name.insert(name.clone(), index).is_some() {
                return Err(format!("node name {name:?} is given twice"));
            }
        }
        if names.is_empty() {
            return Err("the list has no names".to_owned());
        }
        Ok(Directory { names, by_name })
    }

    /// Creates a directory of nodes named n0, n1 ….
    #[must_use]
    pub fn numbered(count: usize) -> Directory {
        let names: Vec<String> = (0..count).map(|node| format!("n{node}")).collect();
        let by_name = names.iter().cloned().zip(0..).collect();
        Directory { names, by_name }
    }

    /// Returns the number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.names.len()
    }

    /// Returns the names of all nodes.
    #[must_use]
    pub fn node_names(&self) -> &[String] {
        &self.names
    }

    /// Returns the name of a node, or `?` if the index is out of range.
    #[must_use]
    pub fn node_name(&self, node: usize) -> &str {
        self.names.get(node).map_or("?", String::as_str)
    }

    /// Returns the address that a name in a message denotes.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Address> {
        if let Some(&node) = self.by_name.get(name) {
            return Some(Address::Node(node));
        }
        client_number(name)
            .map(Address::Client)
            .or_else(|| Service::named(name).map(Address::Service))
    }

    /// Returns an address in the form in which messages write it.
    #[must_use]
    pub fn name(&self, address: Address) -> Name<'_> {
        Name { directory: self, address }
    }
}

/// An [`Address`] in the form in which messages write it.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    directory: &'a Directory,
    address: Address,
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Address::Node(node) => f.write_str(self.directory.node_name(node)),
            Address::Client(number) => write!(f, "c{number}"),
            Address::Service(service) => f.write_str(service.name()),
        }
    }
}

/// Returns the number in `c12`; `None` for `c`, `c012` or any other name.
fn client_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix('c')?;
    let canonical = !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    canonical.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_from_their_own_text() {
        let directory = Directory::new(vec!["n1".into(), "clara".into()]).unwrap();
        for name in ["n1", "clara", "c0", "c17", "lin-kv"] {
            let address = directory.find(name).unwrap();
            assert_eq!(directory.name(address).to_string(), name);
        }
        for unknown in ["n2", "c", "c01", "c-1", "c99999999999999999999"] {
            assert_eq!(directory.find(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn a_node_cannot_take_the_name_of_a_client_or_a_service() {
        for name in ["c3", "seq-kv", ""] {
            assert!(Directory::new(vec![name.into()]).is_err(), "{name:?}");
        }
        assert!(Directory::new(vec!["a".into(), "a".into()]).is_err());
    }
}
