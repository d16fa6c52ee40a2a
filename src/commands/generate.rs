//! `generate`: completions and the man page, made from the grammar itself.

mod man;

use crate::cli::{Cli, GenerateCommand};
use crate::report::Failure;
use crate::world::World;
use clap::CommandFactory;
use clap_complete::Shell;

pub(super) fn run(what: &GenerateCommand, world: &mut World) -> Result<(), Failure> {
    let text = match what {
        GenerateCommand::Completions(typed) => completions(typed.shell),
        GenerateCommand::Man => man::page(Cli::command()),
    };
    world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush()).map_err(Failure::Output)
}

fn completions(shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "aws-mfa-key", &mut text);
    // For bash, it spells a program's dashes in two ways, and then finds nothing (clap-rs/clap issue 6421).
    String::from_utf8_lossy(&text).replace("aws__subcmd__mfa__subcmd__key", "aws__mfa__key")
}
