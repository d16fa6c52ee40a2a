//! [`FakeAws`], a test's handle on a running simulator: adding users and keys, setting the clock, ordering lies,
//! reading the record.

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

/// Largest number of long-term keys of one user, as in AWS.
const KEYS_PER_USER: usize = 2;

/// A running simulator of AWS on loopback. Clones are handles of the same simulator, which stops when the last one is
/// dropped.
#[derive(Clone)]
pub struct FakeAws {
    server: Arc<Server>,
}

impl FakeAws {
    /// Starts a simulator on a free port of 127.0.0.1: empty, without lies, on the system's clock.
    ///
    /// # Errors
    /// If the system has no randomness, or no port can be opened.
    pub fn start() -> io::Result<FakeAws> {
        FakeAws::start_on(0)
    }

    /// Starts a simulator as [`start`](FakeAws::start) does, on a given port; 0 means any free port.
    ///
    /// # Errors
    /// If the system has no randomness, or the port cannot be opened.
    pub fn start_on(port: u16) -> io::Result<FakeAws> {
        random::check()?;
        Ok(FakeAws { server: Arc::new(Server::start(port)?) })
    }

    fn state(&self) -> MutexGuard<'_, FakeState> {
        self.server.shared.state()
    }

    /// Returns `http://127.0.0.1:PORT`, the endpoint of all three services.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Opens one more free port of 127.0.0.1, with TLS and this certificate, until the simulator stops.
    ///
    /// # Errors
    /// If no port can be opened.
    pub fn listen_with_tls(&self, certificate: &Certificate) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        self.server.listen(listener, Some(certificate.for_server()))
    }

    /// Sets the partition of an AWS account (`aws`, `aws-cn`, `aws-us-gov`, …; `aws` by default). Must be called
    /// before users are added to the AWS account.
    pub fn set_partition(&self, account: &str, partition: &str) {
        self.state().inventory.set_partition(account, partition);
    }

    /// Restricts signatures to one region. `None`, the default, allows every region of the AWS account's partition.
    pub fn set_region(&self, region: Option<&str>) {
        self.state().inventory.region = region.map(str::to_owned);
    }

    /// Adds a user with path `/`, or returns the existing user of that name. The first user creates the AWS account.
    pub fn add_user(&self, account: &str, name: &str) -> AwsUser {
        self.add_user_at(account, "/", name)
    }

    /// Adds a user with a path, which begins and ends with `/`, or returns the existing user.
    pub fn add_user_at(&self, account: &str, path: &str, name: &str) -> AwsUser {
        self.state().inventory.add_person(account, path, Some(name))
    }

    /// Adds the root user of an AWS account, or returns the existing one.
    pub fn add_root(&self, account: &str) -> AwsUser {
        self.state().inventory.add_person(account, "/", None)
    }

    /// Creates a random long-term key.
    ///
    /// # Panics
    /// If the user has two keys, the most that AWS allows.
    pub fn add_key(&self, user: &AwsUser) -> AccessKeyPair {
        let key = AccessKeyPair { access_key_id: random::identifier("AKIA"), secret_access_key: random::secret() };
        self.add_key_as(user, &key);
        key
    }

    /// Adds a long-term key with given values.
    ///
    /// # Panics
    /// If the user has two keys, the most that AWS allows.
    pub fn add_key_as(&self, user: &AwsUser, key: &AccessKeyPair) {
        let mut state = self.state();
        let count = state.inventory.keys_of(user.index);
        if count < KEYS_PER_USER {
            state.inventory.add_key(user, key);
        }
        drop(state);
        assert!(count < KEYS_PER_USER, "{} has two long-term keys already", user.arn);
    }

    /// Deactivates a long-term key; its sessions stay valid. Returns false if there is no such key.
    pub fn deactivate_key(&self, access_key_id: &str) -> bool {
        self.state().inventory.keys.get_mut(access_key_id).map(|key| key.active = false).is_some()
    }

    /// Reactivates a long-term key. Returns false if there is no such key.
    pub fn activate_key(&self, access_key_id: &str) -> bool {
        self.state().inventory.keys.get_mut(access_key_id).map(|key| key.active = true).is_some()
    }

    /// Adds an enabled virtual MFA device with this secret. Returns its serial number,
    /// `arn:PARTITION:iam::ACCOUNT:mfa/NAME`.
    pub fn add_mfa(&self, user: &AwsUser, name: &str, seed: &[u8]) -> String {
        let mut state = self.state();
        let now = state.clock.now();
        state.inventory.add_mfa(user, name, seed, now)
    }

    /// Adds an enabled hardware MFA device with this secret, and a serial number such as `GAHT12345678`.
    pub fn add_hardware_mfa(&self, user: &AwsUser, serial_number: &str, seed: &[u8]) {
        let mut state = self.state();
        let now = state.clock.now();
        state.inventory.add_device(user, serial_number, seed, now);
    }

    /// Enables or disables an MFA device. Returns false if there is no such MFA device.
    pub fn set_mfa_enabled(&self, serial_number: &str, enabled: bool) -> bool {
        self.state().inventory.device_mut(serial_number).map(|device| device.enabled = enabled).is_some()
    }

    /// Adds a FIDO security key, which ListMFADevices lists but STS does not accept. Returns its serial number.
    pub fn add_u2f(&self, user: &AwsUser, name: &str) -> String {
        let mut state = self.state();
        let now = state.clock.now();
        state.inventory.add_u2f(user, name, now)
    }

    /// Sets the number of bad codes that lock an MFA device (default 8), and the period in seconds in which they are
    /// counted and for which the lock lasts (default 120).
    pub fn set_lock_out(&self, bad_codes: usize, seconds: i64) {
        let rules = &mut self.state().inventory.rules;
        (rules.bad_codes, rules.seconds) = (bad_codes, seconds);
    }

    /// Sets how many time steps before and after the current one are accepted (default 2).
    pub fn set_tolerance(&self, steps: i64) {
        self.state().inventory.rules.tolerance = steps;
    }

    /// Creates a session as GetSessionToken would, without a request. `seconds` is its lifetime; `mfa`, whether it
    /// counts as made with MFA.
    pub fn add_session(&self, user: &AwsUser, mfa: bool, seconds: i64) -> AwsSession {
        let mut state = self.state();
        let expires = state.clock.now().saturating_add(seconds);
        state.inventory.add_session(user.index, SessionKind::User { mfa }, expires)
    }

    /// Returns the session with this access key, whoever owns it, and its expiry in seconds since 1970.
    pub fn session(&self, access_key_id: &str) -> Option<(AwsSession, i64)> {
        let state = self.state();
        let entry = state.inventory.sessions.get(access_key_id)?;
        let (secret_access_key, session_token) = (entry.secret.clone(), entry.token.clone());
        Some((AwsSession { access_key_id: access_key_id.to_owned(), secret_access_key, session_token }, entry.expires))
    }

    /// Adds a role and returns its ARN.
    pub fn add_role(&self, account: &str, role: AwsRole) -> String {
        self.state().inventory.add_role(account, role)
    }

    /// Adds an empty bucket, or empties an existing one.
    pub fn add_bucket(&self, account: &str, name: &str) {
        let mut state = self.state();
        let created = state.clock.now();
        let bucket = BucketRecord { account: account.to_owned(), created, objects: Default::default() };
        state.inventory.buckets.insert(name.to_owned(), bucket);
    }

    /// Adds an object of `size` bytes to a bucket. Returns false if there is no such bucket.
    pub fn add_object(&self, bucket: &str, key: &str, size: u64) -> bool {
        let mut state = self.state();
        state.inventory.buckets.get_mut(bucket).map(|bucket| bucket.objects.insert(key.to_owned(), size)).is_some()
    }

    /// Orders a lie for one action, or for every request (`None`).
    pub fn lie(&self, action: impl Into<Option<Action>>, lie: Lie, times: Times) {
        self.state().lies.order(action.into(), lie, times);
    }

    /// Cancels all lies. The clock stays as set.
    pub fn honest(&self) {
        self.state().lies.clear();
    }

    /// Sets how many seconds the simulator's clock is ahead of its source; negative means behind.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.state().clock.set_offset(seconds);
    }

    /// Waits until every request has been answered and every connection is closed, for `most` at the longest. Returns
    /// false if the time ran out. Needed after a client was killed, whose last request may still be in transit.
    ///
    /// # Errors
    /// If the simulator cannot be connected to, or does not answer within `most`.
    pub fn until_quiet(&self, most: std::time::Duration) -> std::io::Result<bool> {
        self.server.until_quiet(most)
    }

    /// Moves the simulator's clock forward by `seconds`; negative means back.
    pub fn advance_clock(&self, seconds: i64) {
        self.state().clock.advance(seconds);
    }

    /// Stops the simulator's clock at `time`, in seconds since 1970, until the clock is set or advanced.
    pub fn freeze_clock(&self, time: i64) {
        self.set_clock_source(move || time);
    }

    /// Sets the source of the simulator's clock, in seconds since 1970, and resets the offset to 0.
    pub fn set_clock_source(&self, source: impl Fn() -> i64 + Send + Sync + 'static) {
        self.state().clock = FakeClock::from_source(source);
    }

    /// Sets the simulator's clock back to the system's clock, without offset.
    pub fn run_clock(&self) {
        self.state().clock = FakeClock::system();
    }

    /// Returns the time of the simulator's clock, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.state().clock.now()
    }

    /// Returns the recorded requests, in the order in which they were answered.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.clone()
    }

    /// Clears the record of requests.
    pub fn clear_requests(&self) {
        self.state().requests.clear();
    }
}
