//! The headings that options are grouped under in help and manual. An option has the same heading in every command.

/// Options about the session that AWS gives: length, place, renewal.
pub const SESSION: &str = "Session";
/// Options about the source of the code: token, account, reader.
pub const TOKEN: &str = "Token";
/// Options about MFA device and region.
pub const AWS: &str = "AWS";
/// Options about what is printed, and how a person is asked.
pub const OUTPUT: &str = "Output";

/// All headings, in the order of the help.
pub const ALL: [&str; 4] = [SESSION, TOKEN, AWS, OUTPUT];
