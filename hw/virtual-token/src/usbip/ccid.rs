//! A smart card reader with a card that is always in it: the messages of its two bulk pipes (USB CCID 1.1, chapter
//! 6).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::descriptors::LONGEST;
use super::pipes::Pipes;
use crate::VirtualToken;

const HEAD: usize = 10;
/// Interval at which the reader asks the host for more time. Without these requests, a host gives up after some
/// seconds.
const MORE_TIME: Duration = Duration::from_millis(500);

const SET_PARAMETERS: u8 = 0x61;
const POWER_ON: u8 = 0x62;
const POWER_OFF: u8 = 0x63;
const SLOT_STATUS: u8 = 0x65;
const ESCAPE: u8 = 0x6b;
const GET_PARAMETERS: u8 = 0x6c;
const RESET_PARAMETERS: u8 = 0x6d;
const TRANSFER: u8 = 0x6f;
const ABORT: u8 = 0x72;

const DATA_ANSWER: u8 = 0x80;
const STATUS_ANSWER: u8 = 0x81;
const PARAMETERS_ANSWER: u8 = 0x82;
const ESCAPE_ANSWER: u8 = 0x83;
const SLOT_CHANGE: u8 = 0x50;

/// Parameters of the T=1 protocol, with blocks of 254 bytes.
const PARAMETERS: [u8; 7] = [0x11, 0x10, 0, 0x15, 0, 0xfe, 0];

/// Status of a command: the high bits of bStatus, and bError.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommandStatus {
    Done,
    NotSupported,
    /// The byte at this offset of the message is wrong.
    BadParameter(u8),
    Mute,
    Aborted,
    MoreTime,
}

impl CommandStatus {
    fn bytes(self) -> (u8, u8) {
        match self {
            Self::Done => (0, 0),
            Self::NotSupported => (0x40, 0),
            Self::BadParameter(place) => (0x40, place),
            Self::Mute => (0x40, 0xfe),
            Self::Aborted => (0x40, 0xff),
            // Multiplier of the usual waiting time.
            Self::MoreTime => (0x80, 1),
        }
    }
}

/// The reader, which executes one command at a time.
pub(super) struct CcidReader<'a> {
    token: &'a VirtualToken,
    pipes: &'a Pipes,
    /// Set when the current command has to end, because the token was pulled out or the host aborted the command.
    stop: AtomicBool,
    /// Set when the token was pulled out.
    gone: AtomicBool,
}

impl<'a> CcidReader<'a> {
    pub(super) fn new(token: &'a VirtualToken, pipes: &'a Pipes) -> Self {
        Self { token, pipes, stop: AtomicBool::new(false), gone: AtomicBool::new(false) }
    }

    /// Ends the command that the token is executing.
    pub(super) fn abort(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.token.wake();
    }

    /// Ends the command that the token is executing, and every later one.
    pub(super) fn pulled_out(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.abort();
    }

    /// Handles messages until their channel closes.
    pub(super) fn obey(&self, messages: Receiver<Vec<u8>>) {
        // The card was in the reader from the start, so the reader reports it first.
        let _gone = self.pipes.news(vec![SLOT_CHANGE, 0x03]);
        let mut powered = false;
        let mut command = Vec::new();
        for message in messages {
            let answer = self.answer(&message, &mut powered, &mut command);
            if self.pipes.answer(answer).is_err() {
                return;
            }
        }
    }

    fn answer(&self, message: &[u8], powered: &mut bool, command: &mut Vec<u8>) -> Vec<u8> {
        let Some((head, data)) = message.split_first_chunk::<HEAD>() else {
            return Vec::new();
        };
        let say = |kind, outcome, last, data: &[u8]| frame(kind, head, (*powered, outcome), last, data);
        if head[5] != 0 {
            return say(STATUS_ANSWER, CommandStatus::BadParameter(5), 0, &[]);
        }
        match head[0] {
            POWER_ON | POWER_OFF => {
                self.token.reset();
                command.clear();
                *powered = head[0] == POWER_ON;
                let (kind, data) = if *powered { (DATA_ANSWER, self.token.atr()) } else { (STATUS_ANSWER, &[][..]) };
                frame(kind, head, (*powered, CommandStatus::Done), 0, data)
            }
            SLOT_STATUS => say(STATUS_ANSWER, CommandStatus::Done, 0, &[]),
            GET_PARAMETERS | RESET_PARAMETERS | SET_PARAMETERS => {
                say(PARAMETERS_ANSWER, CommandStatus::Done, 1, &PARAMETERS)
            }
            TRANSFER if !*powered => say(DATA_ANSWER, CommandStatus::Mute, 0, &[]),
            TRANSFER => {
                command.extend(data);
                match u16::from_le_bytes([head[8], head[9]]) {
                    // A whole command, or its last part.
                    0 | 2 => {
                        let (outcome, data) = self.transfer(head, &std::mem::take(command));
                        say(DATA_ANSWER, outcome, 0, &data)
                    }
                    // The first or a middle part of a command. The response asks the host for the next part.
                    1 | 3 => say(DATA_ANSWER, CommandStatus::Done, 0x10, &[]),
                    _ => say(DATA_ANSWER, CommandStatus::BadParameter(8), 0, &[]),
                }
            }
            ABORT => {
                self.stop.store(self.gone.load(Ordering::SeqCst), Ordering::SeqCst);
                say(STATUS_ANSWER, CommandStatus::Done, 0, &[])
            }
            ESCAPE => say(ESCAPE_ANSWER, CommandStatus::NotSupported, 0, &[]),
            _ => say(STATUS_ANSWER, CommandStatus::NotSupported, 0, &[]),
        }
    }

