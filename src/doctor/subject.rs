//! The profile to check, and its settings. If one setting cannot be decided, the others still are.

use crate::aws::client::Network;
use crate::aws::config_file::Profiles;
use crate::aws::{LongTermKey, MfaSerial, SessionProfile};
use crate::cli;
use crate::file::FileError;
use crate::plan::{self, Aim, ChoiceReason, NamedProfile, Plan, PlanError, PlanInputs, ProfileChoice};
use crate::world::World;
use std::rc::Rc;

/// The profile to check, and its settings as far as they can be decided.
pub(super) struct Subject<'w> {
    pub(super) world: &'w World,
    pub(super) profiles: Profiles,
    /// The reason why AWS's files cannot be read, in which case there are no profiles.
    pub(super) unreadable: Option<Rc<FileError>>,
    pub(super) which: Result<(ProfileChoice, ChoiceReason), Rc<PlanError>>,
    pub(super) plan: Result<Plan, Rc<PlanError>>,
    /// The long-term key, decided without a plan; `None` if there is a plan.
    pub(super) key: Option<Result<LongTermKey, Rc<PlanError>>>,
    /// The network settings, decided without a plan; `None` if there is a plan.
    pub(super) network: Option<Result<Network, Rc<PlanError>>>,
    /// Text that a reader's name must contain; `None` to use the readers of recognised tokens only.
    pub(super) reader: Option<String>,
}

impl<'w> Subject<'w> {
    pub(super) fn of(named: NamedProfile<'_>, typed: &cli::LoginOptions, world: &'w World) -> Self {
        let env = &world.env;
        let (profiles, unreadable) = match Profiles::read(env) {
            Ok(profiles) => (profiles, None),
            Err(error) => (Profiles::none(env), Some(Rc::new(error))),
        };
        let which = ProfileChoice::with_reason(named, env, &profiles).map_err(Rc::new);
        let said = PlanInputs { aim: Aim::Session, typed, code: None, env, profiles: &profiles };
        let meant = || which.as_ref().map_or_else(|_| ProfileChoice::exactly("default"), |(which, _)| which.clone());
        let plan = Plan::make(&meant(), said).map_err(Rc::new);
        let (key, network) = match &plan {
            Ok(_) => (None, None),
            Err(_) => {
                let (key, network) = (plan::key(&meant(), &profiles), plan::network(&meant(), said));
                (Some(key.map_err(Rc::new)), Some(network.map_err(Rc::new)))
            }
        };
        let reader = plan::reader(typed.reader.as_deref(), env);
        Self { world, profiles, unreadable, which, plan, key, network, reader }
    }

    /// Returns the profile's name; `default` if no profile could be chosen.
    pub(super) fn name(&self) -> &str {
        self.which.as_ref().map_or("default", |(which, _)| which.name())
    }

    /// Returns the long-term key, if the profile has one.
    pub(super) fn key(&self) -> Option<&LongTermKey> {
        match (&self.plan, &self.key) {
            (Ok(plan), _) => plan.key.as_ref(),
            (Err(_), key) => key.as_ref()?.as_ref().ok(),
        }
    }

    /// Returns the network settings, if they can be decided.
    pub(super) fn network(&self) -> Option<&Network> {
        match (&self.plan, &self.network) {
            (Ok(plan), _) => Some(&plan.network),
            (Err(_), network) => network.as_ref()?.as_ref().ok(),
        }
    }

    /// Returns the profile that the session is written to; `None` if no plan could be made.
    pub(super) fn session_profile(&self) -> Option<&SessionProfile> {
        self.plan.as_ref().ok().map(|plan| &plan.session_profile)
    }

    /// Returns the MFA device's serial number, if a setting names it.
    pub(super) fn mfa_serial(&self) -> Option<&MfaSerial> {
        self.plan.as_ref().ok()?.mfa_serial.as_ref()
    }
}
