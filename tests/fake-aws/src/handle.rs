//! What a test holds in its hand: a running fake, and everything that can be told to it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, MutexGuard};

use crate::action::Action;
use crate::clock::FakeClock;
use crate::front::FakeState;
use crate::inventory::{AccessKeyPair, AwsRole, AwsSession, AwsUser, BucketRecord, SessionKind};
use crate::lie::{Lie, Times};
use crate::random;
use crate::record::RecordedRequest;
use crate::server::Server;
use crate::tls::Certificate;

/// How many long-term keys a user can have.
const KEYS_PER_USER: usize = 2;

/// AWS on loopback. Clones are handles of the same one; it stops when the last of them is dropped.
#[derive(Clone)]
pub struct FakeAws {
    server: Arc<Server>,
}

impl FakeAws {
    /// Starts on a free port of 127.0.0.1, with nobody and nothing in it, honest, and its clock the real one.
    pub fn start() -> io::Result<FakeAws> {
        FakeAws::start_on(0)
    }

    /// As [`start`](FakeAws::start), on this port.
    pub fn start_on(port: u16) -> io::Result<FakeAws> {
        random::check()?;
        Ok(FakeAws { server: Arc::new(Server::start(port)?) })
    }

    fn state(&self) -> MutexGuard<'_, FakeState> {
        self.server.shared.state()
    }

    /// `http://127.0.0.1:PORT`, for all three services.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Listens on one more free port of 127.0.0.1, with TLS and this certificate, until the fake stops.
    pub fn listen_with_tls(&self, certificate: &Certificate) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        self.server.listen(listener, Some(certificate.for_server()))
    }

    /// The partition (`aws`, `aws-cn`, `aws-us-gov`, …) of an AWS account; to be said before its users are added.
    pub fn set_partition(&self, account: &str, partition: &str) {
        self.state().inventory.set_partition(account, partition);
    }

    /// If set, signatures must be for this region; else any region of the AWS account's partition will do.
    pub fn set_region(&self, region: Option<&str>) {
        self.state().inventory.region = region.map(str::to_owned);
    }

    /// A user with path `/`. An AWS account comes into being with its first user; a user that exists is found.
    pub fn add_user(&self, account: &str, name: &str) -> AwsUser {
        self.add_user_at(account, "/", name)
    }

    /// A user with a path, which begins and ends with `/`.
    pub fn add_user_at(&self, account: &str, path: &str, name: &str) -> AwsUser {
        self.state().inventory.add_person(account, path, Some(name))
    }

    /// The root of an AWS account.
    pub fn add_root(&self, account: &str) -> AwsUser {
        self.state().inventory.add_person(account, "/", None)
    }

    /// A new long-term key.
    ///
    /// # Panics
    /// If the user has two already, as AWS would refuse the third.
    pub fn add_key(&self, user: &AwsUser) -> AccessKeyPair {
        let key = AccessKeyPair { access_key_id: random::identifier("AKIA"), secret_access_key: random::secret() };
        self.add_key_as(user, &key);
        key
    }

    /// A long-term key with given values.
    ///
    /// # Panics
    /// If the user has two already.
    pub fn add_key_as(&self, user: &AwsUser, key: &AccessKeyPair) {
        let mut state = self.state();
        let count = state.inventory.keys_of(user.index);
        if count < KEYS_PER_USER {
            state.inventory.add_key(user, key);
        }
        drop(state);
        assert!(count < KEYS_PER_USER, "{} has two long-term keys already", user.arn);
    }

    /// Makes a long-term key inactive; its sessions live on. Whether there is such a key.
    pub fn deactivate_key(&self, access_key_id: &str) -> bool {
        self.state().inventory.keys.get_mut(access_key_id).map(|key| key.active = false).is_some()
    }

    /// Makes a long-term key active again. Whether there is such a key.
    pub fn activate_key(&self, access_key_id: &str) -> bool {
        self.state().inventory.keys.get_mut(access_key_id).map(|key| key.active = true).is_some()
    }

    /// A virtual MFA device, enabled; its serial number is `arn:PARTITION:iam::ACCOUNT:mfa/NAME`.
    pub fn add_mfa(&self, user: &AwsUser, name: &str, seed: &[u8]) -> String {
        let mut state = self.state();
        let now = state.clock.now();
        state.inventory.add_mfa(user, name, seed, now)
    }

    /// A hardware MFA device with a serial number such as `GAHT12345678`, enabled.
    pub fn add_hardware_mfa(&self, user: &AwsUser, serial_number: &str, seed: &[u8]) {
        let mut state = self.state();
        let now = state.clock.now();
        state.inventory.add_device(user, serial_number, seed, now);
    }

    /// Disables an MFA device or enables it again. Whether there is such a device.
    pub fn set_mfa_enabled(&self, serial_number: &str, enabled: bool) -> bool {
        self.state().inventory.device_mut(serial_number).map(|device| device.enabled = enabled).is_some()
    }

    /// A FIDO key, which is listed and no more; gives its serial number.
    pub fn add_u2f(&self, user: &AwsUser, name: &str) -> String {
        let mut state = self.state();
        let now = state.clock.now();
        state.inventory.add_u2f(user, name, now)
    }

    /// So many bad codes within so many seconds lock an MFA device for as long again (8 and 120 at first).
    pub fn set_lock_out(&self, bad_codes: usize, seconds: i64) {
        let rules = &mut self.state().inventory.rules;
        (rules.bad_codes, rules.seconds) = (bad_codes, seconds);
    }

    /// Codes are good for so many steps before and after the current one (2 at first).
    pub fn set_tolerance(&self, steps: i64) {
        self.state().inventory.rules.tolerance = steps;
    }

    /// A session as GetSessionToken would give it, without asking; it expires after so many seconds.
    pub fn add_session(&self, user: &AwsUser, mfa: bool, seconds: i64) -> AwsSession {
        let mut state = self.state();
        let expires = state.clock.now().saturating_add(seconds);
        state.inventory.add_session(user.index, SessionKind::User { mfa }, expires)
    }

    /// The session with this access key, and when it expires, in seconds since 1970; whoever it was made for.
    pub fn session(&self, access_key_id: &str) -> Option<(AwsSession, i64)> {
        let state = self.state();
        let entry = state.inventory.sessions.get(access_key_id)?;
        let (secret_access_key, session_token) = (entry.secret.clone(), entry.token.clone());
        Some((AwsSession { access_key_id: access_key_id.to_owned(), secret_access_key, session_token }, entry.expires))
    }

    /// A role; gives its ARN.
    pub fn add_role(&self, account: &str, role: AwsRole) -> String {
        self.state().inventory.add_role(account, role)
    }

    /// An empty bucket.
    pub fn add_bucket(&self, account: &str, name: &str) {
        let mut state = self.state();
        let created = state.clock.now();
        let bucket = BucketRecord { account: account.to_owned(), created, objects: Default::default() };
        state.inventory.buckets.insert(name.to_owned(), bucket);
    }

    /// An object of so many bytes, in a bucket that exists. Whether it does.
    pub fn add_object(&self, bucket: &str, key: &str, size: u64) -> bool {
        let mut state = self.state();
        state.inventory.buckets.get_mut(bucket).map(|bucket| bucket.objects.insert(key.to_owned(), size)).is_some()
    }

    /// Orders a lie for one action, or for every request (`None`).
    pub fn lie(&self, action: impl Into<Option<Action>>, lie: Lie, times: Times) {
        self.state().lies.order(action.into(), lie, times);
    }

    /// Takes back every lie that is left. The clock stays as it is.
    pub fn honest(&self) {
        self.state().lies.clear();
    }

    /// The fake's clock is so many seconds ahead of its source, or behind if negative.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.state().clock.set_offset(seconds);
    }

    /// Waits until all that was sent here is answered and no connection is open any more, `most` at the longest; whether it
    /// came to that. A client that was killed may have sent something that is still on its way.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn until_quiet(&self, most: std::time::Duration) -> std::io::Result<bool> {
        self.server.until_quiet(most)
    }

    /// Turns the fake's clock so many seconds on, or back if negative.
    pub fn advance_clock(&self, seconds: i64) {
        self.state().clock.advance(seconds);
    }

    /// The fake's clock stands at this moment, in seconds since 1970, until it is set or advanced.
    pub fn freeze_clock(&self, time: i64) {
        self.set_clock_source(move || time);
    }

    /// The fake's clock gets its time, in seconds since 1970, from here; the offset is taken back.
    pub fn set_clock_source(&self, source: impl Fn() -> i64 + Send + Sync + 'static) {
        self.state().clock = FakeClock::from_source(source);
    }

    /// The fake's clock is the real one again.
    pub fn run_clock(&self) {
        self.state().clock = FakeClock::system();
    }

    /// What the fake's clock says, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.state().clock.now()
    }

    /// Every request so far, in the order in which they were answered.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state().requests.clear();
    }
}
