//! Carrier that simulates tokens, for tests here and in the application: a function returns the response to each
//! command.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::transport::{Bus, CarrierError, News, Present, Stopper, Token, Transport, Watch};

/// Function that returns a token's response to one command, or a carrier's error.
type Answering = Arc<Mutex<dyn FnMut(&[u8]) -> Result<Vec<u8>, CarrierError> + Send>>;

/// Function that decides whether a step before the first command succeeds. It gets the reader's name.
type Gate = Arc<Mutex<dyn FnMut(&str) -> Result<(), CarrierError> + Send>>;

/// Step before the first command of a conversation, which [`MemoryBus::guard`] can make fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Listing the readers of the bus.
    Readers,
    /// Connecting to a token, in [`Bus::open`].
    Open,
    /// Beginning a conversation with a token that is connected.
    Begin,
}

/// Longest time that a watch sleeps before it checks the bus again. A change while a gate runs does not wake the
/// watch, because the bus is unlocked during that time.
const SLICE: Duration = Duration::from_millis(50);

/// Record of the connections, conversations and commands on one reader since its token was plugged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReaderLog {
    /// Number of connections made.
    pub opened: usize,
    /// Number of connections dropped.
    pub closed: usize,
    /// Number of conversations begun.
    pub begun: usize,
    /// Number of conversations ended.
    pub ended: usize,
    /// Number of times that a thread tried to begin a conversation while it was in another one with the same token.
    /// PC/SC would block forever.
    pub collisions: usize,
    /// All commands, in the order in which the token received them.
    pub commands: Vec<Vec<u8>>,
}

/// A reader with a token in it.
struct Slot {
    answering: Answering,
    log: ReaderLog,
    talking: Option<ThreadId>,
    /// Number that distinguishes this token from one that is later put into a reader of the same name.
    number: u64,
}

/// State shared by all handles of one bus.
#[derive(Default)]
struct MemoryBusState {
    slots: BTreeMap<String, Slot>,
    /// Names of the readers, in the order in which they were plugged in.
    order: Vec<String>,
    gates: BTreeMap<Step, Gate>,
    inserted: u64,
    /// Logs of the tokens that were pulled out, by reader.
    past: BTreeMap<String, ReaderLog>,
}

/// A bus of simulated tokens. Clones are handles of the same bus. As with PC/SC, a conversation waits until another
/// thread's conversation with the same token has ended; a second one on the same thread fails with
/// [`CarrierError::Busy`].
#[derive(Clone, Default)]
pub struct MemoryBus {
    inside: Arc<(Mutex<MemoryBusState>, Condvar)>,
}

impl MemoryBus {
    /// Creates a bus with nothing plugged in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Plugs a token into a reader called `reader`, replacing the token that is in it, if any. `answering` returns
    /// the response to each command; it may block, because only this reader waits for it.
    pub fn insert(&self, reader: &str, answering: impl FnMut(&[u8]) -> Result<Vec<u8>, CarrierError> + Send + 'static) {
        self.remove(reader);
        let mut inside = self.lock();
        inside.inserted += 1;
        let number = inside.inserted;
        let answering = Arc::new(Mutex::new(answering));
        inside.order.push(reader.to_owned());
        inside.slots.insert(reader.to_owned(), Slot { answering, log: ReaderLog::default(), talking: None, number });
        drop(inside);
        self.inside.1.notify_all();
    }

    /// Pulls out the token in `reader`, together with the reader. A conversation in progress then fails with
    /// [`CarrierError::Removed`].
    pub fn remove(&self, reader: &str) {
        let mut inside = self.lock();
        inside.order.retain(|name| name != reader);
        if let Some(slot) = inside.slots.remove(reader) {
            inside.past.insert(reader.to_owned(), slot.log);
        }
        drop(inside);
        self.inside.1.notify_all();
    }

    /// Makes `gate` decide, from now on, whether `step` succeeds. The gate gets the reader's name, which is empty for
    /// [`Step::Readers`].
    pub fn guard(&self, step: Step, gate: impl FnMut(&str) -> Result<(), CarrierError> + Send + 'static) {
        self.lock().gates.insert(step, Arc::new(Mutex::new(gate)));
        self.inside.1.notify_all();
    }

