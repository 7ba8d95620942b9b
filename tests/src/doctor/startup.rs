//! A conversation with one node, from its start to the silence after `init_ok`.

use std::fs::File;
use std::time::Duration;

use super::{Diagnosis, Examined, Mistake};
use crate::base::excerpt::excerpt;
use crate::drive::process::Launch;
use crate::drive::process::conversation::{Conversation, End, Observed};
use crate::format::wire::{Body, Envelope, Schema};
use crate::runner::failure::Failure;

/// The time for which a node is watched before `init` is sent.
const BEFORE_INIT: Duration = Duration::from_millis(300);
/// The time for which a node is watched for its answer to `init`. The time is longer than
/// Maelstrom's 10 s, so that a slow start is distinguished from silence.
const INIT_TIMEOUT: Duration = Duration::from_secs(12);
/// The longest acceptable start. A slower node is likely to miss the limit on a busier machine.
const SLOW_START: Duration = Duration::from_secs(7);
/// The time for which a node is watched after its answer to `init`.
const AFTER_INIT: Duration = Duration::from_secs(2);
/// The time limit for writing buffered output after the end of the input.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

const INIT: &str = r#"{"id":0,"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0","n1","n2"]}}"#;
const INIT_OK: Schema = Schema { kind: "init_ok", fields: &[] };

const RUNS: &str = "runs until it is killed";
const ANSWERS: &str = "answers init within 10 s";
const FRAMES: &str = "writes one JSON message per line, and nothing else";
const CONFORMS: &str = "sends init_ok with the right fields to the right place";
const ONCE: &str = "answers init once";
const WAITS: &str = "sends nothing to other nodes before the first request";

/// Starts a node and examines it up to the silence after `init_ok`. `log` receives its standard
/// error.
///
/// # Errors
///
/// Returns an error if the process cannot be started.
pub fn examine(launch: &Launch, log: File) -> Result<Vec<Examined>, Failure> {
    let mut node = Conversation::start(launch, log)?;
    let before = node.observe(BEFORE_INIT, |_| false);
    node.give(INIT);
    let answered = match before.end {
        Some(_) => Observed::default(),
        None => node.observe(INIT_TIMEOUT, is_answer),
    };
    let after = match answered.lines.last().is_some_and(|(_, line)| is_answer(line)) {
        true => node.observe(AFTER_INIT, |_| false),
        false => Observed::default(),
    };
    Ok(StartupTrial { node, before, answered, after }.examined())
}

/// A conversation with a node, and all output that was observed in it.
struct StartupTrial {
    node: Conversation,
    before: Observed,
    answered: Observed,
    after: Observed,
}

