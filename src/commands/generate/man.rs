//! The manual page: one for all commands. Commands, options and examples come from the grammar, facts from [`facts`].

mod facts;
mod roff_page;

use crate::cli::{EXIT_CODES, LoginOptions, ProfileArgs, headings};
use clap::builder::{PossibleValue, StyledStr};
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
    page.paragraphs(facts::DESCRIPTION);
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
    page.paragraphs(facts::EXIT_STATUS_END);
    page.section("EXAMPLES");
    examples(&mut page, &program);
    for command in commands.iter().filter(|command| !command.is_subcommand_required_set()) {
        page.subsection(&name(command));
        examples(&mut page, command);
    }
    page.section("SEE ALSO");
    page.paragraphs(facts::SEE_ALSO);
    page.source()
}

/// Returns all commands below one, in the order of the help, each before its own subcommands.
fn commands_below(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    below.flat_map(|below| std::iter::once(below).chain(commands_below(below))).collect()
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

/// Returns the long help of a command or an option: its first line as a sentence, `more` sentences, and the paragraphs
/// after that.
fn long_text(short: Option<&StyledStr>, more: &str, long: Option<&StyledStr>) -> String {
    let [short, long] = [short, long].map(|text| text.map(ToString::to_string).unwrap_or_default());
    let rest = long.strip_prefix(&short).unwrap_or_default();
    format!("{}{more}{rest}", sentence(&short))
}

/// The options that are described once, whatever commands have them: those under the headings of the help, and those of
/// any login.
struct SharedOptions<'c> {
    /// An option, and the names of the commands that have it.
    options: Vec<(&'c Arg, Vec<String>)>,
}

impl<'c> SharedOptions<'c> {
    /// Collects the options of all commands; the first command that has an option gives the text.
    fn of(commands: &[&'c Command]) -> Self {
        let login = ProfileArgs::augment_args(LoginOptions::augment_args(Command::new("")));
        let is_of_login = |arg: &Arg| {
            login.get_arguments().any(|option| option.get_id() == arg.get_id() && text(option) == text(arg))
        };
        let mut options: Vec<(&Arg, Vec<String>)> = Vec::new();
        for command in commands {
            let shared = |arg: &&Arg| arg.get_help_heading().is_some() || is_of_login(arg);
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()).filter(shared) {
                match options.iter_mut().find(|(shared, _)| shared.get_id() == arg.get_id()) {
                    Some((_, names)) => names.push(short_name(command)),
                    None => options.push((arg, vec![short_name(command)])),
                }
            }
        }
        Self { options }
    }

    /// Returns true if an option of a command is described in OPTIONS, in the same words.
    fn has(&self, arg: &Arg) -> bool {
        self.options.iter().any(|(shared, _)| shared.get_id() == arg.get_id() && text(shared) == text(arg))
    }

    fn write(&self, page: &mut RoffPage, program: &Command) {
        let under = |heading| self.options.iter().filter(move |(arg, _)| arg.get_help_heading() == heading);
        page.section("OPTIONS");
        for arg in under(None).map(|(arg, _)| *arg).chain(program.get_arguments()) {
            page.item(head(arg), &description(arg, &[]));
        }
        for heading in headings::ALL {
            page.subsection(heading);
            for (arg, names) in under(Some(heading)) {
                let few = if names.len() > 2 { &[][..] } else { names };
                page.item(head(arg), &description(arg, few));
            }
        }
    }
}

/// Returns what `-h` says of an option, without its default: that depends on the command.
fn text(arg: &Arg) -> String {
    let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    text.split(" [default").next().unwrap_or_default().to_owned()
}

/// Returns the name of a command without the program's.
fn short_name(command: &Command) -> String {
    name(command).trim_start_matches("aws-mfa-key ").to_owned()
}

/// Describes a command: usage, text, the options that only this command has, and the names of the others.
fn describe(page: &mut RoffPage, command: &Command, options: &SharedOptions<'_>) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.lines().next().unwrap_or_default().trim_start_matches("Usage:").trim();
    page.subsection(usage);
    page.paragraphs(&long_text(command.get_about(), "", command.get_long_about()));
    let told_elsewhere = |arg: &Arg| arg.get_id() == "help" || options.has(arg);
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && !told_elsewhere(arg)) {
        page.item(head(arg), &description(arg, &[]));
    }
    let others = command.get_arguments().filter(|arg| !arg.is_hide_set() && options.has(arg));
    let others: Vec<String> = others.filter_map(|arg| Some(format!("`--{}`", arg.get_long()?))).collect();
    if let Some((last, first)) = others.split_last() {
        let first = if first.is_empty() { String::new() } else { format!("{} and ", first.join(", ")) };
        page.paragraphs(&format!("Also takes {first}{last}: see OPTIONS."));
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

/// Returns what help says of an option, with its values, its other names and the `few` commands that have it.
fn description(arg: &Arg, few: &[String]) -> String {
    let mut more = String::new();
    let values = arg.get_possible_values();
    let values: Vec<&str> = values.iter().filter(|value| !value.is_hide_set()).map(PossibleValue::get_name).collect();
    if !values.is_empty() && arg.get_action().takes_values() && !arg.is_hide_possible_values_set() {
        more.push_str(&format!(" Values: {}.", values.join(", ")));
    }
    let aliases = arg.get_all_aliases().unwrap_or_default();
    let aliases: Vec<String> = aliases.into_iter().map(|alias| format!("`--{alias}`")).collect();
    if !aliases.is_empty() {
        more.push_str(&format!(" Also: {}.", aliases.join(", ")));
    }
    if !few.is_empty() {
        more.push_str(&format!(" Only for `{}`.", few.join("` and `")));
    }
    long_text(arg.get_help(), &more, arg.get_long_help())
}

fn settings(page: &mut RoffPage) {
    page.section("SETTINGS");
    page.paragraphs(facts::SETTINGS);
    page.subsection("Keys of aws-mfa-key");
    list(page, &facts::OWN_KEYS);
    page.subsection("Values of mfa_key_source");
    list(page, &facts::SOURCES);
    page.subsection("Keys of AWS and other programs");
    list(page, &facts::AWS_KEYS);
    page.paragraphs(facts::STRONGER_KEYS);
}

fn environment(page: &mut RoffPage) {
    page.section("ENVIRONMENT");
    let login = LoginOptions::augment_args(Command::new(""));
    let flags = login.get_arguments().filter_map(Arg::get_long).filter(|flag| *flag != "code").chain(["json"]);
    let mut variables: Vec<String> =
        flags.map(|flag| format!("AWS_MFA_KEY_{}", flag.to_uppercase().replace('-', "_"))).collect();
    variables.extend(facts::OTHER_FLAG_VARIABLES.map(str::to_owned));
    page.paragraphs(&format!("Options: {}. {}", variables.join(", "), facts::FLAG_VARIABLES));
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
        page.paragraphs(title.trim());
        page.literal(commands.lines());
    }
}
