//! The environments that tests run commands in: the program inside the test, the built program with a real pcscd,
//! AWS's own clients, a D-Bus daemon, a keyring. It contains no tests of the product.

pub mod aws_clients;
pub mod client_process;
pub mod company_network;
pub mod dbus_daemon;
pub mod dice;
pub mod early_close;
pub mod events;
pub mod keyrings;
pub mod not_run;
pub mod running_agent;
pub mod stack;
pub mod test_world;
