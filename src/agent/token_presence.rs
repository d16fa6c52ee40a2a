//! What is plugged in, as far as that is known: a service that does not answer knows nothing, and one that has just begun to
//! has not seen everything yet.

use hw::transport::Present;
use std::time::{Duration, SystemTime};

/// How long a service that has just begun to answer gets to see what is plugged in.
const SETTLING: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Default)]
pub(super) struct TokenPresence {
    /// What is taken to be there: all that is seen, and what was seen before the service went away, until it has settled.
    tokens: Vec<Present>,
    /// What the service sees, if it answers.
    seen: Option<Vec<Present>>,
    /// Whether it is known that it does not.
    is_silent: bool,
    /// When a service that has just begun to answer will have seen everything, by this machine's clock.
    settles_at: Option<SystemTime>,
    /// Whether it was ever known.
    was_known: bool,
}

/// What is new.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PresenceChange {
    /// Plugged in.
    pub(super) came: Vec<Present>,
    /// Pulled out.
    pub(super) went: Vec<Present>,
    /// Whether tokens are seen that could not be seen before, although they may have been there.
    pub(super) is_back: bool,
    /// Whether it has come out that none is there: since when does not matter.
    pub(super) none_is_left: bool,
}

impl TokenPresence {
    /// Takes in what the service sees, `None` if it does not answer.
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

    /// Whether the service is known not to answer.
    pub(super) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// When there is more to be known, if nothing happens until then.
    pub(super) fn settles_at(&self) -> Option<SystemTime> {
        self.settles_at
    }

    /// What is new only because time went by.
    pub(super) fn wait(&mut self, now: SystemTime) -> PresenceChange {
        match self.settles_at {
            Some(then) if then <= now => self.settle(in_one_reader),
            _ => PresenceChange::default(),
        }
    }

    /// Somebody set the clock that it was counted on.
    pub(super) fn wait_anew(&mut self, now: SystemTime) {
        self.settles_at = self.settles_at.map(|_| now + SETTLING);
    }

    /// What the service sees is all that there is.
    fn settle(&mut self, is_same: fn(&Present, &Present) -> bool) -> PresenceChange {
        let seen = self.seen.clone().unwrap_or_default();
        let went = without(&self.tokens, &seen, is_same);
        let was_known = std::mem::replace(&mut self.was_known, true);
        let none_is_left = seen.is_empty() && (!went.is_empty() || !was_known);
        (self.tokens, self.settles_at) = (seen, None);
        PresenceChange { went, none_is_left, ..PresenceChange::default() }
    }
}

/// What is not among the others.
fn without(all: &[Present], others: &[Present], is_same: fn(&Present, &Present) -> bool) -> Vec<Present> {
    all.iter().filter(|one| !others.iter().any(|other| is_same(one, other))).cloned().collect()
}

/// A service that was started anew counts anew what happened to a reader.
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

    /// One that has known for long that these are there.
    fn with(tokens: &[Present]) -> TokenPresence {
        let mut presence = TokenPresence::default();
        presence.hear(Some(tokens), at(0));
        presence.wait(at(10));
        presence
    }

    #[test]
    fn what_is_there_at_the_start_is_no_news_and_none_is_known_after_a_while() {
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
    fn pulled_out_and_plugged_in() {
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
    fn a_service_that_is_restarted_pulls_nothing_out() {
        let (a, again, b) = (token("a", 7), token("a", 1), token("b", 1));
        let mut presence = with(std::slice::from_ref(&a));
        assert_eq!(presence.hear(None, at(20)), PresenceChange::default());
        assert_eq!(presence.hear(Some(&[]), at(21)), PresenceChange::default());
        let back = PresenceChange { is_back: true, ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(std::slice::from_ref(&again)), at(22)), back);
        assert_eq!(presence.wait(at(40)), PresenceChange::default());
        let gone = PresenceChange { went: vec![again], none_is_left: true, ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(&[]), at(41)), gone, "it has settled");
        // Another one in its place, and the first is not there.
        let mut presence = with(std::slice::from_ref(&a));
        presence.hear(None, at(20));
        let came = PresenceChange { came: vec![b.clone()], is_back: true, ..PresenceChange::default() };
        assert_eq!(presence.hear(Some(&[b]), at(21)), came);
        assert_eq!(presence.wait(at(31)), PresenceChange { went: vec![a.clone()], ..PresenceChange::default() });
        // It was pulled out meanwhile.
        let mut presence = with(std::slice::from_ref(&a));
        presence.hear(None, at(20));
        presence.hear(Some(&[]), at(21));
        assert_eq!(
            presence.wait(at(31)),
            PresenceChange { went: vec![a], none_is_left: true, ..PresenceChange::default() }
        );
        // There was none before.
        let mut presence = with(&[]);
        presence.hear(None, at(20));
        presence.hear(Some(&[]), at(21));
        assert_eq!(presence.wait(at(31)), PresenceChange::default());
    }
}
