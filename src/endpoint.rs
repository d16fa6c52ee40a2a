//! The container credentials endpoint, through which the agent serves sessions to programs: its server, its address,
//! and the agent's runtime folder.

pub mod address;
pub mod folder;
pub mod server;
