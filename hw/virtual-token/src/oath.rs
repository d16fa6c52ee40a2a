//! The OATH applet: its state, its lock, and the dispatch of its instructions (YKOATH).

mod codes;
mod password;
mod store;

use zeroize::Zeroizing;

use crate::account::StoredAccount;
use crate::apdu::{AppletError, CommandApdu, status};
use crate::persona::{Cut, Persona, SelectLayout};
use crate::random::eight_bytes;
use crate::tlv;

pub(crate) use password::StoredPassword;

const NAME: u8 = 0x71;
const LIST_ENTRY: u8 = 0x72;
const KEY: u8 = 0x73;
const CHALLENGE: u8 = 0x74;
const FULL: u8 = 0x75;
const TRUNCATED: u8 = 0x76;
const COUNTER_NOT_COMPUTED: u8 = 0x77;
const PROPERTY: u8 = 0x78;
const VERSION: u8 = 0x79;
const INITIAL_COUNTER: u8 = 0x7a;
const ALGORITHM: u8 = 0x7b;
const TOUCH_NOT_COMPUTED: u8 = 0x7c;
const PIN_TRIES: u8 = 0x82;
const SERIAL: u8 = 0x8f;

/// Device id of every early pico-fido.
const PICO: &[u8] = b"Pico Fido";

const PUT: u8 = 0x01;
const DELETE: u8 = 0x02;
const SET_CODE: u8 = 0x03;
const RESET: u8 = 0x04;
const RENAME: u8 = 0x05;
const LIST: u8 = 0xa1;
const CALCULATE: u8 = 0xa2;
const VALIDATE: u8 = 0xa3;
const CALCULATE_ALL: u8 = 0xa4;
const SEND_REMAINING: u8 = 0xa5;

/// State of the applet. A power cut ends `selection`; the rest survives it.
pub(crate) struct OathState {
    persona: Persona,
    serial: Option<u32>,
    device_id: [u8; 8],
    /// Challenge of every SELECT; `None` for a random one each time.
    challenge: Option<[u8; 8]>,
    /// Size of a response part in bytes; `None` for the persona's.
    block: Option<usize>,
    accounts: Vec<AccountRecord>,
    password: Option<StoredPassword>,
    selection: Selection,
}

/// A stored account, with its counter and its last challenge.
struct AccountRecord {
    account: StoredAccount,
    counter: u64,
    last_challenge: Vec<u8>,
}

/// State that ends when the applet is selected again, another applet is selected, or the power is cut.
#[derive(Default)]
struct Selection {
    validated: bool,
    challenge: [u8; 8],
    /// Rest of a response that was too long for one part.
    pending: Zeroizing<Vec<u8>>,
}

impl OathState {
    pub(crate) fn new(
        persona: Persona,
        serial: Option<u32>,
        device_id: Option<[u8; 8]>,
        challenge: Option<[u8; 8]>,
        block: Option<usize>,
    ) -> Self {
        Self {
            persona,
            serial,
            device_id: device_id.unwrap_or_else(eight_bytes),
            challenge,
            block,
            accounts: Vec::new(),
            password: None,
            selection: Selection::default(),
        }
    }

    /// Ends the selection, as a power cut does.
    pub(crate) fn deselect(&mut self) {
        self.selection = Selection::default();
    }

    /// Ends the selection, because this or another applet is selected. Some personas stay unlocked.
    pub(crate) fn leave(&mut self) {
        let validated = self.selection.validated && !self.persona.select_locks;
        self.selection = Selection { validated, ..Selection::default() };
    }

    /// Selects the applet and returns the data of its response. On most personas, this locks an applet that has a
    /// password.
    pub(crate) fn select(&mut self) -> Vec<u8> {
        let challenge = self.challenge.unwrap_or_else(eight_bytes);
        self.leave();
        self.selection.challenge = challenge;
        let mut out = Vec::new();
        tlv::push(&mut out, VERSION, self.persona.oath_version);
        match self.persona.select_layout {
            SelectLayout::PinTries(tries) => tlv::push(&mut out, PIN_TRIES, &[tries]),
            SelectLayout::Usual | SelectLayout::Serial => tlv::push(&mut out, NAME, &self.device_id),
            SelectLayout::OutOfStep => {
                tlv::push(&mut out, NAME, PICO);
                out.extend(self.device_id);
            }
        }
        if let (SelectLayout::Serial | SelectLayout::PinTries(_), Some(serial)) =
            (self.persona.select_layout, self.serial)
        {
            tlv::push(&mut out, SERIAL, &serial.to_be_bytes());
        }
        if let Some(password) = &self.password {
            tlv::push(&mut out, CHALLENGE, &challenge);
            let shown = if self.persona.repeats_password_type { password.type_byte } else { password.type_byte & 0x0f };
            tlv::push(&mut out, ALGORITHM, &[shown]);
        }
        out
    }

