//! What came in, for tests to read; no code, no secret and no session token is kept.

use serde::Serialize;

use crate::action::Action;

/// One request as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// What was asked.
    pub action: Action,
    /// The access key that signed it, whether or not the signature was right; empty without one.
    pub access_key_id: String,
    /// The fake's clock when it came, in seconds since 1970.
    pub time: i64,
    /// Its parameters without the codes, in the order they came.
    pub parameters: Vec<(String, String)>,
    /// The time step whose code it carried, good or bad, if the MFA device is known and the step within ±20.
    pub step: Option<i64>,
    /// Whether it carried a code at all.
    pub had_code: bool,
    /// What AWS did about it, whatever was then answered.
    pub outcome: RequestOutcome,
}

/// What became of a request, lies in the answer left aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The work was done.
    Done,
    /// AWS refused, with this code.
    Refused(String),
    /// A lie came before the work.
    NotReached,
}

impl RecordedRequest {
    /// The first parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The request as one line of JSON.
    pub fn to_json(&self) -> String {
        let outcome = match &self.outcome {
            RequestOutcome::Done => "Done",
            RequestOutcome::Refused(code) => code,
            RequestOutcome::NotReached => "NotReached",
        };
        let line = RecordLine {
            action: self.action.name(),
            access_key_id: &self.access_key_id,
            time: self.time,
            parameters: &self.parameters,
            step: self.step,
            had_code: self.had_code,
            outcome,
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct RecordLine<'a> {
    action: &'a str,
    access_key_id: &'a str,
    time: i64,
    parameters: &'a [(String, String)],
    step: Option<i64>,
    had_code: bool,
    outcome: &'a str,
}

/// Parameters whose values are never kept.
pub(crate) fn is_code(parameter: &str) -> bool {
    parameter.starts_with("AuthenticationCode") || parameter == "TokenCode"
}

/// Parameters of a presigned URL that would let somebody else in.
pub(crate) fn is_credential(parameter: &str) -> bool {
    matches!(parameter, "X-Amz-Signature" | "X-Amz-Security-Token")
}
