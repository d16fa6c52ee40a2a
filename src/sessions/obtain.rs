//! Obtains sessions for several plans at the same time. Each MFA device is asked for one code at a time, and no
//! session is obtained twice.

use super::device_lock::{DeviceLock, Turn};
use super::present::{ObtainedSession, good, left_until};
use super::writer::{FreshSession, SessionWriter};
use crate::aws::client::{Aws, Network, OpenNetwork};
use crate::aws::config_file::{Locations, Profiles, set_profile};
use crate::aws::credentials_file::{self, CredentialsError, is_plain};
use crate::aws::{Identity, MfaSerial, Session, SessionProfile};
use crate::file::{self, FileStamp};
use crate::ledger::Held;
use crate::login::{Grant, KnownDevice, Login, LoginError, LoginOutcome, assume_all, find_mfa_device};
use crate::plan::{Plan, PlanError, Role};
use crate::report::{self, Failure};
use crate::source::Source;
use crate::source::token::Tokens;
use crate::world::{World, async_runtime, stack};
use futures_util::future::join_all;
use std::cell::{self, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::{Mutex, OnceCell};

/// Outcome for one plan. A failure is shared with other plans that need the same login.
type SharedOutcome = Result<ObtainedSession, Arc<Failure>>;

/// Obtains a session for each plan: the present session if it lasts long enough, otherwise a fresh one, which is
/// written to its session profile.
///
/// # Errors
/// [`Failure`] if AWS's files cannot be read or the async runtime cannot start. A failure of one plan is in that
/// plan's outcome, and does not stop the others.
pub fn obtain_all(plans: &[&Plan], world: &World) -> Result<Vec<Result<ObtainedSession, Failure>>, Failure> {
    let seen = Locations::find(&world.env).ok().and_then(|locations| file::stamp_of(&locations.credentials));
    let profiles = Profiles::read(&world.env)?;
    let clock = &*world.clock;
    // If every plan has a good session, the async runtime is not needed.
    if let Some(present) =
        plans.iter().map(|plan| good(plan, &profiles, clock)).collect::<Option<Vec<ObtainedSession>>>()
    {
        return Ok(present.into_iter().map(Ok).collect());
    }
    let runtime = async_runtime::current_thread().map_err(Failure::Runtime)?;
    let outcomes = runtime.block_on(Obtaining::new(plans, (profiles, seen), world).run(plans));
    // Shut down without waiting for a name lookup that is still running.
    runtime.shutdown_background();
    stack::wipe();
    Ok(outcomes.into_iter().map(|outcome| outcome.map_err(Failure::Shared)).collect())
}

/// Obtains the session of one plan: the present session if it lasts long enough, otherwise a fresh one, which is
/// written to its session profile.
///
/// # Errors
/// [`Failure`] if no session could be obtained or written.
pub fn obtain(plan: &Plan, world: &World) -> Result<ObtainedSession, Failure> {
    let mut outcomes = obtain_all(&[plan], world)?;
    outcomes.pop().unwrap_or(Err(Failure::NotValid { profile: plan.profile.to_string() }))
}

/// State that the logins of one run share.
struct Obtaining<'a> {
    world: &'a World,
    profiles: Profiles,
    /// Stamp of the credentials file when it was read.
    seen: Option<FileStamp>,
    writer: Arc<SessionWriter>,
    /// Plans that do not depend on another plan's session, by session profile, with their outcomes.
    roots: HashMap<&'a SessionProfile, (&'a Plan, OnceCell<SharedOutcome>)>,
    /// Session profiles that have no good session, and so may have to be written.
    due: Vec<&'a SessionProfile>,
    /// Reasons why some session profiles cannot be written. They are determined before the first code is used.
    refused: cell::OnceCell<HashMap<&'a SessionProfile, Arc<Failure>>>,
    tokens: RefCell<HashMap<Option<String>, Rc<Tokens>>>,
    networks: RefCell<Vec<OpenNetwork>>,
    devices: RefCell<HashMap<String, Rc<Mutex<Vec<Made<'a>>>>>>,
}

