//! The schedule of renewals and attempts, computed from values only, so that a table can test all of it.

use std::time::{Duration, SystemTime};

/// Lower bound for the time left at which a session is renewed, for sessions longer than twice this bound.
const LEAST: Duration = Duration::from_mins(20);
/// Time for which a fresh session is not renewed, even if it disappears.
const FLOOR: Duration = Duration::from_secs(15);
/// Fraction by which a pause varies at random, so that many machines do not come back at the same moment.
const JITTER: f64 = 0.25;

/// Reason why a profile has no fresh session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Obstacle {
    /// A person has to touch the token or type something.
    Person,
    /// The token is not plugged in.
    Token,
    /// Neither a token nor a secret is available. A secret may appear without an event.
    Sources,
    /// A fault on this machine: a token in use by another program, a file that cannot be written.
    Trouble,
    /// AWS cannot be reached.
    Network,
    /// AWS refused a request.
    Refusal,
    /// The settings, or the accounts on the token, have to change.
    Settings,
}

impl Obstacle {
    /// Returns the first and the longest pause between attempts; each pause is twice the one before. `None` for a
    /// missing token: the next attempt is made when one is plugged in.
    const fn pauses(self) -> Option<(Duration, Duration)> {
        const fn between(first: Duration, longest: Duration) -> Option<(Duration, Duration)> {
            Some((first, longest))
        }
        match self {
            Self::Token => None,
            Self::Network => between(Duration::from_secs(5), Duration::from_mins(5)),
            Self::Trouble | Self::Sources => between(Duration::from_secs(30), Duration::from_mins(10)),
            Self::Person => between(Duration::from_mins(5), Duration::from_hours(1)),
            Self::Refusal | Self::Settings => between(Duration::from_mins(1), Duration::from_hours(1)),
        }
    }

    /// Returns the pause after `failed` failed attempts in a row (from 1). `chance`, between 0 and 1, sets the random
    /// variation. `None` if there is no attempt until an event.
    #[must_use]
    pub(super) fn pause(self, failed: u32, chance: f64) -> Option<Duration> {
        let (first, longest) = self.pauses()?;
        let pause = first.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(longest);
        Some(pause.mul_f64(1.0 + JITTER * (2.0 * chance - 1.0)))
    }

    /// Returns in a few words what the profile waits for, for the log and for `status`.
    #[must_use]
    pub(super) const fn waits_for(self) -> &'static str {
        match self {
            Self::Person => "a touch or a password",
            Self::Token => "its token to be plugged in",
            Self::Sources => "one of its sources to provide a code",
            Self::Trouble => "a problem on this machine to be solved",
            Self::Network => "AWS to be reachable",
            Self::Refusal => "AWS to stop refusing",
            Self::Settings => "a change of its settings or of the token's accounts",
        }
    }
}

/// Returns the time left at which a session of this length is renewed: a third of its length, but at least 20
/// minutes, or half of its length if it is shorter than 40 minutes.
#[must_use]
pub(super) fn renewal(life: Duration) -> Duration {
    (life / 3).max(LEAST.min(life / 2))
}

/// State of one profile's renewal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RenewalState {
    /// Time at which the session is to be renewed, by this machine's clock; `None` if there is no session.
    pub(super) renew_at: Option<SystemTime>,
    /// The obstacle that the last attempt met, and the number of attempts in a row that met it; `None` after a
    /// success.
    pub(super) met: Option<(Obstacle, u32)>,
    /// Earliest time of the next attempt; `None` after an obstacle: wait for an event instead.
    pub(super) not_before: Option<SystemTime>,
    /// True if a person is known to be needed for each renewal.
    pub(super) wants_person: bool,
    /// True if the settings cannot be used any more. The present session stays, and no attempt is made until they
    /// can.
    pub(super) is_broken: bool,
}

/// State of asking a person, which is shared by all profiles: somebody who is away is away for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asking {
    /// Number of prompts in a row that nobody answered.
    pub(super) missed: u32,
    /// Earliest time of the next prompt; `None` if a prompt may be shown at any time.
    pub(super) not_before: Option<SystemTime>,
    /// True if a person is never asked.
    pub(super) never: bool,
}

/// Next step for a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An attempt that asks nobody, now.
    Try,
    /// An attempt for which a person is asked, now.
    Ask,
    /// Do nothing until this time.
    At(SystemTime),
    /// Do nothing until an event arrives.
    OnNews,
}

