//! The commands that the program reads from its standard input, one a line.

use std::error::Error;
use std::time::Duration;

use virtual_token::{SimulatedTouch, VirtualToken};

use crate::plug::Plug;

/// The token, and the reader or USB port that it is plugged into.
pub(crate) struct Bench {
    pub(crate) token: VirtualToken,
    pub(crate) plug: Plug,
}

impl Bench {
    /// Executes one command and returns the line to print.
    ///
    /// # Errors
    /// The text to print if the command is unknown, or is not possible now.
    pub(crate) fn obey(&mut self, line: &str) -> Result<String, Box<dyn Error>> {
        let line = line.trim();
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let token = &self.token;
        match (verb, rest.trim()) {
            ("touch", "") if !token.touch() => return Err("it is not waiting for a touch".into()),
            ("touch", "") => {}
            ("touch", "never") => token.set_touch(SimulatedTouch::Never),
            ("touch", "on-command") => token.set_touch(SimulatedTouch::OnCommand),
            ("touch", how) => {
                let after = how.strip_prefix("after ").ok_or("touch: after TIME, on-command, never, or nothing")?;
                token.set_touch(SimulatedTouch::ByItself(duration(after)?));
            }
            ("waiting", "") => return Ok(if token.waiting_for_touch() { "yes" } else { "no" }.into()),
            ("insert", "") => self.plug.insert(token)?,
            ("remove", "") => self.plug.remove()?,
            ("attached", "") => return Ok(if self.plug.attached()? { "yes" } else { "no" }.into()),
            ("commands", "") => return Ok(token.commands().len().to_string()),
            ("password", "") => token.set_password(None),
            ("password", password) => token.set_password(Some(password)),
            _ => return Err(format!("no such command: {}", line.escape_debug()).into()),
        }
        Ok("ok".into())
    }
}

/// Parses a length of time such as `2s` or `500ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let parse = |number: &str| number.parse().ok();
    let seconds = || text.strip_suffix('s').and_then(parse).map(Duration::from_secs);
    let milliseconds = text.strip_suffix("ms").and_then(parse).map(Duration::from_millis);
    milliseconds.or_else(seconds).ok_or_else(|| "a time is like 2s or 500ms".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_parsed() {
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "s", "ms", "2", "2m", "-2s", "2 s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
