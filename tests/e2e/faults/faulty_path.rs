//! The path from the bus to the virtual token, with an injected fault.

use super::injected_fault::{FaultKind, FaultPoint, InjectedFault};
use crate::harness::test_world::{READER, TestWorld};
use hw::memory_bus::MemoryBus;
use hw::transport::CarrierError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;
use virtual_token::VirtualToken;

/// Longer than the delay before a wait is announced, but shorter than every time limit.
const SLOW: Duration = Duration::from_millis(2500);
/// Length of a successful response to CALCULATE.
const CODE: usize = 9;

pub struct FaultyPath {
    what: FaultKind,
    place: FaultPoint,
    /// The position of the first fault, and the number of faults.
    at: usize,
    times: usize,
    token: VirtualToken,
    bus: Arc<MemoryBus>,
    /// Number of times that each point was passed.
    passed: [AtomicUsize; 4],
    /// Codes that reached the program.
    codes: AtomicUsize,
    is_over: AtomicBool,
    /// True once operations that never end may return.
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

    /// Returns how often a point was passed.
    pub fn count(&self, place: FaultPoint) -> usize {
        self.passed[place as usize].load(Ordering::SeqCst)
    }

    /// Returns how many codes reached the program.
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
                // After a reset, no applet is selected: like an applet that this program does not use.
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

    /// Inserts the token.
    pub fn plug(self: &Arc<Self>) {
        let answering = Arc::clone(self);
        self.bus.insert(READER, move |command| answering.answer(command));
    }

    fn pull(&self) {
        self.bus.remove(READER);
        self.token.reset();
    }
}

/// Returns pseudo-random bytes, which depend only on the response's length.
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
