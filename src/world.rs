//! All that is outside the program: environment, clock, standard output, the person, the bus with the tokens.

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

/// What a command is handed; `main` builds the real one, a test its own.
pub struct World {
    /// Environment variables.
    pub env: Environment,
    /// The time of day here, right or wrong.
    pub clock: Arc<dyn Clock>,
    /// Standard output: the answer.
    pub out: Box<dyn Write + Send>,
    /// Standard error and the terminal: the conversation.
    pub person: Person,
    /// Standard input, until a flag says to read from it.
    pub input: Option<Box<dyn BufRead + Send>>,
    /// Whether standard input is a pipe or a file, and not a terminal.
    pub piped: bool,
    /// Where tokens are plugged in.
    pub bus: OpenBus,
    /// Time limits of everything that waits for a token.
    pub token_limits: TokenLimits,
    /// Programs that run.
    pub machine: Machine,
    /// What wakes up a command that waits for days.
    pub alarm: alarm::Alarms,
    /// What has to be put back before another program takes our place.
    pub before_exec: fn(),
}

impl World {
    /// The same world for a thread of its own, but for standard output and input.
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

/// Makes the bus; the text narrows it to readers with that in their name.
pub type OpenBus = Arc<dyn Fn(Option<&str>) -> Arc<dyn Bus> + Send + Sync>;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// Now, as this machine believes.
    fn now(&self) -> SystemTime;

    /// How long this machine has been running, which nobody can set; `None` where that is not known.
    fn uptime(&self) -> Option<Uptime> {
        None
    }

    /// How long of that it was awake, since whenever; `None` where that is not known.
    fn awake(&self) -> Option<Duration> {
        None
    }
}

/// See [`Clock::uptime`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uptime {
    /// Which start of the machine it is counted from.
    pub start: String,
    /// Since then, sleep included.
    pub time: Duration,
}

/// Environment variables as they were when the program started. An empty one counts as not set, as AWS's clients have it.
#[derive(Clone, Default)]
pub struct Environment(HashMap<OsString, OsString>);

impl Environment {
    /// The value, if it is set and not empty.
    #[must_use]
    pub fn os(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// The value as text; one that is no UTF-8 counts as not set.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.os(name)?.to_str()
    }

    /// All of them, for a program that we start.
    pub fn iter(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.0.iter()
    }

    /// The person's home folder; a service may have none.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.os("HOME").map(PathBuf::from)
    }

    /// A path as AWS's clients read it: a leading `~/` is the home folder.
    #[must_use]
    pub fn expand(&self, path: &OsStr) -> PathBuf {
        let path = PathBuf::from(path);
        match (path.strip_prefix("~"), self.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path,
        }
    }

    /// What the SDK's readers of settings take, with `profile` chosen. They read variables whose names begin with `AWS_`; to
    /// copy all others as well would take a good part of the time of `credential-process`.
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

/// Text from outside (names on a token, AWS's words, a portal's page) made safe for a terminal: what does not print is
/// escaped, and it is cut after `most` characters.
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

/// The same for several lines, of any length: what is said to a person at last, in case that a part of it was forgotten.
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
    fn what_does_not_print_is_escaped_and_long_text_is_cut() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}\n", 80), "a\\u{1b}[31mb\\u{202e}");
        assert_eq!(printable("ünï \"q\" it's", 80), "ünï \"q\" it's");
        assert_eq!(printable("a\u{301}\u{200d}\\", 80), "a\\u{301}\\u{200d}\\");
        assert_eq!(printable_lines(" a\nb\r\u{9b}\n"), " a\nb\\r\\u{9b}\n");
        assert_eq!(printable("abcdef", 3), "abc…");
    }

    #[test]
    fn empty_variables_are_not_set_and_a_tilde_is_home() {
        let env: Environment =
            [("A", ""), ("HOME", "/h")].iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect();
        assert_eq!(env.text("A"), None);
        assert_eq!(env.expand(OsStr::new("~/x")), PathBuf::from("/h/x"));
        assert_eq!(env.expand(OsStr::new("~other/x")), PathBuf::from("~other/x"));
    }
}
