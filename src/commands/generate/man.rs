//! The man page: one for all commands, with their flags from the grammar (man-pages(7), groff_man(7)).

use crate::cli::{LoginOptions, TokenArgs};
use clap::builder::PossibleValue;
use clap::{Arg, Args, Command};
use roff::{Inline, Roff, bold, italic, roman};

/// What is read from the environment beside the flags' own variables.
const VARIABLES: [(&str, &str); 11] = [
    ("AWS_MFA_KEY_PROFILE, AWS_PROFILE, AWS_DEFAULT_PROFILE", "The profile; the first that is set."),
    (
        "AWS_MFA_KEY_STATE_DIR, STATE_DIRECTORY, XDG_STATE_HOME",
        "Where is noted which codes were sent, and what is known of tokens; else below ~/.local/state.",
    ),
    (
        "AWS_MFA_KEY_PASSWORD_FILE",
        "A file with the password of the token on its first line; only you or root may read it.",
    ),
    (
        "CREDENTIALS_DIRECTORY",
        "systemd credentials: aws-mfa-key.password.SERIAL or aws-mfa-key.password of a token, and secret:credential:NAME.",
    ),
    ("AWS_MFA_SERIAL, MFA_DEVICE", "The same as --mfa-serial, as other programs call it."),
    ("AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE", "AWS's two files."),
    ("AWS_REGION, AWS_DEFAULT_REGION", "The region whose STS is asked."),
    ("AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_IAM", "Other endpoints than AWS's own."),
    ("AWS_CA_BUNDLE", "Certificates that are trusted instead of the system's."),
    ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "The way to AWS."),
    ("PCSCLITE_CSOCK_NAME", "Another smart card service than the system's."),
];

/// The flags that several commands have, told once, under a heading of their own.
struct SharedOptions {
    heading: &'static str,
    command: Command,
}

impl SharedOptions {
    fn all() -> [Self; 2] {
        [
            Self { heading: "OPTIONS OF A LOGIN", command: LoginOptions::augment_args(Command::new("")) },
            Self { heading: "OPTIONS ABOUT TOKENS", command: TokenArgs::augment_args(Command::new("")) },
        ]
    }

    fn has(&self, arg: &Arg) -> bool {
        self.command.get_arguments().any(|shared| shared.get_id() == arg.get_id())
    }

    fn is_in(&self, command: &Command) -> bool {
        self.command.get_arguments().all(|shared| command.get_arguments().any(|arg| shared.get_id() == arg.get_id()))
    }
}

/// The page of a program.
pub(super) fn page(mut program: Command) -> String {
    program.build();
    let source = format!("aws-mfa-key {}", program.get_version().unwrap_or_default());
    let mut page = Roff::new();
    page.control("TH", ["AWS-MFA-KEY", "1", " ", &source, "User Commands"]);
    page.control("SH", ["NAME"]).text([roman("aws-mfa-key - touch your YubiKey, and AWS works")]);
    page.control("SH", ["SYNOPSIS"]).text([bold("aws-mfa-key "), italic("COMMAND"), roman(" [OPTIONS]")]);
    page.control("SH", ["DESCRIPTION"]).text([sentence(&program)]);
    page.control("SH", ["COMMANDS"]);
    let shared = SharedOptions::all();
    for command in shown(&program) {
        chapter(&mut page, command, &shared);
    }
    for SharedOptions { heading, command } in &shared {
        page.control("SH", [*heading]);
        flags(&mut page, command.get_arguments());
    }
    exit_status(&mut page, &program);
    environment(&mut page, &shared[0].command);
    page.control("SH", ["SEE ALSO"]).text([roman("aws(1), ykman(1), pcscd(8), systemd-creds(1)")]);
    page.to_roff()
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
}

/// What a command does. Its help has no full stop, as is usual there.
fn sentence(command: &Command) -> Inline {
    roman(command.get_about().map(ToString::to_string).unwrap_or_default() + ".")
}

