//! What stands between a store and its server, counts what goes through and can lose it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread;

/// A port that passes everything on to another. It ends with the process.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: u16,
    round_trips: AtomicU64,
    /// Whether answers are lost. What was asked is done all the same.
    is_mute: AtomicBool,
    /// The words after which a client is stopped.
    last_words: OnceLock<&'static str>,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (round_trips, is_mute) = (AtomicU64::new(0), AtomicBool::new(false));
        let last_words = OnceLock::new();
        let shared = Arc::new(Shared { server, round_trips, is_mute, last_words });
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || listener.incoming().flatten().for_each(|client| shared.serve(client))
        });
        Proxy { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How often a client has begun to speak since the start, or since the server's last word.
    pub(crate) fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(SeqCst)
    }

    pub(crate) fn mute(&self, mute: bool) {
        self.shared.is_mute.store(mute, SeqCst);
    }

    /// Stops whoever says `words`, as far as the server can tell: it hears them, and then
    /// neither another word nor that the connection was given up.
    pub(crate) fn stop_after(&self, words: &'static str) {
        self.shared.last_words.set(words).unwrap();
    }
}

impl Shared {
    fn serve(self: &Arc<Self>, client: TcpStream) {
        // A server that is gone closes the connection.
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else { return };
        let servers_turn = Arc::new(AtomicBool::new(false));
        let [from_client, from_server] = [&client, &server].map(|it| it.try_clone().unwrap());
        thread::spawn({
            let (shared, servers_turn) = (Arc::clone(self), Arc::clone(&servers_turn));
            move || {
                let mut is_stopped = false;
                let server = pump(from_client, server, |said| {
                    if !servers_turn.swap(true, SeqCst) {
                        shared.round_trips.fetch_add(1, SeqCst);
                    }
                    if let Some(words) = shared.last_words.get()
                        && said.windows(words.len()).any(|it| it == words.as_bytes())
                    {
                        shared.is_mute.store(true, SeqCst);
                        is_stopped = true;
                    }
                    true
                });
                if !is_stopped {
                    close(&server);
                }
            }
        });
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let client = pump(from_server, client, |_| {
                servers_turn.store(false, SeqCst);
                !shared.is_mute.load(SeqCst)
            });
            close(&client);
        });
    }
}

/// Passes on what `passes`, until one side has enough.
fn pump(
    mut from: TcpStream,
    mut to: TcpStream,
    mut passes: impl FnMut(&[u8]) -> bool,
) -> TcpStream {
    let mut bytes = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let said = &bytes[..length];
        if passes(said) && to.write_all(said).is_err() {
            break;
        }
    }
    to
}

fn close(stream: &TcpStream) {
    // It may be closed already.
    let _ = stream.shutdown(Shutdown::Both);
}
