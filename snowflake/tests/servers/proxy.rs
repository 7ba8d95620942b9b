//! A proxy between a store and its server that counts round trips, drops answers, and ends
//! connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

/// A port that forwards to another port. It ends with the process.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: u16,
    round_trips: AtomicU64,
    /// Answers are dropped. The server still executes the requests.
    drops_answers: AtomicBool,
    /// The text of a request after which the client is frozen.
    last_text: OnceLock<&'static str>,
    connections: AtomicUsize,
    /// The connections before this one have been forgotten.
    first_known: AtomicUsize,
    /// The clients' sides of the open connections, and of some closed ones.
    clients: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            server,
            round_trips: AtomicU64::new(0),
            drops_answers: AtomicBool::new(false),
            last_text: OnceLock::new(),
            connections: AtomicUsize::new(0),
            first_known: AtomicUsize::new(0),
            clients: Mutex::default(),
        });
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || listener.incoming().flatten().for_each(|client| shared.serve(client))
        });
        Proxy { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the number of requests so far. All bytes that a client sends before the server's
    /// next answer count as one request.
    pub(crate) fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(SeqCst)
    }

    /// Returns the number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }

    /// Sets whether answers are dropped.
    pub(crate) fn drop_answers(&self, drop: bool) {
        self.shared.drops_answers.store(drop, SeqCst);
    }

    /// Closes all connections, as a server does whose client was suspended.
    pub(crate) fn close_connections(&self) {
        self.shared.clients.lock().unwrap().drain(..).for_each(|client| close(&client));
    }

    /// Drops all further bytes of the present connections, as a router does that has forgotten
    /// them. New connections work.
    pub(crate) fn forget_connections(&self) {
        self.shared.first_known.store(self.shared.connections.load(SeqCst), SeqCst);
    }

    /// Makes a client that sends `text` look frozen to the server.
    ///
    /// The server receives `text`. After that it receives no more bytes, and does not notice that
    /// the client closes the connection.
    pub(crate) fn freeze_client_after(&self, text: &'static str) {
        self.shared.last_text.set(text).unwrap();
    }
}

impl Shared {
    fn serve(self: &Arc<Self>, client: TcpStream) {
        // If the server is down, the client's connection is closed.
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else { return };
        let connection = self.connections.fetch_add(1, SeqCst);
        self.clients.lock().unwrap().push(client.try_clone().unwrap());
        let client_sent_last = Arc::new(AtomicBool::new(false));
        let [from_client, from_server] = [&client, &server].map(|it| it.try_clone().unwrap());
        thread::spawn({
            let (shared, client_sent_last) = (Arc::clone(self), Arc::clone(&client_sent_last));
            move || {
                let mut is_frozen = false;
                let server = forward(from_client, server, |bytes| {
                    if !client_sent_last.swap(true, SeqCst) {
                        shared.round_trips.fetch_add(1, SeqCst);
                    }
                    if let Some(text) = shared.last_text.get()
                        && bytes.windows(text.len()).any(|it| it == text.as_bytes())
                    {
                        shared.drops_answers.store(true, SeqCst);
                        is_frozen = true;
                    }
                    shared.is_known(connection)
                });
                if !is_frozen {
                    close(&server);
                }
            }
        });
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let client = forward(from_server, client, |_| {
                client_sent_last.store(false, SeqCst);
                !shared.drops_answers.load(SeqCst) && shared.is_known(connection)
            });
            close(&client);
        });
    }

    fn is_known(&self, connection: usize) -> bool {
        connection >= self.first_known.load(SeqCst)
    }
}

/// Forwards the bytes that `is_forwarded` accepts, until one side closes its connection.
fn forward(
    mut from: TcpStream,
    mut to: TcpStream,
    mut is_forwarded: impl FnMut(&[u8]) -> bool,
) -> TcpStream {
    let mut buffer = [0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..length];
        if is_forwarded(bytes) && to.write_all(bytes).is_err() {
            break;
        }
    }
    to
}

fn close(stream: &TcpStream) {
    // The stream may be closed already.
    let _ = stream.shutdown(Shutdown::Both);
}
