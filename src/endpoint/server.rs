//! The server of the container credentials endpoint, on loopback. It answers from memory and never waits for AWS, a
//! token or a person.
//!
//! The protocol is that of ECS and EKS, which every AWS client knows (`AWS_CONTAINER_CREDENTIALS_FULL_URI`).

use super::address::{Address, path_of};
use super::folder::RuntimeFolder;
use crate::aws::credentials_file::rfc3339;
use crate::aws::{ProfileName, Session};
use crate::file::FileError;
use crate::world::Clock;
use futures_util::future::join;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN, REFERER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret;
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;

/// Timeout for one connection. The response is immediate, but the request may come through a slow tunnel.
const LONGEST: Duration = Duration::from_secs(10);
/// Maximum number of simultaneous connections, separately for the port and the socket. A further connection replaces
/// the oldest, since any program on this machine could use up all connections to the port.
const MOST: usize = 64;
/// Size of the buffer for a request's header, in bytes; hyper accepts no smaller buffer.
const ROOM: usize = 8192;
/// Maximum number of header lines in a request.
const LINES: usize = 64;

/// A session that the endpoint serves to programs.
pub struct Served {
    /// Keys and expiry of the session, by AWS's clock.
    pub session: Session,
    /// AWS account number, if known.
    pub account: Option<String>,
    /// Expiry of the session, by this machine's clock.
    pub ends: SystemTime,
}

/// Reasons why the endpoint cannot be served.
#[derive(Debug)]
pub enum ServeFault {
    /// The address cannot be written to the runtime folder, where programs look for it.
    File(FileError),
    /// The system has no port, socket or thread to spare.
    System(io::Error),
}

impl From<FileError> for ServeFault {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<io::Error> for ServeFault {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// All sessions that the endpoint serves, by profile. A profile may have no session at the moment.
#[derive(Clone, Default)]
pub struct ServedSessions(Arc<RwLock<Sessions>>);

/// Profile and session, by the path in the URL; the session is `None` if the profile has none at the moment.
type Sessions = HashMap<String, (ProfileName, Option<Served>)>;

impl ServedSessions {
    /// Replaces all profiles and sessions that the endpoint serves.
    pub fn fill(&self, sessions: impl IntoIterator<Item = (ProfileName, Option<Served>)>) {
        let sessions = sessions.into_iter().map(|(profile, served)| (path_of(&profile), (profile, served)));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = sessions.collect();
    }
}

/// The state that the server needs to answer a request.
struct SessionService {
    sessions: ServedSessions,
    address: Address,
    clock: Arc<dyn Clock>,
}

/// Starts the server on 127.0.0.1 and on a Unix socket, on a thread of its own. If the last agent's port is free, the
/// server keeps that port and the authorization tokens; otherwise both are new.
///
/// # Errors
/// [`ServeFault`] if the address cannot be written to the runtime folder, or the system has no port, socket or thread
/// to spare.
pub fn serve(
    runtime_folder: &RuntimeFolder,
    sessions: ServedSessions,
    clock: Arc<dyn Clock>,
) -> Result<(), ServeFault> {
    let last = Address::of(runtime_folder)?;
    let (port, mut address) = match TcpListener::bind((Ipv4Addr::LOCALHOST, last.port)) {
        Ok(port) => (port, last),
        // The program that now listens on the old port may have received authorization tokens meant for the last
        // agent, so the new address has a new secret.
        Err(_) => (TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, Address::new(runtime_folder)?),
    };
    address.port = port.local_addr()?.port();
    address.keep(runtime_folder)?;
    let socket = RuntimeFolder::socket(&runtime_folder.folder);
    // The process that created the old socket has ended, since we hold the lock, and only our user can write to the
    // folder.
    let _ = fs::remove_file(&socket);
    let socket = UnixListener::bind(&socket)?;
    port.set_nonblocking(true)?;
    socket.set_nonblocking(true)?;
    let service = Arc::new(SessionService { sessions, address, clock });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (port, socket) = {
        let _inside = runtime.enter();
        (tokio::net::TcpListener::from_std(port)?, tokio::net::UnixListener::from_std(socket)?)
    };
    std::thread::Builder::new().name("endpoint".to_owned()).spawn(move || {
        runtime.block_on(async {
            join(
                listen(async || Some(port.accept().await.ok()?.0), &service),
                listen(async || Some(socket.accept().await.ok()?.0), &service),
            )
            .await
        });
    })?;
    Ok(())
}

/// Accepts and serves connections for ever.
async fn listen<S>(accept: impl AsyncFn() -> Option<S>, service: &Arc<SessionService>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Some(stream) = accept().await else {
            // The usual cause is too many open files, some of which will be closed soon.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= MOST {
            open.pop_front().inspect(AbortHandle::abort);
        }
        let service = Arc::clone(service);
        let connection = tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = service.answer(&request);
                async { Ok::<_, Infallible>(answer) }
            });
            let mut server = http1::Builder::new();
            server.keep_alive(false).max_buf_size(ROOM).max_headers(LINES);
            let connection = server.serve_connection(TokioIo::new(stream), service);
            // If the client disconnects or is too slow, its connection is dropped.
            let _ = tokio::time::timeout(LONGEST, connection).await;
        });
        open.push_back(connection.abort_handle());
        // Lets requests that have already arrived be answered before more connections are accepted.
        tokio::task::yield_now().await;
    }
}

