//! The way to a token, and what goes wrong on it.

use super::injected_fault::{FaultKind, FaultPoint, InjectedFault};
use crate::harness::test_world::{READER, TestWorld};
use hw::memory_bus::MemoryBus;
use hw::transport::CarrierError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;
use virtual_token::VirtualToken;

/// What takes longer than the moment after which it is said what is waited for, and shorter than anybody's patience.
const SLOW: Duration = Duration::from_millis(2500);
/// A good answer to CALCULATE.
const CODE: usize = 9;

/// The way to the token, and what happens on it.
pub struct FaultyPath {
    what: FaultKind,
    place: FaultPoint,
    /// From which time on, and how often.
    at: usize,
    times: usize,
    token: VirtualToken,
    bus: Arc<MemoryBus>,
    /// How often each place was passed.
    passed: [AtomicUsize; 4],
    /// Codes that got through.
    codes: AtomicUsize,
    is_over: AtomicBool,
    /// Whether who waits for ever may go on.
    released: (Mutex<bool>, Condvar),
}

impl FaultyPath {
    pub fn new(fault: &InjectedFault, at: usize, bench: &TestWorld) -> Arc<Self> {
        Arc::new(Self {
            what: fault.what.clone(),
            place: fault.place,
            at,
            times: fault.times,
            token: bench.token.clone(),
            bus: Arc::clone(&bench.bus),
            passed: Default::default(),
            codes: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            released: Default::default(),
        })
    }

    /// How often a place was passed.
    pub fn count(&self, place: FaultPoint) -> usize {
        self.passed[place as usize].load(Ordering::SeqCst)
    }

    /// How many codes got through.
    pub fn codes(&self) -> usize {
        self.codes.load(Ordering::SeqCst)
    }

    fn is_due(&self, place: FaultPoint) -> bool {
        let now = self.passed[place as usize].fetch_add(1, Ordering::SeqCst);
        place == self.place && now >= self.at && now - self.at < self.times
    }

    pub fn pass(&self, place: FaultPoint) -> Result<(), CarrierError> {
        if matches!(self.what, FaultKind::NoService) && self.is_over.load(Ordering::SeqCst) {
            return Err(CarrierError::NoService);
        }
        match &self.what {
            _ if !self.is_due(place) => Ok(()),
            FaultKind::Error(why) => Err(why.clone()),
            FaultKind::Slow => {
                thread::sleep(SLOW);
                Ok(())
            }
            FaultKind::Silent => {
                self.wait();
                Err(CarrierError::Removed)
            }
            other => panic!("{other:?} happens to commands"),
        }
    }

    fn wait(&self) {
        let released = self.released.0.lock().unwrap();
        drop(self.released.1.wait_while(released, |released| !*released).unwrap());
    }

    pub fn release(&self) {
        *self.released.0.lock().unwrap() = true;
        self.released.1.notify_all();
    }

    fn answer(self: &Arc<Self>, command: &[u8]) -> Result<Vec<u8>, CarrierError> {
        let honest = || self.token.exchange(command);
        let answer = match &self.what {
            _ if !self.is_due(FaultPoint::Command) => Ok(honest()),
            FaultKind::Error(why) => Err(why.clone()),
            FaultKind::Lost(why) => {
                honest();
                Err(why.clone())
            }
            FaultKind::Answer(answer) => {
                honest();
                Ok(answer.to_vec())
            }
            FaultKind::Noise => Ok(noise(&honest())),
            FaultKind::Pulled { carried_out } => {
                if *carried_out {
                    honest();
                }
                self.pull();
                Err(CarrierError::Removed)
            }
            FaultKind::PutInAgain => {
                self.pull();
                self.plug();
                Err(CarrierError::Removed)
            }
            FaultKind::Reset => {
                self.token.reset();
                Err(CarrierError::Reset)
            }
            FaultKind::OtherApplet => {
                // None of those that we talk to.
                self.token.reset();
                Ok(honest())
            }
            FaultKind::NoService => {
                self.is_over.store(true, Ordering::SeqCst);
                Err(CarrierError::ServiceStopped)
            }
            FaultKind::Slow => {
                thread::sleep(SLOW);
                Ok(honest())
            }
            FaultKind::Silent => {
                self.wait();
                Err(CarrierError::Mute)
            }
            FaultKind::Odd => {
                honest();
                Err(CarrierError::Other { code: 0x8010_0001, text: "an internal check failed".to_owned() })
            }
        };
        let is_code = |answer: &Vec<u8>| command[1] == 0xA2 && answer.len() == CODE && answer.ends_with(&[0x90, 0]);
        if answer.as_ref().is_ok_and(is_code) {
            self.codes.fetch_add(1, Ordering::SeqCst);
        }
        answer
    }

    /// Plugs the token in.
    pub fn plug(self: &Arc<Self>) {
        let answering = Arc::clone(self);
        self.bus.insert(READER, move |command| answering.answer(command));
    }

    fn pull(&self) {
        self.bus.remove(READER);
        self.token.reset();
    }
}

/// Bytes that have nothing to do with the answer, but that nobody can foresee less than the answer itself.
fn noise(answer: &[u8]) -> Vec<u8> {
    let mut state = 0x2545_F491_u32 ^ answer.len() as u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    };
    (0..37).map(|_| next()).collect()
}
