//! The repository itself: the order of the modules, what `make install` does, completions and man page, the README's commands.

mod generate;
mod help;
mod install;
mod layers;
mod pages;
