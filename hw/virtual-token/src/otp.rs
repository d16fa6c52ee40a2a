//! The OTP applet, reduced to its status and the serial number.

use crate::Persona;
use crate::apdu::{AppletError, CommandApdu, status};

const REQUEST: u8 = 0x01;
const SERIAL: u8 = 0x10;

/// Returns the data of the response to SELECT: firmware version, programming sequence, flags, USB mode, and the
/// timeouts of challenge-response and auto-eject.
pub(crate) fn status(persona: &Persona) -> Vec<u8> {
    [&persona.firmware[..], &[0, 0, 0, 0x06, 0x0f, 0, 0]].concat()
}

/// Executes a command. `serial` is `None` if the token hides its serial number.
pub(crate) fn answer(command: &CommandApdu<'_>, serial: Option<u32>) -> Result<Vec<u8>, AppletError> {
    match (command.instruction, command.p1, serial) {
        (REQUEST, SERIAL, Some(serial)) => Ok(serial.to_be_bytes().to_vec()),
        (REQUEST, SERIAL, None) => Err(status::CONDITIONS.into()),
        (REQUEST, ..) => Err(status::WRONG_PARAMETERS.into()),
        _ => Err(status::UNKNOWN_INSTRUCTION.into()),
    }
}