/// Outcome of a login, which is reused for plans whose login would be the same.
struct Made<'a> {
    plan: &'a Plan,
    outcome: Result<(Identity, Session, String), Arc<Failure>>,
}

impl<'a> Obtaining<'a> {
    fn new(plans: &[&'a Plan], (profiles, seen): (Profiles, Option<FileStamp>), world: &'a World) -> Self {
        let mut roots = HashMap::new();
        let independent = plans.iter().copied().filter(|plan| plan.source().is_none());
        for plan in independent.chain(plans.iter().filter_map(|plan| plan.source())) {
            roots.entry(&plan.session_profile).or_insert((plan, OnceCell::new()));
        }
        let planned = plans.iter().copied().chain(roots.values().map(|(plan, _)| *plan));
        let due = planned.filter(|plan| good(plan, &profiles, &*world.clock).is_none());
        let mut due: Vec<&SessionProfile> = due.map(|plan| &plan.session_profile).collect();
        due.sort_unstable();
        due.dedup();
        let writer = SessionWriter::new(&profiles.locations, &world.person);
        let (refused, tokens, networks, devices) = Default::default();
        Self { world, profiles, seen, writer, roots, due, refused, tokens, networks, devices }
    }

    async fn run(self, plans: &[&'a Plan]) -> Vec<SharedOutcome> {
        let outcomes = join_all(plans.iter().map(|plan| self.obtain(plan))).await;
        self.writer.deliver();
        let written = |outcome: SharedOutcome| {
            let got = outcome?;
            self.writer.failure(&got.session_profile).filter(|_| got.fresh).map_or(Ok(got), Err)
        };
        outcomes.into_iter().map(written).collect()
    }

    /// Checks that every due section can be written, before a code is used. Returns the failures by session profile.
    fn rehearse(&self) -> HashMap<&'a SessionProfile, Arc<Failure>> {
        let failed = |error: CredentialsError| Arc::new(Failure::Write { spent: false, error });
        let credentials = &self.profiles.locations.credentials;
        let due = self.due.iter().copied();
        match credentials_file::rehearse(credentials, &self.due) {
            Ok(rehearsal) => {
                for notice in report::notices(credentials, &rehearsal.notices) {
                    self.world.person.tell(&notice);
                }
                due.zip(rehearsal.refused).filter_map(|(name, error)| Some((name, failed(error?)))).collect()
            }
            Err(error) => {
                let failure = failed(error.into());
                due.map(|name| (name, Arc::clone(&failure))).collect()
            }
        }
    }

    async fn obtain(&self, plan: &'a Plan) -> SharedOutcome {
        let Some(source) = plan.source() else { return self.root(plan).await };
        if let Some(got) = good(plan, &self.profiles, &*self.world.clock) {
            return Ok(got);
        }
        self.check(plan)?;
        let base = self.root(source).await?;
        if self.world.person.was_kept_waiting() {
            // A session for which somebody touched a token is saved, even if assuming the role then fails.
            self.writer.deliver();
        }
        self.assume(plan, base).await
    }

    /// Obtains the session of a plan that does not depend on another plan's session. This is done once for all plans
    /// that need the session.
    async fn root(&self, plan: &'a Plan) -> SharedOutcome {
        let Some((plan, outcome)) = self.roots.get(&plan.session_profile) else {
            return self.log_in(plan).await;
        };
        outcome.get_or_init(|| self.log_in(plan)).await.clone()
    }

    async fn log_in(&self, plan: &'a Plan) -> SharedOutcome {
        if let Some(got) = good(plan, &self.profiles, &*self.world.clock) {
            return Ok(got);
        }
        let device = self.mfa_device(plan).await?;
        let made = self.device(&device.serial);
        let mut made = made.lock().await;
        let serves = |made: &&Made<'_>| {
            is_same_login(made.plan, plan) && (made.outcome.is_ok() || is_same_source(made.plan, plan))
        };
        if let Some(same) = made.iter().rfind(serves) {
            let (identity, session, source) = same.outcome.clone()?;
            self.check(plan)?;
            if device.identity.is_some() {
                self.found(plan, &device.serial, None);
            }
            let fresh = FreshSession::of(plan, device.serial, (session, identity), Some(source));
            return Ok(self.post(fresh, None, self.route(&plan.network)?.now()));
        }
        // Another process may obtain the session while this login waits. No code is lost then, because this login has
        // not used one yet.
        let device_lock = DeviceLock { world: self.world, writer: &self.writer, seen: self.seen };
        let mut ledger = match device_lock.turn(plan, &device.serial).await.map_err(failed(plan))? {
            Turn::Served(got) => return Ok(*got),
            Turn::Ours(ledger) => ledger,
        };
        // If this plan's session cannot be written, the login ends here. Sessions that were obtained earlier with
        // this ledger are written before it is released.
        if let Err(failure) = self.check(plan) {
            self.writer.deliver();
            return Err(failure);
        }
        let outcome = self.log_in_with(plan, &device, &mut ledger).await;
        let told = outcome.as_ref().map(|done| (done.identity.clone(), done.session.clone(), done.source.clone()));
        made.push(Made { plan, outcome: told.map_err(Arc::clone) });
        let done = match outcome {
            Ok(done) => done,
            Err(failure) => {
                self.writer.deliver();
                return Err(failure);
            }
        };
        if device.identity.is_some() {
            self.found(plan, &device.serial, done.account.as_deref());
        }
        let fresh = FreshSession::of(plan, device.serial, (done.session, done.identity), Some(done.source));
        Ok(self.post(fresh, Some(ledger), self.route(&plan.network)?.now()))
    }

