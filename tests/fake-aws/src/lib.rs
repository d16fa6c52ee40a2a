//! A simulator of STS, IAM and the two S3 calls behind `aws s3 ls`, on loopback, with AWS's own checks.
//!
//! The simulator verifies signatures; accepts the codes of steps −2 … +2, each once; locks an MFA device for two minutes after
//! eight bad codes; distinguishes long-term keys from sessions; and requires a session with MFA for S3. Tests can set
//! its clock, read a record of every request, and order a [lie](Lie): a response that AWS would not give, such as a
//! dropped connection.
//!
//! Path of a request through the modules: `server` (connections, with `tls` if wanted) → `http` (parsing) → `front`
//! (the action, lies, the record) → `authorize` and `sigv4` (the caller) → `sts`, `iam`, `s3` (the call itself, on
//! the `inventory`) → `response` and `xml`. A [`FakeProxy`] may stand in front of the server.
//!
//! ```
//! use fake_aws::{Action, FakeAws, Lie, Times};
//!
//! let aws = FakeAws::start()?;
//! let alice = aws.add_user("123456789012", "alice");
//! let key = aws.add_key(&alice);
//! let mfa_serial = aws.add_mfa(&alice, "alice", b"12345678901234567890");
//! aws.lie(Action::GetSessionToken, Lie::DropAfter, Times::Next(1));
//! assert_eq!(mfa_serial, "arn:aws:iam::123456789012:mfa/alice");
//! assert!(key.access_key_id.starts_with("AKIA"));
//! assert!(aws.endpoint().starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod action;
mod authorize;
mod clock;
mod form;
mod front;
mod handle;
mod http;
mod iam;
mod inventory;
mod lie;
mod mfa;
mod policy;
mod proxy;
mod random;
mod record;
mod refusal;
mod response;
mod s3;
mod server;
mod sigv4;
mod sts;
mod tls;
mod totp;
mod xml;

pub use action::Action;
pub use handle::FakeAws;
pub use inventory::{AccessKeyPair, AwsRole, AwsSession, AwsUser};
pub use lie::{Lie, Times};
pub use proxy::{FakeProxy, ProxyBehaviour};
pub use record::{RecordedRequest, RequestOutcome};
pub use tls::{Authority, Certificate};
pub use totp::decode_base32;
