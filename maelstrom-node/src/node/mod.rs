//! The node: a pure state machine around its workloads.
//!
//! The driver passes in each line with the current time, writes the lines that come out,
//! and calls the node again at its one deadline. The node itself does no I/O, reads no
//! clock and draws no seed. The same object therefore runs behind a pipe and in a simulator.

mod identify;
mod ids;
mod introduction;
mod setup;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use memchr::memchr2;
use serde_json::value::RawValue;
use snowflake::lease::LeaseError;
use snowflake::{Clock, Epoch, Generator, NodeId};

use ids::Ids;
use introduction::Introduction;
use setup::PostponedInit;

use crate::base::{Cluster, Config, Kind, Time};
use crate::message::{Address, Envelope, ErrorCode, LineError, Outbox, Request, clipped};
use crate::workload::{self, CLIENT_WAIT_TIMEOUT, Context, IdGenerator, Workload};

/// A Maelstrom node, as its driver uses it.
///
/// ```
/// use maelstrom_node::{Config, Node, Outbox, Time};
/// use snowflake::SystemClock;
///
/// let mut node = Node::new(Config::default(), 0x5eed, SystemClock);
/// let mut out = Outbox::new();
/// let init = br#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#;
/// node.handle(Time(0), init, &mut out);
/// assert_eq!(
///     out.as_bytes(),
///     b"{\"src\":\"n1\",\"dest\":\"c0\",\"body\":{\"type\":\"init_ok\",\"in_reply_to\":1}}\n"
/// );
/// ```
#[derive(Debug)]
pub struct Node<C> {
    config: Config,
    incarnation: u64,
    clock: C,
    cluster: Option<Cluster>,
    /// A peer has written to this node before its `init`, so the cluster was running by then.
    peer_wrote_before_init: bool,
    workloads: BTreeMap<Kind, Box<dyn Workload>>,
    ids: Ids<C>,
    /// The generator that all workloads share, once one of them has needed it.
    generator: Option<Arc<dyn IdGenerator>>,
    failure: Option<String>,
    /// The `init` that waits for a lease of the node ID.
    postponed_init: Option<PostponedInit>,
    /// The node was initialized in a running cluster, so it may have lost state.
    restarted: bool,
    /// The time at which this node starts to send to peers, unless a message allows it earlier.
    start_at: Option<Time>,
    /// The introduction of this node after a restart without a workload argument.
    introduction: Option<Introduction>,
}

