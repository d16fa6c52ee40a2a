//! Watch on the tokens of the PC/SC service: SCardGetStatusChange on every reader, and on the pseudo-reader that
//! stands for the list of readers.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use super::PcscBus;
use crate::transport::{News, Present, Stopper, Watch};

/// First and longest pause before a service that does not respond is tried again. Each pause is twice as long as the
/// previous pause.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// Interval for listing the readers on macOS, which does not report new ones; `None` elsewhere.
const LOOK_AGAIN: Option<Duration> = if cfg!(target_os = "macos") { Some(Duration::from_secs(1)) } else { None };

/// Number of attempts to cancel a PC/SC wait, and the time between them. One attempt may not be enough, because a
/// cancellation has no effect on a wait that has not begun.
const CANCELS: (usize, Duration) = (100, Duration::from_millis(10));

/// Watch on the tokens of a [`PcscBus`].
pub(super) struct PcscWatch {
    bus: PcscBus,
    told: Option<News>,
    /// Connection to the service, used only by this watch, because a conversation on the same connection would be
    /// blocked while the watch waits.
    context: Option<Context>,
    pause: Duration,
    control: Arc<WaitControl>,
}

/// State shared by the waiting thread and the [`Stopper`] that ends its wait.
#[derive(Default)]
struct WaitControl {
    state: Mutex<WaitState>,
    changed: Condvar,
}

/// The part of [`WaitControl`] that its mutex guards.
#[derive(Default)]
struct WaitState {
    is_stopped: bool,
    /// Context of the PC/SC call to cancel; `None` while nothing waits.
    waits_in: Option<Context>,
}

impl PcscWatch {
    pub(super) fn new(bus: PcscBus) -> Self {
        Self { bus, told: None, context: None, pause: PAUSES.0, control: Arc::default() }
    }

    /// Returns `what` if it differs from the last report, and remembers it as the last report.
    fn tell(&mut self, what: News) -> Option<News> {
        let is_news = self.told.as_ref() != Some(&what);
        is_news.then(|| self.told.insert(what).clone())
    }

    /// Returns the state of each reader, the pseudo-reader first, and the tokens in the readers that the bus uses.
    fn look(&mut self) -> Result<(Vec<ReaderState>, Vec<Present>), Error> {
        match self.look_once() {
            // A reader disappeared just after it was listed.
            Err(Error::UnknownReader) => self.look_once(),
            outcome => outcome,
        }
    }

    fn look_once(&mut self) -> Result<(Vec<ReaderState>, Vec<Present>), Error> {
        let context = match &self.context {
            Some(context) => context,
            None => self.context.insert(Context::establish(Scope::User)?),
        };
        let mut states = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        // The state is read before the list of readers, so that a reader which appears in between counts as a change.
        unless_late(context.get_status_change(Duration::ZERO, &mut states))?;
        let wanted = context.list_readers_owned()?.into_iter().filter(|name| self.bus.wants(&name.to_string_lossy()));
        let mut readers: Vec<ReaderState> = wanted.map(|name| ReaderState::new(name, State::UNAWARE)).collect();
        if !readers.is_empty() {
            unless_late(context.get_status_change(Duration::ZERO, &mut readers))?;
        }
        let is_full = |state: &&ReaderState| state.event_state().contains(State::PRESENT);
        let present = |state: &ReaderState| Present {
            reader: state.name().to_string_lossy().into_owned(),
            events: state.event_count().into(),
        };
        let tokens = readers.iter().filter(is_full).map(present).collect();
        states.append(&mut readers);
        states.iter_mut().for_each(ReaderState::sync_current_state);
        Ok((states, tokens))
    }

    /// Waits until any of the readers changes, for at most `limit`, or until the watch is stopped.
    fn wait(&self, states: &mut [ReaderState], limit: Option<Duration>) -> Result<(), Error> {
        let Some(context) = &self.context else { return Ok(()) };
        {
            let mut state = self.control.lock();
            if state.is_stopped {
                return Ok(());
            }
            state.waits_in = Some(context.clone());
        }
        let outcome = context.get_status_change(limit, states);
        self.control.lock().waits_in = None;
        self.control.changed.notify_all();
        match outcome {
            Err(Error::Cancelled) => Ok(()),
            outcome => unless_late(outcome),
        }
    }

    /// Pauses, for at most `left`, before a service that does not respond is tried again.
    fn rest(&mut self, left: Option<Duration>) {
        self.context = None;
        let pause = left.map_or(self.pause, |left| left.min(self.pause));
        self.pause = (self.pause * 2).min(PAUSES.1);
        let state = self.control.lock();
        drop(self.control.changed.wait_timeout_while(state, pause, |state| !state.is_stopped));
    }
}

impl Watch for PcscWatch {
    fn news(&mut self, limit: Option<Duration>) -> News {
        let begun = Instant::now();
        loop {
            if self.control.lock().is_stopped {
                return News::Stopped;
            }
            let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
            let (states, what) = match self.look() {
                Ok((states, present)) => (Some(states), News::Tokens(present)),
                Err(_) => (None, News::Unknown),
            };
            if let Some(news) = self.tell(what) {
                return news;
            }
            if left.is_some_and(|left| left.is_zero()) {
                return News::Nothing;
            }
            let is_there = states.is_some_and(|mut states| {
                self.pause = PAUSES.0;
                self.wait(&mut states, shorter(left, LOOK_AGAIN)).is_ok()
            });
            if !is_there {
                self.rest(left);
            }
        }
    }

    fn stopper(&self) -> Stopper {
        let control = Arc::clone(&self.control);
        Arc::new(move || {
            let mut state = control.lock();
            state.is_stopped = true;
            control.changed.notify_all();
            for _ in 0..CANCELS.0 {
                let Some(context) = state.waits_in.clone() else { return };
                // An error is ignored, because the wait may have ended or may not have begun yet.
                let _ = context.cancel();
                state = control.changed.wait_timeout(state, CANCELS.1).unwrap_or_else(PoisonError::into_inner).0;
            }
        })
    }
}

impl WaitControl {
    fn lock(&self) -> MutexGuard<'_, WaitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Turns a timeout into success, because it only means that nothing changed.
fn unless_late(outcome: Result<(), Error>) -> Result<(), Error> {
    match outcome {
        Err(Error::Timeout) => Ok(()),
        outcome => outcome,
    }
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
