//! An HTTP proxy on loopback, like those of companies: it tunnels or forwards requests, may require a password, and
//! keeps a record.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use crate::tls::Certificate;

/// Treatment of a proxy's clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyBehaviour {
    /// Forwards every request.
    Open,
    /// Forwards requests with this `Proxy-Authorization: Basic` value (`USER:PASSWORD` in base64); 407 for others.
    Password(&'static str),
    /// Answers every request with this status.
    Refusing(u16),
    /// Accepts connections but never responds.
    Silent,
}

/// A running proxy, which stops when it is dropped.
pub struct FakeProxy {
    shared: Arc<ProxyShared>,
    address: SocketAddr,
    listener: Option<JoinHandle<()>>,
}

struct ProxyShared {
    manner: ProxyBehaviour,
    tls: Option<Certificate>,
    stopping: AtomicBool,
    /// Destination of every connection, whatever host was requested; `None` connects to that host.
    leads_to: Mutex<Option<SocketAddr>>,
    asked: Mutex<Vec<String>>,
}

impl FakeProxy {
    /// Starts a proxy on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port can be opened.
    pub fn start(manner: ProxyBehaviour) -> io::Result<FakeProxy> {
        FakeProxy::start_as(manner, None)
    }

    /// Starts a proxy as [`start`](FakeProxy::start) does, to which clients connect with TLS.
    ///
    /// # Errors
    /// If no port can be opened.
    pub fn start_with_tls(manner: ProxyBehaviour, certificate: &Certificate) -> io::Result<FakeProxy> {
        FakeProxy::start_as(manner, Some(certificate.clone()))
    }

    fn start_as(manner: ProxyBehaviour, tls: Option<Certificate>) -> io::Result<FakeProxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let stopping = AtomicBool::new(false);
        let shared = ProxyShared { manner, tls, stopping, leads_to: Mutex::default(), asked: Mutex::default() };
        let shared = Arc::new(shared);
        let for_thread = Arc::clone(&shared);
        let listener = thread::Builder::new().name("proxy".to_owned()).spawn(move || accept(&listener, &for_thread))?;
        Ok(FakeProxy { shared, address, listener: Some(listener) })
    }

    /// Returns `HOST:PORT` of the proxy.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Connects every further request to `address`, whatever host it names, so that AWS's own host names need not
    /// resolve.
    pub fn lead_to(&self, address: SocketAddr) {
        *self.shared.leads_to.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    /// Returns the first line of each request so far, without the version: `CONNECT sts.amazonaws.com:443`.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Clears the list of requests.
    pub fn clear(&self) {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for FakeProxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        // The listener checks `stopping` only after it accepted a connection: wake it with one.
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(thread)) = (woken, self.listener.take()) {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<ProxyShared>) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let for_thread = Arc::clone(shared);
        let _ = thread::Builder::new().name("proxy conversation".to_owned()).spawn(move || {
            // A broken connection is the client's problem.
            let _ = serve(stream, &for_thread);
        });
    }
}

fn serve(stream: TcpStream, shared: &ProxyShared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GLANCE))?;
    match &shared.tls {
        None => converse(stream, shared),
        Some(certificate) => {
            let connection = ServerConnection::new(certificate.for_server()).map_err(io::Error::other)?;
            converse(StreamOwned::new(connection, stream), shared)
        }
    }
}

/// Read timeout for one side, before the other side is read.
const GLANCE: Duration = Duration::from_millis(1);
/// Longest head that is read, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;

/// A client's request: its first line, its destination, and the bytes to forward.
struct ProxyRequest {
    asked: String,
    authority: String,
    is_tunnel: bool,
    authorization: Option<String>,
    /// For a tunnel, the bytes after the head; otherwise the head as forwarded, with those bytes.
    onwards: Vec<u8>,
}

