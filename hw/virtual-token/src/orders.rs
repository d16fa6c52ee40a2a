//! The orders that the program reads from its input, one a line.

use std::error::Error;
use std::time::Duration;

use virtual_token::{SimulatedTouch, VirtualToken};

use crate::plug::Plug;

/// The token, and the port or reader it is plugged into.
pub(crate) struct Bench {
    pub(crate) token: VirtualToken,
    pub(crate) plug: Plug,
}

impl Bench {
    /// Carries out one order, and returns the answer to print.
    ///
    /// # Errors
    /// Text to print if the order is unknown, or makes no sense now.
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

/// `2s`, `500ms`.
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
    fn times() {
        assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "s", "ms", "2", "2m", "-2s", "2 s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
