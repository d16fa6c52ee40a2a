//! `env`: prints a session as commands for a shell.

use super::profile_plan;
use crate::aws::credentials_file::rfc3339;
use crate::cli::{self, Shell};
use crate::plan::Plan;
use crate::report::Failure;
use crate::sessions::{ObtainedSession, obtain};
use crate::world::{Environment, World};
use secrecy::ExposeSecret;
use std::path::Path;
use zeroize::Zeroizing;

/// Variables that are removed, because AWS's clients would use them in place of the session or beside it.
pub(super) const IN_THE_WAY: [&str; 5] =
    ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "AWS_SESSION_EXPIRATION", "AWS_MFA_KEY_PROFILE"];
/// Variables that are set, if they have a value.
pub(super) const SET: [&str; 10] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
];
/// Keys of a profile that apply to the session, too, with the variable for each. The region has two, because no
/// client reads both.
const SAID: [(&str, &str); 6] = [
    ("region", SET[4]),
    ("region", SET[5]),
    ("endpoint_url", SET[6]),
    ("ca_bundle", SET[7]),
    ("use_fips_endpoint", SET[8]),
    ("use_dualstack_endpoint", SET[9]),
];

pub(super) fn run(typed: &cli::EnvArgs, world: &mut World) -> Result<(), Failure> {
    let shell = typed.shell.unwrap_or_else(|| own_shell(&world.env));
    let text = if typed.unset {
        Zeroizing::new(SET.iter().map(|name| unset(shell, name)).collect::<String>())
    } else {
        let (plan, _) = profile_plan::for_session(&typed.profile, &typed.how, world)?;
        let got = obtain(&plan, world)?;
        let cleared = IN_THE_WAY.iter().map(|name| unset(shell, name));
        let set = variables(&plan, &got).into_iter().map(|(name, value)| set(shell, name, &value));
        Zeroizing::new(cleared.chain(set).collect::<String>())
    };
    world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush()).map_err(Failure::Output)
}

/// Returns the variables for a session, under the names that AWS's clients read.
pub(super) fn variables(plan: &Plan, got: &ObtainedSession) -> Vec<(&'static str, Zeroizing<String>)> {
    let session = &got.session;
    let mut values = vec![
        (SET[0], session.access_key_id.clone()),
        (SET[1], session.secret_access_key.expose_secret().to_owned()),
        (SET[2], session.session_token.expose_secret().to_owned()),
        (SET[3], rfc3339(&session.expires)),
    ];
    values.extend(said(&plan.passed_on));
    values.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect()
}

/// Returns the variables for a profile's settings.
pub(super) fn said(passed_on: &[(String, String)]) -> impl Iterator<Item = (&'static str, String)> {
    SAID.into_iter().filter_map(|(key, variable)| {
        let (_, value) = passed_on.iter().find(|(said, _)| said == key)?;
        Some((variable, value.clone()))
    })
}

pub(super) fn own_shell(env: &Environment) -> Shell {
    let name = env.text("SHELL").and_then(|shell| Path::new(shell).file_name()?.to_str());
    match name {
        Some("bash") => Shell::Bash,
        Some("zsh") => Shell::Zsh,
        Some("fish") => Shell::Fish,
        Some("pwsh") => Shell::Powershell,
        _ => Shell::Sh,
    }
}

pub(super) fn set(shell: Shell, name: &str, value: &str) -> String {
    match shell {
        Shell::Sh | Shell::Bash | Shell::Zsh => format!("export {name}='{}'\n", value.replace('\'', "'\\''")),
        Shell::Fish => format!("set -gx {name} '{}'\n", value.replace('\\', "\\\\").replace('\'', "\\'")),
        // A typographic quote ends a string in PowerShell just as a plain one does, and is doubled in the same way.
        Shell::Powershell => {
            let doubled = |c: char| std::iter::repeat_n(c, if "'‘’‚‛".contains(c) { 2 } else { 1 });
            format!("$Env:{name} = '{}'\n", value.chars().flat_map(doubled).collect::<String>())
        }
        // Only a percent sign is special within the quotes. A quote cannot be escaped, and no value from AWS has one.
        Shell::Cmd => format!("set \"{name}={}\"\r\n", value.replace('%', "%%").replace('"', "")),
    }
}

pub(super) fn unset(shell: Shell, name: &str) -> String {
    match shell {
        Shell::Sh | Shell::Bash | Shell::Zsh => format!("unset {name}\n"),
        // Without the test, `set -e` fails if the variable does not exist.
        Shell::Fish => format!("if set -q {name}; set -e {name}; end\n"),
        Shell::Powershell => format!("Remove-Item -ErrorAction SilentlyContinue Env:{name}\n"),
        Shell::Cmd => format!("set \"{name}=\"\r\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other shells are tested by running them.
    #[test]
    fn values_for_the_shells_of_windows_are_quoted() {
        let cases = [
            ("plain", "'plain'", "plain"),
            ("C:\\my certificates\\ca.pem", "'C:\\my certificates\\ca.pem'", "C:\\my certificates\\ca.pem"),
            ("it's", "'it''s'", "it's"),
            ("‘a’ ‚b‛", "'‘‘a’’ ‚‚b‛‛'", "‘a’ ‚b‛"),
            ("$Env:PATH `n $(1)", "'$Env:PATH `n $(1)'", "$Env:PATH `n $(1)"),
            ("%PATH% 100%", "'%PATH% 100%'", "%%PATH%% 100%%"),
            ("a & b | c > d ^ e", "'a & b | c > d ^ e'", "a & b | c > d ^ e"),
            ("a\"&b", "'a\"&b'", "a&b"),
        ];
        for (value, powershell, cmd) in cases {
            assert_eq!(set(Shell::Powershell, "AWS_REGION", value), format!("$Env:AWS_REGION = {powershell}\n"));
            assert_eq!(set(Shell::Cmd, "AWS_REGION", value), format!("set \"AWS_REGION={cmd}\"\r\n"));
        }
        let gone = "Remove-Item -ErrorAction SilentlyContinue Env:AWS_REGION\n";
        assert_eq!(unset(Shell::Powershell, "AWS_REGION"), gone);
        assert_eq!(unset(Shell::Cmd, "AWS_REGION"), "set \"AWS_REGION=\"\r\n");
    }
}
