//! The node: a pure state machine around its workloads.
//!
//! Lines go in with the time they came at, lines come out, and one deadline says when
//! to look again. Nothing here reads a clock, draws a random number or touches stdio,
//! so the same object runs behind a pipe and inside a simulator.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use memchr::memchr2;
use serde_json::value::RawValue;
use snowflake::{Clock, Epoch, Generator, NodeId};

use crate::base::Cluster;
use crate::base::Config;
use crate::base::Kind;
use crate::base::Time;
use crate::message::Outbox;
use crate::message::{Address, Envelope, ErrorCode, LineError, Payload, Request, clipped};
use crate::workload::{self, Context, UniqueIds, Workload};

/// How much of peers' messages is kept for after `init`. What does not fit is dropped;
/// peers repeat what they see missing.
const MAX_EARLY_BYTES: usize = 4 << 20;

/// What timestamps count from: late enough to leave 67 years, early enough for any clock
/// that is roughly right.
const EPOCH: Epoch = Epoch::Y2024;

/// How long after its own `init` a node assumes that every peer has been set up.
///
/// Maelstrom sets all nodes up in parallel and ends the test if one of them does not
/// answer its `init` within this time.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a node that was set up in a running cluster waits before it writes to peers.
///
/// Jepsen may set up a cluster a second time after a failure, and message numbers go on
/// then. Its nodes are set up in parallel, well within this time.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// A Maelstrom node, seen from its driver.
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
    /// Lines of peers that were initialised before this node was.
    early: Vec<Vec<u8>>,
    workloads: BTreeMap<Kind, Box<dyn Workload>>,
    ids: Ids<C>,
    failure: Option<String>,
    /// The node was set up in a cluster that was running already, so it may have lost state.
    restarted: bool,
    /// When this node writes to peers, unless a message lets it do so earlier.
    introduce_at: Option<Time>,
}

/// Where the generator of a node id comes from.
enum Ids<C> {
    Clock,
    Given(Box<IdSource<C>>),
}

type IdSource<C> = dyn FnMut(NodeId, Epoch) -> Result<Arc<Generator<C>>, String> + Send;

impl<C> fmt::Debug for Ids<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ids::Clock => "Clock",
            Ids::Given(_) => "Given",
        })
    }
}

impl<C: Clock + Clone> Ids<C> {
    fn generator(&mut self, node_id: NodeId, clock: &C) -> Result<Arc<Generator<C>>, String> {
        match self {
            Ids::Clock => Generator::builder(node_id, EPOCH)
                .build(clock.clone())
                .map(Arc::new)
                .map_err(|why| why.to_string()),
            Ids::Given(source) => source(node_id, EPOCH),
        }
    }
}

