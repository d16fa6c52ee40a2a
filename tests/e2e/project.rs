//! Tests of the repository itself: the layers of modules, `make install`, completions and man page, the commands in
//! the README.

mod generate;
mod help;
mod install;
mod layers;
mod loading;
mod pages;
