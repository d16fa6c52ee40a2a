//! Computation of codes: CALCULATE and CALCULATE ALL (YKOATH).

use super::{AccountRecord, CHALLENGE, COUNTER_NOT_COMPUTED, FULL, NAME, OathState, TOUCH_NOT_COMPUTED, TRUNCATED};
use crate::account::{CodeKind, HashAlgorithm, hmac, truncate};
use crate::apdu::{AppletError, status};
use crate::persona::Sha512Support;
use crate::tlv;

const LONGEST_CHALLENGE: usize = 64;

impl OathState {
    pub(super) fn calculate(&mut self, data: &[u8], truncated: bool, touched: bool) -> Result<Vec<u8>, AppletError> {
        let (id, challenge) = read_calculate(data).ok_or(status::WRONG_DATA)?;
        let at = self.position(id)?;
        let persona = &self.persona;
        let entry = &mut self.accounts[at];
        if entry.account.behind_pin {
            return Err(persona.no_such_account.into());
        }
        if entry.account.algorithm == HashAlgorithm::Sha512 && persona.sha512 == Sha512Support::IsNotCalculated {
            return Err(status::NOT_SUPPORTED.into());
        }
        let message = entry.message(challenge, persona.counts_from_counter)?;
        if entry.account.touch && persona.touch && !touched {
            return Err(AppletError::NeedsTouch);
        }
        let mut out = Vec::new();
        entry.code(&mut out, &message, truncated)?;
        match entry.account.kind {
            CodeKind::Hotp => entry.counter = entry.counter.wrapping_add(1),
            CodeKind::Totp => entry.last_challenge = message,
        }
        Ok(out)
    }

    /// Executes CALCULATE ALL. If the code of one account cannot be computed, the whole command fails.
    pub(super) fn calculate_all(&mut self, mut data: &[u8], truncated: bool) -> Result<Vec<u8>, AppletError> {
        let challenge = tlv::take(&mut data, CHALLENGE).filter(|_| data.is_empty()).ok_or(status::WRONG_DATA)?;
        if !(1..=LONGEST_CHALLENGE).contains(&challenge.len()) {
            return Err(status::WRONG_DATA.into());
        }
        let mut out = Vec::new();
        let persona = &self.persona;
        let marker = |digits: u8| if persona.digits_in_markers { vec![digits] } else { Vec::new() };
        for entry in &mut self.accounts {
            let account = &entry.account;
            tlv::push(&mut out, NAME, &account.id);
            if account.kind == CodeKind::Hotp {
                tlv::push(&mut out, COUNTER_NOT_COMPUTED, &marker(account.digits));
            } else if account.touch && persona.keeps_touch_flag {
                tlv::push(&mut out, TOUCH_NOT_COMPUTED, &marker(account.digits));
            } else {
                let message = entry.message(challenge, persona.counts_from_counter)?;
                entry.code(&mut out, &message, truncated)?;
                entry.last_challenge = message;
            }
        }
        Ok(out)
    }
}

impl AccountRecord {
    /// Returns the message from which the code is computed: the token's counter for HOTP, the challenge for TOTP.
    /// Fails if the account does not accept the challenge.
    fn message(&self, challenge: &[u8], from_counter: bool) -> Result<Vec<u8>, AppletError> {
        match self.account.kind {
            CodeKind::Hotp if from_counter => Ok(self.counter.to_be_bytes().to_vec()),
            CodeKind::Hotp => Ok(self.counter.wrapping_add(1).to_be_bytes().to_vec()),
            CodeKind::Totp if challenge.is_empty() => Err(status::WRONG_DATA.into()),
            CodeKind::Totp if self.account.only_increasing && smaller(challenge, &self.last_challenge) => {
                Err(status::SECURITY.into())
            }
            CodeKind::Totp => Ok(challenge.to_vec()),
        }
    }

    /// Appends the code of `message` to `out`, with the number of digits in front.
    fn code(&self, out: &mut Vec<u8>, message: &[u8], truncated: bool) -> Result<(), AppletError> {
        let account = &self.account;
        let full = hmac(account.algorithm, &account.secret, message).ok_or(status::MEMORY_FAILURE)?;
        let (tag, value) =
            if truncated { (TRUNCATED, truncate(&full).ok_or(status::MEMORY_FAILURE)?.to_vec()) } else { (FULL, full) };
        tlv::push(out, tag, &[&[account.digits], &value[..]].concat());
        Ok(())
    }
}

/// Returns true if `one` is smaller than `other`, both big-endian numbers of any length.
fn smaller(one: &[u8], other: &[u8]) -> bool {
    let digits = |number: &'_ [u8]| number.iter().position(|&byte| byte != 0).map_or(0, |at| number.len() - at);
    let (a, b) = (digits(one), digits(other));
    (a, &one[one.len() - a..]) < (b, &other[other.len() - b..])
}

fn read_calculate(mut data: &[u8]) -> Option<(&[u8], &[u8])> {
    let id = tlv::take(&mut data, NAME)?;
    let challenge = tlv::take(&mut data, CHALLENGE)?;
    (data.is_empty() && challenge.len() <= LONGEST_CHALLENGE).then_some((id, challenge))
}
