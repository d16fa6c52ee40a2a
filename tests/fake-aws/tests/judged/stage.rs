//! A simulator with a stopped clock and one user, and frequent refusals.

use fake_aws::{AccessKeyPair, AwsUser, FakeAws};

use crate::raw::{RawReply, call};
use crate::{ACCOUNT, NOW, SEED, code_at};

pub(crate) const BAD_CODE: (u16, &str, &str) =
    (403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ");
pub(crate) const NOT_VALIDATED: (u16, &str, &str) = (
    403,
    "AccessDenied",
    "MultiFactorAuthentication failed, unable to validate MFA code.  \
     Please verify your MFA serial number is valid and associated with this user.",
);
pub(crate) const UNKNOWN_KEY: (u16, &str, &str) =
    (403, "InvalidClientTokenId", "The security token included in the request is invalid.");

/// A simulator with a stopped clock and the user alice.
pub(crate) struct FrozenFake {
    pub(crate) aws: FakeAws,
    pub(crate) alice: AwsUser,
    pub(crate) key: AccessKeyPair,
    pub(crate) serial: String,
}

impl FrozenFake {
    pub(crate) fn new() -> FrozenFake {
        let aws = FakeAws::start().unwrap();
        aws.freeze_clock(NOW);
        let alice = aws.add_user(ACCOUNT, "alice");
        let key = aws.add_key(&alice);
        let serial = aws.add_mfa(&alice, "alice", SEED);
        FrozenFake { aws, alice, key, serial }
    }

    pub(crate) fn ask(&self, fields: &[(&str, &str)]) -> RawReply {
        call(&self.aws, &self.key, fields).unwrap()
    }

    /// Calls GetSessionToken with the code of the step `step` steps from now.
    pub(crate) fn code(&self, step: i64) -> RawReply {
        let code = code_at(SEED, NOW + 30 * step);
        self.ask(&[("Action", "GetSessionToken"), ("SerialNumber", &self.serial), ("TokenCode", &code)])
    }
}
