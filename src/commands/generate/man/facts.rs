//! The parts of the manual that cannot be derived from the grammar of the command line: settings, files, environment variables.

/// An entry of a list: its head, and the text that explains it.
pub(super) type Entry = (&'static str, &'static str);

pub(super) const DESCRIPTION: &str = "\
`aws-mfa-key` logs in to AWS with MFA. It reads the code from a YubiKey, from another token with an OATH applet, or \
from a secret in software; exchanges it for a session at AWS STS; and saves the session in the AWS credentials file, \
where the AWS CLI and all SDKs find it. Nobody types a code.

The session of profile NAME is saved in profile NAME-mfa: after `aws-mfa-key login dev`, use it with \
`aws s3 ls --profile dev-mfa`. A session that is still good is kept. Before you are asked for a touch, the long-term key, \
the MFA device and the token are checked, and each code is sent to AWS at most once.

A profile with role_arn gets a session of its role. For up to an hour, the role is assumed with the session of its source \
profile; for longer, it takes a code of its own.

The answer of a command is printed on standard output; messages go to standard error. An error is three lines: what did \
not happen, the cause, and what to do next.";

pub(super) const SETTINGS: &str = "\
Settings are read from section [profile NAME] of the AWS config file (from [default] for profile default). Precedence: \
flag, environment variable, profile, default. For a profile with role_arn, its source profile comes next.";

/// The keys of a profile that begin with `mfa_key_`, and those of other programs in their place.
pub(super) const OWN_KEYS: [Entry; 6] = [
    (
        "mfa_key_source = LIST",
        "Sources of the code, separated by commas. The next one is tried only if the one before does not exist; a wrong \
         password or a missing touch ends the login. Default: `token, prompt`.",
    ),
    (
        "mfa_key_token = SERIAL",
        "Serial number of the token, a decimal number. Default: the token that has the account.",
    ),
    (
        "mfa_key_account = ID",
        "Exact account name on the token. Default: the account that matches the MFA device and the IAM user.",
    ),
    (
        "mfa_key_session_profile = NAME",
        "Profile that the session is saved to. It must not be the profile itself. Default: the profile's name followed by `-mfa`.",
    ),
    (
        "mfa_key_duration = LENGTH",
        "Session length, such as 12h, 1h30m or 900 (seconds): 15m to 36h, for a role 15m to 12h. Default: `12h`; for a \
         role duration_seconds, else `1h`.",
    ),
    (
        "mfa_process = LINE",
        "aws-vault's key, used as `command:`LINE if mfa_key_source is not set. Ignored if LINE runs aws-mfa-key.",
    ),
];

/// The values of `mfa_key_source`.
pub(super) const SOURCES: [Entry; 6] = [
    ("token", "A token that is plugged in."),
    ("prompt", "A person, who types the code at the terminal."),
    ("secret:keyring[:NAME]", "A secret in the desktop's keyring. Default for NAME: the profile's name."),
    (
        "secret:file:PATH",
        "A secret in a file: base32 or an otpauth:// URI on the first line that is not empty. Only you or root may have \
         access to it.",
    ),
    ("secret:credential:NAME", "A secret in a systemd credential of this service."),
    (
        "command:LINE",
        "A command that sh runs, for at most a minute. The first line that it prints is the code, 6 to 8 digits. It stands \
         last in the list, because commas belong to LINE.",
    ),
];

