//! What a person must do, and in whose name: the same facts for the terminal, the desktop and the hook.

use super::printable;
use std::time::Duration;

/// Most characters of a name that is not ours.
const LONGEST: usize = 100;

/// What something is wanted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    /// The profile.
    pub profile: String,
    /// Number of its AWS account, where that is known.
    pub aws_account: Option<String>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What to do, as a sentence begins: `Touch YubiKey 12345678`.
    pub what: String,
    /// What for; nothing, where that says it.
    pub purpose: Option<Purpose>,
    /// What else is to be said of it; it begins as it follows.
    pub detail: String,
    /// Of which kind it is.
    pub act: Act,
    /// How long it is waited for at most.
    pub limit: Duration,
}

/// The kinds of what a person must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Touch a token.
    Touch(TouchPrompt),
    /// Answer a question at the terminal.
    Answer,
    /// Plug in a token.
    PlugIn,
}

/// A touch: of which token, for which of its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchPrompt {
    /// The token, as a person knows it.
    pub token: String,
    /// The account's id.
    pub account: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was done.
    Done,
    /// It was not done in time.
    Late,
    /// Something else went wrong meanwhile.
    Failed,
    /// The program was ended.
    Interrupted,
}

/// What the desktop shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesktopNotice {
    /// What to do, in one line.
    pub summary: String,
    /// In whose name, and what for; plain text.
    pub body: String,
    /// How long it is waited for at most.
    pub limit: Duration,
}

impl Prompt {
    /// One line of a terminal, in parts: where there is no room, the last ones are left out.
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

    /// The same for the desktop, where there is room.
    #[must_use]
    pub fn notice(&self, caller: Option<&str>) -> DesktopNotice {
        let profile = self.purpose.as_ref().map(|purpose| format!("profile {}", name(&purpose.profile)));
        let profile = profile.map(|profile| match self.aws_account() {
            Some(number) => format!("{profile} (AWS account {number})"),
            None => profile,
        });
        let who = match (caller, profile) {
            (Some(caller), Some(profile)) => Some(format!("{caller} asks, for {profile}.")),
            (Some(caller), None) => Some(format!("{caller} asks.")),
            (None, Some(profile)) => Some(format!("For {profile}.")),
            (None, None) => None,
        };
        let more = match &self.act {
            Act::Touch(touch) => Some(format!("Account on the token: {}", name(&touch.account))),
            Act::Answer => Some("It is waited for at the terminal.".to_owned()),
            Act::PlugIn => None,
        };
        let time = Some(format!("There are {} seconds.", self.limit.as_secs()));
        let body: Vec<String> = [who, more, time].into_iter().flatten().collect();
        let summary = printable(&format!("{}{}", self.what, self.detail), 2 * LONGEST);
        DesktopNotice { summary, body: body.join("\n"), limit: self.limit }
    }

    /// The same for a hook, as variables; nothing if it is no touch.
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
    /// As a hook is told.
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
    fn a_touch_says_who_asks_and_what_for() {
        assert_eq!(
            wanted().parts(Some("terraform")).concat(),
            "Touch YubiKey 1 for terraform: profile dev, AWS account 123456789012 (AWS:al\\u{1b}ice)"
        );
        assert_eq!(wanted().parts(None)[0], "Touch YubiKey 1 for profile dev");
        let notice = wanted().notice(Some("terraform"));
        assert_eq!(notice.summary, "Touch YubiKey 1");
        assert_eq!(
            notice.body,
            "terraform asks, for profile dev (AWS account 123456789012).\nAccount on the token: AWS:al\\u{1b}ice\nThere are 15 seconds."
        );
    }

    #[test]
    fn a_token_to_be_plugged_in_says_which_are_not_it() {
        let what = "Plug in token 2".to_owned();
        let plug = Prompt { act: Act::PlugIn, what, detail: "; plugged in: YubiKey 1".to_owned(), ..wanted() };
        let line = "Plug in token 2 for terraform: profile dev; plugged in: YubiKey 1";
        assert_eq!(plug.parts(Some("terraform")), [line]);
        let notice = plug.notice(Some("terraform"));
        assert_eq!(notice.summary, "Plug in token 2; plugged in: YubiKey 1");
        assert_eq!(notice.body, "terraform asks, for profile dev (AWS account 123456789012).\nThere are 15 seconds.");
    }

    #[test]
    fn what_is_no_touch_is_none_of_the_hooks_business() {
        let question = Prompt { act: Act::Answer, purpose: None, what: "Password of X".to_owned(), ..wanted() };
        assert_eq!(question.variables(Some("make")), None);
        assert_eq!(
            question.notice(Some("make")).body,
            "make asks.\nIt is waited for at the terminal.\nThere are 15 seconds."
        );
        assert_eq!(question.notice(None).body, "It is waited for at the terminal.\nThere are 15 seconds.");
    }
}
