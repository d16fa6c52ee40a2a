//! Who and what exists: AWS accounts, users, long-term keys, MFA devices, sessions, roles, buckets.

use std::collections::BTreeMap;

use crate::clock::UnixSeconds;
use crate::mfa::{CodeRules, MfaDevice};
use crate::random;

/// A long-term key. It has no `Debug`: half of it is a secret.
#[derive(Clone)]
pub struct AccessKeyPair {
    /// `AKIA…`
    pub access_key_id: String,
    /// Forty letters.
    pub secret_access_key: String,
}

/// A session. It has no `Debug`: two thirds of it are secret.
#[derive(Clone)]
pub struct AwsSession {
    /// `ASIA…`
    pub access_key_id: String,
    /// Forty letters.
    pub secret_access_key: String,
    /// Some five hundred letters.
    pub session_token: String,
}

/// A user, or the root of an AWS account, of one fake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsUser {
    /// `arn:aws:iam::123456789012:user/alice`, or `…:root`.
    pub arn: String,
    /// Twelve digits.
    pub account: String,
    pub(crate) index: usize,
}

/// A role, and who may have it.
#[derive(Clone, Debug)]
pub struct AwsRole {
    /// Without path, as in `…:role/NAME`.
    pub name: String,
    /// Users of its AWS account that it trusts, by name; none means all of them.
    pub trusts: Vec<String>,
    /// Whether its trust policy wants a caller with MFA.
    pub needs_mfa: bool,
    /// Whether its trust policy wants this external id.
    pub external_id: Option<String>,
    /// The longest session, in seconds: 3 600 … 43 200.
    pub max_session_duration: i64,
}

impl AwsRole {
    /// A role that trusts everybody in its AWS account, for an hour.
    pub fn new(name: &str) -> AwsRole {
        let name = name.to_owned();
        AwsRole { name, trusts: Vec::new(), needs_mfa: false, external_id: None, max_session_duration: 3_600 }
    }
}

/// A user as it is kept; without a name it is the root of its AWS account.
pub(crate) struct UserRecord {
    pub(crate) account: String,
    pub(crate) name: Option<String>,
    pub(crate) arn: String,
    /// `AIDA…`; the AWS account itself for root.
    pub(crate) unique_id: String,
    /// Whether the policy AWSDenyAll is attached.
    pub(crate) is_denied: bool,
}

pub(crate) struct KeyRecord {
    pub(crate) secret: String,
    pub(crate) owner: usize,
    pub(crate) active: bool,
}

/// What a session says of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionKind {
    /// From GetSessionToken.
    User { mfa: bool },
    /// From AssumeRole: index of the role, and the session's name.
    Role { role: usize, session_name: String },
}

pub(crate) struct SessionRecord {
    pub(crate) secret: String,
    pub(crate) token: String,
    pub(crate) owner: usize,
    pub(crate) kind: SessionKind,
    pub(crate) expires: UnixSeconds,
}

pub(crate) struct RoleRecord {
    pub(crate) account: String,
    pub(crate) arn: String,
    /// `AROA…`
    pub(crate) unique_id: String,
    pub(crate) role: AwsRole,
}

/// A FIDO key: IAM lists it, and STS cannot use it.
pub(crate) struct FidoKey {
    pub(crate) serial_number: String,
    pub(crate) owner: usize,
    pub(crate) enable_date: UnixSeconds,
}

pub(crate) struct BucketRecord {
    pub(crate) account: String,
    pub(crate) created: UnixSeconds,
    /// Size in bytes, by key.
    pub(crate) objects: BTreeMap<String, u64>,
}

/// Everything that exists.
#[derive(Default)]
pub(crate) struct Inventory {
    /// Partition by AWS account.
    accounts: BTreeMap<String, String>,
    pub(crate) people: Vec<UserRecord>,
    pub(crate) keys: BTreeMap<String, KeyRecord>,
    pub(crate) devices: Vec<MfaDevice>,
    pub(crate) u2f: Vec<FidoKey>,
    pub(crate) sessions: BTreeMap<String, SessionRecord>,
    pub(crate) roles: Vec<RoleRecord>,
    pub(crate) buckets: BTreeMap<String, BucketRecord>,
    pub(crate) rules: CodeRules,
    /// If set, the only region that signatures may name.
    pub(crate) region: Option<String>,
}

