//! What a node that is still running writes, and how long to wait for it.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Long enough for whatever a node ever says: what does not come is a failure, and no hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of a node's output, as they come.
#[derive(Debug)]
pub(crate) struct Replies(Receiver<String>);

impl Replies {
    pub(crate) fn of(output: ChildStdout) -> Replies {
        let (line, lines) = mpsc::channel();
        // Ends with the node's output, or once nobody listens.
        thread::spawn(move || {
            BufReader::new(output)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|next| line.send(next))
        });
        Replies(lines)
    }

    /// The body of the next message.
    pub(crate) fn next_body(&self) -> Value {
        let line = self.0.recv_timeout(PATIENCE).expect("the node says something");
        serde_json::from_str::<Value>(&line).expect("JSON on stdout")["body"].take()
    }
}
