//! A minimal HTTP/1.1 server side: parses whole requests from a stream, and writes responses, whole or broken on
//! purpose.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::response::HttpResponse;

/// Limits for a request's head and body, in bytes, and for the number of its headers.
const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 1024 * 1024;
const HEADER_LIMIT: usize = 100;

/// A parsed request. Header names are in lower case.
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    /// The path as received: percent-encoded, without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) keep_alive: bool,
}

/// The result of reading from a connection.
pub(crate) enum Incoming {
    Request(HttpRequest),
    /// Not a valid request: respond with this status, then close.
    Malformed(u16),
    Closed,
}

impl HttpRequest {
    /// Returns the first value of a header; `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// The part of a response's body that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arriving {
    /// The whole body.
    Whole,
    /// Only this many bytes, although `Content-Length` announces the whole body.
    Cut(usize),
    /// The body, followed by more bytes without end, with this pause between them. `Content-Length` announces 1 TiB.
    Endless { pause: Duration },
}

/// Reads one request. Bytes beyond it stay in `buffer` for the next.
pub(crate) fn read<S: Read + Write>(stream: &mut S, buffer: &mut Vec<u8>) -> io::Result<Incoming> {
    loop {
        match parse_head(buffer) {
            Err(status) => return Ok(Incoming::Malformed(status)),
            Ok(Some((request, length))) => {
                buffer.drain(..length);
                return read_body(stream, buffer, request);
            }
            Ok(None) if buffer.len() > HEAD_LIMIT => return Ok(Incoming::Malformed(431)),
            Ok(None) => {}
        }
        if fill(stream, buffer)? == 0 {
            return Ok(if buffer.is_empty() { Incoming::Closed } else { Incoming::Malformed(400) });
        }
    }
}

fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0; 4096];
    let count = stream.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..count]);
    Ok(count)
}

/// Parses a head. Returns the request and the head's length, `None` if more bytes are needed, or the status to refuse
/// with.
fn parse_head(bytes: &[u8]) -> Result<Option<(HttpRequest, usize)>, u16> {
    let mut headers = [httparse::EMPTY_HEADER; HEADER_LIMIT];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(431),
        Err(_) => return Err(400),
    };
    let target = head.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut kept = Vec::with_capacity(head.headers.len());
    for header in head.headers.iter() {
        let value = str::from_utf8(header.value).map_err(|_| 400_u16)?;
        kept.push((header.name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut request = HttpRequest {
        method: head.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: kept,
        body: Vec::new(),
        keep_alive: head.version == Some(1),
    };
    if request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
        request.keep_alive = false;
    }
    Ok(Some((request, length)))
}

fn read_body<S: Read + Write>(stream: &mut S, buffer: &mut Vec<u8>, mut request: HttpRequest) -> io::Result<Incoming> {
    if request.header("transfer-encoding").is_some() {
        return Ok(Incoming::Malformed(411));
    }
    let length = match request.header("content-length").map(str::parse::<usize>) {
        None => 0,
        Some(Ok(length)) if length <= BODY_LIMIT => length,
        Some(Ok(_)) => return Ok(Incoming::Malformed(413)),
        Some(Err(_)) => return Ok(Incoming::Malformed(400)),
    };
    if length > buffer.len() && request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    while buffer.len() < length {
        if fill(stream, buffer)? == 0 {
            return Ok(Incoming::Malformed(400));
        }
    }
    request.body = buffer.drain(..length).collect();
    Ok(Incoming::Request(request))
}

/// Writes a response, up to the part of its body that `arriving` lets through.
pub(crate) fn write(
    stream: &mut impl Write,
    answer: &HttpResponse,
    keep_alive: bool,
    arriving: Arriving,
) -> io::Result<()> {
    let mut bytes = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status)).into_bytes();
    for (name, value) in &answer.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    let connection = if keep_alive { "keep-alive" } else { "close" };
    let (length, now) = match arriving {
        Arriving::Whole => (answer.body.len(), answer.body.len()),
        Arriving::Cut(count) => (answer.body.len(), count.min(answer.body.len())),
        Arriving::Endless { .. } => (1 << 40, answer.body.len()),
    };
    bytes.extend_from_slice(format!("Content-Length: {length}\r\nConnection: {connection}\r\n\r\n").as_bytes());
    bytes.extend_from_slice(&answer.body[..now]);
    stream.write_all(&bytes)?;
    stream.flush()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}
