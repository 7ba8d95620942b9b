//! Logs nothing.

use core::time::Duration;

use crate::lease::LeaseError;
use crate::lease::keeper::lease::Lease;
use crate::{Clock, Generator};

#[derive(Debug)]
pub(in crate::lease::keeper) struct Log;

impl Log {
    pub(in crate::lease::keeper) fn new() -> Log {
        Log
    }

    pub(in crate::lease::keeper) fn wait(_error: &LeaseError, _wait: Duration) {}

    pub(in crate::lease::keeper) fn renewal<C: Clock>(
        &mut self,
        _lease: &Lease,
        _result: &Result<bool, LeaseError>,
        _generator: &Generator<C>,
        _since_boot: Duration,
    ) {
    }

    pub(in crate::lease::keeper) fn failed_release(_error: &LeaseError) {}
}
