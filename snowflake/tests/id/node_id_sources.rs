//! Node IDs from the environment and from the names of pods.

use std::ffi::OsStr;
use std::process::Command;

use snowflake::{NodeId, NodeIdError};

#[test]
fn a_pod_of_the_stateful_set_has_its_ordinal() {
    assert_eq!(NodeId::from_pod_name("orders-7", "orders"), NodeId::new(7));
    assert_eq!(NodeId::from_pod_name("orders-0", "orders"), NodeId::new(0));
    assert_eq!(NodeId::from_pod_name("orders-db-1023", "orders-db"), NodeId::new(1023));
}

/// These are names of machines, of pods of another set, and of pods of a Deployment, which have
/// random suffixes.
#[test]
fn a_name_that_is_not_a_pod_of_the_set_is_an_error() {
    for pod in [
        "",
        "orders",
        "orders-",
        "orders7",
        "orders-x7",
        "orders-07",
        "orders-+7",
        "orders-7 ",
        "orders-7.orders.default.svc.cluster.local",
        "orders-db-7",
        "my-orders-7",
        "ORDERS-7",
        "orders-1024",
        "orders-99999999999999999999",
        "orders-5d4f8c7b9-12345",
        "7",
        "-7",
        "ip-10-0-1-12",
        "ip-10-0-2-12",
        "DESKTOP-512",
        "ubuntu-4gb-nbg1-1",
        "worker-2",
    ] {
        let error = NodeId::from_pod_name(pod, "orders").unwrap_err();
        let (stateful_set, variable) = ("orders".to_owned(), None);
        assert_eq!(error, NodeIdError::NotAPod { pod: pod.to_owned(), stateful_set, variable });
    }
    assert!(NodeId::from_pod_name("-7", "").is_err());
    // A machine can have any name. This one is an error unless the caller names the set "worker".
    assert_eq!(NodeId::from_pod_name("worker-2", "worker"), NodeId::new(2));
}

/// Returns what [`child`] prints with this environment variable, or without it.
///
/// The threads of a process share one environment, so each case runs in a separate process.
fn in_process(case: &str, value: Option<&OsStr>) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "node_id_sources::child", "--ignored", "--nocapture"]);
    child.env("CASE", case);
    match value {
        Some(value) => child.env("SOURCE", value),
        None => child.env_remove("SOURCE"),
    };
    let output = String::from_utf8(child.output().unwrap().stdout).unwrap();
    let (_, result) = output.split_once("result: ").unwrap();
    result.lines().next().unwrap().to_owned()
}

#[test]
#[ignore = "the tests below run it in a new process"]
fn child() {
    let result = match std::env::var("CASE").unwrap().as_str() {
        "node" => NodeId::from_env("SOURCE"),
        _ => NodeId::from_pod_env("SOURCE", "orders"),
    };
    match result {
        Ok(id) => println!("result: {id}"),
        Err(error) => println!("result: {error}"),
    }
}

#[test]
fn a_variable_is_read_strictly() {
    assert_eq!(in_process("node", Some("7".as_ref())), "7");
    assert_eq!(
        in_process("node", None),
        "no node ID: environment variable SOURCE is not set; set it"
    );
    for value in ["1024", "07", " 7", "", "seven"] {
        assert_eq!(
            in_process("node", Some(value.as_ref())),
            format!(
                "invalid node ID: environment variable SOURCE is {value:?}; \
                 set it to a number from 0 to 1023, without leading zeros"
            )
        );
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let message = in_process("node", Some(OsStr::from_bytes(b"7\xff")));
    assert!(message.contains("SOURCE is \"7\u{fffd}\""), "{message}");
}

#[test]
fn a_pods_name_comes_from_the_variable() {
    assert_eq!(in_process("pod", Some("orders-12".as_ref())), "12");
    assert_eq!(
        in_process("pod", None),
        "no node ID: environment variable SOURCE is not set; set it"
    );
    assert_eq!(
        in_process("pod", Some("ip-10-0-1-12".as_ref())),
        "no node ID: pod name \"ip-10-0-1-12\" in environment variable SOURCE is not one of \
         \"orders-0\" to \"orders-1023\"; run as a pod of StatefulSet \"orders\", or set the node \
         ID itself"
    );
}

#[cfg(unix)]
#[test]
fn the_host_name_is_in_the_error() {
    let uname = rustix::system::uname();
    let host = uname.nodename().to_str().unwrap();
    // No host name begins with this text, which is longer than any host name.
    let stateful_set = "x".repeat(300);
    let error = NodeId::from_hostname(&stateful_set).unwrap_err();
    assert_eq!(error, NodeId::from_pod_name(host, &stateful_set).unwrap_err());
    assert!(error.to_string().contains(&format!("{host:?}")), "{error}");
}
