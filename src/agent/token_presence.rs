//! Record of which tokens are plugged in. A smart card service that does not answer tells nothing, and one that has
//! just started may not have seen every token yet.

use hw::transport::Present;
use std::time::{Duration, SystemTime};

/// Time until a smart card service that has just started to answer has seen all tokens.
const SETTLING: Duration = Duration::from_secs(10);

/// The tokens that are plugged in, as far as the smart card service tells.
#[derive(Default)]
pub(super) struct TokenPresence {
    /// Tokens that are taken to be plugged in: all that the service sees, and until it has settled also those seen
    /// before it stopped.
    tokens: Vec<Present>,
    /// Tokens that the service sees; `None` if it does not answer.
    seen: Option<Vec<Present>>,
    /// True if the service was asked and did not answer.
    is_silent: bool,
    /// Time at which a service that has just started to answer will have seen all tokens, by this machine's clock;
    /// `None` if it has settled, or does not answer.
    settles_at: Option<SystemTime>,
    /// True if it was ever known which tokens are plugged in.
    was_known: bool,
}

/// Difference between two states of what is plugged in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PresenceChange {
    /// Tokens that were plugged in.
    pub(super) came: Vec<Present>,
    /// Tokens that were pulled out.
    pub(super) went: Vec<Present>,
    /// True if tokens are seen that may have been plugged in all the time, while the service did not answer.
    pub(super) is_back: bool,
    /// True if it has become certain that no token is plugged in, no matter since when.
    pub(super) none_is_left: bool,
}

impl TokenPresence {
    /// Records which tokens the service sees (`None` if it does not answer), and returns the difference.
    pub(super) fn hear(&mut self, told: Option<&[Present]>, now: SystemTime) -> PresenceChange {
        self.is_silent = told.is_none();
        let Some(told) = told else {
            (self.seen, self.settles_at) = (None, None);
            return PresenceChange::default();
        };
        if self.seen.replace(told.to_vec()).is_none() {
            self.settles_at = Some(now + SETTLING);
        }
        if self.settles_at.is_none() {
            let came = without(told, &self.tokens, PartialEq::eq);
            return PresenceChange { came, ..self.settle(PartialEq::eq) };
        }
        let is_first = !self.was_known && self.tokens.is_empty() && !told.is_empty();
        let came = if is_first { Vec::new() } else { without(told, &self.tokens, in_one_reader) };
        let missing = without(&self.tokens, told, in_one_reader);
        let is_back = !told.is_empty();
        if is_back && missing.is_empty() {
            return PresenceChange { came, is_back, ..self.settle(in_one_reader) };
        }
        self.tokens = [told, &missing].concat();
        PresenceChange { came, is_back, ..PresenceChange::default() }
    }

    /// Returns true if the service is known not to answer.
    pub(super) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Returns the time at which a service that has just started will have seen all tokens; `None` if it has settled.
    pub(super) fn settles_at(&self) -> Option<SystemTime> {
        self.settles_at
    }

    /// Returns the difference that is due to time passing: once the service has settled, tokens that it does not see
    /// are gone.
    pub(super) fn wait(&mut self, now: SystemTime) -> PresenceChange {
        match self.settles_at {
            Some(then) if then <= now => self.settle(in_one_reader),
            _ => PresenceChange::default(),
        }
    }

    /// Restarts the time until the service has settled, because somebody set the clock.
    pub(super) fn wait_anew(&mut self, now: SystemTime) {
        self.settles_at = self.settles_at.map(|_| now + SETTLING);
    }

    /// Takes the tokens that the service sees for all that are plugged in, and returns the difference.
    fn settle(&mut self, is_same: fn(&Present, &Present) -> bool) -> PresenceChange {
        let seen = self.seen.clone().unwrap_or_default();
        let went = without(&self.tokens, &seen, is_same);
        let was_known = std::mem::replace(&mut self.was_known, true);
        let none_is_left = seen.is_empty() && (!went.is_empty() || !was_known);
        (self.tokens, self.settles_at) = (seen, None);
        PresenceChange { went, none_is_left, ..PresenceChange::default() }
    }
}

