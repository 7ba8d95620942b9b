//! This project's own node, as the simulator sees it.

use maelstrom_node::{Config, Node, Outbox};

use super::{Birth, Lines, NodeClock, SimulatedNode};
use crate::time::Time;

struct OwnNode {
    node: Node<NodeClock>,
    outbox: Outbox,
}

/// A factory for nodes with these settings.
pub fn own_node(config: Config) -> impl Fn(Birth) -> Box<dyn SimulatedNode> + Sync {
    move |birth| {
        let node = Node::new(config.clone(), birth.incarnation, birth.clock);
        Box::new(OwnNode { node, outbox: Outbox::new() })
    }
}

impl OwnNode {
    fn write(&mut self, out: &mut Lines) {
        out.extend(self.outbox.lines().map(<[u8]>::to_vec));
        self.outbox.clear();
    }
}

impl SimulatedNode for OwnNode {
    fn handle(&mut self, now: Time, line: &[u8], out: &mut Lines) {
        self.node.handle(maelstrom_node::Time(now.0), line, &mut self.outbox);
        self.write(out);
    }

    fn deadline(&self) -> Option<Time> {
        self.node.deadline().map(|at| Time(at.0))
    }

    fn handle_deadline(&mut self, now: Time, out: &mut Lines) {
        self.node.handle_deadline(maelstrom_node::Time(now.0), &mut self.outbox);
        self.write(out);
    }
}
