//! Everything outside the program: environment variables, clocks, standard streams, the person, the machine, and the
//! bus that tokens are plugged into.

pub mod alarm;
pub mod async_runtime;
pub mod caller;
mod console;
pub mod core_dumps;
pub mod desktop;
mod hook;
mod machine;
mod notifications;
mod person;
mod prompt;
pub mod signals;
pub mod stack;
mod stdin;
pub mod system_clock;
pub mod terminal;
mod token_limits;
mod wait;

pub use console::{Level, LineStamp};
pub use machine::{Machine, Process};
pub use notifications::{Desktop, PersonContext};
pub use person::{Interaction, Pending, Person, is_yubico_otp};
pub use prompt::{Act, DesktopNotice, End, Prompt, Purpose, TouchPrompt};
pub use terminal::{NoAnswer, Terminal};
pub use token_limits::TokenLimits;
pub use wait::{MOMENT, Wait};

use hw::transport::Bus;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The outside world as a command sees it; `main` builds the real one, tests build their own.
pub struct World {
    /// Environment variables at the start of the program.
    pub env: Environment,
    /// This machine's clock, which may be wrong.
    pub clock: Arc<dyn Clock>,
    /// Standard output, where a command writes its result.
    pub out: Box<dyn Write + Send>,
    /// The person, reached through standard error and the terminal.
    pub person: Person,
    /// Standard input; `None` once it has been taken for reading.
    pub input: Option<Box<dyn BufRead + Send>>,
    /// True if standard input is a pipe or a file, not a terminal.
    pub piped: bool,
    /// Opens the bus that tokens are plugged into.
    pub bus: OpenBus,
    /// Time limits of everything that waits for a token.
    pub token_limits: TokenLimits,
    /// The machine that this program runs on: its processes, devices and services.
    pub machine: Machine,
    /// Makes the alarm for a command that runs for days, such as the agent.
    pub alarm: alarm::Alarms,
    /// Restores the resource limits that this process lowered for itself. Called just before exec replaces this
    /// program with another.
    pub before_exec: fn(),
}

impl World {
    /// Returns a copy of this world for another thread. The copy discards standard output and has no standard input.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self {
            env: self.env.clone(),
            clock: Arc::clone(&self.clock),
            out: Box::new(std::io::sink()),
            person: self.person.clone(),
            input: None,
            piped: false,
            bus: Arc::clone(&self.bus),
            token_limits: self.token_limits,
            machine: self.machine.clone(),
            alarm: Arc::clone(&self.alarm),
            before_exec: self.before_exec,
        }
    }
}

/// Opens the bus. If a text is given, only readers whose name contains it are used; `None` means the readers of known
/// tokens.
pub type OpenBus = Arc<dyn Fn(Option<&str>) -> Arc<dyn Bus> + Send + Sync>;

/// A source of the time of day and of the time since the machine booted.
pub trait Clock: Send + Sync {
    /// Returns the time of day according to this machine.
    fn now(&self) -> SystemTime;

    /// Returns the time since the machine booted, on a clock that nobody can set; `None` if the system has no such
    /// clock.
    fn uptime(&self) -> Option<Uptime> {
        None
    }

    /// Returns the time that the machine has been awake, counted from an arbitrary fixed moment; `None` if the system
    /// has no such clock.
    fn awake(&self) -> Option<Duration> {
        None
    }
}

/// Time since the machine booted, with an identifier of that boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uptime {
    /// Identifier of the boot that `time` is counted from; on Linux, the kernel's `boot_id`.
    pub start: String,
    /// Time since the machine booted, including time asleep.
    pub time: Duration,
}

/// Environment variables at the start of the program. An empty variable counts as unset, as it does for AWS's
/// clients.
#[derive(Clone, Default)]
pub struct Environment(HashMap<OsString, OsString>);

impl Environment {
    /// Returns the variable's value; `None` if it is unset or empty.
    #[must_use]
    pub fn os(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Returns the variable's value as text; `None` if it is unset, empty or not valid UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.os(name)?.to_str()
    }

    /// Returns all variables, including empty ones, to pass to a program that we start.
    pub fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }

    /// Returns the person's home folder (`HOME`); `None` if it is unset, as it may be for a service.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.os("HOME").map(PathBuf::from)
    }

    /// Replaces a leading `~/` with the home folder, as AWS's clients do. Any other path is returned unchanged.
    #[must_use]
    pub fn expand(&self, path: &OsStr) -> PathBuf {
        let path = PathBuf::from(path);
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path,
        }
    }

    /// Returns the variables in the type that the SDK's settings functions need, with `AWS_PROFILE` set to `profile`.
    /// The SDK reads only variables whose names begin with `AWS_`. Copying all others too would noticeably slow down
    /// `credential-process`.
    #[must_use]
    pub fn for_sdk(&self, profile: &str) -> aws_types::os_shim_internal::Env {
        let text = |(name, value): (&OsString, &OsString)| {
            let name = name.to_str().filter(|name| name.starts_with("AWS_"))?;
            Some((name.to_owned(), value.to_str()?.to_owned()))
        };
        let mut variables: HashMap<String, String> = self.0.iter().filter_map(text).collect();
        variables.retain(|_, value| !value.is_empty());
        variables.insert("AWS_PROFILE".to_owned(), profile.to_owned());
        variables.into()
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Makes text from an external source (a token, AWS, a captive portal) safe for a terminal: trims it, escapes
/// unprintable characters, and cuts it after `most` characters.
#[must_use]
pub fn printable(text: &str, most: usize) -> String {
    let mut safe = String::new();
    for (count, c) in text.trim().chars().enumerate() {
        if count == most {
            safe.push('…');
            break;
        }
        push_printable(&mut safe, c);
    }
    safe
}

/// Escapes all unprintable characters except line feeds, without limiting the length. Every message to a person
/// passes through this function, in case a part of the message was not made safe before.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' { safe.push(c) } else { push_printable(&mut safe, c) }
    }
    safe
}

fn push_printable(safe: &mut String, c: char) {
    match c {
        ' '..='~' => safe.push(c),
        _ => safe.extend(c.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprintable_characters_are_escaped_and_long_text_is_cut() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}\n", 80), "a\\u{1b}[31mb\\u{202e}");
        assert_eq!(printable("ünï \"q\" it's", 80), "ünï \"q\" it's");
        assert_eq!(printable("a\u{301}\u{200d}\\", 80), "a\\u{301}\\u{200d}\\");
        assert_eq!(printable_lines(" a\nb\r\u{9b}\n"), " a\nb\\r\\u{9b}\n");
        assert_eq!(printable("abcdef", 3), "abc…");
    }

    #[test]
    fn empty_variables_are_unset_and_a_tilde_is_the_home_folder() {
        let env: Environment =
            [("A", ""), ("HOME", "/h")].iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect();
        assert_eq!(env.text("A"), None);
        assert_eq!(env.expand(OsStr::new("~/x")), PathBuf::from("/h/x"));
        assert_eq!(env.expand(OsStr::new("~other/x")), PathBuf::from("~other/x"));
    }
}
