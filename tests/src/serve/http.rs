//! A minimal HTTP server for a local browser: one GET request per connection.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;

use super::archive::Archive;

/// The maximum length of the head of a request, in bytes.
const MAX_HEAD: usize = 8 << 10;
/// The time within which a client has to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout for the rest of a request, and the maximum of its bytes that are read.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_DRAINED: u64 = 1 << 20;
/// The size of a chunk of an archive, in bytes.
const MAX_CHUNK: usize = 64 << 10;
/// The maximum time for which a client may accept no byte of the response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// The path, decoded.
    pub path: String,
    /// The parameters, decoded.
    pub query: Vec<(String, String)>,
}

/// A response.
#[derive(Debug)]
pub struct Response {
    status: u16,
    kind: &'static str,
    /// The name under which a browser saves the response, in plain characters.
    attachment: Option<String>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Text(String),
    File(File, u64),
    Archive(Archive),
}

impl HttpRequest {
    /// Returns the first value of a parameter, or an empty string if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Returns all values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Reads the head of a request.
    ///
    /// # Errors
    ///
    /// Returns the error response if the request is not supported or not allowed.
    pub fn parse(head: &str) -> Result<HttpRequest, Response> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, target, version) = (words.next(), words.next(), words.next());
        let (Some(method), Some(target), Some(version)) = (method, target, version) else {
            return Err(Response::error(400, "not an HTTP request"));
        };
        if !version.starts_with("HTTP/1.") {
            return Err(Response::error(400, "not HTTP/1"));
        }
        if method != "GET" {
            return Err(Response::error(405, "the store is read-only"));
        }
        // A page of another site may make the browser send a request under a host name of that
        // site.
        let is_host = |line: &&str| line.to_ascii_lowercase().starts_with("host:");
        let host = lines.find(is_host).map_or("", |line| line[5..].trim());
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if !["127.0.0.1", "localhost", "[::1]"].contains(&name) {
            return Err(Response::error(403, "the store is served only to this machine"));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8().ok()?;
            Some(decoded.into_owned())
        };
        let parameter = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
        };
        let path = decode(path).filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| Response::error(400, "the path cannot be read"))?;
        let query = query.split('&').filter(|pair| !pair.is_empty()).filter_map(parameter);
        Ok(HttpRequest { path, query: query.collect() })
    }
}

impl Response {
    /// Creates a page.
    #[must_use]
    pub fn html(page: String) -> Response {
        Response::new(200, "text/html; charset=utf-8", Body::Text(page))
    }

    /// Creates an error response.
    #[must_use]
    pub fn error(status: u16, problem: &str) -> Response {
        let body = Body::Text(format!("{status}: {problem}\n"));
        Response::new(status, "text/plain; charset=utf-8", body)
    }

    /// Creates a response with a file.
    #[must_use]
    pub fn file(path: &Path) -> Response {
        let opened = File::open(path).and_then(|file| {
            let length = file.metadata()?.len();
            Ok((file, length))
        });
        match opened {
            Ok((file, length)) => Response::new(200, kind_of(path), Body::File(file, length)),
            Err(_) => Response::error(404, "the file cannot be read"),
        }
    }

    /// Creates a response with an archive, which a browser saves as a file.
    #[must_use]
    pub fn archive(archive: Archive) -> Response {
        let attachment = Some(format!("{}.zip", archive.name()));
        let response = Response::new(200, "application/zip", Body::Archive(archive));
        Response { attachment, ..response }
    }

