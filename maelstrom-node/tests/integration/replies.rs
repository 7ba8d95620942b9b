//! The output of a running node, read with a timeout.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The timeout for any message of a node. A missing message fails the test instead of hanging it.
const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// The lines of a node's output, in the order of arrival.
#[derive(Debug)]
pub(crate) struct Replies(Receiver<String>);

impl Replies {
    pub(crate) fn of(output: ChildStdout) -> Replies {
        let (line, lines) = mpsc::channel();
        // The thread ends with the node's output, or after the receiver is dropped.
        thread::spawn(move || {
            BufReader::new(output)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|next| line.send(next))
        });
        Replies(lines)
    }

    /// Returns the body of the next message.
    pub(crate) fn next_body(&self) -> Value {
        let line = self.0.recv_timeout(REPLY_TIMEOUT).expect("a message from the node");
        serde_json::from_str::<Value>(&line).expect("JSON on stdout")["body"].take()
    }
}