/// The keys of AWS's own that a login reads.
pub(super) const AWS_KEYS: [Entry; 8] = [
    (
        "mfa_serial = ARN",
        "Serial number of the MFA device. Default: IAM is asked which ones the user has, and the one whose account is on \
         the token is used. `login --remember` saves it.",
    ),
    ("aws_access_key_id, aws_secret_access_key", "The long-term key, in the credentials file or the config file."),
    (
        "role_arn, source_profile",
        "The role that the session is for, and the profile that it is assumed with. Chains work; credential_source does \
         not.",
    ),
    ("external_id, role_session_name", "Passed to AWS when the role is assumed."),
    ("duration_seconds", "Length of the role's session in seconds, if mfa_key_duration is not set. Default: `3600`."),
    (
        "region, endpoint_url, services, use_fips_endpoint, use_dualstack_endpoint, ca_bundle",
        "How AWS is reached. They are copied to a new [profile NAME-mfa], together with output, and mean the same there.",
    ),
    ("ignore_configured_endpoint_urls", "If true, endpoint_url and services are ignored."),
    (
        "aws_mfa_device",
        "The MFA device in a section [NAME-long-term] of broamski/aws-mfa. `aws-mfa-key login` NAME uses the long-term key \
         of such a section, and saves the session in NAME.",
    ),
];

pub(super) const STRONGER_KEYS: &str = "\
A session cannot be saved in a profile with credential_process, role_arn, sso_session, sso_start_url, login_session or \
web_identity_token_file: AWS clients would use those instead. `login` then ends with exit code 2.";

pub(super) const FILES: [Entry; 8] = [
    (
        "~/.aws/config",
        "Settings, as described above. The first login with a profile adds [profile NAME-mfa]; `--remember` adds \
         mfa_serial. Nothing else is changed.",
    ),
    (
        "~/.aws/credentials",
        "Long-term keys and sessions. The section of a session has aws_access_key_id, aws_secret_access_key, \
         aws_session_token, x_security_token_expires (RFC 3339, UTC), mfa_key_owner, mfa_key_identity and \
         mfa_key_mfa_serial. Only these keys are changed. The file is replaced in one step, and a section with a long-term \
         key is never overwritten.",
    ),
    ("~/.aws/.credentials.aws-mfa-key.lock", "Lock for changes of the credentials file."),
    (
        "~/.local/state/aws-mfa-key",
        "The state folder: for each MFA device, the time steps whose codes were sent, the offset of AWS's clock, and the token \
         that made the last code. No secrets and no codes. May be deleted while no aws-mfa-key runs.",
    ),
    (
        "$XDG_RUNTIME_DIR/aws-mfa-key",
        "The runtime folder of the agent: its lock, its socket agent.sock, and the port and the secret of its endpoint.",
    ),
    ("/run/aws-mfa-key", "The runtime folder of the agent that runs as a system service."),
    ("/var/lib/aws-mfa-key", "The home of the system services' user, aws-mfa-key; its AWS files are in .aws."),
    (
        "~/.local/share/ykman/oath_keys.json",
        "Passwords that ykman and Yubico Authenticator remember. They are read, and never changed.",
    ),
];

pub(super) const FLAG_VARIABLES: &str = "\
Each of these variables is the same as the option of its name: AWS_MFA_KEY_MIN_TTL=30m is `--min-ttl 30m`. A switch is on \
with 1, true, yes or on, and off with 0, false, no or off. AWS_MFA_KEY_FORCE forces a login, and never overwrites an \
account or a secret. There is no variable for `--code`, which other programs could read there.";

/// The variables of options that `login` does not have.
pub(super) const OTHER_FLAG_VARIABLES: [&str; 4] =
    ["AWS_MFA_KEY_TOUCH", "AWS_MFA_KEY_SERVE", "AWS_MFA_KEY_LOGOUT_ON_REMOVAL", "AWS_MFA_KEY_METRICS_FILE"];

