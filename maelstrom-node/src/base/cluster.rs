//! Who is who: the names that `init` gives, and the node ids that follow from them.

use snowflake::NodeId;

/// The nodes of a run as one of them sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    names: Vec<String>,
    me: usize,
    node_id: NodeId,
}

/// Why `init` cannot be taken at its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClusterError {
    /// The node's own name is not on the list.
    Stranger {
        /// The name that was given.
        name: String,
    },
    /// The list has a name twice.
    Twice {
        /// The name that is there twice.
        name: String,
    },
    /// More nodes than there are node ids.
    TooMany {
        /// How many nodes were named.
        nodes: usize,
    },
}

impl std::fmt::Display for ClusterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ClusterError::Stranger { name } => {
                write!(f, "init: node_id {name:?} is not among node_ids")
            }
            ClusterError::Twice { name } => write!(f, "init: node_ids names {name:?} twice"),
            ClusterError::TooMany { nodes } => {
                write!(f, "init: {nodes} nodes, but the layout has ids for {MAX_NODES}")
            }
        }
    }
}

impl std::error::Error for ClusterError {}

const MAX_NODES: usize = snowflake::layout::NODE_MAX as usize + 1;

impl Cluster {
    /// Takes the names of `init` and works out this node's id.
    ///
    /// If every name is `n` and a number from 0 to 1023 written without leading zeros,
    /// that number is the node id. Otherwise it is the name's place in the sorted
    /// list. Either way all nodes of a run agree, and no two share an id.
    ///
    /// # Errors
    ///
    /// A [`ClusterError`] if the names leave no id for this node.
    pub(crate) fn new(me: &str, mut names: Vec<String>) -> Result<Cluster, ClusterError> {
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ClusterError::Twice { name: pair[0].clone() });
        }
        if names.len() > MAX_NODES {
            return Err(ClusterError::TooMany { nodes: names.len() });
        }
        let place = names
            .binary_search_by(|name| name.as_str().cmp(me))
            .map_err(|_| ClusterError::Stranger { name: me.to_owned() })?;

        let numbers: Option<Vec<NodeId>> = names.iter().map(|name| numbered(name)).collect();
        let node_id = match numbers {
            Some(ids) => ids[place],
            None => u16::try_from(place)
                .ok()
                .and_then(|place| NodeId::new(place).ok())
                .ok_or(ClusterError::TooMany { nodes: names.len() })?,
        };
        Ok(Cluster { names, me: place, node_id })
    }

    /// This node's id, for its IDs.
    #[must_use]
    pub(crate) fn node_id(&self) -> NodeId {
        self.node_id
    }

    /// This node's place among the sorted names.
    #[must_use]
    pub(crate) fn me(&self) -> usize {
        self.me
    }

    /// This node's name.
    #[must_use]
    pub(crate) fn my_name(&self) -> &str {
        &self.names[self.me]
    }

    /// Every node's name, sorted: the same list on every node.
    #[must_use]
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of a name among the sorted names.
    #[must_use]
    pub(crate) fn place_of(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()
    }
}

/// The number of a name such as `n12`; none for `n012`, `n1024` or `alice`.
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
    fn numbered_nodes_take_their_numbers() {
        assert_eq!(id_of("n10", &["n0", "n2", "n10"]), Ok(10));
        assert_eq!(id_of("n1023", &["n1023"]), Ok(1023));
    }

    #[test]
    fn one_name_out_of_line_makes_every_node_count_its_place() {
        for odd in ["n012", "n1024", "n+1", "n", "m3", "n99999999999999999999"] {
            let mut names = ["n7", "n9", odd];
            names.sort_unstable();
            for (place, name) in names.iter().enumerate() {
                assert_eq!(id_of(name, &names), Ok(place as u16), "{name} of {names:?}");
            }
        }
    }

    #[test]
    fn more_nodes_than_ids_are_refused() {
        let names: Vec<String> = (0..1025).map(|place| format!("node-{place}")).collect();
        let refused = Cluster::new("node-7", names.clone());
        assert_eq!(refused, Err(ClusterError::TooMany { nodes: 1025 }));
        assert!(Cluster::new("node-7", names[..1024].to_vec()).is_ok());
    }

    #[test]
    fn a_name_twice_or_not_at_all_is_refused() {
        assert!(matches!(id_of("n1", &["n1", "n1"]), Err(ClusterError::Twice { .. })));
        assert!(matches!(id_of("n3", &["n1", "n2"]), Err(ClusterError::Stranger { .. })));
    }
}
