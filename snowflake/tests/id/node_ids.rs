//! Node IDs as numbers, as text, and from datacenter and worker.

use proptest::prelude::*;
use snowflake::{NodeId, NodeIdError, node_id};

#[test]
fn a_number_above_1023_is_not_masked() {
    for id in [1024, 1025, u16::MAX] {
        assert_eq!(NodeId::new(id), Err(NodeIdError::TooLarge(id.into())));
        assert_eq!(NodeId::try_from(id), Err(NodeIdError::TooLarge(id.into())));
    }
    assert_eq!(NodeId::try_from(65_536_u64), Err(NodeIdError::TooLarge(65_536)));
    assert_eq!(NodeId::new(1023), Ok(NodeId::MAX));
}

#[test]
fn a_constant_node_id_is_checked_by_the_compiler() {
    const NODE: NodeId = node_id!(7);
    const LAST: u16 = 1023;
    assert_eq!(NODE.get(), 7);
    assert_eq!(node_id!(LAST), NodeId::MAX);
}

#[test]
fn datacenter_and_worker_have_five_bits_each() {
    assert_eq!(NodeId::in_datacenter(31, 31), Ok(NodeId::MAX));
    assert_eq!(NodeId::in_datacenter(1, 0), NodeId::new(32));
    assert_eq!(NodeId::in_datacenter(32, 0), Err(NodeIdError::Datacenter(32)));
    assert_eq!(NodeId::in_datacenter(0, 32), Err(NodeIdError::Worker(32)));
}

#[test]
fn text_is_read_strictly() {
    for text in ["", "+7", "-7", "07", "00", " 7", "7 ", "7.0", "0x7", "７", "seven"] {
        assert_eq!(text.parse::<NodeId>(), Err(NodeIdError::NotDecimal), "{text:?}");
    }
    assert_eq!("1024".parse::<NodeId>(), Err(NodeIdError::TooLarge(1024)));
    let beyond_u64 = "18446744073709551616".parse::<NodeId>();
    assert_eq!(beyond_u64, Err(NodeIdError::TooLarge(u64::MAX)));
}

#[test]
fn errors_name_the_limit_or_the_remedy() {
    for (error, message) in [
        (NodeId::new(1024), "invalid node ID: 1024 is above the largest (limit 1023)"),
        (NodeId::in_datacenter(32, 0), "invalid datacenter: 32 is above the largest (limit 31)"),
        (NodeId::in_datacenter(0, 32), "invalid worker: 32 is above the largest (limit 31)"),
        (
            "07".parse(),
            "invalid node ID: not a decimal number without sign or leading zero; \
             write a number from 0 to 1023",
        ),
    ] {
        assert_eq!(error.unwrap_err().to_string(), message);
    }
}

proptest! {
    #[test]
    fn every_node_id_converts_back(id in 0..1024_u16) {
        let node = NodeId::new(id).unwrap();
        prop_assert_eq!(node.to_string().parse(), Ok(node));
        prop_assert_eq!(NodeId::in_datacenter(node.datacenter(), node.worker()), Ok(node));
        prop_assert_eq!(NodeId::try_from(u16::from(node)), Ok(node));
    }
}
