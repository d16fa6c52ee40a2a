//! Requests to a person, worded for the terminal, the desktop and the hook.

use super::printable;
use std::time::Duration;

/// Maximum length of a name from an external source (such as a token), in characters.
const LONGEST: usize = 100;

/// The profile for which something is requested from the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    /// Name of the profile that needs the code or the answer.
    pub profile: String,
    /// Number of the profile's AWS account, if known.
    pub aws_account: Option<String>,
}

/// A request to the person to do something within a time limit.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The action to take, as the beginning of a sentence: `Touch YubiKey 12345678`.
    pub what: String,
    /// The profile that needs the action; `None` if `what` says enough.
    pub purpose: Option<Purpose>,
    /// Text appended to the action, with its leading punctuation; may be empty.
    pub detail: String,
    /// Kind of action that is requested; only touches are reported to the hook.
    pub act: Act,
    /// Time that the person has to act.
    pub limit: Duration,
}

/// Kinds of action that can be requested from a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Touch a token.
    Touch(TouchPrompt),
    /// Answer a question at the terminal.
    Answer,
    /// Plug in a token.
    PlugIn,
}

/// The token to touch, and the account on it whose code is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchPrompt {
    /// Name of the token as shown to a person, such as `YubiKey 12345678`.
    pub token: String,
    /// ID of the account on the token, as the token stores it.
    pub account: String,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The person acted in time.
    Done,
    /// The person did not act in time.
    Late,
    /// The request was ended by a failure before the person acted.
    Failed,
    /// A signal ended the program.
    Interrupted,
}

/// The content of a desktop notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesktopNotice {
    /// The requested action, in one line.
    pub summary: String,
    /// Requester, purpose and time limit, as plain text.
    pub body: String,
    /// Time after which the notification expires.
    pub limit: Duration,
}

impl Prompt {
    /// Returns the request as one line for the terminal, split into parts. On a narrow terminal, the last parts are
    /// left out.
    #[must_use]
    pub fn parts(&self, caller: Option<&str>) -> Vec<String> {
        let profile = self.purpose.as_ref().map(|purpose| format!("profile {}", name(&purpose.profile)));
        let first = match (caller, profile) {
            (Some(caller), Some(profile)) => format!("{} for {caller}: {profile}", self.what),
            (Some(whom), None) => format!("{} for {whom}", self.what),
            (None, Some(profile)) => format!("{} for {profile}", self.what),
            (None, None) => self.what.clone(),
        };
        let Act::Touch(touch) = &self.act else { return vec![first + &self.detail] };
        let aws_account = self.aws_account().map(|number| format!(", AWS account {number}"));
        let account = format!(" ({})", name(&touch.account));
        [Some(first + &self.detail), aws_account, Some(account)].into_iter().flatten().collect()
    }

    /// Returns the request as a desktop notification, which has room for more details than a line of a terminal.
    #[must_use]
    pub fn notice(&self, caller: Option<&str>) -> DesktopNotice {
        let profile = self.purpose.as_ref().map(|purpose| format!("profile {}", name(&purpose.profile)));
        let profile = profile.map(|profile| match self.aws_account() {
            Some(number) => format!("{profile} (AWS account {number})"),
            None => profile,
        });
        let who = match (caller, profile) {
            (Some(caller), Some(profile)) => Some(format!("Requested by {caller} for {profile}.")),
            (Some(caller), None) => Some(format!("Requested by {caller}.")),
            (None, Some(profile)) => Some(format!("For {profile}.")),
            (None, None) => None,
        };
        let more = match &self.act {
            Act::Touch(touch) => Some(format!("Account on the token: {}", name(&touch.account))),
            Act::Answer => Some("Answer on the terminal.".to_owned()),
            Act::PlugIn => None,
        };
        let time = Some(format!("You have {} seconds.", self.limit.as_secs()));
        let body: Vec<String> = [who, more, time].into_iter().flatten().collect();
        let summary = printable(&format!("{}{}", self.what, self.detail), 2 * LONGEST);
        DesktopNotice { summary, body: body.join("\n"), limit: self.limit }
    }

