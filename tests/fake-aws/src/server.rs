//! Connections on loopback: one thread each, kept alive, all ended with the server.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::front::FakeState;
use crate::http::{self, Arriving, Incoming};
use crate::response::HttpResponse;

/// What the threads of one fake share.
pub(crate) struct ServerShared {
    state: Mutex<FakeState>,
    open: Mutex<OpenConnections>,
    stopped: Condvar,
}

/// The connections that are open, so that stopping can end them.
#[derive(Default)]
struct OpenConnections {
    stopping: bool,
    next: u64,
    streams: HashMap<u64, TcpStream>,
}

/// The listening threads; they end, with all connections, when it is dropped.
pub(crate) struct Server {
    pub(crate) shared: Arc<ServerShared>,
    /// Where it listens without TLS.
    pub(crate) address: SocketAddr,
    listeners: Mutex<Vec<(SocketAddr, JoinHandle<()>)>>,
}

impl ServerShared {
    pub(crate) fn new() -> ServerShared {
        ServerShared { state: Mutex::new(FakeState::new()), open: Mutex::default(), stopped: Condvar::new() }
    }

    /// A test that panicked while it held the state has said so already; others may go on.
    pub(crate) fn state(&self) -> MutexGuard<'_, FakeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps so long, or until the server stops.
    fn wait(&self, time: Duration) {
        if !time.is_zero() {
            drop(self.stopped.wait_timeout_while(self.open(), time, |open| !open.stopping));
        }
    }
}

impl Server {
    /// Listens on 127.0.0.1; port 0 means any free one.
    pub(crate) fn start(port: u16) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let server = Server { shared: Arc::new(ServerShared::new()), address, listeners: Mutex::default() };
        server.listen(listener, None)?;
        Ok(server)
    }

    /// Waits until no connection is open any more, `most` at the longest; whether it came to that.
    pub(crate) fn until_quiet(&self, most: Duration) -> io::Result<bool> {
        let end = Instant::now() + most;
        // Connections are taken in their order: when this one is answered, all that were made before it are known.
        let mut last = TcpStream::connect(self.address)?;
        last.write_all(b"\r\n\r\n")?;
        last.set_read_timeout(Some(most))?;
        last.shutdown(Shutdown::Write)?;
        io::copy(&mut last, &mut io::sink())?;
        while !self.shared.open().streams.is_empty() {
            if Instant::now() >= end {
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(true)
    }

    /// Listens there, too, with TLS if there is a configuration for it.
    pub(crate) fn listen(&self, listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new()
            .name("fake-aws".to_owned())
            .spawn(move || accept(&listener, tls.as_ref(), &shared))?;
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push((address, thread));
        Ok(address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        {
            let mut open = self.shared.open();
            open.stopping = true;
            for stream in open.streams.values() {
                // Already closed by the other side: as good.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.stopped.notify_all();
        for (address, thread) in self.listeners.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The listener looks at `stopping` after each connection, so it gets one more.
            if TcpStream::connect(address).is_ok() {
                let _ = thread.join();
            }
        }
    }
}

fn accept(listener: &TcpListener, tls: Option<&Arc<ServerConfig>>, shared: &Arc<ServerShared>) {
    for stream in listener.incoming() {
        if shared.open().stopping {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors: some connection must end before the next can be taken.
            shared.wait(Duration::from_millis(10));
            continue;
        };
        let Some(number) = register(&stream, shared) else { continue };
        let (for_thread, tls) = (Arc::clone(shared), tls.map(Arc::clone));
        let thread = thread::Builder::new()
            .name("fake-aws conversation".to_owned())
            .spawn(move || serve(number, stream, tls, &for_thread));
        if thread.is_err() {
            shared.open().streams.remove(&number);
        }
    }
}

fn serve(number: u64, mut stream: TcpStream, tls: Option<Arc<ServerConfig>>, shared: &ServerShared) {
    // Answers are small and complete; waiting for more to send only costs 40 ms.
    let _ = stream.set_nodelay(true);
    // A connection that breaks is the client's business.
    let _ = match tls.map(ServerConnection::new) {
        None => converse(&mut stream, shared),
        Some(Ok(connection)) => within(StreamOwned::new(connection, stream), shared),
        Some(Err(_)) => Ok(()),
    };
    shared.open().streams.remove(&number);
}

/// The same conversation within TLS. A client that does not like the certificate ends it before it begins.
fn within(mut stream: StreamOwned<ServerConnection, TcpStream>, shared: &ServerShared) -> io::Result<()> {
    converse(&mut stream, shared)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn register(stream: &TcpStream, shared: &ServerShared) -> Option<u64> {
    let copy = stream.try_clone().ok()?;
    let mut open = shared.open();
    if open.stopping {
        return None;
    }
    open.next += 1;
    let number = open.next;
    open.streams.insert(number, copy);
    Some(number)
}

/// Answers requests until either side has had enough. Anything that reads and writes will do, TLS included.
pub(crate) fn converse<S: Read + Write>(stream: &mut S, shared: &ServerShared) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let request = match http::read(stream, &mut buffer)? {
            Incoming::Closed => return Ok(()),
            Incoming::Malformed(status) => {
                return http::write(stream, &refused(shared, status), false, Arriving::Whole);
            }
            Incoming::Request(request) => request,
        };
        let delivery = shared.state().answer(&request);
        shared.wait(delivery.wait);
        let Some(mut answer) = delivery.answer else { return Ok(()) };
        if request.method == "HEAD" {
            answer.body.clear();
        }
        let keep_alive = request.keep_alive && delivery.arriving == Arriving::Whole;
        http::write(stream, &answer, keep_alive, delivery.arriving)?;
        if let Arriving::Endless { pause } = delivery.arriving {
            return go_on(stream, shared, pause);
        }
        if !keep_alive {
            return Ok(());
        }
    }
}

/// More of a body that does not end, until the client has had enough of it, or the server stops.
fn go_on(stream: &mut impl Write, shared: &ServerShared, pause: Duration) -> io::Result<()> {
    let piece: &[u8] = if pause.is_zero() { &[b' '; 64 * 1024] } else { b" " };
    while !shared.open().stopping {
        stream.write_all(piece)?;
        stream.flush()?;
        shared.wait(pause);
    }
    Ok(())
}

fn refused(shared: &ServerShared, status: u16) -> HttpResponse {
    let mut answer = HttpResponse::new(status, "text/plain", "");
    answer.headers.push(("Date", crate::clock::http_date(shared.state().clock.now())));
    answer
}

#[cfg(test)]
mod tests;