    fn new(status: u16, kind: &'static str, body: Body) -> Response {
        Response { status, kind, attachment: None, body }
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    fn write(self, out: &mut impl Write) -> io::Result<()> {
        write!(
            out,
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n",
            self.status,
            reason(self.status),
            self.kind,
        )?;
        if let Some(name) = &self.attachment {
            write!(out, "Content-Disposition: attachment; filename=\"{name}\"\r\n")?;
        }
        match &self.body {
            Body::Text(text) => write!(out, "Content-Length: {}\r\n\r\n", text.len())?,
            Body::File(_, length) => write!(out, "Content-Length: {length}\r\n\r\n")?,
            // The length is not known before the end. Chunks show a client that it has all.
            Body::Archive(_) => write!(out, "Transfer-Encoding: chunked\r\n\r\n")?,
        }
        match self.body {
            Body::Text(text) => out.write_all(text.as_bytes())?,
            // The file may grow during the response, because the run may be active.
            Body::File(file, length) => drop(io::copy(&mut file.take(length), out)?),
            Body::Archive(archive) => {
                let mut chunks = BufWriter::with_capacity(MAX_CHUNK, Chunks(&mut *out));
                archive.write(&mut chunks)?;
                chunks.flush()?;
                drop(chunks);
                out.write_all(b"0\r\n\r\n")?;
            }
        }
        out.flush()
    }
}

/// A writer of the chunked transfer encoding, without the last chunk.
struct Chunks<W>(W);

impl<W: Write> Write for Chunks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An empty chunk would end the response.
        if !bytes.is_empty() {
            write!(self.0, "{:x}\r\n", bytes.len())?;
            self.0.write_all(bytes)?;
            self.0.write_all(b"\r\n")?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Reads a request from a connection and writes the response.
///
/// # Errors
///
/// Returns an error if the client is too slow or closes the connection.
pub fn serve(
    mut connection: TcpStream,
    respond: impl FnOnce(&HttpRequest) -> Response,
) -> io::Result<()> {
    connection.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let response = match head(&mut connection)? {
        None => Response::error(431, "the head of the request is too long"),
        Some(head) => match HttpRequest::parse(&head) {
            Ok(request) => respond(&request),
            Err(response) => response,
        },
    };
    response.write(&mut BufWriter::new(&mut connection))?;
    // The system resets a connection that is closed with unread bytes. The client may then lose the
    // response.
    connection.shutdown(Shutdown::Write)?;
    connection.set_read_timeout(Some(DRAIN_TIMEOUT))?;
    io::copy(&mut connection.take(MAX_DRAINED), &mut io::sink()).map(drop)
}

/// Reads up to the empty line after the head.
///
/// Returns `None` if the head is too long.
fn head(connection: &mut TcpStream) -> io::Result<Option<String>> {
    let start = Instant::now();
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let left = REQUEST_TIMEOUT.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        connection.set_read_timeout(Some(left))?;
        let read = connection.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&buffer[..read]);
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            head.truncate(end);
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
        if head.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        _ => "Error",
    }
}

fn kind_of(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        Some("edn" | "log" | "txt" | "jsonl") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, host: &str) -> Result<HttpRequest, u16> {
        let head = format!("{line}\r\nAccept: */*\r\nHost: {host}");
        HttpRequest::parse(&head).map_err(|response| response.status())
    }

    #[test]
    fn reads_path_and_parameters() {
        let request = parse("GET /a%2Fb/c?run=x%2Fy&run=z+w&e HTTP/1.1", "localhost:80").unwrap();
        assert_eq!(request.path, "/a/b/c");
        assert_eq!(request.all("run").collect::<Vec<_>>(), ["x/y", "z w"]);
        assert_eq!((request.get("e"), request.get("none")), ("", ""));
    }

    #[test]
    fn writes_chunks_that_no_empty_write_ends() {
        let mut out = Vec::new();
        let mut chunks = Chunks(&mut out);
        for bytes in ["hello, ", "", "and a longer text"] {
            chunks.write_all(bytes.as_bytes()).unwrap();
        }
        chunks.write_all(b"").unwrap();
        assert_eq!(out, b"7\r\nhello, \r\n11\r\nand a longer text\r\n");
    }

    #[test]
    fn rejects_unsupported_requests() {
        let own = "127.0.0.1:8080";
        for (line, host, status) in [
            ("", own, 400),
            ("GET /", own, 400),
            ("GET / SPDY/3", own, 400),
            ("GET x HTTP/1.1", own, 400),
            ("GET /%ff HTTP/1.1", own, 400),
            ("POST / HTTP/1.1", own, 405),
            ("GET / HTTP/1.1", "evil.example", 403),
            ("GET / HTTP/1.1", "127.0.0.1.evil.example:80", 403),
            ("GET / HTTP/1.1", "", 403),
        ] {
            assert_eq!(parse(line, host), Err(status), "{line} of {host}");
        }
        assert!(parse("GET / HTTP/1.1", own).is_ok());
    }
}
