//! What is plugged in, as the kernel shows it: a token that is there and has no reader is not a token that is missing.

use super::service::{self, Distribution};
use super::{Finding, Surroundings};
use crate::source::token::{TokenError, holders};
use crate::world::{Machine, Process};
use hw::survey::Survey;
use std::sync::Arc;

/// Yubico's number among makers (USB: idVendor).
const YUBICO: &str = "1050";
/// What the names of other OATH tokens have in them, in lower case.
const NAMES: [&str; 3] = ["nitrokey", "canokey", "pico key"];
/// Yubico's products with CCID (USB: idProduct): NEO, then YubiKey 4 and 5.
const WITH_CCID: [&str; 8] = ["0111", "0112", "0115", "0116", "0404", "0405", "0406", "0407"];
/// A token that has FIDO only: nothing can be switched on.
const SECURITY_KEY: &str = "0120";
/// Smart card interfaces (USB: bInterfaceClass).
const CCID: &str = "0b";

/// What was found of what is plugged in.
pub enum UsbFinding {
    /// The readers that there are.
    Readers {
        /// Those of known tokens.
        known: Vec<String>,
        /// Those that are not looked at.
        others: Vec<String>,
    },
    /// A token that the service can see, if it sees any.
    Fine(UsbToken),
    /// Its smart card interface is switched off.
    WithoutCcid {
        /// The token.
        token: UsbToken,
        /// Whether there is another with a reader.
        others: bool,
    },
    /// It has one, and the service shows no reader for it.
    WithoutReader {
        /// The token.
        token: UsbToken,
        /// As far as it can be seen.
        why: Hidden,
    },
}

impl UsbFinding {
    /// Whether it is why no token is seen, and could be one.
    pub(super) fn is_hidden(&self) -> bool {
        match self {
            Self::WithoutCcid { token, .. } => !token.is_security_key,
            Self::WithoutReader { .. } => true,
            Self::Readers { .. } | Self::Fine(_) => false,
        }
    }
}

/// A token as the kernel shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbToken {
    /// What it calls itself.
    pub name: String,
    /// Maker and product, as `lsusb` writes them.
    pub id: String,
    /// Whether it is made for FIDO only, by its product number.
    pub is_security_key: bool,
    has_ccid: bool,
    is_ignored: bool,
}

/// Why a token has no reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// A udev rule says that the service is not to look at it (`PCSCLITE_IGNORE`).
    Ignored,
    /// There is no driver for readers on USB.
    NoDriver(Option<Distribution>),
    /// GnuPG has it for itself, perhaps.
    Taken(Process),
    /// It cannot be seen why.
    Unknown,
}

pub(super) fn look(around: &Surroundings<'_>, survey: &Result<Arc<Survey>, TokenError>) -> Vec<Finding> {
    let tokens = tokens(around.machine);
    let Ok(survey) = survey else {
        return tokens.into_iter().map(|token| Finding::Usb(UsbFinding::Fine(token))).collect();
    };
    let known: Vec<&str> = survey.tokens.iter().map(|look| look.reader.as_str()).collect();
    let known: Vec<&str> = known.into_iter().chain(survey.unseen.iter().map(|unseen| unseen.reader.as_str())).collect();
    let others = around.readers.iter().filter(|reader| !known.contains(&reader.as_str())).cloned().collect();
    let mut readers = known.len();
    let mut found =
        vec![UsbFinding::Readers { known: known.iter().map(|reader| (*reader).to_owned()).collect(), others }];
    for token in tokens {
        found.push(if !token.has_ccid {
            UsbFinding::WithoutCcid { token, others: !known.is_empty() }
        } else if readers > 0 {
            readers -= 1;
            UsbFinding::Fine(token)
        } else {
            let why = why(&token, around);
            UsbFinding::WithoutReader { token, why }
        });
    }
    found.into_iter().map(Finding::Usb).collect()
}

fn why(token: &UsbToken, around: &Surroundings<'_>) -> Hidden {
    let machine = around.machine;
    let folders = service::driver_folders(machine);
    let has_driver = folders.iter().any(|folder| machine.path(&format!("{folder}/ifd-ccid.bundle")).exists());
    if token.is_ignored {
        return Hidden::Ignored;
    }
    if !has_driver {
        return Hidden::NoDriver(service::distribution(machine));
    }
    let taken = holders(machine).into_iter().find(|process| process.name == "scdaemon");
    taken.map_or(Hidden::Unknown, Hidden::Taken)
}

/// The tokens on USB (Linux: `/sys/bus/usb/devices`; a name with a colon is an interface of the device before it).
fn tokens(machine: &Machine) -> Vec<UsbToken> {
    const FOLDER: &str = "/sys/bus/usb/devices";
    let names = machine.names(FOLDER);
    let value =
        |name: &str, file: &str| machine.text(&format!("{FOLDER}/{name}/{file}")).map(|text| text.trim().to_owned());
    let devices = names.iter().filter(|name| !name.contains(':'));
    let token = |device: &String| {
        let (vendor, product) = (value(device, "idVendor")?, value(device, "idProduct")?);
        let name = value(device, "product").unwrap_or_else(|| "a token".to_owned());
        let is_known = vendor == YUBICO || NAMES.iter().any(|known| name.to_lowercase().contains(known));
        let interfaces =
            names.iter().filter(|name| name.strip_prefix(device.as_str()).is_some_and(|rest| rest.starts_with(':')));
        let classes: Vec<String> = interfaces.filter_map(|interface| value(interface, "bInterfaceClass")).collect();
        let has_ccid = match classes[..] {
            [] => vendor != YUBICO || WITH_CCID.contains(&product.as_str()),
            _ => classes.iter().any(|class| class == CCID),
        };
        let number = value(device, "dev").unwrap_or_default();
        let properties = machine.text(&format!("/run/udev/data/c{number}")).unwrap_or_default();
        let is_ignored = properties.lines().any(|line| line == "E:PCSCLITE_IGNORE=1");
        let is_security_key = vendor == YUBICO && (product == SECURITY_KEY || name.starts_with("Security Key"));
        is_known.then(|| UsbToken { name, id: format!("{vendor}:{product}"), is_security_key, has_ccid, is_ignored })
    };
    devices.filter_map(token).collect()
}
