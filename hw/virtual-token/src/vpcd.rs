//! The card's side of vsmartcard's virtual reader: connecting is plugging in, closing is pulling out.
//!
//! Each message, both ways, is a big-endian u16 of length and so many bytes. One byte from the reader is a control
//! message, anything longer a command that is to be answered (vsmartcard, vpcd).

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

/// How long a reader may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A token that is plugged in. Dropping this pulls it out, in the middle of a touch too.
#[derive(Debug)]
pub struct Inserted {
    stream: TcpStream,
    shared: Arc<InsertedShared>,
    threads: Vec<JoinHandle<()>>,
}

/// Shared by [`Inserted`] and its two threads.
#[derive(Debug, Default)]
struct InsertedShared {
    /// The other side closed the connection, or we did.
    gone: AtomicBool,
    power: Mutex<Power>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Power {
    #[default]
    Off,
    On,
    /// On, and the reader has been told which token this is.
    Known,
}

impl Inserted {
    /// Plugs `token` into the virtual reader that listens at `reader`.
    ///
    /// # Errors
    /// Nobody listens there, or no thread could be had.
    pub fn connect(reader: SocketAddr, token: &VirtualToken) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&reader, PATIENCE)?;
        stream.set_nodelay(true)?;
        let (sender, receiver) = mpsc::channel();
        let mut inserted = Self { stream, shared: Arc::default(), threads: Vec::new() };
        let (stream, shared, blinking) = (inserted.stream.try_clone()?, Arc::clone(&inserted.shared), token.clone());
        inserted.start("vpcd reader", move || {
            // Whatever ended the connection: the token is out.
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

    /// Pulls the token out.
    pub fn remove(self) {}

    /// Whether the reader still has it: the other side may have closed the connection.
    #[must_use]
    pub fn is_inserted(&self) -> bool {
        !self.shared.gone.load(Ordering::SeqCst)
    }

    /// Waits until the reader has powered the token and knows what it is, `most` at the longest; whether it does.
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

/// Passes messages on until the connection ends. It has its own thread, so that the end is noticed while a touch is
/// waited for.
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

/// The driver sends the length, then the bytes, for which its system waits until the length is acknowledged; ours would
/// take 40 ms over that. The setting wears off, hence every time.
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
        // Nothing at all is what a token says whose power went; here, that is one that was pulled out.
        let Some(length) = u16::try_from(answer.len()).ok().filter(|&length| length > 0) else { break };
        // In one piece: a driver that reads half a length is said to crash.
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
        if message == [GET_ATR] {
            shared.set_power(|power| if power == Power::Off { Power::Off } else { Power::Known });
        }
    }
    Ok(())
}

/// What has no answer. Unknown messages are passed over.
fn control(message: &[u8], shared: &InsertedShared, token: &VirtualToken) {
    let power = match message {
        [POWER_OFF] => Power::Off,
        [POWER_ON | RESET] => Power::On,
        _ => return,
    };
    token.reset();
    shared.set_power(|_| power);
}
