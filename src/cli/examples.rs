//! The examples at the end of each command's `--help`, which the manual repeats. A test runs them in a shell.
//!
//! A line with two spaces says what the commands below it do; a line with four is typed as it stands.

pub(super) const PROGRAM: &str = "\
Examples:
  Log in with the default profile, then use the session:
    aws-mfa-key login
    aws s3 ls --profile default-mfa

  Run one command with a session of profile dev:
    aws-mfa-key exec dev -- aws s3 ls

  Find out why a login fails:
    aws-mfa-key doctor dev";

pub(super) const LOGIN: &str = "\
Examples:
  Log in with the default profile:
    aws-mfa-key login

  Log in with every configured profile, for eight hours each:
    aws-mfa-key login --all --duration 8h

  Wait up to ten minutes for the token to be plugged in:
    aws-mfa-key login dev --wait=10m";

pub(super) const STATUS: &str = "\
Examples:
  Show all sessions:
    aws-mfa-key status

  Run a command only if the session of profile dev is valid:
    aws-mfa-key status dev --quiet && aws s3 ls --profile dev-mfa";

pub(super) const CREDENTIAL_PROCESS: &str = "\
Examples:
  Let profile work use the sessions of profile dev:
    aws configure set --profile work credential_process \\
        \"aws-mfa-key credential-process dev\"
    aws s3 ls --profile work

  Print the session of profile dev:
    aws-mfa-key credential-process dev";

pub(super) const ENV: &str = "\
Examples:
  In sh, bash or zsh:
    eval \"$(aws-mfa-key env dev)\"

  In fish:
    aws-mfa-key env dev --shell fish | source

  In PowerShell:
    aws-mfa-key env dev --shell powershell | Out-String | Invoke-Expression";

pub(super) const EXEC: &str = "\
Examples:
  Run one command:
    aws-mfa-key exec dev -- aws s3 ls

  Start a shell with the session:
    aws-mfa-key exec dev -- \"$SHELL\"

  Let the agent renew the session while a long command runs:
    aws-mfa-key exec dev --serve -- terraform apply";

pub(super) const CODE: &str = "\
Examples:
  Print a code for profile dev:
    aws-mfa-key code dev

  Let aws-vault get its codes for profile dev:
    aws configure set --profile dev mfa_process \"aws-mfa-key code dev\"";

pub(super) const LOGOUT: &str = "\
Examples:
  Remove the session of profile dev:
    aws-mfa-key logout dev

  Remove all sessions:
    aws-mfa-key logout --all";

pub(super) const AGENT: &str = "\
Examples:
  Renew the sessions of all profiles, in this terminal:
    aws-mfa-key agent

  Renew them in the background (`make install` brings the unit):
    systemctl --user enable --now aws-mfa-key-agent.service

  Run a command with a session that the agent renews:
    aws-mfa-key exec dev --serve -- aws s3 ls";

pub(super) const AGENT_ENV: &str = "\
Examples:
  On this machine:
    eval \"$(aws-mfa-key agent env dev)\"

  On HOST, while the token stays here:
    { aws-mfa-key agent env dev --port 4711 && echo 'aws s3 ls'; } |
        ssh -oExitOnForwardFailure=yes \\
            -R 127.0.0.1:4711:$XDG_RUNTIME_DIR/aws-mfa-key/agent.sock HOST sh";

pub(super) const TOKENS: &str = "\
Examples:
  List all tokens:
    aws-mfa-key tokens

  List token 12345678 as JSON:
    aws-mfa-key tokens --token 12345678 --json";

pub(super) const ACCOUNTS: &str = "\
Examples:
  List the accounts on the token:
    aws-mfa-key accounts list

  Add the account in a screenshot of AWS's QR code:
    aws-mfa-key accounts add --touch --qr screenshot.png";

pub(super) const ACCOUNTS_LIST: &str = "\
Examples:
  List the accounts on the only token plugged in:
    aws-mfa-key accounts list

  List the accounts on token 12345678 as JSON:
    aws-mfa-key accounts list --token 12345678 --json";

pub(super) const ACCOUNTS_ADD: &str = "\
Examples:
  Add the account in a screenshot of AWS's QR code:
    aws-mfa-key accounts add --touch --qr screenshot.png

  Name the account, and paste the secret at a prompt:
    aws-mfa-key accounts add --touch \"Amazon Web Services:alice@example\"";

pub(super) const ACCOUNTS_RENAME: &str = "\
Examples:
  Rename an account:
    aws-mfa-key accounts rename \"Amazon Web Services:alice@example\" AWS:alice

  Rename an account on token 12345678:
    aws-mfa-key accounts rename AWS:alice AWS:alice@dev --token 12345678";

