//! The end of the program's own `--help`: examples, exit codes, environment variables. No other command repeats them.

use super::examples;

/// Exit codes, a line each: the code, two spaces, its meaning. The manual prints the same lines.
pub const EXIT_CODES: &str = "    0  done
    1  failed; status: a session is not valid; doctor: a problem was found
    2  invalid command line or configuration
    3  no token plugged in
    4  a person was needed (touch, password, prompt) and none came
    5  AWS refused
    6  AWS could not be reached
  126  exec: the command cannot be run
  127  exec: there is no such command
  130  interrupted (Ctrl-C)";

const ENVIRONMENT: &str = "  Precedence: flag, environment variable, profile, default.

  AWS_MFA_KEY_MIN_TTL=30m is --min-ttl 30m, AWS_MFA_KEY_QUIET=1 is --quiet, and
  so on, for all options of login except --all and --code, and for --serve,
  --touch, --logout-on-removal and --metrics-file. AWS_MFA_KEY_FORCE=1 forces a
  login; it never overwrites an account or a secret.

  AWS_MFA_KEY_PASSWORD_FILE  File with the password of the token's OATH applet
  AWS_MFA_KEY_STATE_DIR      State folder [default: ~/.local/state/aws-mfa-key]

  AWS_PROFILE, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_REGION,
  AWS_ENDPOINT_URL, AWS_CA_BUNDLE, HTTPS_PROXY, NO_PROXY: as for the AWS CLI.

  All variables are in the manual: aws-mfa-key generate man | man -l -";

/// Returns the end of the program's `--help`.
pub(super) fn all() -> String {
    let examples = examples::PROGRAM;
    format!(
        "{examples}\n\nExit codes:\n{EXIT_CODES}\n\n  Otherwise, exec ends with the exit code of its command.\n\n\
         Environment variables:\n{ENVIRONMENT}"
    )
}