/// The variables that are read, other than those of options.
pub(super) const READ: [Entry; 20] = [
    (
        "AWS_MFA_KEY_PROFILE, AWS_PROFILE, AWS_DEFAULT_PROFILE",
        "The profile, if none is named on the command line; the first that is set. A session profile stands for the profile \
         whose session it is.",
    ),
    (
        "AWS_MFA_KEY_PASSWORD_FILE",
        "File with the password of the token's OATH applet on its first line. Only you or root may have access to it.",
    ),
    (
        "AWS_MFA_KEY_STATE_DIR, STATE_DIRECTORY, XDG_STATE_HOME",
        "The state folder: AWS_MFA_KEY_STATE_DIR or STATE_DIRECTORY itself, or aws-mfa-key below XDG_STATE_HOME.",
    ),
    (
        "RUNTIME_DIRECTORY, XDG_RUNTIME_DIR",
        "The runtime folder of the agent: RUNTIME_DIRECTORY itself, or aws-mfa-key below XDG_RUNTIME_DIR.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "The systemd credentials of this service: aws-mfa-key.password.SERIAL and aws-mfa-key.password are passwords of \
         tokens; `secret:credential:`NAME reads NAME.",
    ),
    ("AWS_MFA_SERIAL, MFA_DEVICE", "The MFA device, as other programs name it, if AWS_MFA_KEY_MFA_SERIAL is not set."),
    ("YKMAN_OATH_DEVICE_SERIAL", "The token, as ykman names it, if AWS_MFA_KEY_TOKEN is not set."),
    ("YKMAN_OATH_CREDENTIAL_NAME", "The account, as ykman names it, if AWS_MFA_KEY_ACCOUNT is not set."),
    ("AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE", "The AWS config file and the AWS credentials file."),
    ("AWS_REGION, AWS_DEFAULT_REGION", "The region of the STS endpoint, if AWS_MFA_KEY_REGION is not set."),
    (
        "AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_IAM",
        "Endpoints instead of AWS's own. Plain HTTP is allowed for this machine only.",
    ),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "If true, all other endpoint settings are ignored."),
    ("AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT", "If true, such endpoints are used."),
    ("AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE", "File with the certificates to trust instead of the system's."),
    (
        "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy to AWS, and the hosts that are reached without one. The names in lower case come first.",
    ),
    ("HOME", "Your home folder, which the files above are in."),
    ("SHELL", "The shell that `env` and `agent env` print commands for, if --shell is not given."),
    ("DBUS_SESSION_BUS_ADDRESS", "The desktop: notifications and the keyring. Default: the bus in XDG_RUNTIME_DIR."),
    ("PCSCLITE_CSOCK_NAME", "Socket of the smart card service, instead of the system's."),
    (
        "XDG_DATA_HOME, YKMAN_KEYRING_SERVICE, YKMAN_KEYRING_KEY",
        "Where ykman keeps the passwords that it remembers, as ykman itself reads them.",
    ),
];

/// The variables that commands set.
pub(super) const SET: [Entry; 3] = [
    (
        "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION",
        "`env` and `exec` set the session. If the profile says so, they also set AWS_REGION, AWS_DEFAULT_REGION, \
         AWS_ENDPOINT_URL, AWS_CA_BUNDLE, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT. They unset AWS_PROFILE, \
         AWS_DEFAULT_PROFILE, AWS_MFA_KEY_PROFILE, AWS_SECURITY_TOKEN and AWS_SESSION_EXPIRATION.",
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "`agent env` and `exec --serve` set the agent's endpoint, and the authorization token of the profile.",
    ),
    (
        "AWS_MFA_KEY_TOUCH_EVENT",
        "`--on-touch` sets `start` or `end`. AWS_MFA_KEY_TOUCH_OUTCOME is `touched`, `late`, `failed` or `interrupted` at \
         the end. AWS_MFA_KEY_TOUCH_TOKEN, AWS_MFA_KEY_TOUCH_ACCOUNT, AWS_MFA_KEY_TOUCH_PROFILE, \
         AWS_MFA_KEY_TOUCH_AWS_ACCOUNT and AWS_MFA_KEY_TOUCH_CALLER say what the touch is for; AWS_MFA_KEY_TOUCH_SECONDS \
         is the time limit.",
    ),
];

pub(super) const EXIT_STATUS_END: &str = "\
`exec` otherwise ends with the exit code of its command. `login` with several profiles ends with their common code if all \
failures agree, else with 1. `status` without a profile ends with 0. A program that a signal ended has 128 and the \
signal's number; the agent ends with 0 on SIGTERM.";

pub(super) const SEE_ALSO: &str = "aws(1), ykman(1), pcscd(8), systemd-creds(1)";
