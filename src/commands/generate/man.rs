//! The manual page: one for all commands. Commands, options and examples come from the grammar, facts from [`facts`].

mod facts;
mod roff_page;

use crate::cli::{EXIT_CODES, LoginOptions, headings};
use clap::builder::PossibleValue;
use clap::{Arg, Args, Command};
use facts::Entry;
use roff::{Inline, bold, italic, roman};
use roff_page::RoffPage;

/// Date of the last change to the page, as man-pages(7) wants it. Not the date of the build: all builds of a version are
/// the same.
const DATE: &str = "2026-12-01";

/// Returns the source of the page.
pub(super) fn page(mut program: Command) -> String {
    program.build();
    let version = format!("aws-mfa-key {}", program.get_version().unwrap_or_default());
    let mut page = RoffPage::titled(["AWS-MFA-KEY", "1", DATE, &version, "User Commands"]);
    page.section("NAME");
    page.line([roman("aws-mfa-key - touch your YubiKey, and AWS works")]);
    page.section("SYNOPSIS");
    page.line([bold("aws-mfa-key"), roman(" "), italic("COMMAND"), roman(" [OPTIONS] [ARGUMENTS]")]);
    page.section("DESCRIPTION");
    page.prose(facts::DESCRIPTION);
    let commands = commands_below(&program);
    let options = SharedOptions::of(&commands);
    page.section("COMMANDS");
    for command in &commands {
        describe(&mut page, command, &options);
    }
    options.write(&mut page, &program);
    settings(&mut page);
    page.section("FILES");
    list(&mut page, &facts::FILES);
    environment(&mut page);
    page.section("EXIT STATUS");
    for (code, meaning) in EXIT_CODES.lines().filter_map(|line| line.trim().split_once("  ")) {
        page.item([bold(code)], &sentence(meaning));
    }
    page.paragraph(facts::EXIT_STATUS_END);
    page.section("EXAMPLES");
    examples(&mut page, &program);
    for command in &commands {
        page.subsection(&name(command));
        examples(&mut page, command);
    }
    page.section("SEE ALSO");
    page.prose(facts::SEE_ALSO);
    page.source()
}

/// Returns all commands that do something, in the order of the help: those without subcommands, and `agent`.
fn commands_below(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    let own = |below| if Command::is_subcommand_required_set(below) { None } else { Some(below) };
    below.flat_map(|below| own(below).into_iter().chain(commands_below(below))).collect()
}

/// Returns the full name of a command: `aws-mfa-key accounts list`.
fn name(command: &Command) -> String {
    command.get_bin_name().unwrap_or_default().to_owned()
}

/// Returns a text with a full stop, which help texts do without.
fn sentence(text: &str) -> String {
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{text}{end}")
}

/// Returns the long help of a command or an option: its first line as a sentence, and the paragraphs after it.
fn long_text(short: Option<String>, long: Option<String>) -> String {
    let short = short.unwrap_or_default();
    let rest = long.unwrap_or_default();
    let rest = rest.strip_prefix(&short).unwrap_or_default();
    format!("{}{rest}", sentence(&short))
}

/// The options under the headings of the help, each of which is described once, whatever commands have it.
struct SharedOptions<'c> {
    /// An option, and the names of the commands that have it.
    options: Vec<(&'c Arg, Vec<String>)>,
    /// The number of commands that log in, and have all options of a login.
    logins: usize,
}

impl<'c> SharedOptions<'c> {
    /// Collects the options of all commands; the first command that has an option gives the text.
    fn of(commands: &[&'c Command]) -> Self {
        let mut options: Vec<(&Arg, Vec<String>)> = Vec::new();
        for command in commands {
            for arg in command.get_arguments().filter(|arg| arg.get_help_heading().is_some() && !arg.is_hide_set()) {
                match options.iter_mut().find(|(shared, _)| shared.get_long() == arg.get_long()) {
                    Some((_, names)) => names.push(short_name(command)),
                    None => options.push((arg, vec![short_name(command)])),
                }
            }
        }
        Self { options, logins: commands.iter().filter(|command| is_login(command)).count() }
    }

    /// Returns true if an option of a command is described in OPTIONS, in the same words.
    fn has(&self, arg: &Arg) -> bool {
        let text = |arg: &Arg| arg.get_help().map(ToString::to_string);
        self.options.iter().any(|(shared, _)| shared.get_long() == arg.get_long() && text(shared) == text(arg))
    }

    fn write(&self, page: &mut RoffPage, program: &Command) {
        page.section("OPTIONS");
        page.item([bold("-p, --profile"), roman(" "), italic("PROFILE")], "Profile name (same as the argument).");
        for arg in program.get_arguments() {
            page.item(head(arg), &sentence(&arg.get_help().map(ToString::to_string).unwrap_or_default()));
        }
        for heading in headings::ALL {
            page.subsection(heading);
            for (arg, names) in self.options.iter().filter(|(arg, _)| arg.get_help_heading() == Some(heading)) {
                let few = if names.len() < self.logins && !names.iter().any(|name| name == "login") {
                    format!(" Only for `{}`.", names.join("` and `"))
                } else {
                    String::new()
                };
                page.item(head(arg), &(description(arg) + &few));
            }
        }
    }
}

/// Returns the name of a command without the program's.
fn short_name(command: &Command) -> String {
    name(command).trim_start_matches("aws-mfa-key ").to_owned()
}

/// Returns true if a command has all options of a login, hidden or not.
fn is_login(command: &Command) -> bool {
    let login = LoginOptions::augment_args(Command::new(""));
    login.get_arguments().all(|option| command.get_arguments().any(|arg| arg.get_id() == option.get_id()))
}

/// Describes a command: usage, text, the options that only this command has, and the names of the others.
fn describe(page: &mut RoffPage, command: &Command, options: &SharedOptions<'_>) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.lines().next().unwrap_or_default().trim_start_matches("Usage:").trim();
    page.subsection(usage);
    let text = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string);
    page.prose(&long_text(text(command.get_about()), text(command.get_long_about())));
    let told_elsewhere = |arg: &Arg| ["help", "profile"].contains(&arg.get_id().as_str()) || options.has(arg);
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && !told_elsewhere(arg)) {
        page.item(head(arg), &description(arg));
    }
    let others = command.get_arguments().filter(|arg| !arg.is_hide_set() && options.has(arg));
    let others: Vec<String> = others.filter_map(|arg| Some(format!("`--{}`", arg.get_long()?))).collect();
    if let Some((last, first)) = others.split_last() {
        let first = if first.is_empty() { String::new() } else { format!("{} and ", first.join(", ")) };
        page.paragraph(&format!("Also takes {first}{last}: see OPTIONS."));
    }
}