    /// Logs in with a ledger that this process has locked.
    async fn log_in_with(
        &self,
        plan: &'a Plan,
        device: &KnownDevice,
        ledger: &mut Held,
    ) -> Result<LoginOutcome, Arc<Failure>> {
        let aws = self.aws(plan)?;
        let login = Login { plan, aws: &aws, tokens: &self.tokens(plan), person: &self.world.person, device, ledger };
        login.run(grant(plan)).await.map_err(failed(plan))
    }

    /// Returns the MFA device of a plan. AWS is asked only if the plan does not name an MFA device.
    async fn mfa_device(&self, plan: &'a Plan) -> Result<KnownDevice, Arc<Failure>> {
        if let Some(serial) = &plan.mfa_serial {
            return Ok(KnownDevice { serial: serial.clone(), identity: None });
        }
        self.check(plan)?;
        let aws = self.aws(plan)?;
        let found = find_mfa_device(plan, &aws, &self.tokens(plan)).await;
        found.map_err(failed(plan))
    }

    /// Returns a client that signs with the plan's long-term key.
    fn aws(&self, plan: &Plan) -> Result<Aws, Arc<Failure>> {
        let no_key = || PlanError::NoLongTermKey { profile: plan.profile.to_string(), instead: None };
        let key = plan.key.as_ref().ok_or_else(|| Arc::new(no_key().into()))?;
        Ok(Aws::new(&self.route(&plan.network)?, key))
    }

    /// Assumes a plan's role with the session of its source profile, which needs neither a code nor a touch.
    async fn assume(&self, plan: &'a Plan, base: ObtainedSession) -> SharedOutcome {
        let steps = plan.role.as_ref().map(|role: &Role| role.steps.as_slice()).unwrap_or_default();
        let serial = base.mfa_serial.as_deref().and_then(|serial| MfaSerial::parse(serial).ok());
        let Some(serial) = serial.or_else(|| plan.mfa_serial.clone()) else {
            return Err(Arc::new(PlanError::NoSerial { profile: plan.profile.to_string() }.into()));
        };
        let route = self.route(&plan.network)?;
        let from = (base.session, base.identity.unwrap_or_default());
        let assumed = assume_all(plan.duration, steps, from, &route).await.map_err(failed(plan))?;
        Ok(self.post(FreshSession::of(plan, serial, assumed, base.source), None, route.now()))
    }

