//! Check of the tokens on USB, as the kernel lists them. It finds tokens that are plugged in but have no reader.

use super::service::{self, Distribution};
use super::{Finding, Surroundings};
use crate::source::token::{TokenError, holders};
use crate::world::{Machine, Process};
use hw::survey::Survey;
use std::sync::Arc;

/// Yubico's vendor ID (USB: idVendor).
const YUBICO: &str = "1050";
/// Parts of the product names of other OATH tokens, in lower case.
const NAMES: [&str; 3] = ["nitrokey", "canokey", "pico key"];
/// Product IDs of Yubico's products with CCID (USB: idProduct): NEO, then YubiKey 4 and 5.
const WITH_CCID: [&str; 8] = ["0111", "0112", "0115", "0116", "0404", "0405", "0406", "0407"];
/// Product ID of a token that has only FIDO, so that no other interface can be switched on.
const SECURITY_KEY: &str = "0120";
/// Interface class of smart card readers (USB: bInterfaceClass).
const CCID: &str = "0b";

/// Finding about a token on USB, or about the readers of all tokens.
pub enum UsbFinding {
    /// The readers that the smart card service lists.
    Readers {
        /// Names of the readers that were examined.
        known: Vec<String>,
        /// Names of the readers that were not examined, because they belong to no recognised token or do not match
        /// `--reader`.
        others: Vec<String>,
    },
    /// A token that has a reader, or whose reader cannot be known because the service does not answer.
    Fine(UsbToken),
    /// A token whose smart card interface is switched off.
    WithoutCcid {
        /// The token on USB.
        token: UsbToken,
        /// True if the service lists a reader of another token.
        others: bool,
    },
    /// A token with a smart card interface, for which the service lists no reader.
    WithoutReader {
        /// The token on USB.
        token: UsbToken,
        /// The most likely reason for the missing reader.
        why: Hidden,
    },
}

impl UsbFinding {
    /// Returns true if this finding explains why no token is seen.
    pub(super) fn is_hidden(&self) -> bool {
        match self {
            Self::WithoutCcid { token, .. } => !token.is_security_key,
            Self::WithoutReader { .. } => true,
            Self::Readers { .. } | Self::Fine(_) => false,
        }
    }
}

/// A token on USB, as the kernel lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbToken {
    /// Product name that the token reports.
    pub name: String,
    /// Vendor and product ID, as `lsusb` prints them.
    pub id: String,
    /// True if the token has only FIDO, judging by its product ID or name.
    pub is_security_key: bool,
    has_ccid: bool,
    is_ignored: bool,
}

/// Reason why a token on USB has no reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// A udev rule tells the service to ignore the token (`PCSCLITE_IGNORE`).
    Ignored,
    /// No driver for USB readers is installed; the distribution says which package has it.
    NoDriver(Option<Distribution>),
    /// GnuPG's scdaemon may have exclusive access to the token.
    Taken(Process),
    /// No reason was found.
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

/// Returns the tokens on USB (Linux: `/sys/bus/usb/devices`, where a name with a colon is an interface of the device
/// whose name precedes the colon).
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
