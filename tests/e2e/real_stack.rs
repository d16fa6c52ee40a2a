//! Tests of the built program in a realistic environment: a real pcscd, AWS over HTTP, terminals, a desktop, `ykman`
//! and AWS's own clients.

mod beside_ykman;
mod clock;
mod concurrent_logins;
mod credential_process;
mod login;
mod memory;
mod notifications;
mod session_commands;
mod soak;
mod touch;
mod ykman_passwords;
