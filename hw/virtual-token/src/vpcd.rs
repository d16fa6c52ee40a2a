//! The card's side of vsmartcard's virtual reader: connecting plugs the token in, closing the connection pulls it
//! out.
//!
//! Each message, in both directions, is a big-endian u16 length, followed by that many bytes. One byte from the
//! reader is a control message; anything longer is a command, to which the token sends a response (vsmartcard, vpcd).

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::VirtualToken;

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const GET_ATR: u8 = 4;

/// Time limit for connecting to a reader.
const PATIENCE: Duration = Duration::from_secs(5);

/// A token that is plugged in. Dropping this value pulls it out, even during a wait for a touch.
#[derive(Debug)]
pub struct Inserted {
    stream: TcpStream,
    shared: Arc<InsertedShared>,
    threads: Vec<JoinHandle<()>>,
}

/// State shared by [`Inserted`] and its two threads.
#[derive(Debug, Default)]
struct InsertedShared {
    /// True after either side has closed the connection.
    gone: AtomicBool,
    power: Mutex<Power>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Power {
    #[default]
    Off,
    On,
    /// The token is powered, and the reader has asked for its ATR.
    Known,
}

impl Inserted {
    /// Plugs `token` into the virtual reader that listens at `reader`.
    ///
    /// # Errors
    /// The system's error if nobody listens there, or a thread cannot be started.
    pub fn connect(reader: SocketAddr, token: &VirtualToken) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&reader, PATIENCE)?;
        stream.set_nodelay(true)?;
        let (sender, receiver) = mpsc::channel();
        let mut inserted = Self { stream, shared: Arc::default(), threads: Vec::new() };
        let (stream, shared, blinking) = (inserted.stream.try_clone()?, Arc::clone(&inserted.shared), token.clone());
        inserted.start("vpcd reader", move || {
            // However the connection ended, the token is out of the reader now.
            let _end = listen(&stream, &sender);
            shared.gone.store(true, Ordering::SeqCst);
            blinking.wake();
        })?;
        let (stream, shared, token) = (inserted.stream.try_clone()?, Arc::clone(&inserted.shared), token.clone());
        inserted.start("vpcd token", move || {
            let _end = serve(&stream, &receiver, &shared, &token);
            token.reset();
            shared.set_power(|_| Power::Off);
            let _already_closed = stream.shutdown(Shutdown::Both);
        })?;
        Ok(inserted)
    }

    /// Pulls the token out, as dropping this value does.
    pub fn remove(self) {}

    /// Returns true while the token is in the reader, that is, until either side closes the connection.
    #[must_use]
    pub fn is_inserted(&self) -> bool {
        !self.shared.gone.load(Ordering::SeqCst)
    }

    /// Waits until the reader has powered the token and read its ATR, for at most `most`. Returns true if it has.
    #[must_use]
    pub fn until_powered(&self, most: Duration) -> bool {
        let power = self.shared.power.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.shared.changed.wait_timeout_while(power, most, |power| *power != Power::Known);
        *wait.unwrap_or_else(PoisonError::into_inner).0 == Power::Known
    }

    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.into()).spawn(work)?);
        Ok(())
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        let _already_closed = self.stream.shutdown(Shutdown::Both);
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

impl InsertedShared {
    fn set_power(&self, now: impl FnOnce(Power) -> Power) {
        let mut power = self.power.lock().unwrap_or_else(PoisonError::into_inner);
        *power = now(*power);
        self.changed.notify_all();
    }
}

/// Forwards messages until the connection ends. Runs in a thread of its own, so that the end is noticed during a wait
/// for a touch.
fn listen(mut stream: &TcpStream, messages: &Sender<Vec<u8>>) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        acknowledge_at_once(stream);
        let mut message = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut message)?;
        if messages.send(message).is_err() {
            return Ok(());
        }
    }
}

/// Asks the kernel to acknowledge received data at once. The driver sends the length first, and its kernel holds the
/// rest back until the length is acknowledged, which takes 40 ms by default. The setting is not permanent, so it is
/// renewed for every message.
fn acknowledge_at_once(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _slower_without = rustix::net::sockopt::set_tcp_quickack(stream, true);
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
}

fn serve(
    mut stream: &TcpStream,
    messages: &Receiver<Vec<u8>>,
    shared: &InsertedShared,
    token: &VirtualToken,
) -> io::Result<()> {
    for message in messages {
        let answer = match message[..] {
            [GET_ATR] => token.atr().to_vec(),
            [] | [_] => {
                control(&message, shared, token);
                continue;
            }
            _ => token.exchange_unless(&message, &shared.gone),
        };
        // An empty response means a power cut, which here means that the token was pulled out.
        let Some(length) = u16::try_from(answer.len()).ok().filter(|&length| length > 0) else { break };
        // Length and response are sent in one write, because a driver that reads half a length is said to crash.
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
        if message == [GET_ATR] {
            shared.set_power(|power| if power == Power::Off { Power::Off } else { Power::Known });
        }
    }
    Ok(())
}

/// Executes a control message that has no response. Unknown messages are ignored.
fn control(message: &[u8], shared: &InsertedShared, token: &VirtualToken) {
    let power = match message {
        [POWER_OFF] => Power::Off,
        [POWER_ON | RESET] => Power::On,
        _ => return,
    };
    token.reset();
    shared.set_power(|_| power);
}
