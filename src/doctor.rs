//! A look at everything that a login goes through, from the reader to IAM: what is as it should be, and what is not. What
//! login would fail over is found by what login uses. Nobody is asked, no code is made, and no more is written than lock files.

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

/// Something that was looked at.
pub enum Finding {
    /// The smart card service, and who may use it.
    Service(ServiceFinding),
    /// What is plugged in, whatever the service says.
    Usb(UsbFinding),
    /// A token, and what is on it.
    Token(TokenFinding),
    /// What a profile says.
    Profile(ProfileFinding),
    /// A file.
    File(FileFinding),
    /// What AWS's clients may use instead of the session.
    Environment(Winner),
    /// The way to AWS, and what AWS says.
    Aws(AwsFinding),
}

impl Finding {
    fn is_no_token(&self) -> bool {
        matches!(self, Self::Token(TokenFinding::Fault { error: TokenError::NoToken, .. }))
    }
}

/// Looks at everything, with the settings that `typed` changes; in the order of the way from the reader to IAM.
///
/// # Errors
/// If the runtime does not start.
pub fn examine(
    named: NamedProfile<'_>,
    typed: &cli::LoginOptions,
    askable: bool,
    world: &World,
) -> io::Result<Vec<Finding>> {
    let subject = Subject::of(named, typed, world);
    let runtime = async_runtime::current_thread()?;
    let show = |wait: &Wait<'_>| wait.show("Looking at the tokens, and asking AWS", None);
    let found = runtime.block_on(world.person.wait_for(MOMENT, all(&subject, askable), show));
    // It does not wait for a name that is still being looked up.
    runtime.shutdown_background();
    Ok(found)
}

async fn all(subject: &Subject<'_>, askable: bool) -> Vec<Finding> {
    let world = subject.world;
    let tokens = Tokens::on((world.bus)(subject.reader.as_deref()), world);
    // Every name has an empty part.
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
    // It is plugged in, and it is said why it is not seen.
    found.extend(on_tokens.into_iter().filter(|finding| !(is_hidden && finding.is_no_token())));
    found.extend(profile::look(subject));
    found.extend(files::look(subject));
    found.extend(environment::look(subject, &world.env));
    found.extend(asked.into_iter().map(Finding::Aws));
    found.extend(device);
    found
}

/// What is around a token.
struct Surroundings<'a> {
    machine: &'a Machine,
    env: &'a Environment,
    /// All readers, whatever is in them.
    readers: Vec<String>,
}
