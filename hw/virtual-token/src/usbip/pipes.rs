//! Transfers that the kernel has submitted, and data that waits for a transfer.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{descriptors, frames};

/// Linux error number EPIPE: the endpoint stalled.
const BROKEN_PIPE: i32 = -32;
/// Linux error number ECONNRESET: the transfer was cancelled.
const TAKEN_BACK: i32 = -104;

/// Queues of transfers and data, and the connection on which results go back to the kernel, in order.
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

    /// Completes a transfer with data from the device.
    pub(super) fn complete(&self, sequence: u32, data: &[u8]) -> io::Result<()> {
        self.inner().stream.write_all(&frames::submitted(sequence, 0, data.len(), data))
    }

    /// Completes a transfer whose data the device has accepted.
    pub(super) fn took(&self, sequence: u32, length: usize) -> io::Result<()> {
        self.inner().stream.write_all(&frames::submitted(sequence, 0, length, &[]))
    }

    /// Fails a transfer that the device does not support.
    pub(super) fn stall(&self, sequence: u32) -> io::Result<()> {
        self.inner().stream.write_all(&frames::submitted(sequence, BROKEN_PIPE, 0, &[]))
    }

    /// Queues a transfer until the device has data for it.
    pub(super) fn wait(&self, sequence: u32, endpoint: u8, length: usize) -> io::Result<()> {
        let mut inner = self.inner();
        inner.waiting.push(WaitingTransfer { sequence, endpoint, length });
        inner.flow()
    }

    /// Cancels the transfer `unlinked`, if it is still queued.
    pub(super) fn unlink(&self, sequence: u32, unlinked: u32) -> io::Result<()> {
        let mut inner = self.inner();
        let place = inner.waiting.iter().position(|waiting| waiting.sequence == unlinked);
        let status = place.map_or(0, |place| {
            inner.waiting.remove(place);
            TAKEN_BACK
        });
        inner.stream.write_all(&frames::unlinked(sequence, status))
    }

    /// Queues a response of the reader.
    pub(super) fn answer(&self, message: Vec<u8>) -> io::Result<()> {
        let mut inner = self.inner();
        inner.answers.push_back(message);
        inner.flow()
    }

    /// Drops the responses that the kernel has not asked for yet.
    pub(super) fn forget_answers(&self) {
        self.inner().answers.clear();
    }

    /// Queues a notification of the reader.
    pub(super) fn news(&self, message: Vec<u8>) -> io::Result<()> {
        let mut inner = self.inner();
        inner.news.push_back(message);
        inner.flow()
    }
}

impl PipesInner {
    /// Completes waiting transfers with the queued data, oldest first.
    fn flow(&mut self) -> io::Result<()> {
        let mut place = 0;
        while let Some(&WaitingTransfer { sequence, endpoint, length }) = self.waiting.get(place) {
            let from = if endpoint == descriptors::IN { &mut self.answers } else { &mut self.news };
            let Some(mut message) = from.pop_front() else {
                place += 1;
                continue;
            };
            // Data that does not fit goes into the next transfer.
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
