//! Names of profiles. The profile that logs in and the profile that holds its session have names of different types,
//! so that they cannot be swapped.

use std::fmt;
use std::ops::Deref;

/// Name of a profile that can log in: the owner of a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

/// Name of the profile that holds a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionProfile(String);

/// Returns true if every AWS client finds a section with this name. `DEFAULT` is not portable, because Python's
/// clients apply its keys to all other sections.
#[must_use]
pub fn is_portable(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c);
    !name.is_empty() && name != "DEFAULT" && name.chars().all(allowed)
}

macro_rules! name {
    ($type:ident) => {
        impl $type {
            /// Returns the name as written in AWS's files, without the `profile ` prefix of the config file.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Lets a name be used wherever a `&str` is expected.
        impl Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                Self(name.to_owned())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(ProfileName);
name!(SessionProfile);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_every_client_finds() {
        for name in ["dev", "dev-mfa", "team/a.b", "a%20b", "me@example.com", "arn:x+y"] {
            assert!(is_portable(name), "{name}");
        }
        for name in ["", "DEFAULT", "two words", "büro", "a]b", "a#b", "a\nb", "\"dev\""] {
            assert!(!is_portable(name), "{name}");
        }
    }
}