impl RenewalState {
    /// Returns the next step for the profile at the time `now`.
    #[must_use]
    pub(super) fn next(&self, asking: &Asking, now: SystemTime) -> Next {
        if self.is_broken {
            return Next::OnNews;
        }
        if let Some(then) = self.renew_at.filter(|then| *then > now) {
            return Next::At(then);
        }
        // If nobody may be asked, an attempt disturbs nobody, so the normal pauses of the obstacle apply.
        let is_asked = self.wants_person && !asking.never;
        let own = match (self.met, self.not_before) {
            (None, floor) => floor.unwrap_or(now),
            (Some((Obstacle::Person, _)), _) if is_asked => now,
            (Some(_), Some(then)) => then,
            (Some(_), None) => return Next::OnNews,
        };
        if !is_asked {
            return if own > now { Next::At(own) } else { Next::Try };
        }
        let then = asking.not_before.map_or(own, |then| then.max(own));
        if then > now { Next::At(then) } else { Next::Ask }
    }

    /// Records a session that is to be renewed at `renew_at`, but not before a short time has passed.
    pub(super) fn got(&mut self, renew_at: SystemTime, now: SystemTime) {
        (self.renew_at, self.met, self.not_before) = (Some(renew_at), None, Some(now + FLOOR));
    }

    /// Ends all pauses, because somebody set the clock that they end by.
    pub(super) fn forget_pauses(&mut self) {
        let is_paused = !matches!(self.met, Some((Obstacle::Token, _)));
        self.hope(|obstacle| obstacle != Obstacle::Token);
        if is_paused {
            self.not_before = None;
        }
    }

    /// Prevents new sessions until a token is plugged in.
    pub(super) fn lock_out(&mut self) {
        (self.renew_at, self.met, self.not_before) = (None, Some((Obstacle::Token, 1)), None);
    }

    /// Records that an attempt met an obstacle. Returns true if it is another one than before, and worth logging.
    pub(super) fn meet(&mut self, obstacle: Obstacle, now: SystemTime, chance: f64) -> bool {
        let (is_new, failed) = match self.met {
            Some((before, failed)) if before == obstacle => (false, failed.saturating_add(1)),
            _ => (true, 1),
        };
        self.met = Some((obstacle, failed));
        self.not_before = obstacle.pause(failed, chance).map(|pause| now + pause);
        self.wants_person |= obstacle == Obstacle::Person;
        is_new
    }

    /// Ends the pause if its obstacle may be gone, so that the next attempt is made at once and failures are counted
    /// anew.
    pub(super) fn hope(&mut self, is_gone: impl Fn(Obstacle) -> bool) {
        self.wants_person &= !is_gone(Obstacle::Person);
        if self.met.is_some_and(|(obstacle, _)| is_gone(obstacle)) {
            (self.met, self.not_before) = (None, None);
        }
    }
}

impl Asking {
    /// Records a prompt that nobody answered.
    pub(super) fn miss(&mut self, now: SystemTime, chance: f64) {
        self.missed = self.missed.saturating_add(1);
        self.not_before = Obstacle::Person.pause(self.missed, chance).map(|pause| now + pause);
    }

