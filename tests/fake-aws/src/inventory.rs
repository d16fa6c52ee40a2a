//! Everything that exists in the simulated AWS: accounts, users, long-term keys, MFA devices, sessions, roles,
//! buckets.

use std::collections::BTreeMap;

use crate::clock::UnixSeconds;
use crate::mfa::{CodeRules, MfaDevice};
use crate::random;

/// A long-term key. No `Debug`, because half of it is secret.
#[derive(Clone)]
pub struct AccessKeyPair {
    /// `AKIA…`, 20 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
}

/// The credentials of a session. No `Debug`, because two thirds of it are secret.
#[derive(Clone)]
pub struct AwsSession {
    /// `ASIA…`, 20 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
    /// About 500 characters.
    pub session_token: String,
}

/// A user or the root user of an AWS account, valid for the simulator that returned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsUser {
    /// `arn:aws:iam::123456789012:user/alice`, or `…:root`.
    pub arn: String,
    /// The AWS account's number: twelve digits.
    pub account: String,
    pub(crate) index: usize,
}

/// A role and its trust policy.
#[derive(Clone, Debug)]
pub struct AwsRole {
    /// Name without path, as in `…:role/NAME`.
    pub name: String,
    /// Names of the users in the role's AWS account who may assume it; empty means all of them.
    pub trusts: Vec<String>,
    /// True if the trust policy requires MFA.
    pub needs_mfa: bool,
    /// External id that the trust policy requires; `None` requires none.
    pub external_id: Option<String>,
    /// Longest session, in seconds. AWS allows 3 600 … 43 200.
    pub max_session_duration: i64,
}

impl AwsRole {
    /// Creates a role that every user of its AWS account may assume, without MFA, for an hour at most.
    pub fn new(name: &str) -> AwsRole {
        let name = name.to_owned();
        AwsRole { name, trusts: Vec::new(), needs_mfa: false, external_id: None, max_session_duration: 3_600 }
    }
}

/// A user, or the root user if `name` is `None`.
pub(crate) struct UserRecord {
    pub(crate) account: String,
    pub(crate) name: Option<String>,
    pub(crate) arn: String,
    /// `AIDA…`; for root, the AWS account's number.
    pub(crate) unique_id: String,
    /// True if the policy AWSDenyAll is attached.
    pub(crate) is_denied: bool,
}

pub(crate) struct KeyRecord {
    pub(crate) secret: String,
    pub(crate) owner: usize,
    pub(crate) active: bool,
}

/// The call that made a session, and what it conferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionKind {
    /// Made by GetSessionToken.
    User { mfa: bool },
    /// Made by AssumeRole. `role` is an index.
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

/// A FIDO security key: IAM lists it, but STS does not accept it.
pub(crate) struct FidoKey {
    pub(crate) serial_number: String,
    pub(crate) owner: usize,
    pub(crate) enable_date: UnixSeconds,
}

pub(crate) struct BucketRecord {
    pub(crate) account: String,
    pub(crate) created: UnixSeconds,
    /// Size of each object in bytes, by key.
    pub(crate) objects: BTreeMap<String, u64>,
}

#[derive(Default)]
pub(crate) struct Inventory {
    /// Partition of each AWS account; `aws` if absent.
    accounts: BTreeMap<String, String>,
    pub(crate) people: Vec<UserRecord>,
    pub(crate) keys: BTreeMap<String, KeyRecord>,
    pub(crate) devices: Vec<MfaDevice>,
    pub(crate) u2f: Vec<FidoKey>,
    pub(crate) sessions: BTreeMap<String, SessionRecord>,
    pub(crate) roles: Vec<RoleRecord>,
    pub(crate) buckets: BTreeMap<String, BucketRecord>,
    pub(crate) rules: CodeRules,
    /// The only region that signatures may name; `None` allows all.
    pub(crate) region: Option<String>,
}

impl Inventory {
    /// Sets the partition of an AWS account, for ARNs created from now on.
    pub(crate) fn set_partition(&mut self, account: &str, partition: &str) {
        self.accounts.insert(account.to_owned(), partition.to_owned());
    }

    pub(crate) fn partition(&self, account: &str) -> &str {
        self.accounts.get(account).map_or("aws", String::as_str)
    }

    /// Adds a user, or the root user if `name` is `None`, or returns the existing one. `path` is `/` or `/…/`.
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

    /// Adds a virtual MFA device and returns its ARN. `name` may contain a path (`team/alice`).
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
