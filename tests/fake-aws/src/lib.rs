//! STS, IAM and a little S3 on loopback that check what AWS checks.
//!
//! Signatures are verified, codes are good for steps −2 … +2 and once each, eight bad ones lock the MFA device for
//! two minutes, long-term keys and sessions are told apart, and S3 wants a session made with MFA. What a test needs
//! beyond that is a clock to set, a record to read, and a server that can be told to [lie](Lie).
//!
//! The way of a request through the modules:
//! `server` (connections, `tls` around them if wanted) → `http` (bytes) → `front` (what is asked, lies, record) → `authorize` and `sigv4` (who asks)
//! → `sts`, `iam`, `s3` (the work, on the `inventory`) → `response` and `xml`. Before all of that there may be a [`FakeProxy`].
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
