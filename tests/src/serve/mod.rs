//! A server that shows the store in a browser, on the loopback interface.
//!
//! [`http`] reads one request per connection, and [`runs`] lists the runs of a store. [`files`]
//! finds the file that a path names, [`archive`] packs a run, and `pages` writes HTML.

pub mod archive;
pub mod files;
pub mod http;
mod pages;
pub mod runs;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use crossbeam_channel::bounded;

use archive::Archive;
use files::Found;
use http::{HttpRequest, Response};
use runs::Runs;

/// The number of requests that are handled concurrently.
const WORKERS: usize = 8;
/// The maximum number of connections that wait for a worker.
///
/// The system queues further connections.
const MAX_WAITING: usize = 64;

/// A server of one store.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    runs: Runs,
}

impl Server {
    /// Creates a server on a port of the loopback interface.
    ///
    /// Port 0 selects a free port.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory does not exist, or if the port is in use.
    pub fn new(store: &Path, port: u16) -> io::Result<Server> {
        let runs = Runs::new(store)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(Server { listener, runs })
    }

    /// Returns the address on which the server listens.
    ///
    /// # Errors
    ///
    /// Returns an error if the system cannot return the address.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Handles requests until the process ends.
    pub fn run(&self) {
        let (sender, connections) = bounded::<TcpStream>(MAX_WAITING);
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                let connections = connections.clone();
                scope.spawn(move || {
                    for connection in connections {
                        // An error ends the connection; no client remains to report it to.
                        let _ = http::serve(connection, |request| self.respond(request));
                    }
                });
            }
            for connection in self.listener.incoming().flatten() {
                if sender.send(connection).is_err() {
                    return;
                }
            }
        });
    }

    fn respond(&self, request: &HttpRequest) -> Response {
        match request.path.as_str() {
            "/" => {
                let summary = |name: &str| self.runs.summary(name);
                Response::html(pages::list(&self.runs.names(), summary, request))
            }
            "/compare" => {
                let summaries: Vec<_> =
                    request.all("run").filter_map(|name| self.runs.find(name)).collect();
                match &summaries[..] {
                    [a, b] => Response::html(pages::compare(a, b)),
                    _ => Response::error(400, "choose two runs"),
                }
            }
            path => match (path.strip_prefix("/store/"), path.strip_prefix("/zip/")) {
                (Some(path), _) => self.stored(path),
                (None, Some(name)) => self.zipped(name),
                (None, None) => Response::error(404, "the page does not exist"),
            },
        }
    }

    fn zipped(&self, name: &str) -> Response {
        match self.runs.directory(name) {
            Some(directory) => Response::archive(Archive::new(&directory)),
            None => Response::error(404, "the run does not exist in the store"),
        }
    }

    fn stored(&self, path: &str) -> Response {
        match files::find(self.runs.root(), path) {
            Some(Found::File(file)) => Response::file(&file),
            Some(Found::Directory(directory)) => {
                let run = self.runs.find(path.trim_end_matches('/'));
                Response::html(pages::directory(path, &files::entries(&directory), run.as_deref()))
            }
            None => Response::error(404, "the file does not exist in the store"),
        }
    }
}
