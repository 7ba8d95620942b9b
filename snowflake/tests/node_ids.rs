//! Where node ids come from, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use snowflake::{NodeId, NodeIdError};

#[test]
fn a_number_beyond_the_ten_bits_is_refused() {
    for id in [1024, 1025, u16::MAX] {
        assert_eq!(NodeId::new(id), Err(NodeIdError::TooLarge(id.into())));
    }
    assert_eq!(NodeId::new(1023), Ok(NodeId::MAX));
}

#[test]
fn datacenter_and_worker_have_five_bits_each() {
    assert_eq!(NodeId::in_datacenter(31, 31), Ok(NodeId::MAX));
    assert_eq!(NodeId::in_datacenter(1, 0), NodeId::new(32));
    assert_eq!(NodeId::in_datacenter(32, 0), Err(NodeIdError::Datacenter(32)));
    assert_eq!(NodeId::in_datacenter(0, 32), Err(NodeIdError::Worker(32)));
}

#[test]
fn a_pods_ordinal_is_what_follows_the_last_hyphen() {
    assert_eq!(NodeId::from_ordinal("orders-db-12"), NodeId::new(12));
    assert_eq!(NodeId::from_ordinal("orders-0"), NodeId::new(0));
    assert_eq!(NodeId::from_ordinal("orders-1024"), Err(NodeIdError::TooLarge(1024)));
    // Pods of a Deployment end in a random suffix; it may look like digits, never like this.
    for name in ["", "orders", "orders-", "orders-x7", "orders-07", "orders-+7", "7"] {
        assert_eq!(NodeId::from_ordinal(name), Err(NodeIdError::NoOrdinal), "{name:?}");
    }
}

#[cfg(feature = "std")]
mod environment {
    use std::process::Command;

    use super::*;

    /// The environment is the process's, so each case is a process: this test, run again.
    fn message_for(value: Option<&str>) -> String {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "environment::child", "--ignored", "--nocapture"]);
        match value {
            Some(value) => child.env("SNOWFLAKE_NODE_ID", value),
            None => child.env_remove("SNOWFLAKE_NODE_ID"),
        };
        let output = String::from_utf8(child.output().unwrap().stdout).unwrap();
        let (_, answer) = output.split_once("answer: ").unwrap();
        answer.lines().next().unwrap().to_owned()
    }

    #[test]
    #[ignore = "run by the tests below, with an environment"]
    fn child() {
        match NodeId::from_env("SNOWFLAKE_NODE_ID") {
            Ok(id) => println!("answer: {id}"),
            Err(error) => println!("answer: {error}"),
        }
    }

    #[test]
    fn a_variable_is_read_strictly() {
        let variable = "environment variable SNOWFLAKE_NODE_ID";
        let plain = "not a plain decimal number; give it a node id from 0 to 1023";
        for (value, answer) in [
            (Some("7"), "7".to_owned()),
            (
                Some("1024"),
                format!(
                    "{variable}: \"1024\": node id 1024 is above the largest, 1023; give it a node \
                     id from 0 to 1023"
                ),
            ),
            (Some("07"), format!("{variable}: \"07\": {plain}")),
            (Some(" 7"), format!("{variable}: \" 7\": {plain}")),
            (Some(""), format!("{variable}: \"\": {plain}")),
            (None, format!("{variable}: not set; give it a node id from 0 to 1023")),
        ] {
            assert_eq!(message_for(value), answer);
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_host_name_is_named_when_it_has_no_ordinal() {
        // Whatever this machine is called, it is either a pod of a set or said not to be.
        match NodeId::from_hostname() {
            Ok(id) => assert!(id <= NodeId::MAX),
            Err(error) => {
                let error = error.to_string();
                assert!(error.starts_with("host name: \""), "{error}");
                assert!(
                    error.contains("; name the host as a StatefulSet names its pods"),
                    "{error}"
                );
            }
        }
    }
}