pub(super) const ACCOUNTS_REMOVE: &str = "\
Examples:
  Remove an account; this asks for confirmation:
    aws-mfa-key accounts remove \"Amazon Web Services:alice@example\"

  Remove an account from token 12345678 without confirmation:
    aws-mfa-key accounts remove AWS:alice --token 12345678 --yes";

pub(super) const PASSWORD: &str = "\
Examples:
  Set a password:
    aws-mfa-key accounts password set

  Remember the password on this desktop:
    aws-mfa-key accounts password remember";

pub(super) const PASSWORD_SET: &str = "\
Examples:
  Type the new password at a prompt:
    aws-mfa-key accounts password set

  Read the new password from a file:
    aws-mfa-key accounts password set --stdin < new-password.txt";

pub(super) const PASSWORD_CHANGE: &str = "\
Examples:
  Type both passwords at a prompt:
    aws-mfa-key accounts password change

  Read the current and the new password from a file, one per line:
    aws-mfa-key accounts password change --stdin < passwords.txt";

pub(super) const PASSWORD_CLEAR: &str = "\
Examples:
  Type the current password at a prompt:
    aws-mfa-key accounts password clear

  Clear the password of token 12345678, and read it from a file:
    aws-mfa-key accounts password clear --token 12345678 --stdin < password.txt";

pub(super) const PASSWORD_REMEMBER: &str = "\
Examples:
  Remember the password of the only token plugged in:
    aws-mfa-key accounts password remember

  Read the password from a file:
    aws-mfa-key accounts password remember --stdin < password.txt";

pub(super) const PASSWORD_FORGET: &str = "\
Examples:
  Forget the password of the only token plugged in:
    aws-mfa-key accounts password forget

  Forget the passwords of all tokens, plugged in or not:
    aws-mfa-key accounts password forget --all";

pub(super) const SECRET: &str = "\
Examples:
  Store the secret in a screenshot of AWS's QR code, then use it:
    aws-mfa-key secret add dev --qr screenshot.png
    aws configure set --profile dev mfa_key_source secret:keyring

  List the secrets in the keyring:
    aws-mfa-key secret list";

pub(super) const SECRET_ADD: &str = "\
Examples:
  Store the secret in the keyring, from a screenshot of AWS's QR code:
    aws-mfa-key secret add dev --qr screenshot.png

  Store the secret in a file that only you can read:
    aws-mfa-key secret add dev --file ~/.aws/dev.secret < secret.txt";

pub(super) const SECRET_REMOVE: &str = "\
Examples:
  Remove the secret of profile dev; this asks for confirmation:
    aws-mfa-key secret remove dev

  Remove a secret in a file without confirmation:
    aws-mfa-key secret remove dev --file ~/.aws/dev.secret --yes";

pub(super) const SECRET_LIST: &str = "\
Examples:
  List the secrets in the keyring:
    aws-mfa-key secret list

  Check that the keyring has a secret named dev:
    aws-mfa-key secret list | grep -x dev";

pub(super) const DOCTOR: &str = "\
Examples:
  Check everything a login with the default profile needs:
    aws-mfa-key doctor

  Show only the problems of profile dev:
    aws-mfa-key doctor dev --quiet

  List the problems as JSON:
    aws-mfa-key doctor dev --json";

pub(super) const GENERATE: &str = "\
Examples:
  Read the manual page:
    aws-mfa-key generate man | man -l -

  Load the completions into this bash:
    source <(aws-mfa-key generate completions bash)";

pub(super) const COMPLETIONS: &str = "\
Examples:
  For bash:
    mkdir -p ~/.local/share/bash-completion/completions
    aws-mfa-key generate completions bash \\
        > ~/.local/share/bash-completion/completions/aws-mfa-key

  For fish:
    mkdir -p ~/.config/fish/completions
    aws-mfa-key generate completions fish \\
        > ~/.config/fish/completions/aws-mfa-key.fish

  For zsh (with ~/.zfunc in $fpath, before compinit):
    mkdir -p ~/.zfunc
    aws-mfa-key generate completions zsh > ~/.zfunc/_aws-mfa-key";

pub(super) const MAN: &str = "\
Examples:
  Read the manual page:
    aws-mfa-key generate man | man -l -

  Install the manual page for yourself:
    mkdir -p ~/.local/share/man/man1
    aws-mfa-key generate man > ~/.local/share/man/man1/aws-mfa-key.1";
