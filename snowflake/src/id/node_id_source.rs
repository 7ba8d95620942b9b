//! Node IDs from the environment and from the pods of a Kubernetes StatefulSet.
//!
//! The form of a name does not show whether it has an ordinal: `ip-10-0-1-12` carries an
//! address, and two such hosts can both end in 12. So the caller names the StatefulSet too.

use std::env::{self, VarError};

use super::{NodeId, NodeIdError};

impl NodeId {
    /// Returns the node ID in environment variable `variable`.
    ///
    /// # Errors
    ///
    /// Returns [`NodeIdError::VariableNotSet`], or [`NodeIdError::VariableValue`] if the value is
    /// not a decimal number from 0 to 1023, without sign, leading zero or blanks.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::NodeId;
    ///
    /// let error = NodeId::from_env("SNOWFLAKE_NODE_ID").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "no node ID: environment variable SNOWFLAKE_NODE_ID is not set; set it",
    /// );
    /// ```
    pub fn from_env(variable: &str) -> Result<NodeId, NodeIdError> {
        let value = read(variable)?;
        value.parse().map_err(|_| NodeIdError::VariableValue { variable: variable.into(), value })
    }

    /// Returns the ordinal of a StatefulSet's pod: 7 for pod `orders-7` of `orders`.
    ///
    /// Kubernetes gives the pods of one StatefulSet different ordinals. Two StatefulSets whose
    /// IDs share an epoch have pods with the same ordinals, and so their node IDs collide. That
    /// includes StatefulSets of one name in two namespaces or clusters.
    ///
    /// # Errors
    ///
    /// Returns [`NodeIdError::NotAPod`] unless `pod` is `stateful_set`, a hyphen and a decimal
    /// number from 0 to 1023 without leading zeros.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::NodeId;
    ///
    /// assert_eq!(NodeId::from_pod_name("orders-7", "orders")?.get(), 7);
    /// assert_eq!(
    ///     NodeId::from_pod_name("ip-10-0-1-12", "orders").unwrap_err().to_string(),
    ///     "no node ID: pod name \"ip-10-0-1-12\" is not one of \"orders-0\" to \"orders-1023\"; \
    ///      run as a pod of StatefulSet \"orders\", or set the node ID itself",
    /// );
    /// # Ok::<(), snowflake::NodeIdError>(())
    /// ```
    ///
    /// # References
    ///
    /// "Ordinal Index" under "StatefulSets" in the Kubernetes documentation.
    pub fn from_pod_name(pod: &str, stateful_set: &str) -> Result<NodeId, NodeIdError> {
        ordinal(pod, stateful_set, None)
    }

    /// Returns the ordinal of the pod whose name is in environment variable `variable`.
    ///
    /// This is the way to prefer in Kubernetes. The Downward API sets the variable, and it is
    /// right with `hostNetwork` as well:
    ///
    /// ```yaml
    /// env:
    ///   - name: POD_NAME
    ///     valueFrom:
    ///       fieldRef:
    ///         fieldPath: metadata.name
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`NodeIdError::VariableNotSet`], or an error as
    /// [`from_pod_name`](NodeId::from_pod_name).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use snowflake::NodeId;
    ///
    /// let node = NodeId::from_pod_env("POD_NAME", "orders")?;
    /// # Ok::<(), snowflake::NodeIdError>(())
    /// ```
    pub fn from_pod_env(variable: &str, stateful_set: &str) -> Result<NodeId, NodeIdError> {
        ordinal(&read(variable)?, stateful_set, Some(variable))
    }

    /// Returns the ordinal of the pod whose name is this machine's host name.
    ///
    /// In a container, the host name is the pod's name by default. It is not the pod's name with
    /// `hostNetwork: true`, where it is the node's, and with `hostname` or
    /// `setHostnameAsFQDN`. A machine outside of Kubernetes that is called `orders-7` gets node
    /// ID 7 as well. Where any of these is possible, use
    /// [`from_pod_env`](NodeId::from_pod_env).
    ///
    /// # Errors
    ///
    /// Returns an error as [`from_pod_name`](NodeId::from_pod_name), with the host name.
    #[cfg(unix)]
    pub fn from_hostname(stateful_set: &str) -> Result<NodeId, NodeIdError> {
        let uname = rustix::system::uname();
        NodeId::from_pod_name(&uname.nodename().to_string_lossy(), stateful_set)
    }
}

/// Reads an environment variable; bytes that are not UTF-8 are replaced, and so fail later.
fn read(variable: &str) -> Result<String, NodeIdError> {
    match env::var(variable) {
        Ok(value) => Ok(value),
        Err(VarError::NotPresent) => Err(NodeIdError::VariableNotSet { variable: variable.into() }),
        Err(VarError::NotUnicode(value)) => Ok(value.to_string_lossy().into_owned()),
    }
}

/// Parses `pod`, which may be the value of `variable`, as `stateful_set`, a hyphen and a node ID.
fn ordinal(pod: &str, stateful_set: &str, variable: Option<&str>) -> Result<NodeId, NodeIdError> {
    let ordinal = pod.strip_prefix(stateful_set).and_then(|rest| rest.strip_prefix('-'));
    // The hyphen alone is the prefix of "-7", which Kubernetes allows nowhere.
    let ordinal = ordinal.filter(|_| !stateful_set.is_empty());
    ordinal.and_then(|ordinal| ordinal.parse().ok()).ok_or_else(|| NodeIdError::NotAPod {
        pod: pod.into(),
        stateful_set: stateful_set.into(),
        variable: variable.map(Into::into),
    })
}