    /// Executes a command other than SELECT. `touched` is true if the token was touched for this command.
    pub(crate) fn answer(&mut self, command: &CommandApdu<'_>, touched: bool) -> Result<Vec<u8>, AppletError> {
        if self.locked() && !matches!(command.instruction, VALIDATE | RESET) {
            return Err(status::SECURITY.into());
        }
        if let Some(status) = self.persona.misses(command.instruction) {
            return Err(status.into());
        }
        let data = command.data;
        match (command.instruction, command.p1, command.p2) {
            (PUT, 0, 0) => self.put(data, touched),
            (DELETE, 0, 0) => self.delete(data, touched),
            (SET_CODE, 0, 0) => self.set_code(data),
            (RESET, 0xde, 0xad) => self.reset(),
            (RENAME, 0, 0) => self.rename(data),
            (LIST, 0, 0) => Ok(self.list()),
            (CALCULATE | CALCULATE_ALL, 0, 0) if !self.persona.full_responses => {
                Err(status::UNKNOWN_INSTRUCTION.into())
            }
            (CALCULATE, 0, truncated @ (0 | 1)) => self.calculate(data, truncated == 1, touched),
            (VALIDATE, 0, 0) => self.validate(data),
            (CALCULATE_ALL, 0, truncated @ (0 | 1)) => self.calculate_all(data, truncated == 1),
            (SEND_REMAINING, 0, 0) => self.rest(),
            (PUT..=RENAME | LIST..=SEND_REMAINING, ..) => Err(status::WRONG_PARAMETERS.into()),
            _ => Err(status::UNKNOWN_INSTRUCTION.into()),
        }
    }

    /// Cuts a response to the part that is sent now, and keeps the rest. The status word hints at the length of the
    /// rest, or at that of the next part if more than one is left (YKOATH, SEND REMAINING).
    pub(crate) fn piece(&mut self, mut whole: Vec<u8>, command: &CommandApdu<'_>) -> (Vec<u8>, u16) {
        let block = match (self.block, self.persona.extended) {
            _ if command.bare && self.persona.bare_header_wants_nothing => 0,
            (Some(block), _) => block,
            (None, Some(block)) if command.long_answer => block,
            (None, _) => self.persona.block,
        };
        if whole.len() <= block {
            return (whole, status::OK);
        }
        let (at, hint) = match self.persona.cut {
            Cut::Anywhere => {
                let next = (whole.len() - block).min(block);
                (block, if next > 0xff { 0 } else { next as u16 })
            }
            Cut::BetweenEntries => (tlv::whole_entries(&whole, block), 0xff),
        };
        self.selection.pending = Zeroizing::new(whole.split_off(at));
        (whole, status::MORE | hint)
    }

    /// Returns the rest of a response that was too long for one part.
    fn rest(&mut self) -> Result<Vec<u8>, AppletError> {
        if self.selection.pending.is_empty() && self.persona.cut == Cut::BetweenEntries {
            return Err(status::CONDITIONS.into());
        }
        Ok(std::mem::take(&mut self.selection.pending).to_vec())
    }

    /// Drops the rest of a response, unless the command is SEND REMAINING, which asks for it.
    pub(crate) fn forget_rest_unless_asked(&mut self, command: &[u8]) {
        if command.get(1) != Some(&SEND_REMAINING) {
            self.selection.pending = Zeroizing::default();
        }
    }

    fn locked(&self) -> bool {
        self.password.is_some() && !self.selection.validated
    }

    fn reset(&mut self) -> Result<Vec<u8>, AppletError> {
        self.accounts.clear();
        self.password = None;
        self.device_id = eight_bytes();
        self.deselect();
        Ok(Vec::new())
    }
}
