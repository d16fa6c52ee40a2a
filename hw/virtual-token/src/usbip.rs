//! The token as a USB device on a network port: USB/IP, to which a kernel's `vhci_hcd` attaches.
//!
//! Kernel, udev and libccid treat this device as they treat a real token. Attaching (`usbip attach`) plugs it in;
//! [`Port::remove`] pulls it out, even during a wait for a touch. Of a YubiKey's interfaces, only CCID is simulated.
//!
//! - `frames`: the messages on the connection (Linux, Documentation/usb/usbip_protocol.rst).
//! - `descriptors`: the USB descriptors of the device (USB 2.0, 9.6).
//! - `pipes`: transfers that wait for data.
//! - `ccid`: the messages of a smart card reader (USB CCID 1.1).

mod ccid;
mod descriptors;
mod frames;
mod pipes;

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::VirtualToken;
use ccid::CcidReader;
use descriptors::ControlAnswer;
use frames::{BUS_ID, Operation, TransferRequest};
use pipes::Pipes;

/// Yubico's USB product ids with a CCID interface: NEO, then YubiKey 4 and 5.
pub const PRODUCTS: [u16; 8] = [0x0111, 0x0112, 0x0115, 0x0116, 0x0404, 0x0405, 0x0406, 0x0407];

/// A USB port on the network, with or without the token in it. Dropping the port pulls the token out.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    shared: Arc<PortShared>,
    door: Option<JoinHandle<()>>,
}

/// State shared by the port's owner and its threads.
#[derive(Debug)]
struct PortShared {
    token: VirtualToken,
    product: u16,
    state: Mutex<PortState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct PortState {
    /// True if the token is in the port, so that a kernel may attach.
    inserted: bool,
    /// Connection of the kernel that is attached.
    attached: Option<TcpStream>,
    closing: bool,
}

impl Port {
    /// Opens a port at `address` (port number 0 chooses one), with nothing in it. `product` is one of [`PRODUCTS`].
    ///
    /// # Errors
    /// The system's error if the address cannot be used, or a thread cannot be started.
    pub fn open(address: SocketAddr, token: &VirtualToken, product: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = PortShared { token: token.clone(), product, state: Mutex::default(), changed: Condvar::new() };
        let shared = Arc::new(shared);
        let door = Arc::clone(&shared);
        let door = thread::Builder::new().name("usbip".into()).spawn(move || wait_for_kernels(&listener, &door))?;
        Ok(Self { address, shared, door: Some(door) })
    }

    /// Returns the address that the port listens at.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts the token into the port. Returns false if the token was in the port before.
    pub fn insert(&self) -> bool {
        !std::mem::replace(&mut self.shared.state().inserted, true)
    }

    /// Pulls the token out of the port. Returns false if the token was not in the port.
    pub fn remove(&self) -> bool {
        let mut state = self.shared.state();
        if let Some(stream) = &state.attached {
            let _already_closed = stream.shutdown(Shutdown::Both);
        }
        std::mem::replace(&mut state.inserted, false)
    }

