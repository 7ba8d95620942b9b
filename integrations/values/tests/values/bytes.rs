//! IDs as bytes: borsh, bytemuck and rkyv.

use bytemuck::{cast_slice, checked};
use rkyv::rancor::Error;
use snowflake::Id;

use crate::{EDGES, NOT_IDS, OrderId};

#[test]
fn borsh_has_the_bytes_of_a_number_and_checks_them() {
    for id in EDGES {
        let bytes = borsh::to_vec(&(OrderId::new(id), Some(id))).unwrap();
        assert_eq!(bytes, borsh::to_vec(&(id.get(), Some(id.get()))).unwrap());
        let read: (OrderId, Option<Id>) = borsh::from_slice(&bytes).unwrap();
        assert_eq!(read, (OrderId::new(id), Some(id)));
    }
    for raw in NOT_IDS {
        let error = borsh::from_slice::<OrderId>(&raw.to_le_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("OrderId: invalid ID"), "{error}");
    }
    assert!(borsh::from_slice::<Id>(&[1; 7]).is_err());
}

#[test]
fn bytemuck_casts_ids_to_numbers_and_checks_the_way_back() {
    let typed = EDGES.map(OrderId::new);
    let raw: &[u64] = cast_slice(&typed);
    assert_eq!(raw, EDGES.map(Id::get));
    assert_eq!(checked::try_cast_slice::<u64, OrderId>(raw), Ok(&typed[..]));
    for number in NOT_IDS {
        let error = checked::try_cast_slice::<u64, OrderId>(&[1, number]).unwrap_err();
        assert_eq!(error, checked::CheckedCastError::InvalidBitPattern);
    }
    let none: [Option<OrderId>; 2] = bytemuck::Zeroable::zeroed();
    assert_eq!(none, [None, None]);
}

#[test]
fn rkyv_archives_ids_and_checks_them() {
    let orders = EDGES.map(OrderId::new).to_vec();
    let bytes = rkyv::to_bytes::<Error>(&orders).unwrap();
    assert_eq!(rkyv::from_bytes::<Vec<OrderId>, Error>(&bytes).unwrap(), orders);
    let numbers = rkyv::to_bytes::<Error>(&EDGES.map(Id::get).to_vec()).unwrap();
    assert_eq!(bytes[..], numbers[..]);

    let optional = rkyv::to_bytes::<Error>(&Some(EDGES[2])).unwrap();
    assert_eq!(rkyv::from_bytes::<Option<Id>, Error>(&optional).unwrap(), Some(EDGES[2]));

    for raw in NOT_IDS {
        let bytes = rkyv::to_bytes::<Error>(&vec![raw]).unwrap();
        let error = rkyv::from_bytes::<Vec<OrderId>, Error>(&bytes).unwrap_err().to_string();
        assert!(raw == 0 || error.contains("OrderId: invalid ID"), "{error}");
    }
}
