//! The management applet: serial number, firmware version and capabilities of the token.

use crate::apdu::{AppletError, CommandApdu, status};
use crate::{Persona, tlv};

const READ_CONFIG: u8 = 0x1d;

/// Returns the data of the response to SELECT: a sentence that contains the firmware version.
pub(crate) fn banner(persona: &Persona) -> Vec<u8> {
    let [major, minor, patch] = persona.firmware;
    format!("Virtual mgr - FW version {major}.{minor}.{patch}").into_bytes()
}

/// Executes a command. `supported` and `enabled` are the current bits of [`Persona::capabilities`].
pub(crate) fn answer(
    command: &CommandApdu<'_>,
    persona: &Persona,
    serial: Option<u32>,
    supported: u16,
    enabled: u16,
) -> Result<Vec<u8>, AppletError> {
    if command.instruction != READ_CONFIG || !persona.read_config {
        return Err(status::UNKNOWN_INSTRUCTION.into());
    }
    if (command.p1, command.p2) != (0, 0) {
        return Err(status::WRONG_PARAMETERS.into());
    }
    let mut config = Vec::new();
    let (supported, enabled) = (supported.to_be_bytes(), enabled.to_be_bytes());
    let Some(form_factor) = persona.form_factor else {
        // Firmware 4 reports its capabilities in one byte.
        tlv::push(&mut config, 0x01, &supported[1..]);
        if let Some(serial) = serial {
            tlv::push(&mut config, 0x02, &serial.to_be_bytes());
        }
        config.insert(0, config.len() as u8);
        return Ok(config);
    };
    tlv::push(&mut config, 0x01, &supported);
    tlv::push(&mut config, 0x03, &enabled);
    if let Some(serial) = serial {
        tlv::push(&mut config, 0x02, &serial.to_be_bytes());
    }
    tlv::push(&mut config, 0x04, &[form_factor]);
    tlv::push(&mut config, 0x05, &persona.firmware);
    tlv::push(&mut config, 0x06, &[0, 0]); // auto-eject: never
    tlv::push(&mut config, 0x07, &[15]); // challenge-response waits 15 s
    tlv::push(&mut config, 0x08, &[0]); // device flags
    tlv::push(&mut config, 0x0d, &supported); // supported over NFC
    tlv::push(&mut config, 0x0e, &enabled); // enabled over NFC
    tlv::push(&mut config, 0x0a, &[0]); // not locked
    config.insert(0, config.len() as u8);
    Ok(config)
}
