//! Connections on loopback: one thread each, kept alive, all ended with the server.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::answer::Answer;
use crate::front::State;
use crate::http::{self, Incoming};

/// What the threads of one fake share.
pub(crate) struct Shared {
    state: Mutex<State>,
    open: Mutex<Open>,
    stopped: Condvar,
}

/// The connections that are open, so that stopping can end them.
#[derive(Default)]
struct Open {
    stopping: bool,
    next: u64,
    streams: HashMap<u64, TcpStream>,
}

/// The listening thread; ends, with all connections, when it is dropped.
pub(crate) struct Server {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    listener: Option<JoinHandle<()>>,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared { state: Mutex::new(State::new()), open: Mutex::default(), stopped: Condvar::new() }
    }

    /// A test that panicked while it held the state has said so already; others may go on.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
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
        let shared = Arc::new(Shared::new());
        let for_thread = Arc::clone(&shared);
        let thread =
            thread::Builder::new().name("fake-aws".to_owned()).spawn(move || accept(&listener, &for_thread))?;
        Ok(Server { shared, address, listener: Some(thread) })
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
        // The listener looks at `stopping` after each connection, so it gets one more.
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(thread)) = (woken, self.listener.take()) {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.open().stopping {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors: some connection must end before the next can be taken.
            shared.wait(Duration::from_millis(10));
            continue;
        };
        let for_thread = Arc::clone(shared);
        let _ =
            thread::Builder::new().name("fake-aws conversation".to_owned()).spawn(move || serve(stream, &for_thread));
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) {
    let Some(number) = register(&stream, shared) else {
        return;
    };
    // Answers are small and complete; waiting for more to send only costs 40 ms.
    let _ = stream.set_nodelay(true);
    // A connection that breaks is the client's business.
    let _ = converse(&mut stream, shared);
    shared.open().streams.remove(&number);
}

fn register(stream: &TcpStream, shared: &Shared) -> Option<u64> {
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
pub(crate) fn converse<S: Read + Write>(stream: &mut S, shared: &Shared) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let request = match http::read(stream, &mut buffer)? {
            Incoming::Closed => return Ok(()),
            Incoming::Malformed(status) => return http::write(stream, &refused(shared, status), false, None),
            Incoming::Request(request) => request,
        };
        let delivery = shared.state().answer(&request);
        shared.wait(delivery.wait);
        let Some(mut answer) = delivery.answer else { return Ok(()) };
        if request.method == "HEAD" {
            answer.body.clear();
        }
        let keep_alive = request.keep_alive && delivery.arriving.is_none();
        http::write(stream, &answer, keep_alive, delivery.arriving)?;
        if !keep_alive {
            return Ok(());
        }
    }
}

fn refused(shared: &Shared, status: u16) -> Answer {
    let mut answer = Answer::new(status, "text/plain", "");
    answer.headers.push(("Date", crate::clock::http_date(shared.state().clock.now())));
    answer
}

#[cfg(test)]
mod tests;