impl Inventory {
    /// The partition in which all later users of this AWS account live.
    pub(crate) fn set_partition(&mut self, account: &str, partition: &str) {
        self.accounts.insert(account.to_owned(), partition.to_owned());
    }

    pub(crate) fn partition(&self, account: &str) -> &str {
        self.accounts.get(account).map_or("aws", String::as_str)
    }

    /// A name of `None` is root; `path` is `/` or `/…/`.
    pub(crate) fn add_person(&mut self, account: &str, path: &str, name: Option<&str>) -> AwsUser {
        let resource = name.map_or_else(|| "root".to_owned(), |name| format!("user{path}{name}"));
        let arn = format!("arn:{}:iam::{account}:{resource}", self.partition(account));
        if let Some(index) = self.people.iter().position(|person| person.arn == arn) {
            return AwsUser { arn, account: account.to_owned(), index };
        }
        let unique_id = if name.is_some() { random::identifier("AIDA") } else { account.to_owned() };
        let (owned, name) = (account.to_owned(), name.map(str::to_owned));
        self.people.push(UserRecord { account: owned, name, arn: arn.clone(), unique_id, is_denied: false });
        AwsUser { arn, account: account.to_owned(), index: self.people.len() - 1 }
    }

    pub(crate) fn add_key(&mut self, user: &AwsUser, key: &AccessKeyPair) {
        let entry = KeyRecord { secret: key.secret_access_key.clone(), owner: user.index, active: true };
        self.keys.insert(key.access_key_id.clone(), entry);
    }

    pub(crate) fn keys_of(&self, owner: usize) -> usize {
        self.keys.values().filter(|key| key.owner == owner).count()
    }

    /// `name` may carry a path: `team/alice`; a bare serial number (`GAHT…`) is made by `add_device`.
    pub(crate) fn add_mfa(&mut self, user: &AwsUser, name: &str, seed: &[u8], now: UnixSeconds) -> String {
        let serial = format!("arn:{}:iam::{}:mfa/{name}", self.partition(&user.account), user.account);
        self.add_device(user, &serial, seed, now);
        serial
    }

    pub(crate) fn add_device(&mut self, user: &AwsUser, serial_number: &str, seed: &[u8], now: UnixSeconds) {
        self.devices.retain(|device| device.serial_number != serial_number);
        self.devices.push(MfaDevice::new(serial_number.to_owned(), user.index, seed, now));
    }

    pub(crate) fn add_u2f(&mut self, user: &AwsUser, name: &str, now: UnixSeconds) -> String {
        let owner = self.people[user.index].name.as_deref().unwrap_or("root");
        let (partition, account) = (self.partition(&user.account), &user.account);
        let serial_number = format!("arn:{partition}:iam::{account}:u2f/user/{owner}/{name}-{}", random::u2f_suffix());
        self.u2f.push(FidoKey { serial_number: serial_number.clone(), owner: user.index, enable_date: now });
        serial_number
    }

    pub(crate) fn add_session(&mut self, owner: usize, kind: SessionKind, expires: UnixSeconds) -> AwsSession {
        let session = AwsSession {
            access_key_id: random::identifier("ASIA"),
            secret_access_key: random::secret(),
            session_token: random::session_token(),
        };
        let (secret, token) = (session.secret_access_key.clone(), session.session_token.clone());
        let entry = SessionRecord { secret, token, owner, kind, expires };
        self.sessions.insert(session.access_key_id.clone(), entry);
        session
    }

    pub(crate) fn add_role(&mut self, account: &str, role: AwsRole) -> String {
        let arn = format!("arn:{}:iam::{account}:role/{}", self.partition(account), role.name);
        let (account, unique_id) = (account.to_owned(), random::identifier("AROA"));
        self.roles.push(RoleRecord { account, arn: arn.clone(), unique_id, role });
        arn
    }

    pub(crate) fn device_mut(&mut self, serial_number: &str) -> Option<&mut MfaDevice> {
        self.devices.iter_mut().find(|device| device.serial_number == serial_number)
    }
}
