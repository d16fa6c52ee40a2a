//! A carrier made of functions: each reader answers commands by calling one. For tests, here and in the application.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::transport::{Bus, CarrierError, News, Present, Stopper, Token, Transport, Watch};

/// Answers one command as a token would, or fails as a carrier would.
type Answering = Arc<Mutex<dyn FnMut(&[u8]) -> Result<Vec<u8>, CarrierError> + Send>>;

/// Decides whether a step before the first command succeeds.
type Gate = Arc<Mutex<dyn FnMut(&str) -> Result<(), CarrierError> + Send>>;

/// Where on the way to a conversation a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Asking the bus which readers there are.
    Readers,
    /// Connecting to a token.
    Open,
    /// Beginning a conversation.
    Begin,
}

/// How long a watch waits before it looks again: gates are asked without the bus being locked.
const SLICE: Duration = Duration::from_millis(50);

/// Connections, conversations and commands on one reader since its token was plugged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReaderLog {
    /// Connections made.
    pub opened: usize,
    /// Connections let go.
    pub closed: usize,
    /// Conversations begun.
    pub begun: usize,
    /// Conversations ended.
    pub ended: usize,
    /// Attempts of one thread to begin a conversation inside of another of its own, for which PC/SC would wait for ever.
    pub collisions: usize,
    /// All commands, in the order in which they came.
    pub commands: Vec<Vec<u8>>,
}

/// One reader with a token in it.
struct Slot {
    answering: Answering,
    log: ReaderLog,
    talking: Option<ThreadId>,
    /// Distinguishes this token from another that is later put into a reader of the same name.
    number: u64,
}

/// State shared by all handles of one bus.
#[derive(Default)]
struct MemoryBusState {
    slots: BTreeMap<String, Slot>,
    /// Readers in the order in which they were plugged in.
    order: Vec<String>,
    gates: BTreeMap<Step, Gate>,
    inserted: u64,
    /// What happened to tokens that were removed.
    past: BTreeMap<String, ReaderLog>,
}

/// A bus of tokens made of functions. Clones are handles of the same bus. A second conversation with a token waits for the
/// first to end, as it does with PC/SC, whichever thread it is on.
#[derive(Clone, Default)]
pub struct MemoryBus {
    inside: Arc<(Mutex<MemoryBusState>, Condvar)>,
}

impl MemoryBus {
    /// A bus with nothing plugged in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Plugs in a token that answers each command with `answering`, in a reader called `reader`, in the place of one that
    /// is there already. The function may take its time; only this reader waits for it.
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

    /// Pulls out the token in `reader`, and the reader with it; a conversation that is going on fails from here on.
    pub fn remove(&self, reader: &str) {
        let mut inside = self.lock();
        inside.order.retain(|name| name != reader);
        if let Some(slot) = inside.slots.remove(reader) {
            inside.past.insert(reader.to_owned(), slot.log);
        }
        drop(inside);
        self.inside.1.notify_all();
    }

    /// Has `gate` decide, from now on, whether `step` succeeds on the reader that it is told the name of; asking for all
    /// readers is a step on none, and the name is empty.
    pub fn guard(&self, step: Step, gate: impl FnMut(&str) -> Result<(), CarrierError> + Send + 'static) {
        self.lock().gates.insert(step, Arc::new(Mutex::new(gate)));
        self.inside.1.notify_all();
    }

    /// The log of `reader`; of a token that was pulled out, until then. Empty if there never was such a reader.
    #[must_use]
    pub fn log(&self, reader: &str) -> ReaderLog {
        let inside = self.lock();
        let log = inside.slots.get(reader).map(|slot| &slot.log).or_else(|| inside.past.get(reader));
        log.cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, MemoryBusState> {
        self.inside.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the gate at `step`. The bus is not locked meanwhile, so that a gate may plug in and pull out.
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

/// What a watch told last, and whether it was stopped.
struct MemoryWatch {
    bus: MemoryBus,
    told: Option<News>,
    stopped: Arc<AtomicBool>,
}

impl MemoryWatch {
    /// What is plugged in, unless the bus does not say which readers there are.
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
            // What happens between that look and this wait is seen when the wait ends.
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

/// A connection to one token.
struct MemoryToken<'b> {
    bus: &'b MemoryBus,
    reader: String,
    number: u64,
}

impl MemoryToken<'_> {
    /// Works on the token's slot, if the token is still there; keeps count of what has happened even if it is not.
    fn with_slot<T>(&self, work: impl FnOnce(&mut Slot) -> T) -> Result<T, CarrierError> {
        let mut inside = self.bus.lock();
        let slot = inside.slots.get_mut(&self.reader).filter(|slot| slot.number == self.number);
        slot.map(work).ok_or(CarrierError::Removed)
    }

    /// Counts something that also happens to a token which is gone.
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

/// One conversation.
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