/// Returns those of `all` that are not among `others`.
fn without(all: &[Present], others: &[Present], is_same: fn(&Present, &Present) -> bool) -> Vec<Present> {
    all.iter().filter(|one| !others.iter().any(|other| is_same(one, other))).cloned().collect()
}

/// Compares tokens by reader only, and ignores the count of events, which starts again when the service restarts.
fn in_one_reader(one: &Present, other: &Present) -> bool {
    one.reader == other.reader
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(reader: &str, events: u64) -> Present {
        Present { reader: reader.to_owned(), events }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Returns a record of tokens that have been plugged in for long.
    fn with(tokens: &[Present]) -> TokenPresence {
        let mut presence = TokenPresence::default();
        presence.hear(Some(tokens), at(0));
        presence.wait(at(10));
        presence
    }

    #[test]
    fn tokens_at_the_start_are_not_new_and_their_absence_is_known_after_settling() {
        let (a, mut presence) = (token("a", 1), TokenPresence::default());
        let back = PresenceChange { is_back: true, ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(std::slice::from_ref(&a)), at(0)), back);
        assert_eq!(presence.settles_at(), None);
        let mut presence = TokenPresence::default();
        assert_eq!(presence.hear(None, at(0)), PresenceChange::default());
        assert_eq!((presence.wait(at(100)), presence.settles_at()), (PresenceChange::default(), None));
        assert_eq!(presence.hear(Some(&[]), at(100)), PresenceChange::default());
        assert_eq!((presence.wait(at(109)), presence.settles_at()), (PresenceChange::default(), Some(at(110))));
        presence.wait_anew(at(50));
        assert_eq!(presence.wait(at(60)), PresenceChange { none_is_left: true, ..PresenceChange::default() });
        assert_eq!((presence.wait(at(70)), presence.settles_at()), (PresenceChange::default(), None));
        let came = PresenceChange { came: vec![a.clone()], ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(&[a]), at(80)), came);
    }

    #[test]
    fn reports_tokens_that_come_and_go() {
        let (a, again, b) = (token("a", 1), token("a", 3), token("b", 1));
        let mut presence = with(&[a.clone(), b.clone()]);
        let went = |token: &Present| PresenceChange { went: vec![token.clone()], ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(std::slice::from_ref(&a)), at(20)), went(&b));
        let both = PresenceChange { came: vec![again.clone()], ..went(&a) };
        assert_eq!(presence.hear(Some(std::slice::from_ref(&again)), at(20)), both);
        assert_eq!(presence.hear(Some(&[]), at(20)), PresenceChange { none_is_left: true, ..went(&again) });
        assert_eq!(presence.hear(Some(&[]), at(20)), PresenceChange::default());
    }

    #[test]
    fn restarting_the_service_does_not_count_as_pulling_tokens_out() {
        let (a, again, b) = (token("a", 7), token("a", 1), token("b", 1));
        let mut presence = with(std::slice::from_ref(&a));
        assert_eq!(presence.hear(None, at(20)), PresenceChange::default());
        assert_eq!(presence.hear(Some(&[]), at(21)), PresenceChange::default());
        let back = PresenceChange { is_back: true, ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(std::slice::from_ref(&again)), at(22)), back);
        assert_eq!(presence.wait(at(40)), PresenceChange::default());
        let gone = PresenceChange { went: vec![again], none_is_left: true, ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(&[]), at(41)), gone, "it has settled");
        // Another token is plugged in by then, and the first is gone.
        let mut presence = with(std::slice::from_ref(&a));
        presence.hear(None, at(20));
        let came = PresenceChange { came: vec![b.clone()], is_back: true, ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(&[b]), at(21)), came);
        assert_eq!(presence.wait(at(31)), PresenceChange { went: vec![a.clone()], ..PresenceChange::default() });
        // The token was pulled out while the service did not answer.
        let mut presence = with(std::slice::from_ref(&a));
        presence.hear(None, at(20));
        presence.hear(Some(&[]), at(21));
        assert_eq!(
            presence.wait(at(31)),
            PresenceChange { went: vec![a], none_is_left: true, ..PresenceChange::default() }
        );
        // No token was plugged in before the restart.
        let mut presence = with(&[]);
        presence.hear(None, at(20));
        presence.hear(Some(&[]), at(21));
        assert_eq!(presence.wait(at(31)), PresenceChange::default());
    }
}
