//! AWS's error responses, and the validation of parameters.

/// An error response before it is formatted for a service.
#[derive(Debug)]
pub(crate) struct AwsRefusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Further elements beside the message (S3 only).
    pub(crate) details: Vec<(&'static str, String)>,
}

impl AwsRefusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> AwsRefusal {
        AwsRefusal { status, code: code.to_owned(), message: message.into(), details: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> AwsRefusal {
        self.details.push((name, value.into()));
        self
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> AwsRefusal {
        AwsRefusal::new(403, "AccessDenied", message)
    }
}

/// Collects the violations of a request's parameters, in the wording of AWS's validation.
#[derive(Default)]
pub(crate) struct Constraints(Vec<String>);

impl Constraints {
    /// Adds a violation. The value is echoed as AWS echoes it, so a message about a code contains the code.
    fn add(&mut self, value: &str, name: &str, rule: impl AsRef<str>) {
        let rule = rule.as_ref();
        self.0.push(format!("Value {value} at '{name}' failed to satisfy constraint: Member must {rule}"));
    }

    pub(crate) fn required(&mut self, name: &str, value: Option<&str>) {
        if value.is_none() {
            self.add("null", name, "not be null");
        }
    }

    pub(crate) fn length(&mut self, name: &str, value: Option<&str>, least: usize, most: usize) {
        let Some(value) = value else { return };
        let length = value.chars().count();
        if length < least {
            self.add(&format!("'{value}'"), name, format!("have length greater than or equal to {least}"));
        }
        if length > most {
            self.add(&format!("'{value}'"), name, format!("have length less than or equal to {most}"));
        }
    }

    /// Checks each character with `allowed`; `pattern` only appears in the message.
    pub(crate) fn letters(&mut self, name: &str, value: Option<&str>, pattern: &str, allowed: fn(char) -> bool) {
        let Some(value) = value else { return };
        if !value.chars().all(allowed) {
            self.add(&format!("'{value}'"), name, format!("satisfy regular expression pattern: {pattern}"));
        }
    }

    /// Returns a whole number, checked against its limits, or `default` if the parameter is absent.
    pub(crate) fn number(&mut self, name: &str, value: Option<&str>, least: i64, most: i64, default: i64) -> i64 {
        let Some(text) = value else { return default };
        let Ok(number) = text.parse::<i64>() else {
            self.add(&format!("'{text}'"), name, "be an integer");
            return default;
        };
        if number < least {
            self.add(&format!("'{text}'"), name, format!("have value greater than or equal to {least}"));
        }
        if number > most {
            self.add(&format!("'{text}'"), name, format!("have value less than or equal to {most}"));
        }
        number
    }

    /// Checks `SerialNumber` and `TokenCode`, which several calls share.
    pub(crate) fn mfa(&mut self, serial_number: Option<&str>, token_code: Option<&str>) {
        self.length("serialNumber", serial_number, 9, 256);
        self.letters("serialNumber", serial_number, r"[\w+=/:,.@-]*", |letter| {
            letter.is_ascii_alphanumeric() || "_+=/:,.@-".contains(letter)
        });
        self.length("tokenCode", token_code, 6, 6);
        self.letters("tokenCode", token_code, r"[\d]*", |letter| letter.is_ascii_digit());
    }

    pub(crate) fn into_result(self) -> Result<(), AwsRefusal> {
        let errors = match self.0.len() {
            0 => return Ok(()),
            1 => "1 validation error".to_owned(),
            count => format!("{count} validation errors"),
        };
        Err(AwsRefusal::new(400, "ValidationError", format!("{errors} detected: {}", self.0.join("; "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_worded_as_by_aws() {
        let mut wrong = Constraints::default();
        wrong.mfa(None, Some("1234567a"));
        wrong.number("durationSeconds", Some("5"), 900, 129_600, 43_200);
        let Err(refusal) = wrong.into_result() else { panic!("three faults") };
        assert_eq!((refusal.status, refusal.code.as_str()), (400, "ValidationError"));
        assert_eq!(
            refusal.message,
            "3 validation errors detected: Value '1234567a' at 'tokenCode' failed to satisfy constraint: \
             Member must have length less than or equal to 6; Value '1234567a' at 'tokenCode' failed to satisfy \
             constraint: Member must satisfy regular expression pattern: [\\d]*; Value '5' at 'durationSeconds' \
             failed to satisfy constraint: Member must have value greater than or equal to 900"
        );
    }

    #[test]
    fn valid_parameters_have_no_violations() {
        let mut right = Constraints::default();
        right.mfa(Some("arn:aws:iam::123456789012:mfa/alice"), Some("123456"));
        assert_eq!(right.number("durationSeconds", None, 900, 129_600, 43_200), 43_200);
        assert_eq!(right.number("durationSeconds", Some("900"), 900, 129_600, 43_200), 900);
        assert_eq!(right.number("durationSeconds", Some("129600"), 900, 129_600, 43_200), 129_600);
        assert!(right.into_result().is_ok());
    }
}