/// Returns the names of an option and its value, or the name of an argument.
fn head(arg: &Arg) -> Vec<Inline> {
    let names = [arg.get_short().map(|c| format!("-{c}")), arg.get_long().map(|name| format!("--{name}"))];
    let names = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values()).map(|names| names.join(" "));
    let (open, close) = match (&value, arg.is_require_equals_set()) {
        // A value that may be left out.
        (Some(_), true) => ("[=", "]"),
        (Some(_), false) if !names.is_empty() => (" ", ""),
        _ => ("", ""),
    };
    vec![bold(names), roman(open), italic(value.unwrap_or_default()), roman(close)]
}

/// Returns what help says of an option, with its values and its other names.
fn description(arg: &Arg) -> String {
    let text = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string);
    let mut words = long_text(text(arg.get_help()), text(arg.get_long_help()));
    let values = arg.get_possible_values();
    let values: Vec<&str> =
        values.iter().filter(|value| !value.is_hide_set()).map(PossibleValue::get_name).collect();
    if !values.is_empty() && arg.get_action().takes_values() && !arg.is_hide_possible_values_set() {
        words.push_str(&format!(" Values: {}.", values.join(", ")));
    }
    let aliases: Vec<String> =
        arg.get_all_aliases().unwrap_or_default().into_iter().map(|alias| format!("`--{alias}`")).collect();
    if !aliases.is_empty() {
        words.push_str(&format!(" Also: {}.", aliases.join(", ")));
    }
    words
}

fn settings(page: &mut RoffPage) {
    page.section("SETTINGS");
    page.prose(facts::SETTINGS);
    page.subsection("Keys of aws-mfa-key");
    list(page, &facts::OWN_KEYS);
    page.subsection("Values of mfa_key_source");
    list(page, &facts::SOURCES);
    page.subsection("Keys of AWS and other programs");
    list(page, &facts::AWS_KEYS);
    page.paragraph(facts::STRONGER_KEYS);
}

fn environment(page: &mut RoffPage) {
    page.section("ENVIRONMENT");
    let login = LoginOptions::augment_args(Command::new(""));
    let flags = login.get_arguments().filter_map(Arg::get_long).filter(|flag| *flag != "code").chain(["json"]);
    let mut variables: Vec<String> =
        flags.map(|flag| format!("AWS_MFA_KEY_{}", flag.to_uppercase().replace('-', "_"))).collect();
    variables.extend(facts::OTHER_FLAG_VARIABLES.map(str::to_owned));
    page.prose(&format!("Options: {}. {}", variables.join(", "), facts::FLAG_VARIABLES));
    page.subsection("Other variables that are read");
    list(page, &facts::READ);
    page.subsection("Variables that are set");
    list(page, &facts::SET);
}

fn list(page: &mut RoffPage, entries: &[Entry]) {
    for (head, text) in entries {
        page.item([bold(*head)], text);
    }
}

/// Writes the examples at the end of a command's help: two spaces before a sentence, four before a command.
fn examples(page: &mut RoffPage, command: &Command) {
    let text = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let text = text.strip_prefix("Examples:\n").unwrap_or_default();
    // Exit codes and environment variables stand behind the program's examples.
    let examples = text.split("\n\n").take_while(|example| example.starts_with("  "));
    for example in examples {
        let (title, commands) = example.split_once('\n').unwrap_or((example, ""));
        page.paragraph(title.trim());
        page.literal(commands.lines());
    }
}