impl StartupTrial {
    fn examined(mut self) -> Vec<Examined> {
        let mut examined = vec![Examined { expected: RUNS, result: self.ran() }];
        let answered = self.answered();
        let is_answered = matches!(answered, Diagnosis::Right(_));
        examined.push(Examined { expected: FRAMES, result: self.framed() });
        examined.push(Examined { expected: ANSWERS, result: answered });
        type Examine = fn(&StartupTrial) -> Diagnosis;
        let later: [(&'static str, Examine); 3] = [
            (CONFORMS, StartupTrial::conforms),
            (ONCE, StartupTrial::answered_once),
            (WAITS, StartupTrial::waits),
        ];
        examined.extend(later.map(|(expected, examine)| {
            let result = if is_answered { examine(&self) } else { Diagnosis::NotTried };
            Examined { expected, result }
        }));
        examined
    }

    fn end(&self) -> Option<&End> {
        [&self.before, &self.answered, &self.after].into_iter().find_map(|o| o.end.as_ref())
    }

    /// Returns all lines, including those before `init` was sent.
    fn lines(&self) -> impl Iterator<Item = &str> {
        let all = [&self.before, &self.answered, &self.after];
        all.into_iter().flat_map(|observed| &observed.lines).map(|(_, line)| line.as_str())
    }

    fn ran(&self) -> Diagnosis {
        let Some(End { status, stderr }) = self.end() else { return right() };
        let when = match self.after.end {
            Some(_) => "after it had answered init",
            None => "before it had answered init",
        };
        let (seen, change) = match status {
            Some(status) => (
                format!("it exited by itself ({status}) {when}"),
                "read standard input in a loop until it ends; its standard error may have the \
                 cause",
            ),
            None => (
                format!("it closed its standard output {when}, and ran on"),
                "keep standard output open until the node is killed",
            ),
        };
        wrong(with_stderr(seen, stderr), change)
    }

    /// Reports the first line that deviates from the protocol. Maelstrom ignores a node after most
    /// such lines.
    fn framed(&self) -> Diagnosis {
        for line in self.lines() {
            let parsed = Envelope::parse(line.as_bytes()).map(|envelope| envelope.deviation);
            if let Err(malformed) | Ok(Some(malformed)) = parsed {
                let seen = format!("it wrote a line that {}: {}", malformed.problem, excerpt(line));
                return wrong(seen, malformed.hint);
            }
        }
        if self.lines().next().is_none() { Diagnosis::NotTried } else { right() }
    }

    fn answered(&mut self) -> Diagnosis {
        if let Some((took, _)) = self.answered.lines.iter().find(|(_, line)| is_answer(line)) {
            let millis = took.as_millis();
            return match *took > SLOW_START {
                false => Diagnosis::Right(format!("{millis} ms")),
                true => wrong(
                    format!("it took {millis} ms to answer init; the limit is 10000 ms"),
                    "build the node before the test, and start its work after init_ok; on a busy \
                     machine it starts even more slowly",
                ),
            };
        }
        if self.end().is_some() {
            return Diagnosis::NotTried;
        }
        let unfinished = self.node.unfinished_line();
        if !unfinished.trim().is_empty() {
            return wrong(
                format!("it wrote {} without a newline", excerpt(&unfinished)),
                "end each message with a newline, and flush",
            );
        }
        self.node.close_input();
        let flushed = self.node.observe(FLUSH_TIMEOUT, is_answer);
        if flushed.lines.iter().any(|(_, line)| is_answer(line)) {
            return wrong(
                "it wrote init_ok only when its standard input ended",
                "flush standard output after each message (in Python, print(…, flush=True)), and \
                 handle each line when it comes",
            );
        }
        let seen = match self.lines().next() {
            None => "it wrote nothing within 12 s".to_owned(),
            Some(line) => format!("it wrote no init_ok within 12 s, but {}", excerpt(line)),
        };
        let stderr = self.node.stderr();
        wrong(
            with_stderr(seen, &stderr),
            format!("answer init with {}, and flush", INIT_OK.expected()),
        )
    }

    fn conforms(&self) -> Diagnosis {
        let Some(line) = self.lines().find(|line| is_answer(line)) else {
            return Diagnosis::NotTried;
        };
        let Ok(envelope) = Envelope::parse(line.as_bytes()) else { return Diagnosis::NotTried };
        if envelope.src != "n0" || envelope.dest != "c0" {
            return wrong(
                format!(
                    "the src and dest of its init_ok are {:?} and {:?}",
                    envelope.src, envelope.dest
                ),
                "src is the node_id of init (here n0), and dest is the src of the request (here c0)",
            );
        }
        let Ok(body) = Body::parse(envelope.body) else { return Diagnosis::NotTried };
        if body.int("in_reply_to") != Some(1) {
            let found = body.raw("in_reply_to").map_or("missing", |raw| raw.get());
            return wrong(
                format!("the in_reply_to of its init_ok is {}", excerpt(found)),
                "in_reply_to is the msg_id of the request, as a number (here 1)",
            );
        }
        if body.text("type").as_deref() == Some("error") {
            return wrong(
                format!("it answered init with an error: {}", excerpt(envelope.body.get())),
                "answer with init_ok, and do later what can fail",
            );
        }
        match body.conform(&INIT_OK) {
            Ok(()) => right(),
            Err(malformed) => wrong(
                format!("its init_ok {}", malformed.problem),
                format!("{}; Maelstrom accepts it here, but in no other reply", malformed.hint),
            ),
        }
    }

    fn answered_once(&self) -> Diagnosis {
        match self.lines().filter(|line| is_answer(line)).count() {
            0 | 1 => right(),
            count => wrong(
                format!("it answered init {count} times"),
                "send one reply to each request; look for a handler that is called twice",
            ),
        }
    }

    fn waits(&self) -> Diagnosis {
        let to_node = |line: &&str| {
            Envelope::parse(line.as_bytes())
                .is_ok_and(|envelope| ["n0", "n1", "n2"].contains(&&*envelope.dest))
        };
        match self.lines().find(to_node) {
            None => right(),
            Some(line) => wrong(
                format!("it wrote {} before its first request", excerpt(line)),
                "start timers and gossip at the first message after init: other nodes may not be \
                 set up yet, and Maelstrom then ignores the sender",
            ),
        }
    }
}

/// Returns `true` if the line is an answer to `init`, correct or not.
fn is_answer(line: &str) -> bool {
    let Ok(envelope) = Envelope::parse(line.as_bytes()) else { return false };
    let Ok(body) = Body::parse(envelope.body) else { return false };
    let is_reply = |body: &Body<'_>| body.raw("in_reply_to").is_some();
    body.text("type").is_some_and(|kind| kind == "init_ok" || kind == "error" && is_reply(&body))
}

fn right() -> Diagnosis {
    Diagnosis::Right(String::new())
}

fn wrong(seen: impl Into<String>, change: impl Into<String>) -> Diagnosis {
    Diagnosis::Wrong(Mistake::new(seen, change))
}

fn with_stderr(mut seen: String, stderr: &str) -> String {
    for line in stderr.lines() {
        seen.push_str("\n  its standard error: ");
        seen.push_str(&excerpt(line));
    }
    seen
}
