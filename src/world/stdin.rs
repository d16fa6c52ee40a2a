//! Standard input, for scripts that pipe in what a person would type.

use super::World;
use std::io::{self, BufRead, ErrorKind};
use std::sync::mpsc;
use std::time::Duration;

/// Timeout for reading standard input.
const LIMIT: Duration = Duration::from_mins(2);

impl World {
    /// Takes standard input and reads it with `read`. The read has a thread of its own, because a pipe can stay open
    /// without sending anything.
    ///
    /// # Errors
    /// The errors of `read`; [`ErrorKind::TimedOut`] after two minutes; [`ErrorKind::NotFound`] if standard input was
    /// taken before.
    pub fn read_stdin<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&mut dyn BufRead) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (tell, told) = mpsc::channel();
        let mut input = self.input.take().ok_or(ErrorKind::NotFound)?;
        std::thread::spawn(move || {
            // After the timeout nobody receives the result, so a failure to send it is ignored.
            let _ = tell.send(read(&mut *input));
        });
        told.recv_timeout(LIMIT).unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }
}