fn converse<S: Read + Write>(mut client: S, shared: &ProxyShared) -> io::Result<()> {
    let mut bytes = Vec::new();
    let wish = loop {
        if shared.manner != ProxyBehaviour::Silent
            && let Some(wish) = ProxyRequest::parse(&bytes)?
        {
            break wish;
        }
        if bytes.len() > HEAD_LIMIT || listen(&mut client, &mut bytes, shared)? == Some(0) {
            return Ok(());
        }
    };
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(wish.asked.clone());
    let refusal = match &shared.manner {
        ProxyBehaviour::Password(text) if wish.authorization.as_deref() != Some(&format!("Basic {text}")) => Some(407),
        ProxyBehaviour::Refusing(status) => Some(*status),
        _ => None,
    };
    let leads_to = *shared.leads_to.lock().unwrap_or_else(PoisonError::into_inner);
    let server = match (refusal, leads_to) {
        (Some(status), _) => Err(status),
        (None, Some(address)) => TcpStream::connect(address).map_err(|_| 502),
        (None, None) => TcpStream::connect(&wish.authority).map_err(|_| 502),
    };
    match server {
        Err(status) => refuse(&mut client, status),
        Ok(mut server) => {
            server.set_nodelay(true)?;
            server.set_read_timeout(Some(GLANCE))?;
            if wish.is_tunnel {
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
                client.flush()?;
            }
            server.write_all(&wish.onwards)?;
            pass_on(client, server, shared)
        }
    }
}

fn refuse(client: &mut impl Write, status: u16) -> io::Result<()> {
    let ask = if status == 407 { "Proxy-Authenticate: Basic realm=\"proxy\"\r\n" } else { "" };
    let body = "<html><head><title>Blocked by policy</title></head></html>\n";
    let head = format!("HTTP/1.1 {status} No\r\n{ask}Content-Type: text/html\r\nConnection: close\r\n");
    client.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    client.flush()
}

/// Reads available bytes: `None` if there are none yet, `Some(0)` at the end of the stream.
fn listen(from: &mut impl Read, into: &mut Vec<u8>, shared: &ProxyShared) -> io::Result<Option<usize>> {
    let mut chunk = [0; 16 * 1024];
    match from.read(&mut chunk) {
        _ if shared.stopping.load(Ordering::Relaxed) => Ok(Some(0)),
        Ok(count) => {
            into.extend_from_slice(&chunk[..count]);
            Ok(Some(count))
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Copies bytes in both directions until one side closes.
fn pass_on(mut client: impl Read + Write, mut server: TcpStream, shared: &ProxyShared) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        if listen(&mut client, &mut bytes, shared)? == Some(0) {
            return Ok(());
        }
        server.write_all(&bytes)?;
        bytes.clear();
        let end = listen(&mut server, &mut bytes, shared)? == Some(0);
        client.write_all(&bytes)?;
        client.flush()?;
        bytes.clear();
        if end {
            return Ok(());
        }
    }
}

impl ProxyRequest {
    /// Parses a request's head; `None` while it is incomplete.
    fn parse(bytes: &[u8]) -> io::Result<Option<ProxyRequest>> {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut head = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(length)) = head.parse(bytes) else {
            return match httparse::Request::new(&mut [httparse::EMPTY_HEADER; 100]).parse(bytes) {
                Ok(_) => Ok(None),
                Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error.to_string())),
            };
        };
        let (method, target) = (head.method.unwrap_or_default(), head.path.unwrap_or_default());
        let asked = format!("{method} {target}");
        let is_tunnel = method == "CONNECT";
        let (authority, path) = match target.strip_prefix("http://") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => (target, ""),
        };
        let authority = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        let mut authorization = None;
        let mut onwards = format!("{method} {} HTTP/1.1\r\n", if path.is_empty() { "/" } else { path }).into_bytes();
        for header in head.headers.iter() {
            if header.name.eq_ignore_ascii_case("proxy-authorization") {
                authorization = str::from_utf8(header.value).ok().map(str::to_owned);
            } else if !header.name.to_ascii_lowercase().starts_with("proxy-") {
                onwards.extend_from_slice(format!("{}: ", header.name).as_bytes());
                onwards.extend_from_slice(header.value);
                onwards.extend_from_slice(b"\r\n");
            }
        }
        onwards.extend_from_slice(b"\r\n");
        if is_tunnel {
            onwards.clear();
        }
        onwards.extend_from_slice(&bytes[length..]);
        Ok(Some(ProxyRequest { asked, authority, is_tunnel, authorization, onwards }))
    }
}