    /// Returns the log of the token in `reader`, or of the token that was last pulled out of it. The log is empty if
    /// no token was ever in `reader`.
    #[must_use]
    pub fn log(&self, reader: &str) -> ReaderLog {
        let inside = self.lock();
        let log = inside.slots.get(reader).map(|slot| &slot.log).or_else(|| inside.past.get(reader));
        log.cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, MemoryBusState> {
        self.inside.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the gate at `step`, if there is one. The bus is unlocked while the gate runs, so that the gate may plug
    /// in and pull out tokens.
    fn pass(&self, step: Step, reader: &str) -> Result<(), CarrierError> {
        let gate = self.lock().gates.get(&step).cloned();
        gate.map_or(Ok(()), |gate| gate.lock().unwrap_or_else(PoisonError::into_inner)(reader))
    }
}

impl Bus for MemoryBus {
    fn readers(&self) -> Result<Vec<String>, CarrierError> {
        self.pass(Step::Readers, "")?;
        Ok(self.lock().order.clone())
    }

    fn open(&self, reader: &str) -> Result<Box<dyn Token + '_>, CarrierError> {
        self.pass(Step::Open, reader)?;
        let mut inside = self.lock();
        let slot = inside.slots.get_mut(reader).ok_or(CarrierError::Removed)?;
        slot.log.opened += 1;
        Ok(Box::new(MemoryToken { bus: self, reader: reader.to_owned(), number: slot.number }))
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(MemoryWatch { bus: self.clone(), told: None, stopped: Arc::default() })
    }
}

/// Watch on a [`MemoryBus`]: its last report, and a flag that stops it.
struct MemoryWatch {
    bus: MemoryBus,
    told: Option<News>,
    stopped: Arc<AtomicBool>,
}

impl MemoryWatch {
    /// Returns the tokens that are plugged in, or [`News::Unknown`] if the gate at [`Step::Readers`] fails.
    fn look(&self) -> News {
        if self.bus.pass(Step::Readers, "").is_err() {
            return News::Unknown;
        }
        let inside = self.bus.lock();
        let present =
            |reader: &String| Some(Present { reader: reader.clone(), events: inside.slots.get(reader)?.number });
        News::Tokens(inside.order.iter().filter_map(present).collect())
    }
}

impl Watch for MemoryWatch {
    fn news(&mut self, limit: Option<Duration>) -> News {
        let begun = Instant::now();
        loop {
            if self.stopped.load(Ordering::Acquire) {
                return News::Stopped;
            }
            let now = self.look();
            if self.told.as_ref() != Some(&now) {
                return self.told.insert(now).clone();
            }
            // A change between `look` and this wait is noticed when the wait ends.
            let slice = limit.map_or(SLICE, |limit| limit.saturating_sub(begun.elapsed()).min(SLICE));
            if slice.is_zero() {
                return News::Nothing;
            }
            let inside = self.bus.lock();
            drop(self.bus.inside.1.wait_timeout(inside, slice).unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn stopper(&self) -> Stopper {
        let (bus, stopped) = (self.bus.clone(), Arc::clone(&self.stopped));
        Arc::new(move || {
            stopped.store(true, Ordering::Release);
            bus.inside.1.notify_all();
        })
    }
}

/// Connection to one simulated token.
struct MemoryToken<'b> {
    bus: &'b MemoryBus,
    reader: String,
    number: u64,
}

impl MemoryToken<'_> {
    /// Runs `work` on the token's slot. Fails with [`CarrierError::Removed`] if the token was pulled out.
    fn with_slot<T>(&self, work: impl FnOnce(&mut Slot) -> T) -> Result<T, CarrierError> {
        let mut inside = self.bus.lock();
        let slot = inside.slots.get_mut(&self.reader).filter(|slot| slot.number == self.number);
        slot.map(work).ok_or(CarrierError::Removed)
    }

    /// Updates the token's log, even after the token was pulled out.
    fn count(&self, count: impl FnOnce(&mut ReaderLog)) {
        let mut inside = self.bus.lock();
        let MemoryBusState { slots, past, .. } = &mut *inside;
        match slots.get_mut(&self.reader) {
            Some(slot) if slot.number == self.number => count(&mut slot.log),
            _ => count(past.entry(self.reader.clone()).or_default()),
        }
    }
}

impl Token for MemoryToken<'_> {
    fn begin(&mut self) -> Result<Box<dyn Transport + '_>, CarrierError> {
        self.bus.pass(Step::Begin, &self.reader)?;
        let me = thread::current().id();
        let mut inside = self.bus.lock();
        loop {
            let slot = inside.slots.get_mut(&self.reader).filter(|slot| slot.number == self.number);
            let slot = slot.ok_or(CarrierError::Removed)?;
            match slot.talking {
                None => {
                    slot.talking = Some(me);
                    slot.log.begun += 1;
                    break;
                }
                Some(holder) if holder == me => {
                    slot.log.collisions += 1;
                    return Err(CarrierError::Busy);
                }
                Some(_) => {
                    inside = self.bus.inside.1.wait(inside).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        Ok(Box::new(MemoryTransport { token: self }))
    }
}

impl Drop for MemoryToken<'_> {
    fn drop(&mut self) {
        self.count(|log| log.closed += 1);
    }
}

/// Conversation with one simulated token.
struct MemoryTransport<'t> {
    token: &'t MemoryToken<'t>,
}

impl Transport for MemoryTransport<'_> {
    fn exchange(&mut self, command: &[u8]) -> Result<Vec<u8>, CarrierError> {
        let answering = self.token.with_slot(|slot| {
            slot.log.commands.push(command.to_vec());
            Arc::clone(&slot.answering)
        })?;
        let answer = answering.lock().unwrap_or_else(PoisonError::into_inner)(command);
        self.token.with_slot(|_| ())?;
        answer
    }
}

impl Drop for MemoryTransport<'_> {
    fn drop(&mut self) {
        self.token.count(|log| log.ended += 1);
        let _gone = self.token.with_slot(|slot| slot.talking = None);
        self.token.bus.inside.1.notify_all();
    }
}
