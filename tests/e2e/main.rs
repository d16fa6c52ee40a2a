//! What the whole program does, from the command line to the files it leaves.
//!
//! - `world`: the program inside the test, with a token of memory, AWS on loopback and a person who follows a script.
//! - `login`, `several`, `commands`, `errors`: what the commands do there.
//! - `network`: the ways to AWS that companies have, and those that lead nowhere.
//! - `stack`: the built program as it is installed, with a real pcscd and AWS's own clients.
//! - `real`, `real_commands`, `crowd`: what `login` and the other commands do there, one by one and many at once.
//! - `touch`, `desktop`: what a person sees of it at a terminal and on a desktop, with a real D-Bus daemon (`bus`).
//! - `memory`: what is left in the program's memory there.
//! - `real_process`: `credential-process` there, with each of AWS's clients as a `caller`.
//! - `clock`, `ledger`: any clock on the machine, and no code twice, whatever happens.
//! - `soak`: days of it.
//! - `tokens`, `accounts`, `accounts_errors`: what is on the tokens, shown and changed.
//! - `faults`: what goes wrong between us and a token: every command, every APDU, every fault.
//! - `faults_real`: those of them that a real service can show.
//! - `personas`: each known kind of token, and what the commands make of it.
//! - `passwords`, `passwords_of_ykman`: tokens that are locked, and what is remembered of them, in real `keyrings`.
//! - `secrets`: machines without a token.
//! - `generate`: completions and the man page, in front of those who read them.
//! - `install`: what `make install` puts where, and takes away.
//! - `pages`: what the README tells to type about that.
//! - `running`: an agent that runs.
//! - `agent`, `agent_endpoint`, `agent_ssh`, `agent_errors`: sessions that are simply there, and served to programs.
//! - `agent_many`, `agent_month`: many of them, and a month of it, minute by minute.
//! - `unattended`: nobody is asked who is not to be.
//! - `beside_ykman`: tokens and accounts there, beside the token vendor's own client.
//! - `waiting`: tokens that are not plugged in, and several that are.
//! - `hostile`: text of others, which does no harm wherever it is written.
//! - `writer`: the credentials file, case by case, as AWS's `clients` read it afterwards.
//! - `impatient`: servers that end connections early.
//! - `doctor`: a look at everything, fault by fault.
//! - `dice`: chance that can be repeated.
//! - `layers`: the order of the modules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "what goes wrong in a test's own work is a failed test"
)]

mod accounts;
mod accounts_errors;
mod agent;
mod agent_endpoint;
mod agent_errors;
mod agent_many;
mod agent_month;
mod agent_ssh;
mod beside_ykman;
mod bus;
mod caller;
mod clients;
mod clock;
mod commands;
mod crowd;
mod desktop;
mod dice;
mod doctor;
mod errors;
mod faults;
mod faults_real;
mod generate;
mod hostile;
mod impatient;
mod install;
mod keyrings;
mod layers;
mod ledger;
mod loading;
mod login;
mod memory;
mod network;
mod pages;
mod passwords;
mod passwords_of_ykman;
mod personas;
mod real;
mod real_commands;
mod real_process;
mod running;
mod secrets;
mod several;
mod soak;
mod stack;
mod tokens;
mod touch;
mod unattended;
mod waiting;
mod world;
mod writer;