    /// Returns the request as environment variables for the hook; `None` if it is not a touch.
    #[must_use]
    pub fn variables(&self, caller: Option<&str>) -> Option<Vec<(&'static str, String)>> {
        let Act::Touch(touch) = &self.act else { return None };
        let profile = self.purpose.as_ref().map(|purpose| name(&purpose.profile));
        Some(vec![
            ("AWS_MFA_KEY_TOUCH_TOKEN", name(&touch.token)),
            ("AWS_MFA_KEY_TOUCH_ACCOUNT", name(&touch.account)),
            ("AWS_MFA_KEY_TOUCH_PROFILE", profile.unwrap_or_default()),
            ("AWS_MFA_KEY_TOUCH_AWS_ACCOUNT", self.aws_account().unwrap_or_default()),
            ("AWS_MFA_KEY_TOUCH_CALLER", caller.unwrap_or_default().to_owned()),
            ("AWS_MFA_KEY_TOUCH_SECONDS", self.limit.as_secs().to_string()),
        ])
    }

    fn aws_account(&self) -> Option<String> {
        self.purpose.as_ref()?.aws_account.as_deref().map(name)
    }
}

impl End {
    /// Returns the outcome as the word that the hook gets in `AWS_MFA_KEY_TOUCH_OUTCOME`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "touched",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

fn name(text: &str) -> String {
    printable(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Prompt {
        Prompt {
            what: "Touch YubiKey 1".to_owned(),
            purpose: Some(Purpose { profile: "dev".to_owned(), aws_account: Some("123456789012".to_owned()) }),
            detail: String::new(),
            act: Act::Touch(TouchPrompt { token: "YubiKey 1".to_owned(), account: "AWS:al\u{1b}ice".to_owned() }),
            limit: Duration::from_secs(15),
        }
    }

    #[test]
    fn a_touch_request_names_the_requester_and_the_profile() {
        assert_eq!(
            wanted().parts(Some("terraform")).concat(),
            "Touch YubiKey 1 for terraform: profile dev, AWS account 123456789012 (AWS:al\\u{1b}ice)"
        );
        assert_eq!(wanted().parts(None)[0], "Touch YubiKey 1 for profile dev");
        let notice = wanted().notice(Some("terraform"));
        assert_eq!(notice.summary, "Touch YubiKey 1");
        assert_eq!(
            notice.body,
            "Requested by terraform for profile dev (AWS account 123456789012).\nAccount on the token: AWS:al\\u{1b}ice\nYou have 15 seconds."
        );
    }

    #[test]
    fn a_request_to_plug_in_names_the_tokens_that_do_not_fit() {
        let what = "Plug in token 2".to_owned();
        let plug = Prompt { act: Act::PlugIn, what, detail: "; plugged in: YubiKey 1".to_owned(), ..wanted() };
        let line = "Plug in token 2 for terraform: profile dev; plugged in: YubiKey 1";
        assert_eq!(plug.parts(Some("terraform")), [line]);
        let notice = plug.notice(Some("terraform"));
        assert_eq!(notice.summary, "Plug in token 2; plugged in: YubiKey 1");
        assert_eq!(
            notice.body,
            "Requested by terraform for profile dev (AWS account 123456789012).\nYou have 15 seconds."
        );
    }

    #[test]
    fn the_hook_gets_requests_for_a_touch_only() {
        let question = Prompt { act: Act::Answer, purpose: None, what: "Password of X".to_owned(), ..wanted() };
        assert_eq!(question.variables(Some("make")), None);
        assert_eq!(
            question.notice(Some("make")).body,
            "Requested by make.\nAnswer on the terminal.\nYou have 15 seconds."
        );
        assert_eq!(question.notice(None).body, "Answer on the terminal.\nYou have 15 seconds.");
    }
}
