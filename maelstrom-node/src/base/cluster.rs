//! The cluster: the node names that `init` lists, and the node IDs derived from them.

use snowflake::NodeId;

/// The names of all nodes, and which of them this node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    names: Vec<String>,
    me: usize,
    node_id: NodeId,
}

/// An error in the node names of an `init`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClusterError {
    /// The list does not contain the name of the node itself.
    Stranger {
        /// The name that `init` gives the node.
        name: String,
    },
    /// The list contains a name twice.
    Twice {
        /// The repeated name.
        name: String,
    },
    /// The list contains more nodes than there are node IDs.
    TooMany {
        /// The number of nodes in the list.
        nodes: usize,
    },
}

impl std::fmt::Display for ClusterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ClusterError::Stranger { name } => {
                write!(f, "init: node_ids does not contain node_id {name:?}")
            }
            ClusterError::Twice { name } => write!(f, "init: node_ids contains {name:?} twice"),
            ClusterError::TooMany { nodes } => {
                write!(f, "init: node_ids lists {nodes} nodes (limit {MAX_NODES} nodes)")
            }
        }
    }
}

impl std::error::Error for ClusterError {}

const MAX_NODES: usize = snowflake::layout::NODE_MAX as usize + 1;

impl Cluster {
    /// Derives the node ID of this node from the names that `init` lists.
    ///
    /// If every name is `n` and a number from 0 to 1023 without leading zeros, that
    /// number is the node ID. Otherwise the node ID is the index of the name in the
    /// sorted list. All nodes derive the same node IDs, and no two nodes share one.
    ///
    /// # Errors
    ///
    /// Returns a [`ClusterError`] if the names leave no node ID for this node.
    pub(crate) fn new(me: &str, mut names: Vec<String>) -> Result<Cluster, ClusterError> {
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ClusterError::Twice { name: pair[0].clone() });
        }
        if names.len() > MAX_NODES {
            return Err(ClusterError::TooMany { nodes: names.len() });
        }
        let index = names
            .binary_search_by(|name| name.as_str().cmp(me))
            .map_err(|_| ClusterError::Stranger { name: me.to_owned() })?;

        let numbers: Option<Vec<NodeId>> = names.iter().map(|name| numbered(name)).collect();
        let node_id = match numbers {
            Some(ids) => ids[index],
            None => u16::try_from(index)
                .ok()
                .and_then(|index| NodeId::new(index).ok())
                .ok_or(ClusterError::TooMany { nodes: names.len() })?,
        };
        Ok(Cluster { names, me: index, node_id })
    }

    /// Returns the node ID, the node's part of the IDs that it generates.
    #[must_use]
    pub(crate) fn node_id(&self) -> NodeId {
        self.node_id
    }

    /// Returns the index of this node in the sorted names.
    #[must_use]
    pub(crate) fn me(&self) -> usize {
        self.me
    }

    /// Returns the name of this node.
    #[must_use]
    pub(crate) fn my_name(&self) -> &str {
        &self.names[self.me]
    }

    /// Returns the sorted names of all nodes: the same list on every node.
    #[must_use]
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the index of a name in the sorted names.
    #[must_use]
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()
    }
}

/// Returns the number in a name such as `n12`, `None` for `n012`, `n1024` or `alice`.
fn numbered(name: &str) -> Option<NodeId> {
    let digits = name.strip_prefix('n')?;
    let canonical = digits == "0" || !digits.starts_with('0');
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| canonical && plain)?;
    NodeId::new(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(me: &str, names: &[&str]) -> Result<u16, ClusterError> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Cluster::new(me, names).map(|cluster| cluster.node_id().get())
    }

    #[test]
    fn numbered_names_give_the_node_ids() {
        assert_eq!(id_of("n10", &["n0", "n2", "n10"]), Ok(10));
        assert_eq!(id_of("n1023", &["n1023"]), Ok(1023));
    }

    #[test]
    fn without_numbers_in_all_names_the_index_is_the_node_id() {
        for odd in ["n012", "n1024", "n+1", "n", "m3", "n99999999999999999999"] {
            let mut names = ["n7", "n9", odd];
            names.sort_unstable();
            for (index, name) in names.iter().enumerate() {
                assert_eq!(id_of(name, &names), Ok(index as u16), "{name} of {names:?}");
            }
        }
    }

    #[test]
    fn rejects_more_nodes_than_node_ids() {
        let names: Vec<String> = (0..1025).map(|index| format!("node-{index}")).collect();
        let rejected = Cluster::new("node-7", names.clone());
        assert_eq!(rejected, Err(ClusterError::TooMany { nodes: 1025 }));
        assert!(Cluster::new("node-7", names[..1024].to_vec()).is_ok());
    }

    #[test]
    fn rejects_a_repeated_or_missing_name() {
        assert!(matches!(id_of("n1", &["n1", "n1"]), Err(ClusterError::Twice { .. })));
        assert!(matches!(id_of("n3", &["n1", "n2"]), Err(ClusterError::Stranger { .. })));
    }
}
