//! The data of a finished test.

use super::{MalformedLines, MutedNodes, ProtocolWarnings, Runner};
use crate::base::time::Time;
use crate::history::History;
use crate::net::Network;
use crate::net::recording::Recording;
use crate::plan::Plan;
use crate::plan::selection::Selection;
use crate::workload::Workload;

/// The data of a finished test, for the checkers.
#[derive(Debug)]
pub struct FinishedTest<W: Workload> {
    /// The plan of the test.
    pub plan: Plan,
    /// The workload, which checks the history.
    pub workload: W,
    /// The history of the test.
    pub history: History<W>,
    /// The network, with its message counts.
    pub network: Network,
    /// The protocol warnings about nodes.
    pub protocol_warnings: ProtocolWarnings,
    /// Lines that broke the protocol and did not end the test.
    pub malformed: MalformedLines,
    /// The nodes whose output was ignored from some line on.
    pub muted: MutedNodes,
    /// The time at which the first operation could start. The history's times are relative to it.
    pub origin: Time,
    /// The messages, if they were recorded.
    pub recording: Option<Recording>,
    /// `true` if every drawn operation took place.
    pub is_complete: bool,
}

impl<W: Workload> Runner<W> {
    /// Ends the test and returns the data that checkers need.
    #[must_use]
    pub fn finish(mut self) -> FinishedTest<W> {
        let last = self.history.events().last().map_or(Time::default(), |event| event.time);
        let recording = self.network.take_recording(self.origin + (last - Time::default()));
        FinishedTest {
            plan: self.plan,
            workload: self.workload,
            history: self.history,
            network: self.network,
            protocol_warnings: self.protocol_warnings,
            malformed: self.malformed,
            muted: self.muted,
            origin: self.origin,
            recording,
            is_complete: self.selected == Selection::All,
        }
    }
}