/// A command, or each of those below it.
fn chapter(page: &mut Roff, command: &Command, shared: &[SharedOptions]) {
    if command.has_subcommands() {
        return shown(command).for_each(|below| chapter(page, below, shared));
    }
    let usage = command.clone().render_usage().to_string();
    page.control("SS", [usage.trim_start_matches("Usage:").trim()]).text([sentence(command)]);
    let common = shared.iter().find(|shared| shared.is_in(command));
    if let Some(SharedOptions { heading, .. }) = common {
        page.text([roman("More flags are told below, in "), italic(*heading), roman(".")]);
    }
    let own = command.get_arguments().filter(|arg| !common.is_some_and(|shared| shared.has(arg)));
    flags(page, own.filter(|arg| arg.get_id() != "help"));
    // The exit codes are told once.
    let example = command.get_after_help().map(ToString::to_string).filter(|text| !text.starts_with("Exit codes"));
    if let Some(text) = example {
        page.control("PP", []).control("nf", []);
        text.lines().for_each(|line| blank_or(page, line));
        page.control("fi", []);
    }
}

fn blank_or(page: &mut Roff, line: &str) {
    if line.is_empty() {
        page.control("sp", [])
    } else {
        page.text([roman(line)])
    };
}

fn flags<'a>(page: &mut Roff, args: impl Iterator<Item = &'a Arg>) {
    for arg in args.filter(|arg| !arg.is_hide_set()) {
        let names = [arg.get_short().map(|c| format!("-{c}")), arg.get_long().map(|name| format!("--{name}"))];
        let names: Vec<String> = names.into_iter().flatten().collect();
        let value = arg.get_value_names().filter(|_| arg.get_action().takes_values()).map(|names| names.join(" "));
        // A value that may be left out stands behind a sign of its own.
        let (open, close) = match (&value, arg.is_require_equals_set()) {
            (Some(_), true) => ("[=", "]"),
            (Some(_), false) if !names.is_empty() => (" ", ""),
            _ => ("", ""),
        };
        let head = [bold(names.join(", ")), roman(open), italic(value.unwrap_or_default()), roman(close)];
        item(page, head, &arg.get_help().map(ToString::to_string).unwrap_or_default());
        let values = arg.get_possible_values();
        let values: Vec<&str> =
            values.iter().filter(|value| !value.is_hide_set()).map(PossibleValue::get_name).collect();
        if !values.is_empty() && arg.get_action().takes_values() {
            page.text([roman(format!("({})", values.join(", ")))]);
        }
    }
}

/// The program's help lists them, a line for each.
fn exit_status(page: &mut Roff, program: &Command) {
    page.control("SH", ["EXIT STATUS"]);
    let help = program.get_after_help().map(ToString::to_string).unwrap_or_default();
    for (code, meaning) in help.lines().filter_map(|line| line.trim().split_once("  ")) {
        item(page, [bold(code)], meaning);
    }
    page.control("PP", []).text([bold("exec"), roman(" ends with the exit code of its command.")]);
}

fn environment(page: &mut Roff, how: &Command) {
    page.control("SH", ["ENVIRONMENT"]);
    page.text([roman("A flag goes before its variable, a variable before the profile in AWS's config file.")]);
    // A code would be seen there by others.
    for flag in how.get_arguments().filter_map(Arg::get_long).filter(|flag| *flag != "code") {
        let variable = format!("AWS_MFA_KEY_{}", flag.to_uppercase().replace('-', "_"));
        item(page, [bold(variable)], &format!("The same as --{flag}."));
    }
    for (names, meaning) in VARIABLES {
        item(page, [bold(names)], meaning);
    }
}

/// One entry of a list.
fn item<const N: usize>(page: &mut Roff, what: [Inline; N], meaning: &str) {
    page.control("TP", []).text(what).text([roman(meaning)]);
}
