//! Which workload serves a request.

use crate::base::Kind;
use crate::message::{ErrorCode, Request, clipped};
use crate::workload;

/// Returns the workload that serves a request, or the error of the reply.
///
/// It is the workload that the command line names, or else the one that the request identifies.
/// A `read` identifies none: it goes to the running workload that serves reads, if there is exactly
/// one.
pub(super) fn kind_of(
    request: &Request<'_>,
    named: Option<Kind>,
    running: impl Iterator<Item = Kind>,
) -> Result<Kind, (ErrorCode, String)> {
    if let Some(only) = named {
        return if serves(only, request) {
            Ok(only)
        } else {
            Err((ErrorCode::NotSupported, format!("this node serves only {}", only.name())))
        };
    }
    let mut running = running.filter(|kind| serves(*kind, request));
    match (workload::identify(request), running.next(), running.next()) {
        (Some(identified), ..) => Ok(identified),
        (None, Some(only), None) => Ok(only),
        _ => Err(unidentified(request)),
    }
}

/// Returns `true` if a request or gossip message belongs to this workload.
fn serves(kind: Kind, request: &Request<'_>) -> bool {
    match request {
        Request::Gossip(gossip) => gossip.workload == kind.name(),
        _ => workload::candidates(request).any(|candidate| candidate == kind),
    }
}

/// Returns the error for a request that does not identify its workload.
fn unidentified(request: &Request<'_>) -> (ErrorCode, String) {
    if let Request::Gossip(gossip) = request {
        let text = format!("gossip: unknown workload {:?}", clipped(&gossip.workload));
        return (ErrorCode::MalformedRequest, text);
    }
    let known: Vec<&str> = workload::candidates(request).map(Kind::name).collect();
    let text = format!(
        "read does not identify its workload; start the node with one of {}",
        known.join(", ")
    );
    (ErrorCode::TemporarilyUnavailable, text)
}