impl<C: Clock + Clone + Send + Sync + fmt::Debug + 'static> Node<C> {
    /// A node that knows nothing yet.
    ///
    /// `incarnation` tells this life of the node from its others and seeds its
    /// choices: a random number, new at each start. `clock` dates the IDs.
    pub fn new(config: Config, incarnation: u64, clock: C) -> Node<C> {
        Node {
            config,
            incarnation,
            clock,
            cluster: None,
            early: Vec::new(),
            workloads: BTreeMap::new(),
            ids: Ids::Clock,
            failure: None,
            restarted: false,
            introduce_at: None,
        }
    }

    /// The same node with its IDs made by the generator that `source` gives for its node
    /// id and epoch. It is asked on `init`, if the node is to make IDs at all; where it
    /// says why there is none, that is the node's [`failure`](Node::failure).
    ///
    /// [`handle`](Node::handle) waits for the source, which with `--data-dir` may take 5 s for
    /// a store that does not answer.
    #[must_use]
    pub fn with_generator(
        self,
        source: impl FnMut(NodeId, Epoch) -> Result<Arc<Generator<C>>, String> + Send + 'static,
    ) -> Node<C> {
        Node { ids: Ids::Given(Box::new(source)), ..self }
    }

    /// Why this node could not be set up: its `init` was answered with an error, and its
    /// driver should end it.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Reacts to one line, given without its newline.
    ///
    /// Whatever the line holds, the node goes on: what cannot be served is answered
    /// with an error where there is someone to answer, and logged otherwise.
    pub fn handle(&mut self, now: Time, line: &[u8], out: &mut Outbox) {
        let line = &*without_breaks(line);
        let envelope = match Envelope::parse(line) {
            Ok(envelope) => envelope,
            Err(LineError::Malformed { request, text }) => {
                return out.error(Some(&request), ErrorCode::MalformedRequest, &text);
            }
            Err(LineError::Unanswerable(why)) => {
                return tracing::warn!(bytes = line.len(), "ignored a line: {}", clipped(&why));
            }
        };
        let client = self.client_of(&envelope);
        let request = envelope.body.request();
        if client.is_none() && !matches!(request, Ok(Request::Gossip(_)) | Err(_)) {
            let (kind, from) = (envelope.body.kind(), clipped(&envelope.src));
            tracing::warn!(from, "no reply to a request without msg_id: {kind}");
        }
        match request {
            Ok(Request::Init { node_id, node_ids }) => {
                let before = envelope.messages_before();
                self.init(now, client.as_ref(), &node_id, node_ids, before, out);
            }
            Ok(Request::Gossip(_)) if self.cluster.is_none() => self.keep_early_line(line),
            Ok(request) => {
                self.serve(now, &envelope.src, client.as_ref(), request, out);
                self.start(now);
            }
            Err(_) if envelope.body.is_reply() => {
                let kind = clipped(envelope.body.kind());
                tracing::warn!(kind, "ignored a reply nobody waits for");
            }
            Err(refusal) => {
                if client.is_none() {
                    tracing::warn!(from = clipped(&envelope.src), "ignored a message: {refusal}");
                }
                out.refuse(client.as_ref(), &refusal);
            }
        }
    }

    /// When [`Node::handle_deadline`] is next due, or `None` while nothing is pending.
    pub fn deadline(&self) -> Option<Time> {
        let deadlines = self.workloads.values().filter_map(|workload| workload.deadline());
        deadlines.chain(self.introduce_at).min()
    }

    /// Whether a client is waiting for a reply that a later deadline will bring. Such a
    /// node should be given its deadlines even when its input has ended.
    pub fn owes_reply(&self) -> bool {
        self.workloads.values().any(|workload| workload.owes_reply())
    }

    /// Does whatever is due at `now`. Calling it early or late is harmless.
    pub fn handle_deadline(&mut self, now: Time, out: &mut Outbox) {
        if self.introduce_at.is_some_and(|due| due <= now) {
            // A node of a quiet cluster cannot know whether it had any state before.
            self.restarted = true;
            self.start(now);
        }
        for workload in self.workloads.values_mut() {
            workload.on_deadline(now, out);
        }
    }

    fn init(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        me: &str,
        names: Vec<String>,
        messages_before: Option<u64>,
        out: &mut Outbox,
    ) {
        let cluster = match Cluster::new(me, names) {
            Ok(cluster) => cluster,
            Err(why) => {
                return out.error(client, ErrorCode::MalformedRequest, &why.to_string());
            }
        };
        match &self.cluster {
            None => {}
            // A repeated `init` is answered again; what the node has learnt stays.
            Some(before) if *before == cluster => return out.reply(client, &Payload::InitOk),
            Some(before) => {
                let me = before.my_name();
                let text = format!("init: this node has been set up before, as {me} and otherwise");
                return out.error(client, ErrorCode::MalformedRequest, &text);
            }
        }
        if let Err(why) = self.take_generator(cluster.node_id()) {
            out.error(client, ErrorCode::TemporarilyUnavailable, &format!("no IDs: {why}"));
            self.failure = Some(why);
            return;
        }
        out.reply(client, &Payload::InitOk);
        // While a peer has yet to be set up, there are two messages for each other node at
        // most, and no peer writes to another.
        let nodes = cluster.names().len();
        let in_setup = 2 * nodes as u64 - 1;
        self.restarted =
            messages_before.is_some_and(|before| before >= in_setup) || !self.early.is_empty();
        let wait = if self.restarted { RESTART_DELAY } else { SETUP_TIMEOUT };
        self.introduce_at = (nodes > 1).then_some(now + wait);
        self.cluster = Some(cluster);
        if let Some(only) = self.config.workload
            && workload::definition(only).is_some_and(|definition| definition.is_replicated)
        {
            // Its state is learnt from peers before any client asks for it.
            if let Err(why) = self.run_workload(only) {
                tracing::warn!("cannot start {}: {why}", only.name());
            }
        }
        // Nothing is sent on account of these: not every node need be set up yet.
        let mut unsent = Outbox::new();
        for line in std::mem::take(&mut self.early) {
            if let Ok(envelope) = Envelope::parse(&line)
                && let Ok(request) = envelope.body.request()
            {
                self.serve(now, &envelope.src, None, request, &mut unsent);
            }
        }
    }

    /// Has IDs made by what the driver gives for them, before anybody asks for one: a node
    /// that cannot make any should not get as far.
    fn take_generator(&mut self, node_id: NodeId) -> Result<(), String> {
        let makes_ids = self.config.workload.is_none_or(|only| only == Kind::UniqueIds);
        if makes_ids && matches!(self.ids, Ids::Given(_)) {
            let generator = self.ids.generator(node_id, &self.clock)?;
            self.workloads.insert(Kind::UniqueIds, Box::new(UniqueIds::new(generator)));
        }
        Ok(())
    }

    /// Where a reply goes. It comes from this node, whatever name it was asked by.
    fn client_of<'a>(&self, envelope: &'a Envelope<'_>) -> Option<Address<'a>> {
        let mut client = envelope.address()?;
        if let Some(cluster) = &self.cluster
            && client.dest != cluster.my_name()
        {
            client.dest = cluster.my_name().to_owned().into();
        }
        Some(client)
    }

    fn keep_early_line(&mut self, line: &[u8]) {
        let kept: usize = self.early.iter().map(Vec::len).sum();
        if kept + line.len() <= MAX_EARLY_BYTES {
            self.early.push(line.to_vec());
        }
    }

    /// Lets the workloads write to peers: the first message after `init` means that
    /// every node has been set up.
    fn start(&mut self, now: Time) {
        self.introduce_at = None;
        for workload in self.workloads.values_mut() {
            workload.on_started(now, self.restarted);
        }
    }

    fn serve(
        &mut self,
        now: Time,
        src: &str,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        let Some(workload) = self.workload_for(&request, client, out) else { return };
        if let Request::Gossip(gossip) = request {
            workload.on_gossip(now, src, *gossip, out);
        } else {
            workload.on_request(now, client, request, out);
        }
    }

    /// The workload that serves a request, started if this is the first to ask for it.
    fn workload_for(
        &mut self,
        request: &Request<'_>,
        client: Option<&Address<'_>>,
        out: &mut Outbox,
    ) -> Option<&mut Box<dyn Workload>> {
        if self.cluster.is_none() {
            let text = "this node has not been initialised: send init first";
            out.error(client, ErrorCode::TemporarilyUnavailable, text);
            return None;
        }
        let kind = match self.kind_for(request) {
            Ok(kind) => kind,
            Err((code, text)) => {
                out.error(client, code, &text);
                return None;
            }
        };
        if let Err(why) = self.run_workload(kind) {
            let text = format!("no IDs: {why}");
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
            return Err(format!("no workload {}", kind.name()));
        };
        let node_id = cluster.node_id();
        let (ids, clock) = (&mut self.ids, &self.clock);
        let mut unique_ids = || -> Result<Box<dyn Workload>, String> {
            Ok(Box::new(UniqueIds::new(ids.generator(node_id, clock)?)))
        };
        let workload = (definition.create)(Context {
            cluster: cluster.clone(),
            incarnation: self.incarnation,
            config: &self.config,
            unique_ids: &mut unique_ids,
        })?;
        self.workloads.insert(kind, workload);
        Ok(())
    }

    /// Which workload serves a request: the one that the command line names or else the
    /// one that the request tells of. What tells of none, a bare `read`, goes to the only
    /// one that has told of itself before, if it is the only one.
    fn kind_for(&self, request: &Request<'_>) -> Result<Kind, (ErrorCode, String)> {
        if let Some(only) = self.config.workload {
            let refusal = || format!("this node was started to serve {} alone", only.name());
            return if self.serves(only, request) {
                Ok(only)
            } else {
                Err((ErrorCode::NotSupported, refusal()))
            };
        }
        let mut running = self.workloads.keys().copied().filter(|kind| self.serves(*kind, request));
        match (workload::identify(request), running.next(), running.next()) {
            (Some(told), ..) => Ok(told),
            (None, Some(only), None) => Ok(only),
            _ => {
                let known: Vec<&str> = workload::candidates(request).map(Kind::name).collect();
                let text = format!(
                    "a bare read does not tell its workload: name it as an argument, one of {}",
                    known.join(", ")
                );
                Err((ErrorCode::TemporarilyUnavailable, text))
            }
        }
    }

    /// Returns `true` if a workload has requests of this type, or if it is its gossip.
    fn serves(&self, kind: Kind, request: &Request<'_>) -> bool {
        match request {
            Request::Gossip(gossip) => gossip.workload == kind,
            _ => workload::candidates(request).any(|candidate| candidate == kind),
        }
    }
}

/// A line with its returns and newlines made spaces, and without a return at its end. In JSON
/// they are blank wherever they may stand at all, but values go out as they came in, and to
/// many readers, Maelstrom's among them, a return ends a line: what follows would be junk.
/// A line that is no JSON stays as it is: it must not become any.
fn without_breaks(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_break = |byte: u8| matches!(byte, b'\r' | b'\n');
    if memchr2(b'\r', b'\n', line).is_none() || serde_json::from_slice::<&RawValue>(line).is_err() {
        return line.into();
    }
    line.iter().map(|&byte| if is_break(byte) { b' ' } else { byte }).collect()
}
