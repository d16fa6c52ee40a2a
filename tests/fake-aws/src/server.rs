//! The listener on loopback: one thread and keep-alive for each connection, all closed when the server is dropped.

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

/// State shared by the threads of a simulator.
pub(crate) struct ServerShared {
    state: Mutex<FakeState>,
    open: Mutex<OpenConnections>,
    stopped: Condvar,
}

/// The open connections, kept so that stopping the server can close them.
#[derive(Default)]
struct OpenConnections {
    stopping: bool,
    next: u64,
    streams: HashMap<u64, TcpStream>,
}

/// A running server. Dropping it ends its threads and connections.
pub(crate) struct Server {
    pub(crate) shared: Arc<ServerShared>,
    /// Address of the listener without TLS.
    pub(crate) address: SocketAddr,
    listeners: Mutex<Vec<(SocketAddr, JoinHandle<()>)>>,
}

impl ServerShared {
    pub(crate) fn new() -> ServerShared {
        ServerShared { state: Mutex::new(FakeState::new()), open: Mutex::default(), stopped: Condvar::new() }
    }

    /// Locks the state. A poisoned lock is taken anyway: the test that panicked has reported the failure.
    pub(crate) fn state(&self) -> MutexGuard<'_, FakeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for `time`, or until the server stops.
    fn wait(&self, time: Duration) {
        if !time.is_zero() {
            drop(self.stopped.wait_timeout_while(self.open(), time, |open| !open.stopping));
        }
    }
}

impl Server {
    /// Starts listening on 127.0.0.1; port 0 means any free port.
    pub(crate) fn start(port: u16) -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let server = Server { shared: Arc::new(ServerShared::new()), address, listeners: Mutex::default() };
        server.listen(listener, None)?;
        Ok(server)
    }

    /// Waits until no connection is open, for `most` at the longest. Returns false if the time ran out.
    pub(crate) fn until_quiet(&self, most: Duration) -> io::Result<bool> {
        let end = Instant::now() + most;
        // Connections are accepted in order: once this one is answered, all earlier ones are registered.
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

    /// Adds a listener, with TLS if a configuration is given.
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
                // Fails if the client has closed the connection, which is as good.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.stopped.notify_all();
        for (address, thread) in self.listeners.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The listener checks `stopping` only after it accepted a connection: wake it with one.
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
            // Out of file descriptors: wait for some connection to close before accepting the next.
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
    // Without this, Nagle's algorithm delays the small responses by 40 ms.
    let _ = stream.set_nodelay(true);
    // A broken connection is the client's problem.
    let _ = match tls.map(ServerConnection::new) {
        None => converse(&mut stream, shared),
        Some(Ok(connection)) => within(StreamOwned::new(connection, stream), shared),
        Some(Err(_)) => Ok(()),
    };
    shared.open().streams.remove(&number);
}

/// Serves a connection within TLS. Ends with the handshake if the client rejects the certificate.
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

/// Answers requests until either side closes the connection. Works on any stream, TLS included.
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

/// Sends an endless body until the client closes the connection or the server stops.
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
