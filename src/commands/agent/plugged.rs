//! What is plugged in, as far as that is known: a service that does not answer knows nothing, and one that has just begun to
//! has not seen everything yet.

use hw::transport::Present;
use std::time::{Duration, SystemTime};

/// How long a service that has just begun to answer gets to see what is plugged in.
const SETTLING: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Default)]
pub(super) struct Plugged {
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
pub(super) struct Change {
    /// Plugged in.
    pub(super) came: Vec<Present>,
    /// Pulled out.
    pub(super) went: Vec<Present>,
    /// Whether tokens are seen that could not be seen before, although they may have been there.
    pub(super) is_back: bool,
    /// Whether it has come out that none is there: since when does not matter.
    pub(super) none_is_left: bool,
}

impl Plugged {
    /// Takes in what the service sees, `None` if it does not answer.
    pub(super) fn hear(&mut self, told: Option<&[Present]>, now: SystemTime) -> Change {
        self.is_silent = told.is_none();
        let Some(told) = told else {
            (self.seen, self.settles_at) = (None, None);
            return Change::default();
        };
        if self.seen.replace(told.to_vec()).is_none() {
            self.settles_at = Some(now + SETTLING);
        }
        if self.settles_at.is_none() {
            let came = without(told, &self.tokens, PartialEq::eq);
            return Change { came, ..self.settle(PartialEq::eq) };
        }
        let is_first = !self.was_known && self.tokens.is_empty() && !told.is_empty();
        let came = if is_first { Vec::new() } else { without(told, &self.tokens, in_one_reader) };
        let missing = without(&self.tokens, told, in_one_reader);
        let is_back = !told.is_empty();
        if is_back && missing.is_empty() {
            return Change { came, is_back, ..self.settle(in_one_reader) };
        }
        self.tokens = [told, &missing].concat();
        Change { came, is_back, ..Change::default() }
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
    pub(super) fn wait(&mut self, now: SystemTime) -> Change {
        match self.settles_at {
            Some(then) if then <= now => self.settle(in_one_reader),
            _ => Change::default(),
        }
    }

    /// Somebody set the clock that it was counted on.
    pub(super) fn wait_anew(&mut self, now: SystemTime) {
        self.settles_at = self.settles_at.map(|_| now + SETTLING);
    }

    /// What the service sees is all that there is.
    fn settle(&mut self, is_same: fn(&Present, &Present) -> bool) -> Change {
        let seen = self.seen.clone().unwrap_or_default();
        let went = without(&self.tokens, &seen, is_same);
        let was_known = std::mem::replace(&mut self.was_known, true);
        let none_is_left = seen.is_empty() && (!went.is_empty() || !was_known);
        (self.tokens, self.settles_at) = (seen, None);
        Change { went, none_is_left, ..Change::default() }
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
    fn with(tokens: &[Present]) -> Plugged {
        let mut plugged = Plugged::default();
        plugged.hear(Some(tokens), at(0));
        plugged.wait(at(10));
        plugged
    }

    #[test]
    fn what_is_there_at_the_start_is_no_news_and_none_is_known_after_a_while() {
        let (a, mut plugged) = (token("a", 1), Plugged::default());
        let back = Change { is_back: true, ..Change::default() };
        assert_eq!(plugged.hear(Some(std::slice::from_ref(&a)), at(0)), back);
        assert_eq!(plugged.settles_at(), None);
        let mut plugged = Plugged::default();
        assert_eq!(plugged.hear(None, at(0)), Change::default());
        assert_eq!((plugged.wait(at(100)), plugged.settles_at()), (Change::default(), None));
        assert_eq!(plugged.hear(Some(&[]), at(100)), Change::default());
        assert_eq!((plugged.wait(at(109)), plugged.settles_at()), (Change::default(), Some(at(110))));
        plugged.wait_anew(at(50));
        assert_eq!(plugged.wait(at(60)), Change { none_is_left: true, ..Change::default() });
        assert_eq!((plugged.wait(at(70)), plugged.settles_at()), (Change::default(), None));
        let came = Change { came: vec![a.clone()], ..Change::default() };
        assert_eq!(plugged.hear(Some(&[a]), at(80)), came);
    }

    #[test]
    fn pulled_out_and_plugged_in() {
        let (a, again, b) = (token("a", 1), token("a", 3), token("b", 1));
        let mut plugged = with(&[a.clone(), b.clone()]);
        let went = |token: &Present| Change { went: vec![token.clone()], ..Change::default() };
        assert_eq!(plugged.hear(Some(std::slice::from_ref(&a)), at(20)), went(&b));
        let both = Change { came: vec![again.clone()], ..went(&a) };
        assert_eq!(plugged.hear(Some(std::slice::from_ref(&again)), at(20)), both);
        assert_eq!(plugged.hear(Some(&[]), at(20)), Change { none_is_left: true, ..went(&again) });
        assert_eq!(plugged.hear(Some(&[]), at(20)), Change::default());
    }

    #[test]
    fn a_service_that_is_restarted_pulls_nothing_out() {
        let (a, again, b) = (token("a", 7), token("a", 1), token("b", 1));
        let mut plugged = with(std::slice::from_ref(&a));
        assert_eq!(plugged.hear(None, at(20)), Change::default());
        assert_eq!(plugged.hear(Some(&[]), at(21)), Change::default());
        let back = Change { is_back: true, ..Change::default() };
        assert_eq!(plugged.hear(Some(std::slice::from_ref(&again)), at(22)), back);
        assert_eq!(plugged.wait(at(40)), Change::default());
        let gone = Change { went: vec![again], none_is_left: true, ..Change::default() };
        assert_eq!(plugged.hear(Some(&[]), at(41)), gone, "it has settled");
        // Another one in its place, and the first is not there.
        let mut plugged = with(std::slice::from_ref(&a));
        plugged.hear(None, at(20));
        let came = Change { came: vec![b.clone()], is_back: true, ..Change::default() };
        assert_eq!(plugged.hear(Some(&[b]), at(21)), came);
        assert_eq!(plugged.wait(at(31)), Change { went: vec![a.clone()], ..Change::default() });
        // It was pulled out meanwhile.
        let mut plugged = with(std::slice::from_ref(&a));
        plugged.hear(None, at(20));
        plugged.hear(Some(&[]), at(21));
        assert_eq!(plugged.wait(at(31)), Change { went: vec![a], none_is_left: true, ..Change::default() });
        // There was none before.
        let mut plugged = with(&[]);
        plugged.hear(None, at(20));
        plugged.hear(Some(&[]), at(21));
        assert_eq!(plugged.wait(at(31)), Change::default());
    }
}