    /// Waits, for at most `most`, until a kernel is attached or, if `attached` is false, until no kernel is attached.
    /// Returns false if the time ran out first.
    #[must_use]
    pub fn until_attached(&self, attached: bool, most: Duration) -> bool {
        let other = |state: &mut PortState| state.attached.is_some() != attached;
        let wait = self.shared.changed.wait_timeout_while(self.shared.state(), most, other);
        wait.unwrap_or_else(PoisonError::into_inner).0.attached.is_some() == attached
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.remove();
        self.shared.state().closing = true;
        // Wakes the thread that waits for connections.
        let _already_closed = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(door) = self.door.take() {
            let _panicked = door.join();
        }
    }
}

impl PortShared {
    fn state(&self) -> MutexGuard<'_, PortState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves connections until the port closes, each in a thread of its own.
fn wait_for_kernels(listener: &TcpListener, shared: &Arc<PortShared>) {
    let mut attached: Vec<JoinHandle<()>> = Vec::new();
    for stream in listener.incoming() {
        if shared.state().closing {
            break;
        }
        let shared = Arc::clone(shared);
        let Ok(stream) = stream else { continue };
        let serve = move || drop(serve(stream, &shared));
        attached.extend(thread::Builder::new().name("usbip device".into()).spawn(serve));
    }
    for thread in attached {
        let _panicked = thread.join();
    }
}

/// Serves the first request of a client: a list of devices, or attaching to the device (one kernel at a time).
fn serve(mut stream: TcpStream, shared: &PortShared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let operation = Operation::read(&mut stream)?;
    let there = shared.state().inserted;
    match operation {
        Operation::List => {
            let listed = there.then(|| descriptors::listed(shared.product));
            stream.write_all(&frames::list(listed.as_deref()))
        }
        Operation::Import(bus_id) => {
            let free = there && bus_id == BUS_ID && shared.state().attached.is_none();
            stream.write_all(&frames::imported(free.then(|| descriptors::summary(shared.product)).as_deref()))?;
            if free { attach(stream, shared) } else { Ok(()) }
        }
    }
}

/// Serves an attached kernel until the connection ends.
fn attach(stream: TcpStream, shared: &PortShared) -> io::Result<()> {
    // An attached kernel may be silent for days.
    stream.set_read_timeout(None)?;
    {
        let mut state = shared.state();
        state.attached = Some(stream.try_clone()?);
        if !state.inserted {
            let _already_closed = stream.shutdown(Shutdown::Both);
        }
    }
    shared.changed.notify_all();
    shared.token.reset();
    let pipes = Pipes::new(stream.try_clone()?);
    let reader = CcidReader::new(&shared.token, &pipes);
    let (messages, queue) = mpsc::channel();
    let end = thread::scope(|scope| {
        scope.spawn(|| reader.obey(queue));
        let end = transfers(&stream, shared, &pipes, &reader, messages);
        reader.pulled_out();
        end
    });
    let _already_closed = stream.shutdown(Shutdown::Both);
    shared.token.reset();
    shared.state().attached = None;
    shared.changed.notify_all();
    end
}

/// Handles transfers until the connection ends.
fn transfers(
    mut stream: &TcpStream,
    shared: &PortShared,
    pipes: &Pipes,
    reader: &CcidReader<'_>,
    messages: Sender<Vec<u8>>,
) -> io::Result<()> {
    let mut outgoing = ccid::Assembly::default();
    loop {
        match TransferRequest::read(&mut stream)? {
            TransferRequest::Unlink { sequence, unlinked } => pipes.unlink(sequence, unlinked)?,
            TransferRequest::Control { sequence, setup, length, data } => {
                match descriptors::answer(shared.product, &setup) {
                    ControlAnswer::Data(answer) => {
                        let most = length.min(answer.len());
                        pipes.complete(sequence, &answer[..most])?;
                    }
                    ControlAnswer::Taken => pipes.took(sequence, data.len())?,
                    ControlAnswer::Abort => {
                        reader.abort();
                        pipes.took(sequence, data.len())?;
                    }
                    ControlAnswer::Anew => {
                        // Responses are dropped before the reset, because the reset ends a command whose response
                        // must not be dropped.
                        pipes.forget_answers();
                        shared.token.reset();
                        pipes.took(sequence, data.len())?;
                    }
                    ControlAnswer::Stall => pipes.stall(sequence)?,
                }
            }
            TransferRequest::Out { sequence, endpoint: descriptors::OUT, data } => {
                pipes.took(sequence, data.len())?;
                for message in outgoing.add(&data) {
                    let _ended = messages.send(message);
                }
            }
            TransferRequest::In { sequence, endpoint, length } if descriptors::is_in(endpoint) => {
                pipes.wait(sequence, endpoint, length)?;
            }
            TransferRequest::Out { sequence, .. } | TransferRequest::In { sequence, .. } => pipes.stall(sequence)?,
        }
    }
}