impl<C: Clock + Clone + Send + Sync + fmt::Debug + 'static> Node<C> {
    /// Creates a node that waits for its `init`.
    ///
    /// `incarnation` identifies this incarnation of the node (as in SWIM, Das et al. 2002)
    /// and seeds its random choices. The driver draws it at random at each start. Unlike
    /// SWIM's, incarnations have no order. `clock` gives the IDs their timestamps.
    pub fn new(config: Config, incarnation: u64, clock: C) -> Node<C> {
        Node {
            config,
            incarnation,
            clock,
            cluster: None,
            peer_wrote_before_init: false,
            workloads: BTreeMap::new(),
            ids: Ids::Clock,
            generator: None,
            failure: None,
            postponed_init: None,
            restarted: false,
            start_at: None,
            introduction: None,
        }
    }

    /// Sets the source of the ID generator.
    ///
    /// The node calls `source` with its node ID and epoch on `init`, if it serves IDs. If the error
    /// has a time in [`retry_after`](LeaseError::retry_after), the node calls `source` again after
    /// that time, and answers `init` later. Any other error, and a wait of more than 5 seconds in
    /// total, becomes the node's [`failure`](Node::failure).
    ///
    /// [`handle`](Node::handle) and [`handle_deadline`](Node::handle_deadline) block while `source`
    /// runs.
    #[must_use]
    pub fn with_generator(
        self,
        source: impl FnMut(NodeId, Epoch) -> Result<Arc<Generator<C>>, LeaseError> + Send + 'static,
    ) -> Node<C> {
        Node { ids: Ids::Given(Box::new(source)), ..self }
    }

    /// Returns the reason why `init` failed, or `None` if it did not fail.
    ///
    /// The node has answered `init` with an error. The driver should end the node.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Handles one line, given without its newline.
    ///
    /// The node survives any input. If it cannot serve a request, it replies with an error.
    /// If the line does not allow a reply, the node logs a warning.
    pub fn handle(&mut self, now: Time, line: &[u8], out: &mut Outbox) {
        self.handle_waiting(now, now, line, out);
    }

    /// Handles one line that may have waited for the driver since `since`.
    ///
    /// The node ignores requests of clients that may have given up, because Maelstrom ignores all
    /// further output of a node that replies to a closed client. The clients that set up the test
    /// stay open, so `init` and `topology` always get their replies.
    pub fn handle_waiting(&mut self, now: Time, since: Time, line: &[u8], out: &mut Outbox) {
        let line = &*without_breaks(line);
        // A stop of this process also counts as delay of the messages that arrived during it.
        let sent_at = since.min(now.before(self.longest_delay(now)));
        let may_have_given_up = now.since(sent_at) >= CLIENT_WAIT_TIMEOUT;
        let envelope = match Envelope::parse(line) {
            Ok(envelope) => envelope,
            Err(LineError::Malformed { .. }) if may_have_given_up => return,
            Err(LineError::Malformed { request, text }) => {
                return out.error(Some(&request), ErrorCode::MalformedRequest, &text);
            }
            Err(LineError::Unanswerable(why)) => {
                return tracing::warn!(bytes = line.len(), "ignored a line: {}", clipped(&why));
            }
        };
        let client = self.client_of(&envelope);
        let request = envelope.body.request();
        let is_of_setup_or_peer =
            matches!(request, Ok(Request::Init { .. } | Request::Topology | Request::Gossip(_)));
        if may_have_given_up && !is_of_setup_or_peer {
            let (kind, from) = (clipped(envelope.body.kind()), clipped(&envelope.src));
            return tracing::warn!(from, kind, "ignored a request: its client may have given up");
        }
        if client.is_none() && !matches!(request, Ok(Request::Gossip(_)) | Err(_)) {
            let (kind, from) = (envelope.body.kind(), clipped(&envelope.src));
            tracing::warn!(from, "cannot reply to a request without msg_id: {kind}");
        }
        match request {
            Ok(Request::Init { node_id, node_ids }) => {
                let before = envelope.messages_before();
                let retry = self.init(now, client.as_ref(), &node_id, node_ids, before, out);
                if let Some(retry) = retry {
                    // A repeated `init` replaces the one that waits.
                    self.postponed_init = Some(PostponedInit { line: line.to_vec(), retry });
                }
            }
            // Anti-entropy delivers its items again.
            Ok(Request::Gossip(_)) if self.cluster.is_none() => self.peer_wrote_before_init = true,
            Ok(request) => {
                self.serve(now, sent_at, &envelope.src, client.as_ref(), request, out);
                self.start(now);
            }
            Err(_) if envelope.body.is_reply() => {
                let kind = clipped(envelope.body.kind());
                tracing::warn!(kind, "ignored a reply: this node sends no requests");
            }
            Err(error) => {
                if client.is_none() {
                    tracing::warn!(from = clipped(&envelope.src), "ignored a message: {error}");
                }
                out.reject(client.as_ref(), &error);
            }
        }
    }

    /// Returns the time at which to call [`Node::handle_deadline`], or `None` if nothing is
    /// pending.
    pub fn deadline(&self) -> Option<Time> {
        let deadlines = self.workloads.values().filter_map(|workload| workload.deadline());
        let init = self.postponed_init.as_ref().map(|postponed| postponed.retry.due);
        let introduction = self.introduction.as_ref().and_then(Introduction::deadline);
        deadlines.chain(self.start_at).chain(introduction).chain(init).min()
    }

    /// Returns `true` if a client waits for a reply that a later deadline will produce.
    ///
    /// The driver should then handle deadlines even after the end of the input.
    pub fn owes_reply(&self) -> bool {
        self.postponed_init.is_some()
            || self.workloads.values().any(|workload| workload.owes_reply())
    }

    /// Performs the actions that are due at `now`. Early and late calls are harmless.
    pub fn handle_deadline(&mut self, now: Time, out: &mut Outbox) {
        let init = self.postponed_init.as_ref().filter(|postponed| postponed.retry.due <= now);
        if let Some(line) = init.map(|postponed| postponed.line.clone()) {
            self.handle(now, &line, out);
        }
        if self.start_at.is_some_and(|due| due <= now) {
            // In a quiet cluster, a node cannot detect whether it has lost state.
            self.restarted = true;
            self.start(now);
        }
        self.introduce(now, out);
        for workload in self.workloads.values_mut() {
            workload.on_deadline(now, out);
        }
    }

    /// Returns the longest time for which the network may have delayed a request that arrives now.
    fn longest_delay(&self, now: Time) -> Duration {
        let delays = self.workloads.values().map(|workload| workload.longest_delay(now));
        delays.max().unwrap_or_default()
    }

    /// Returns the address for a reply, with this node's own name as the sender.
    fn client_of<'a>(&self, envelope: &'a Envelope<'_>) -> Option<Address<'a>> {
        let mut client = envelope.address()?;
        if let Some(cluster) = &self.cluster
            && client.dest != cluster.my_name()
        {
            client.dest = cluster.my_name().to_owned().into();
        }
        Some(client)
    }

    /// Returns the running workloads whose state nodes exchange.
    fn replicated(&mut self) -> impl Iterator<Item = &mut Box<dyn Workload>> {
        let running = self.workloads.iter_mut();
        let is_replicated =
            |kind| workload::definition(kind).is_some_and(|definition| definition.is_replicated);
        running.filter(move |(kind, _)| is_replicated(**kind)).map(|(_, workload)| workload)
    }

    fn serve(
        &mut self,
        now: Time,
        sent_at: Time,
        src: &str,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        if let Request::Gossip(gossip) = &request
            && gossip.workload.is_empty()
        {
            return self.receive_introduction(now, src, gossip, out);
        }
        let Some(workload) = self.workload_for(&request, client, out) else { return };
        if let Request::Gossip(gossip) = request {
            workload.on_gossip(now, src, *gossip, out);
        } else {
            workload.on_request(now, sent_at, client, request, out);
        }
    }

    /// Returns the workload that serves a request, and starts it if necessary.
    fn workload_for(
        &mut self,
        request: &Request<'_>,
        client: Option<&Address<'_>>,
        out: &mut Outbox,
    ) -> Option<&mut Box<dyn Workload>> {
        if self.cluster.is_none() {
            let text = "this node is not initialized; retry after the reply to `init`";
            out.error(client, ErrorCode::TemporarilyUnavailable, text);
            return None;
        }
        let running = self.workloads.keys().copied();
        let kind = match identify::kind_of(request, self.config.workload, running) {
            Ok(kind) => kind,
            Err((code, text)) => {
                if let (Request::Gossip(_), None) = (request, client) {
                    tracing::warn!("ignored a message: {text}");
                }
                out.error(client, code, &text);
                return None;
            }
        };
        if let Err(why) = self.run_workload(kind) {
            let text = format!("cannot generate IDs: {why}");
            out.error(client, ErrorCode::TemporarilyUnavailable, &text);
            return None;
        }
        self.workloads.get_mut(&kind)
    }

    /// Starts a workload that is not running yet.
    fn run_workload(&mut self, kind: Kind) -> Result<(), String> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        if self.workloads.contains_key(&kind) {
            return Ok(());
        }
        let Some(definition) = workload::definition(kind) else {
            return Err(format!("no definition of workload {}", kind.name()));
        };
        let node_id = cluster.node_id();
        let (generator, source, clock) = (&mut self.generator, &mut self.ids, &self.clock);
        let mut ids = || -> Result<Arc<dyn IdGenerator>, String> {
            if let Some(generator) = generator {
                return Ok(Arc::clone(generator));
            }
            let new: Arc<dyn IdGenerator> =
                source.generator(node_id, clock).map_err(|none| none.why)?;
            Ok(Arc::clone(generator.insert(new)))
        };
        let workload = (definition.create)(Context {
            cluster: cluster.clone(),
            incarnation: self.incarnation,
            config: &self.config,
            ids: &mut ids,
        })?;
        self.workloads.insert(kind, workload);
        if definition.is_replicated
            && let Some(introduction) = &mut self.introduction
        {
            introduction.end();
        }
        Ok(())
    }
}

/// Replaces carriage returns and newlines in a JSON line by spaces.
///
/// The node copies values verbatim into its replies, and many readers, Maelstrom included,
/// end a line at a carriage return. JSON permits both characters only as whitespace, so
/// the value stays the same. A line that is not JSON is returned unchanged, so that it
/// does not become JSON. A carriage return at the end is removed in either case.
fn without_breaks(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_break = |byte: u8| matches!(byte, b'\r' | b'\n');
    if memchr2(b'\r', b'\n', line).is_none() || serde_json::from_slice::<&RawValue>(line).is_err() {
        return line.into();
    }
    line.iter().map(|&byte| if is_break(byte) { b' ' } else { byte }).collect()
}
