//! What a Maelstrom node is asked and told, as lines with their newlines.

/// How many nodes there are, `n0` and so on, unless a node is alone. The lines are for `n0`.
pub const NODES: usize = 25;

/// How many logs [`Kind::Send`] appends to in turn.
pub const KEYS: usize = 100;

/// Sets `n0` up as one of so many. Its reply is one line.
#[must_use]
pub fn init(nodes: usize) -> String {
    let names: Vec<String> = (0..nodes).map(|place| format!(r#""n{place}""#)).collect();
    let names = names.join(",");
    line("c0", 0, &format!(r#""type":"init","node_id":"n0","node_ids":[{names}]"#))
}

/// A request of a kind.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The same value back.
    Echo,
    /// A new ID.
    Generate,
    /// A value for everyone, new each time.
    Broadcast,
    /// Every value.
    Read,
    /// A message for a log, each of the [`KEYS`] in turn.
    Send,
}

impl Kind {
    /// The request's type.
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

    /// One request.
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

/// Asks for a log from an offset on.
#[must_use]
pub fn poll(key: usize, offset: usize) -> String {
    line("c2", 1, &format!(r#""type":"poll","offsets":{{"{key}":{offset}}}"#))
}

/// A peer's share: ten new items, and a digest with a mark for every node.
#[must_use]
pub fn gossip(turn: usize) -> String {
    const ITEMS: usize = 10;
    let (first, next) = (turn * ITEMS, (turn + 1) * ITEMS);
    let marks: Vec<String> = (1..NODES).map(|place| format!("[{place},{place},{next}]")).collect();
    let items: Vec<String> = (first..next).map(|item| format!("{item}")).collect();
    let (marks, items) = (marks.join(","), items.join(","));
    let run = format!(r#"{{"node":1,"incarnation":1,"first":{first},"items":[{items}]}}"#);
    let gossip = format!(
        r#""workload":"broadcast","incarnation":1,"digest":[{marks}],"items":[{run}],"sent_us":{turn}"#
    );
    let body = format!(r#"{{"type":"gossip","gossip":{{{gossip}}}}}"#);
    format!(r#"{{"id":{turn},"src":"n1","dest":"n0","body":{body}}}"#) + "\n"
}

/// Maelstrom puts an `id` of its own on the envelope.
fn line(src: &str, msg_id: usize, fields: &str) -> String {
    let body = format!(r#"{{{fields},"msg_id":{msg_id}}}"#);
    format!(r#"{{"id":{msg_id},"src":"{src}","dest":"n0","body":{body}}}"#) + "\n"
}
