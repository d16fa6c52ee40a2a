//! The real terminal, `/dev/tty`: it is there even when an SDK has taken standard input and error.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};
use secrecy::SecretString;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no terminal, or nobody may be asked.
    Nobody,
    /// No line came within the time.
    Late,
    /// The terminal was closed, or the line was left empty.
    Nothing,
}

/// The terminal a person sits at, which is not always where standard error goes.
pub trait Terminal: Send {
    /// Writes as it is; failing to is no error, since nobody can be told.
    fn write(&mut self, text: &str);

    /// Whether what is typed there comes to us, and not to another program of the same shell.
    fn is_ours(&self) -> bool;

    /// Columns of one line.
    fn width(&self) -> usize;

    /// Reads one line, shown while it is typed only if `echo`.
    ///
    /// # Errors
    /// [`NoAnswer::Late`] after `limit`, [`NoAnswer::Nothing`] at the end of input.
    fn read_line(&mut self, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer>;
}

/// How the terminal is while it does not echo, and how it was before; what ends or pauses the process puts it back.
static SILENCED: Mutex<Option<SilencedTerminal>> = Mutex::new(None);

struct SilencedTerminal {
    file: Arc<File>,
    before: Termios,
    silent: Termios,
}

/// What stands in the line that the cursor is in.
static UNFINISHED: Mutex<String> = Mutex::new(String::new());

/// Longest line that is read, in bytes.
const LONGEST: usize = 4096;

/// `/dev/tty`, open for reading and writing.
pub struct ControllingTerminal {
    file: Arc<File>,
    before_use: Option<fn()>,
}

impl ControllingTerminal {
    /// Opens it, where this process has one. `before_use` is called before it is first used: who ends the process early
    /// has to [`leave`] it from then on.
    #[must_use]
    pub fn open(before_use: fn()) -> Option<Self> {
        Some(Self { file: Arc::new(open()?), before_use: Some(before_use) })
    }

    fn used(&mut self) -> &File {
        if let Some(before_use) = self.before_use.take() {
            before_use();
        }
        &self.file
    }

    fn without_echo(&self) -> Option<EchoOff> {
        let before = tcgetattr(&*self.file).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        let file = Arc::clone(&self.file);
        *locked(&SILENCED) = Some(SilencedTerminal { file, before, silent: silent.clone() });
        tcsetattr(&*self.file, OptionalActions::Flush, &silent).ok()?;
        Some(EchoOff)
    }
}

/// Leaves the terminal as it was, for who ends the process early: at the start of a line, and with its echo.
pub fn leave() {
    if !std::mem::take(&mut *locked(&UNFINISHED)).is_empty() {
        write_to(open(), "\n");
    }
    restore_echo();
}

/// Leaves the terminal to the shell for a while, as it was.
pub fn pause() {
    if !locked(&UNFINISHED).is_empty() {
        write_to(open(), "\n");
    }
    if let Some(SilencedTerminal { file, before, .. }) = &*locked(&SILENCED) {
        let _ = tcsetattr(&**file, OptionalActions::Now, before);
    }
}

/// Takes the terminal again, if it is ours: what stood there is written again, and there is no echo if there was none.
pub fn resume() {
    let Some(file) = open().filter(is_ours) else { return };
    if let Some(SilencedTerminal { silent, .. }) = &*locked(&SILENCED) {
        let _ = tcsetattr(&file, OptionalActions::Now, silent);
    }
    let line = locked(&UNFINISHED).clone();
    write_to(Some(file), &line);
}

fn write_to(file: Option<File>, text: &str) {
    if let Some(mut file) = file {
        // Nobody can be told.
        let _ = file.write_all(text.as_bytes());
    }
}

fn is_ours(file: &File) -> bool {
    tcgetpgrp(file).is_ok_and(|group| group == getpgrp())
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes what a text leaves in the line that the cursor is in.
fn note(text: &str) {
    let line = text.rsplit('\n').next().unwrap_or_default();
    // What goes back to the start of the line writes it anew.
    let mut unfinished = locked(&UNFINISHED);
    let is_blank = line.trim().is_empty() || line.ends_with("\u{1b}[J");
    *unfinished = if is_blank { String::new() } else { line.to_owned() };
}

fn open() -> Option<File> {
    File::options().read(true).write(true).open("/dev/tty").ok()
}

fn restore_echo() {
    if let Some(SilencedTerminal { file, before, .. }) = locked(&SILENCED).take() {
        let _ = tcsetattr(&*file, OptionalActions::Now, &before);
    }
}

/// As long as it lives, what is typed is not shown.
struct EchoOff;

impl Drop for EchoOff {
    fn drop(&mut self) {
        restore_echo();
    }
}

impl Terminal for ControllingTerminal {
    fn write(&mut self, text: &str) {
        let mut file = self.used();
        note(text);
        let _ = file.write_all(text.as_bytes()).and_then(|()| file.flush());
    }

    fn is_ours(&self) -> bool {
        is_ours(&self.file)
    }

    fn width(&self) -> usize {
        // A terminal that does not know says zero.
        let columns = tcgetwinsize(&*self.file).map_or(0, |size| usize::from(size.ws_col));
        if columns == 0 { 80 } else { columns.max(20) }
    }

    fn read_line(&mut self, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer> {
        self.used();
        let _silence = if echo { None } else { self.without_echo() };
        let end = Instant::now() + limit;
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
        let mut bytes = Zeroizing::new([0_u8; 256]);
        while !line.ends_with(b"\n") && line.len() + bytes.len() <= LONGEST {
            let left = end.saturating_duration_since(Instant::now());
            let wait = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
            let mut fds = [PollFd::new(&*self.file, PollFlags::IN)];
            match poll(&mut fds, Some(&wait)) {
                Ok(0) => return Err(NoAnswer::Late),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return Err(NoAnswer::Nobody),
            }
            match (&*self.file).read(&mut *bytes) {
                Ok(0) | Err(_) => break,
                Ok(count) => line.extend_from_slice(&bytes[..count]),
            }
        }
        // Whoever typed it has ended the line, too.
        if line.ends_with(b"\n") && echo {
            locked(&UNFINISHED).clear();
        }
        let text = std::str::from_utf8(&line).map_err(|_| NoAnswer::Nothing)?.trim_end_matches(['\n', '\r']);
        if text.is_empty() { Err(NoAnswer::Nothing) } else { Ok(SecretString::from(text.to_owned())) }
    }
}
