//! Waiting for a token that is not plugged in.

use super::{TokenError, Tokens};
use crate::world::{Act, Prompt, Purpose, printable};
use hw::transport::{Bus, CarrierError, News, Stopper};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Interval at which the remaining time of a wait is updated.
const TICK: Duration = Duration::from_secs(1);

/// How long a refusal by the smart card service is retried. At login, systemd starts units before the session counts
/// as that of a person at the machine.
const ADMISSION: Duration = Duration::from_secs(10);

/// A watch for tokens that come and go while one is waited for.
pub(super) struct Arrivals {
    /// Number of times that tokens have come or gone since the watch began.
    pub(super) changes: watch::Receiver<u64>,
    stop: Stopper,
}

impl Arrivals {
    fn on(bus: &dyn Bus) -> Self {
        let mut watch = bus.watch();
        let stop = watch.stopper();
        let (tell, changes) = watch::channel(0);
        // Without a thread no change is noticed, and the wait ends at its time limit.
        let _ = std::thread::Builder::new().name("plugs".to_owned()).spawn(move || {
            // A token that was plugged in before the watch began counts as a change, too.
            let mut is_first = true;
            loop {
                let has_tokens = match watch.news(None) {
                    News::Tokens(tokens) => !tokens.is_empty(),
                    News::Unknown => false,
                    News::Nothing | News::Stopped => break,
                };
                let nothing_new = std::mem::take(&mut is_first) && !has_tokens;
                tell.send_modify(|changes| *changes += u64::from(!nothing_new));
            }
        });
        Self { changes, stop }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        (self.stop)();
    }
}

impl Tokens {
    /// Runs `attempt`. As long as a token is missing, waits until tokens come or go and runs `attempt` again. All
    /// waits with these tokens together end after `patience`; `None` means no wait. If the smart card service refuses
    /// access, the wait ends after ten seconds.
    ///
    /// # Errors
    /// Those of `attempt`; [`TokenError::NotCome`] if the missing token was not plugged in within `patience`.
    pub async fn awaited<T>(
        &self,
        patience: Option<Duration>,
        purpose: Option<&Purpose>,
        attempt: impl AsyncFn() -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let is_refused = |error: &TokenError| matches!(error, TokenError::Bus(CarrierError::Refused));
        let may_come = |error: &TokenError| error.is_missing() || is_refused(error);
        let mut missing = match (attempt().await, patience) {
            (Err(error), Some(_)) if may_come(&error) => error,
            (outcome, _) => return outcome,
        };
        let patience = patience.unwrap_or_default();
        let since = *self.waiting_since.get_or_init(Instant::now);
        let mut changes = self.arrivals.get_or_init(|| Arrivals::on(&*self.bus)).changes.clone();
        let mut seen = 0;
        let wait = self.person.wait();
        loop {
            let most = if is_refused(&missing) { patience.min(ADMISSION) } else { patience };
            let left = (since + most).saturating_duration_since(Instant::now());
            if left.is_zero() && is_refused(&missing) {
                return Err(missing);
            }
            if left.is_zero() {
                return Err(TokenError::NotCome { waited: patience, missing: Box::new(missing) });
            }
            // Ask only while no other login asks for something, such as a touch.
            if let Some(_attention) = self.person.free_attention() {
                wait.want(&prompt(&missing, purpose, patience), Some(left));
            }
            let news = changes.wait_for(|changes| *changes != seen);
            match tokio::time::timeout(left.min(TICK), news).await {
                Ok(Ok(now)) => seen = *now,
                // The watch has ended, so only the time limit can end this wait.
                Ok(Err(_)) => {
                    tokio::time::sleep(left.min(TICK)).await;
                    continue;
                }
                Err(_) => continue,
            }
            match attempt().await {
                Err(error) if may_come(&error) => missing = error,
                outcome => return outcome,
            }
        }
    }
}

/// Returns the prompt that asks for the missing token.
fn prompt(missing: &TokenError, purpose: Option<&Purpose>, limit: Duration) -> Prompt {
    let (what, detail) = match missing {
        TokenError::Bus(_) => ("Waiting for the smart card service (pcscd) and a token".to_owned(), String::new()),
        TokenError::OtherTokens { wanted, present } => {
            (format!("Plug in token {wanted}"), format!("; plugged in: {}", present.join(", ")))
        }
        TokenError::NoApplet { token, .. } => {
            ("Plug in another token".to_owned(), format!("; {token} has no OATH applet"))
        }
        TokenError::NoMatch { present, named, .. } => {
            let account = named.as_deref().map_or("account".to_owned(), |id| format!("account {}", printable(id, 64)));
            let tokens: Vec<&str> = present.iter().map(|(token, _)| token.as_str()).collect();
            (format!("Plug in the token with the {account}"), format!("; it is not on {}", tokens.join(", ")))
        }
        _ => ("Plug in the token".to_owned(), String::new()),
    };
    Prompt { what, purpose: purpose.cloned(), detail, act: Act::PlugIn, limit }
}