    /// Records that a person is there: somebody touched a token, plugged one in, or woke the machine up.
    pub(super) fn is_there(&mut self) {
        (self.missed, self.not_before) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(minutes: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + minutes * MINUTE
    }

    #[test]
    fn renews_with_a_third_or_twenty_minutes_left() {
        for (life, left) in [(2160, 720), (720, 240), (60, 20), (45, 20), (40, 20), (30, 15)] {
            assert_eq!(renewal(life * MINUTE), left * MINUTE, "{life} minutes");
        }
        assert_eq!(renewal(Duration::from_secs(900)), Duration::from_secs(450));
    }

    #[test]
    fn table_of_what_is_due() {
        let silent = RenewalState::default();
        let touch = RenewalState { wants_person: true, ..RenewalState::default() };
        let met = |obstacle, not_before: Option<u32>| RenewalState {
            met: Some((obstacle, 1)),
            not_before: not_before.map(at),
            ..RenewalState::default()
        };
        let missed = RenewalState { met: Some((Obstacle::Person, 1)), not_before: Some(at(200)), ..touch.clone() };
        let locked = RenewalState { not_before: Some(at(105)), ..missed.clone() };
        let asked = |minutes| Asking { missed: 1, not_before: Some(at(minutes)), never: false };
        let free = Asking::default();
        let never = Asking { never: true, ..Asking::default() };
        let cases = [
            ("no session", silent.clone(), &free, Next::Try),
            ("a good one", RenewalState { renew_at: Some(at(150)), ..silent.clone() }, &free, Next::At(at(150))),
            ("one that is old", RenewalState { renew_at: Some(at(100)), ..silent.clone() }, &free, Next::Try),
            ("one that is old, by touch", RenewalState { renew_at: Some(at(99)), ..touch.clone() }, &free, Next::Ask),
            ("a person who was just asked", touch.clone(), &asked(105), Next::At(at(105))),
            ("a person who was asked long ago", touch.clone(), &asked(95), Next::Ask),
            ("a person who missed it, and came back", missed.clone(), &free, Next::Ask),
            ("a person who missed it", missed, &asked(130), Next::At(at(130))),
            ("nobody is ever asked", touch, &never, Next::Try),
            ("nobody is ever asked, and it was just tried", locked.clone(), &never, Next::At(at(105))),
            (
                "nobody is ever asked, and it was tried",
                RenewalState { not_before: Some(at(99)), ..locked },
                &never,
                Next::Try,
            ),
            ("that does not matter where nobody is needed", silent.clone(), &never, Next::Try),
            ("no network, just now", met(Obstacle::Network, Some(101)), &free, Next::At(at(101))),
            ("no network, some time ago", met(Obstacle::Network, Some(100)), &free, Next::Try),
            ("no token", met(Obstacle::Token, None), &free, Next::OnNews),
            ("settings that are broken", RenewalState { is_broken: true, ..silent }, &free, Next::OnNews),
        ];
        for (what, renewal_state, asking, next) in cases {
            assert_eq!(renewal_state.next(asking, at(100)), next, "{what}");
        }
    }

    #[test]
    fn pauses_grow_to_a_limit_and_vary() {
        let seconds = |obstacle: Obstacle, failed| obstacle.pause(failed, 0.5).map(|pause| pause.as_secs());
        let network: Vec<_> = (1..9).filter_map(|failed| seconds(Obstacle::Network, failed)).collect();
        assert_eq!(network, [5, 10, 20, 40, 80, 160, 300, 300]);
        let person: Vec<_> = (1..7).filter_map(|failed| seconds(Obstacle::Person, failed)).collect();
        assert_eq!(person, [300, 600, 1200, 2400, 3600, 3600]);
        assert_eq!(seconds(Obstacle::Person, u32::MAX), Some(3600));
        assert_eq!((seconds(Obstacle::Token, 1), seconds(Obstacle::Sources, 1)), (None, Some(30)));
        let around = |chance| Obstacle::Network.pause(7, chance).unwrap().as_secs();
        assert_eq!((around(0.0), around(1.0)), (225, 375));
    }

    #[test]
    fn counts_an_obstacle_until_another_one_or_an_event() {
        let mut renewal_state = RenewalState::default();
        assert!(renewal_state.meet(Obstacle::Network, at(0), 0.5));
        assert!(!renewal_state.meet(Obstacle::Network, at(1), 0.5));
        assert_eq!(
            (renewal_state.met, renewal_state.not_before),
            (Some((Obstacle::Network, 2)), Some(at(1) + 2 * 5 * MINUTE / 60))
        );
        renewal_state.hope(|obstacle| obstacle == Obstacle::Token);
        assert!(renewal_state.met.is_some());
        assert!(renewal_state.meet(Obstacle::Token, at(2), 0.5));
        assert_eq!(renewal_state.not_before, None);
        renewal_state.hope(|obstacle| obstacle == Obstacle::Token);
        assert_eq!(renewal_state.next(&Asking::default(), at(3)), Next::Try);
        renewal_state.got(at(50), at(3));
        assert_eq!(renewal_state.next(&Asking::default(), at(3)), Next::At(at(50)));
        // A session that disappears at once is not obtained again and again.
        renewal_state.renew_at = None;
        assert_eq!(renewal_state.next(&Asking::default(), at(3)), Next::At(at(3) + FLOOR));
        assert_eq!(renewal_state.next(&Asking::default(), at(4)), Next::Try);
        // A pause computed while the clock was a day ahead lasts until all pauses are reset.
        renewal_state.got(at(0), at(1440));
        assert_eq!(renewal_state.next(&Asking::default(), at(9)), Next::At(at(1440) + FLOOR));
        renewal_state.forget_pauses();
        assert_eq!(renewal_state.next(&Asking::default(), at(9)), Next::Try);
        renewal_state.lock_out();
        renewal_state.forget_pauses();
        assert_eq!(renewal_state.next(&Asking::default(), at(9)), Next::OnNews);
    }

    #[test]
    fn a_person_who_comes_back_is_asked_at_once() {
        let (mut asking, mut touch) =
            (Asking::default(), RenewalState { wants_person: true, ..RenewalState::default() });
        asking.miss(at(0), 0.5);
        asking.miss(at(5), 0.5);
        assert_eq!(touch.next(&asking, at(6)), Next::At(at(15)));
        asking.is_there();
        assert_eq!(touch.next(&asking, at(6)), Next::Ask);
        // The person may have plugged in a token whose codes need no touch.
        touch.hope(|obstacle| obstacle == Obstacle::Person);
        assert_eq!(touch.next(&asking, at(6)), Next::Try);
    }
}