    /// Sends a command to the token, and asks the host for more time as long as the token takes.
    fn transfer(&self, head: &[u8; HEAD], command: &[u8]) -> (CommandStatus, Vec<u8>) {
        let (sender, answers) = mpsc::channel();
        let answer = thread::scope(|scope| {
            scope.spawn(move || sender.send(self.token.exchange_unless(command, &self.stop)));
            loop {
                match answers.recv_timeout(MORE_TIME) {
                    Ok(answer) => return answer,
                    Err(RecvTimeoutError::Disconnected) => return Vec::new(),
                    Err(RecvTimeoutError::Timeout) => {
                        let _gone =
                            self.pipes.answer(frame(DATA_ANSWER, head, (true, CommandStatus::MoreTime), 0, &[]));
                    }
                }
            }
        });
        match (answer.is_empty(), self.stop.load(Ordering::SeqCst)) {
            (false, _) if answer.len() <= LONGEST - HEAD => (CommandStatus::Done, answer),
            (true, true) => (CommandStatus::Aborted, Vec::new()),
            _ => (CommandStatus::Mute, Vec::new()),
        }
    }
}

/// Returns a response to the message with the header `head`. `last` is the byte of the response whose meaning depends
/// on `kind`.
fn frame(kind: u8, head: &[u8; HEAD], (powered, outcome): (bool, CommandStatus), last: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes();
    let (status, error) = outcome.bytes();
    // The card is present, and active if it is powered.
    let status = status | u8::from(!powered);
    [&[kind][..], &length, &head[5..7], &[status, error, last], data].concat()
}

/// Assembles messages that arrive in pieces.
#[derive(Debug, Default)]
pub(super) struct Assembly(Vec<u8>);

impl Assembly {
    /// Adds a piece, and returns the messages that are complete.
    pub(super) fn add(&mut self, piece: &[u8]) -> Vec<Vec<u8>> {
        self.0.extend(piece);
        let mut whole = Vec::new();
        while let Some(&[_, a, b, c, d]) = self.0.first_chunk() {
            let length = HEAD.saturating_add(u32::from_le_bytes([a, b, c, d]) as usize);
            if length > LONGEST {
                // No message can be that long, so all bytes are dropped, as in a reader that is reset.
                self.0.clear();
                break;
            }
            if self.0.len() < length {
                break;
            }
            let rest = self.0.split_off(length);
            whole.push(std::mem::replace(&mut self.0, rest));
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, data: &[u8]) -> Vec<u8> {
        let length = (data.len() as u32).to_le_bytes();
        [&[kind][..], &length, &[0, 7, 0, 0, 0], data].concat()
    }

    #[test]
    fn messages_are_assembled_wherever_they_are_cut() {
        let (one, two) = (message(TRANSFER, &[1, 2, 3]), message(SLOT_STATUS, &[]));
        let both = [one.clone(), two.clone()].concat();
        for cut in 0..both.len() {
            let mut assembly = Assembly::default();
            let mut whole = assembly.add(&both[..cut]);
            whole.extend(assembly.add(&both[cut..]));
            assert_eq!(whole, [one.clone(), two.clone()], "{cut}");
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_dropped() {
        let mut assembly = Assembly::default();
        assert!(assembly.add(&[TRANSFER, 0xff, 0xff, 0xff, 0xff, 0]).is_empty());
        assert_eq!(assembly.add(&message(SLOT_STATUS, &[])).len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_in_no_panic_out(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut assembly = Assembly::default();
            for piece in pieces {
                prop_assert!(assembly.add(&piece).iter().all(|message| (HEAD..=LONGEST).contains(&message.len())));
            }
        }
    }
}
