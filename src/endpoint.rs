//! The container credentials endpoint, through which the agent serves sessions to programs: server, address, folder.

pub mod address;
pub mod folder;
pub mod server;
