//! Sessions of one or many plans: found, obtained from AWS, written, removed.

mod device_lock;
mod obtain;
mod present;
mod remove;
mod writer;

pub use device_lock::wait_for_ledger;
pub use obtain::{is_same_login, is_same_source, obtain, obtain_all};
pub use present::{ObtainedSession, present};
pub use remove::remove;
