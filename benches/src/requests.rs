//! Requests and gossip for the Maelstrom node `n0`, as lines with their newlines.

/// The size of the cluster: the nodes are `n0` to `n24`.
pub const NODES: usize = 25;

/// The number of logs to which the requests of [`Kind::Send`] append.
pub const KEYS: usize = 100;

/// Returns the `init` of a cluster of `nodes`. Its reply is one line.
#[must_use]
pub fn init(nodes: usize) -> String {
    let names: Vec<String> = (0..nodes).map(|nth| format!(r#""n{nth}""#)).collect();
    let names = names.join(",");
    line("c0", 0, &format!(r#""type":"init","node_id":"n0","node_ids":[{names}]"#))
}

/// A request of a kind.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A value that the reply repeats.
    Echo,
    /// A request for a new ID.
    Generate,
    /// A new value for all nodes.
    Broadcast,
    /// A request for all values.
    Read,
    /// A message for one of the [`KEYS`] logs, in turn.
    Send,
}

impl Kind {
    /// Returns the type of the request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Echo => "echo",
            Kind::Generate => "generate",
            Kind::Broadcast => "broadcast",
            Kind::Read => "read",
            Kind::Send => "send",
        }
    }

    /// Returns the line of a request.
    #[must_use]
    pub fn line(self, msg_id: usize) -> String {
        let fields = match self {
            Kind::Echo => format!(r#""echo":"Please echo {}","type":"echo""#, msg_id % 128),
            Kind::Generate => r#""type":"generate""#.to_owned(),
            Kind::Broadcast => format!(r#""type":"broadcast","message":{msg_id}"#),
            Kind::Read => r#""type":"read""#.to_owned(),
            Kind::Send => format!(r#""type":"send","key":"{}","msg":{msg_id}"#, msg_id % KEYS),
        };
        line("c2", msg_id, &fields)
    }
}

/// Returns a request for the messages of a log from an offset on.
#[must_use]
pub fn poll(key: usize, offset: usize) -> String {
    line("c2", 1, &format!(r#""type":"poll","offsets":{{"{key}":{offset}}}"#))
}

/// Returns the `nth` gossip of a peer: ten new items, and a digest with an entry for every peer.
#[must_use]
pub fn gossip(nth: usize) -> String {
    const ITEMS: usize = 10;
    let (first, next) = (nth * ITEMS, (nth + 1) * ITEMS);
    let digest: Vec<String> = (1..NODES).map(|node| format!("[{node},{node},{next}]")).collect();
    let items: Vec<String> = (first..next).map(|item| format!("{item}")).collect();
    let (digest, items) = (digest.join(","), items.join(","));
    let items = format!(r#"{{"node":1,"incarnation":1,"first":{first},"items":[{items}]}}"#);
    let gossip = format!(
        r#""workload":"broadcast","incarnation":1,"digest":[{digest}],"items":[{items}],"sent_us":{nth}"#
    );
    let body = format!(r#"{{"type":"gossip","gossip":{{{gossip}}}}}"#);
    format!(r#"{{"id":{nth},"src":"n1","dest":"n0","body":{body}}}"#) + "\n"
}

/// Returns a message to `n0`. The envelope has an `id`, as Maelstrom's envelopes have.
fn line(src: &str, msg_id: usize, fields: &str) -> String {
    let body = format!(r#"{{{fields},"msg_id":{msg_id}}}"#);
    format!(r#"{{"id":{msg_id},"src":"{src}","dest":"n0","body":{body}}}"#) + "\n"
}
