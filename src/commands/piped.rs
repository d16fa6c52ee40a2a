//! Standard input, for who pipes in what a person would type.

use crate::world::World;
use std::io::{self, BufRead, ErrorKind};
use std::sync::mpsc;
use std::time::Duration;

/// How long standard input has to bring it.
const PIPING: Duration = Duration::from_mins(2);

/// Reads standard input by `read`, on a thread of its own, since a pipe can stay open and silent.
///
/// # Errors
/// What `read` says; [`ErrorKind::TimedOut`] after two minutes.
pub(super) fn piped<T: Send + 'static>(
    world: &mut World,
    read: impl FnOnce(&mut dyn BufRead) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (tell, told) = mpsc::channel();
    let mut input = world.input.take().ok_or(ErrorKind::NotFound)?;
    std::thread::spawn(move || {
        // Nobody listens any more if it took too long.
        let _ = tell.send(read(&mut *input));
    });
    told.recv_timeout(PIPING).unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}
