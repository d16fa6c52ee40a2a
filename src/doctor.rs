//! Checks of everything that a login depends on, from the reader to IAM. Wherever a login could fail, the check calls
//! the code that login uses. Nobody is prompted, no code is computed, and no files but lock files are written.

mod aws;
mod environment;
mod files;
mod profile;
mod service;
mod subject;
mod token;
mod usb;

pub use aws::{AwsFinding, DeviceFinding};
pub use environment::Winner;
pub use files::{FileFinding, FileKind};
pub use profile::ProfileFinding;
pub use service::{Distribution, Sandbox, Seat, ServiceFinding, System};
pub use token::{About, TokenFinding};
pub use usb::{Hidden, UsbFinding, UsbToken};

use crate::cli;
use crate::plan::NamedProfile;
use crate::source::token::{TokenError, Tokens, readers};
use crate::world::{Environment, MOMENT, Machine, Wait, World, async_runtime};
use aws::AtAws;
use futures_util::future::join3;
use std::io;
use subject::Subject;
use token::Owner;

/// Result of one check, as `doctor` reports it.
pub enum Finding {
    /// The smart card service, and this user's access to it.
    Service(ServiceFinding),
    /// The tokens on USB, whether or not the service sees them.
    Usb(UsbFinding),
    /// A token and its accounts, or a secret in software.
    Token(TokenFinding),
    /// The profile's settings and session.
    Profile(ProfileFinding),
    /// One of AWS's files, or the state directory.
    File(FileFinding),
    /// Credentials that AWS's clients may use instead of the session.
    Environment(Winner),
    /// Requests to AWS, and its responses.
    Aws(AwsFinding),
}

impl Finding {
    fn is_no_token(&self) -> bool {
        matches!(self, Self::Token(TokenFinding::Fault { error: TokenError::NoToken, .. }))
    }
}

/// Runs all checks, with the options `typed` on the command line, and returns the findings in the order in which a
/// login depends on them, from the reader to IAM.
///
/// # Errors
/// [`io::Error`] if the async runtime could not be started.
pub fn examine(
    named: NamedProfile<'_>,
    typed: &cli::LoginOptions,
    askable: bool,
    world: &World,
) -> io::Result<Vec<Finding>> {
    let subject = Subject::of(named, typed, world);
    let runtime = async_runtime::current_thread()?;
    let show = |wait: &Wait<'_>| wait.show("Checking the tokens and AWS", None);
    let found = runtime.block_on(world.person.wait_for(MOMENT, all(&subject, askable), show));
    // Do not wait for a host name that is still being resolved.
    runtime.shutdown_background();
    Ok(found)
}

async fn all(subject: &Subject<'_>, askable: bool) -> Vec<Finding> {
    let world = subject.world;
    let tokens = Tokens::on((world.bus)(subject.reader.as_deref()), world);
    // Every reader's name contains the empty string.
    let everything = readers((world.bus)(Some("")));
    let (survey, readers, at_aws) = join3(tokens.look(), everything, aws::look(subject)).await;
    let AtAws { found: asked, identity, listed } = at_aws;
    let (device, serial) = aws::device(subject, identity.as_ref(), listed, &tokens).await;
    let owner = Owner { serial: serial.as_ref(), identity: identity.as_ref() };
    let around = Surroundings { machine: &world.machine, env: &world.env, readers };
    let mut found = service::look(&around, &survey);
    found.extend(usb::look(&around, &survey));
    let is_hidden = found.iter().any(|finding| matches!(finding, Finding::Usb(usb) if usb.is_hidden()));
    let on_tokens = token::look(subject, &owner, askable, &tokens).await;
    // A token that is plugged in but hidden has a finding of its own, which says why it is not seen.
    found.extend(on_tokens.into_iter().filter(|finding| !(is_hidden && finding.is_no_token())));
    found.extend(profile::look(subject));
    found.extend(files::look(subject));
    found.extend(environment::look(subject, &world.env));
    found.extend(asked.into_iter().map(Finding::Aws));
    found.extend(device);
    found
}

/// The machine that the tokens are plugged into, its environment variables and its readers.
struct Surroundings<'a> {
    machine: &'a Machine,
    env: &'a Environment,
    /// Names of all readers, including empty ones and those of unrecognised tokens.
    readers: Vec<String>,
}
