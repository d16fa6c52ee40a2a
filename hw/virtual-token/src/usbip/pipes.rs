//! Transfers that the kernel has asked for, and what waits to go into them.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{descriptors, frames};

/// Linux: the endpoint stalled.
const BROKEN_PIPE: i32 = -32;
/// Linux: the transfer was taken back.
const TAKEN_BACK: i32 = -104;

/// What goes back to the kernel, in order.
#[derive(Debug)]
pub(super) struct Pipes {
    inner: Mutex<PipesInner>,
}

#[derive(Debug)]
struct PipesInner {
    stream: TcpStream,
    waiting: Vec<WaitingTransfer>,
    answers: VecDeque<Vec<u8>>,
    news: VecDeque<Vec<u8>>,
}

/// A transfer that waits for data.
#[derive(Debug)]
struct WaitingTransfer {
    sequence: u32,
    endpoint: u8,
    length: usize,
}

impl Pipes {
    pub(super) fn new(stream: TcpStream) -> Self {
        let (answers, news) = (VecDeque::new(), VecDeque::new());
        Self { inner: Mutex::new(PipesInner { stream, waiting: Vec::new(), answers, news }) }
    }

    fn inner(&self) -> MutexGuard<'_, PipesInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a transfer with data from the device.
    pub(super) fn complete(&self, sequence: u32, data: &[u8]) -> io::Result<()> {
        self.inner().stream.write_all(&frames::submitted(sequence, 0, data.len(), data))
    }

    /// Ends a transfer whose data the device has taken.
    pub(super) fn took(&self, sequence: u32, length: usize) -> io::Result<()> {
        self.inner().stream.write_all(&frames::submitted(sequence, 0, length, &[]))
    }

    /// Ends a transfer that the device does not understand.
    pub(super) fn stall(&self, sequence: u32) -> io::Result<()> {
        self.inner().stream.write_all(&frames::submitted(sequence, BROKEN_PIPE, 0, &[]))
    }

    /// A transfer waits for data.
    pub(super) fn wait(&self, sequence: u32, endpoint: u8, length: usize) -> io::Result<()> {
        let mut inner = self.inner();
        inner.waiting.push(WaitingTransfer { sequence, endpoint, length });
        inner.flow()
    }

    /// The kernel does not wait for that transfer any longer.
    pub(super) fn unlink(&self, sequence: u32, unlinked: u32) -> io::Result<()> {
        let mut inner = self.inner();
        let place = inner.waiting.iter().position(|waiting| waiting.sequence == unlinked);
        let status = place.map_or(0, |place| {
            inner.waiting.remove(place);
            TAKEN_BACK
        });
        inner.stream.write_all(&frames::unlinked(sequence, status))
    }

    /// The reader has an answer.
    pub(super) fn answer(&self, message: Vec<u8>) -> io::Result<()> {
        let mut inner = self.inner();
        inner.answers.push_back(message);
        inner.flow()
    }

    /// What nobody has asked for yet is not to be had any more.
    pub(super) fn forget_answers(&self) {
        self.inner().answers.clear();
    }

    /// The reader has news.
    pub(super) fn news(&self, message: Vec<u8>) -> io::Result<()> {
        let mut inner = self.inner();
        inner.news.push_back(message);
        inner.flow()
    }
}

impl PipesInner {
    /// Puts what there is into the transfers that wait, the eldest first.
    fn flow(&mut self) -> io::Result<()> {
        let mut place = 0;
        while let Some(&WaitingTransfer { sequence, endpoint, length }) = self.waiting.get(place) {
            let from = if endpoint == descriptors::IN { &mut self.answers } else { &mut self.news };
            let Some(mut message) = from.pop_front() else {
                place += 1;
                continue;
            };
            // What does not fit comes with the next.
            let rest = message.split_off(length.min(message.len()));
            if !rest.is_empty() {
                from.push_front(rest);
            }
            self.waiting.remove(place);
            self.stream.write_all(&frames::submitted(sequence, 0, message.len(), &message))?;
        }
        Ok(())
    }
}