    /// Hands a fresh session to the writer. The MFA device's ledger stays locked until the session is in the
    /// credentials file, because logins that wait for the MFA device look for the session there.
    fn post(&self, fresh: FreshSession, ledger: Option<Held>, now: SystemTime) -> ObtainedSession {
        let got = ObtainedSession {
            session_profile: fresh.session_profile.clone(),
            identity: Some(fresh.identity.arn.clone()),
            left: left_until(&fresh.session.expires, now, 0),
            session: fresh.session.clone(),
            mfa_serial: Some(fresh.mfa_serial.to_string()),
            source: fresh.source.clone(),
            fresh: true,
        };
        self.writer.post(fresh, ledger);
        got
    }

    fn check(&self, plan: &Plan) -> Result<(), Arc<Failure>> {
        let refused = self.refused.get_or_init(|| self.rehearse());
        refused.get(&plan.session_profile).map_or(Ok(()), |failure| Err(Arc::clone(failure)))
    }

    /// Saves an MFA device that was looked up in IAM to the config file if `--remember` is set. Otherwise tells the
    /// person how to save it.
    fn found(&self, plan: &Plan, serial: &MfaSerial, account: Option<&str>) {
        let (person, profile) = (&self.world.person, &plan.profile);
        if !plan.remember {
            let word = report::quoted(profile);
            return person.tell(&format!(
                "note: using {serial}, which IAM lists for this user; save it: `aws-mfa-key login {word} --remember`"
            ));
        }
        let config = &self.profiles.locations.config;
        let mut keys = vec![("mfa_serial", serial.as_str())];
        keys.extend(account.filter(|id| is_plain(id)).map(|id| ("mfa_key_account", id)));
        match set_profile(config, profile, &keys) {
            Ok(()) => person.tell(&format!("Saved mfa_serial = {serial} in profile {profile}.")),
            Err(error) => person.must_know(&report::report(&Failure::File(error)).to_string()),
        }
    }

    fn route(&self, network: &Network) -> Result<OpenNetwork, Arc<Failure>> {
        let mut networks = self.networks.borrow_mut();
        if let Some(route) = networks.iter().find(|route| route.is_of(network)) {
            return Ok(route.clone());
        }
        let route = OpenNetwork::open(network, Arc::clone(&self.world.clock));
        let route = route.map_err(|fault| Arc::new(Failure::Network(fault)))?;
        networks.push(route.clone());
        Ok(route)
    }

    fn tokens(&self, plan: &Plan) -> Rc<Tokens> {
        let mut tokens = self.tokens.borrow_mut();
        let made = || Rc::new(Tokens::on((self.world.bus)(plan.reader.as_deref()), self.world));
        Rc::clone(tokens.entry(plan.reader.clone()).or_insert_with(made))
    }

    fn device(&self, serial: &MfaSerial) -> Rc<Mutex<Vec<Made<'a>>>> {
        Rc::clone(self.devices.borrow_mut().entry(serial.to_string()).or_default())
    }
}

/// Returns a function that turns a login's error into a failure that several plans can share.
fn failed(plan: &Plan) -> impl Fn(LoginError) -> Arc<Failure> {
    |error| Arc::new(Failure::Login { profile: plan.profile.to_string(), error: Box::new(error) })
}

fn grant(plan: &Plan) -> Grant<'_> {
    plan.role.as_ref().and_then(|role| role.steps.last()).map_or(Grant::Session, Grant::Role)
}

/// Returns true if both plans have the same sources, so that a failure to get a code for one plan applies to the
/// other, too.
pub fn is_same_source(one: &Plan, other: &Plan) -> bool {
    let same = |pair: (&Source, &Source)| match pair {
        (Source::Secret(one), Source::Secret(other)) => one.as_source() == other.as_source(),
        (Source::Command(one), Source::Command(other)) => one.line == other.line,
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    };
    (one.token, &one.account, &one.reader) == (other.token, &other.account, &other.reader)
        && one.sources.len() == other.sources.len()
        && one.sources.iter().zip(&other.sources).all(same)
}

/// Returns true if one code serves both plans, because they have the same long-term key, duration, network and roles.
pub fn is_same_login(one: &Plan, other: &Plan) -> bool {
    let steps = |plan: &Plan| plan.role.as_ref().map(|role| role.steps.clone());
    one.key_id() == other.key_id()
        && one.duration == other.duration
        && one.network == other.network
        && steps(one) == steps(other)
}
