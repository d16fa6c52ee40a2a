//! The reader or USB port that the program's token is plugged into.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use virtual_token::VirtualToken;
use virtual_token::pcscd::{Pcscd, StartError};
use virtual_token::usbip::Port;
use virtual_token::vpcd::Inserted;

/// Reader or USB port, and whether the token is in it. Fields are dropped in this order: the token leaves the reader
/// before the reader's service ends.
pub(crate) enum Plug {
    /// A virtual reader. `pcscd` is its service, if this program started one.
    Reader { inserted: Option<Inserted>, address: SocketAddr, pcscd: Option<Pcscd> },
    /// A USB port on the network.
    Port(Port),
}

impl Plug {
    /// Starts a private pcscd with a reader of this name.
    pub(crate) fn own(reader: &str) -> Result<Self, StartError> {
        let pcscd = Pcscd::start(&[reader])?;
        Ok(Self::Reader { inserted: None, address: pcscd.address(0), pcscd: Some(pcscd) })
    }

    /// Returns a plug for the existing virtual reader at `address`, without a token in it.
    pub(crate) fn reader(address: SocketAddr) -> Self {
        Self::Reader { inserted: None, address, pcscd: None }
    }

    /// Returns the line to print when everything is ready.
    pub(crate) fn ready(&self) -> String {
        match self {
            Self::Reader { address, pcscd: None, .. } => format!("ready VPCD={address}"),
            Self::Reader { address, pcscd: Some(pcscd), .. } => {
                let (socket, pid, reader) = (pcscd.socket().display(), pcscd.pid(), pcscd.reader(0));
                format!("ready PCSCLITE_CSOCK_NAME={socket} VPCD={address} PCSCD={pid} READER={reader}")
            }
            Self::Port(port) => format!("ready USBIP={} BUSID=1-1", port.address()),
        }
    }

    /// Plugs the token in. Fails if it is plugged in, or if the reader does not power it within 10 s.
    pub(crate) fn insert(&mut self, token: &VirtualToken) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Reader { inserted: Some(_), .. } => return Err("it is in already".into()),
            Self::Reader { inserted, address, .. } => {
                let card = Inserted::connect(*address, token)?;
                let powered = card.until_powered(Duration::from_secs(10));
                *inserted = Some(card);
                if !powered {
                    return Err("the reader does not power the token".into());
                }
            }
            Self::Port(port) if !port.insert() => return Err("it is in already".into()),
            Self::Port(_) => {}
        }
        Ok(())
    }

    /// Pulls the token out. Fails if it is not plugged in.
    pub(crate) fn remove(&mut self) -> Result<(), Box<dyn Error>> {
        let was_in = match self {
            Self::Reader { inserted, .. } => inserted.take().is_some(),
            Self::Port(port) => port.remove(),
        };
        if was_in { Ok(()) } else { Err("it is out already".into()) }
    }

    /// Returns true if a kernel is attached to the USB port. Fails for a reader.
    pub(crate) fn attached(&self) -> Result<bool, Box<dyn Error>> {
        match self {
            Self::Reader { .. } => Err("it is in a reader, and in no USB port".into()),
            Self::Port(port) => Ok(port.until_attached(true, Duration::ZERO)),
        }
    }
}
