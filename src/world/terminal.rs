//! The controlling terminal, `/dev/tty`, which is available even if an SDK has redirected standard input and error.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};
use secrecy::SecretString;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Reasons why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// There is no terminal, or asking is not allowed.
    Nobody,
    /// No line was typed in time.
    Late,
    /// The terminal was closed, or the line was left empty.
    Nothing,
}

/// The terminal at which the person sits. Standard error may be redirected elsewhere.
pub trait Terminal: Send {
    /// Writes text unchanged. Failures are ignored, since they could not be reported to anybody.
    fn write(&mut self, text: &str);

    /// Returns true if this process is in the terminal's foreground, so that it and not another program receives what
    /// is typed.
    fn is_ours(&self) -> bool;

    /// Returns the number of characters that fit on a line.
    fn width(&self) -> usize;

    /// Reads one line. The typed characters are shown only if `echo` is true.
    ///
    /// # Errors
    /// [`NoAnswer::Late`] after `limit`; [`NoAnswer::Nothing`] for an empty line or at the end of input;
    /// [`NoAnswer::Nobody`] if the terminal fails.
    fn read_line(&mut self, echo: bool, limit: Duration) -> Result<SecretString, NoAnswer>;
}

/// Terminal settings while echo is off, and the original settings, which are restored when the process ends or is
/// stopped.
static SILENCED: Mutex<Option<SilencedTerminal>> = Mutex::new(None);

struct SilencedTerminal {
    file: Arc<File>,
    before: Termios,
    silent: Termios,
}

/// Text of the unfinished line that the cursor is in; empty if the cursor is at the start of a blank line.
static UNFINISHED: Mutex<String> = Mutex::new(String::new());

/// Maximum length of a line that is read, in bytes.
const LONGEST: usize = 4096;

/// The controlling terminal, `/dev/tty`, open for reading and writing.
pub struct ControllingTerminal {
    file: Arc<File>,
    before_use: Option<fn()>,
}

impl ControllingTerminal {
    /// Opens the controlling terminal; `None` if this process has none. `before_use` is called before the first use.
    /// From then on, [`leave`] must be called if the process ends early.
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

/// Restores the terminal before the process ends early: ends an unfinished line and switches echo on again.
pub fn leave() {
    if !std::mem::take(&mut *locked(&UNFINISHED)).is_empty() {
        write_to(open(), "\n");
    }
    restore_echo();
}

/// Restores the terminal for the shell while the process is stopped.
pub fn pause() {
    if !locked(&UNFINISHED).is_empty() {
        write_to(open(), "\n");
    }
    if let Some(SilencedTerminal { file, before, .. }) = &*locked(&SILENCED) {
        let _ = tcsetattr(&**file, OptionalActions::Now, before);
    }
}

/// Resumes use of the terminal after a stop, if this process is in the foreground: rewrites the unfinished line, and
/// switches echo off if it was off before.
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
        // A failure is ignored, since it could not be reported to anybody.
        let _ = file.write_all(text.as_bytes());
    }
}

fn is_ours(file: &File) -> bool {
    tcgetpgrp(file).is_ok_and(|group| group == getpgrp())
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers the unfinished line at the end of a text that was written to the terminal.
fn note(text: &str) {
    let line = text.rsplit('\n').next().unwrap_or_default();
    // A text that updates an unfinished line begins with a carriage return, so it replaces the whole line.
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

/// A guard that switches echo on again when it is dropped.
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
        // A terminal that does not know its width reports zero.
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
        // The terminal has echoed the Enter key, so the line on the screen is finished.
        if line.ends_with(b"\n") && echo {
            locked(&UNFINISHED).clear();
        }
        let text = std::str::from_utf8(&line).map_err(|_| NoAnswer::Nothing)?.trim_end_matches(['\n', '\r']);
        if text.is_empty() { Err(NoAnswer::Nothing) } else { Ok(SecretString::from(text.to_owned())) }
    }
}