impl SessionService {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, body) = match self.decide(request.method(), request.uri(), request.headers()) {
            Ok(body) => (StatusCode::OK, body),
            Err((status, code, message)) => (status, json!({ "code": code, "message": message }).to_string()),
        };
        let mut answer = Response::new(Full::new(Bytes::from(body)));
        *answer.status_mut() = status;
        answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
        answer.headers_mut().insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
        answer
    }

    fn decide(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<String, HttpRefusal> {
        let one = |name: HeaderName| {
            let mut values = headers.get_all(name).into_iter();
            values.next().filter(|_| values.next().is_none()).map(hyper::header::HeaderValue::as_bytes)
        };
        // A web page can make a browser send requests to loopback, but the browser adds these headers or the page's
        // host name.
        if headers.contains_key(ORIGIN) || headers.contains_key(REFERER) || !one(HOST).is_some_and(is_loopback)
            // The host of an absolute URL takes precedence over the header (RFC 9112, 3.2.2).
            || uri.authority().is_some_and(|host| !is_loopback(host.as_str().as_bytes()))
        {
            return Err((StatusCode::FORBIDDEN, "Forbidden", "only programs on this machine are served"));
        }
        if method != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "only GET is served"));
        }
        let sessions = self.sessions.0.read().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.get(uri.path());
        // A client without the right authorization token must not learn which profiles exist, so an unknown profile
        // gets the same response as a wrong token.
        let is_open =
            found.zip(one(AUTHORIZATION)).is_some_and(|((profile, _), token)| self.address.opens(profile, token));
        let Some((_, served)) = found.filter(|_| is_open) else {
            return Err((
                StatusCode::UNAUTHORIZED,
                "Unauthorized",
                "the authorization token is not valid for this profile",
            ));
        };
        match served.as_ref().filter(|served| served.ends > self.clock.now()) {
            Some(served) => Ok(as_json(served)),
            None => Err((
                StatusCode::SERVICE_UNAVAILABLE,
                "NoSession",
                "there is no session right now; `aws-mfa-key status` shows what the agent is waiting for",
            )),
        }
    }
}

type HttpRefusal = (StatusCode, &'static str, &'static str);

fn as_json(served: &Served) -> String {
    let session = &served.session;
    let mut answer = json!({
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key.expose_secret(),
        "Token": session.session_token.expose_secret(),
        "Expiration": rfc3339(&session.expires),
    });
    if let Some(account) = &served.account {
        answer["AccountId"] = account.as_str().into();
    }
    answer.to_string()
}

/// Returns true if a request's host is a loopback name or address. Any port is accepted, since the request may come
/// through a tunnel.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && !name.contains(':') => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    bare.and_then(|name| name.parse::<Ipv6Addr>().ok()).is_some_and(|address| address.is_loopback())
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_of_loopback_are_recognised() {
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:65535", "127.9.9.9:80", "[::1]", "[::1]:80"] {
            assert!(is_loopback(host.as_bytes()), "{host}");
        }
        let others = [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1",
            "[::2]:80",
            "::1:80",
            "localhost:",
            "localhost:x",
            "0.0.0.0",
            "169.254.170.2",
            "127.0.0.1@evil.example",
            "\u{ff}",
        ];
        for host in others {
            assert!(!is_loopback(host.as_bytes()), "{host}");
        }
    }
}
