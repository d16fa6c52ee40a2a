//! The record of received requests. It holds no codes, secrets or session tokens.

use serde::Serialize;

use crate::action::Action;

/// A request as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The API call.
    pub action: Action,
    /// Access key that the request claims, whether or not the signature was valid; empty if the request names none.
    pub access_key_id: String,
    /// Time on the simulator's clock when the request came, in seconds since 1970.
    pub time: i64,
    /// Parameters without codes and signatures, in the order of the request.
    pub parameters: Vec<(String, String)>,
    /// Time step of the request's code, good or bad; `None` if the MFA device is unknown or the step is not within
    /// ±20 of now.
    pub step: Option<i64>,
    /// True if the request carried a code.
    pub had_code: bool,
    /// Result of the call, even if a lie changed the response.
    pub outcome: RequestOutcome,
}

/// Result of a call, before any lie changed the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The call was executed.
    Done,
    /// AWS's rules refused the call, with this error code.
    Refused(String),
    /// A lie prevented the call from being executed.
    NotReached,
}

impl RecordedRequest {
    /// Returns the first parameter with this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// Returns the request as one line of JSON.
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

/// Returns true for parameters that carry a code, which is never recorded.
pub(crate) fn is_code(parameter: &str) -> bool {
    parameter.starts_with("AuthenticationCode") || parameter == "TokenCode"
}

/// Returns true for parameters of a presigned URL that would let another person use it.
pub(crate) fn is_credential(parameter: &str) -> bool {
    matches!(parameter, "X-Amz-Signature" | "X-Amz-Security-Token")
}
