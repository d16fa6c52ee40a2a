//! The OTP applet, as far as it is asked about itself: status and serial number.

use crate::Persona;
use crate::apdu::{AppletError, CommandApdu, status};

const REQUEST: u8 = 0x01;
const SERIAL: u8 = 0x10;

/// What SELECT answers: firmware, programming sequence, flags, USB mode, challenge-response and auto-eject time-outs.
pub(crate) fn status(persona: &Persona) -> Vec<u8> {
    [&persona.firmware[..], &[0, 0, 0, 0x06, 0x0f, 0, 0]].concat()
}

/// Answers a command.
pub(crate) fn answer(command: &CommandApdu<'_>, serial: Option<u32>) -> Result<Vec<u8>, AppletError> {
    match (command.instruction, command.p1, serial) {
        (REQUEST, SERIAL, Some(serial)) => Ok(serial.to_be_bytes().to_vec()),
        (REQUEST, SERIAL, None) => Err(status::CONDITIONS.into()),
        (REQUEST, ..) => Err(status::WRONG_PARAMETERS.into()),
        _ => Err(status::UNKNOWN_INSTRUCTION.into()),
    }
}
