//! The parts of the agent, which keeps sessions fresh without anybody there: what is due when, and what is told of it.

pub mod journal;
pub mod schedule;
