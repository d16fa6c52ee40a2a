//! `agent env` and `exec --serve`: environment variables that make programs use the running agent.

use crate::aws::config_file::Profiles;
use crate::cli::{self, Shell};
use crate::commands::env::{IN_THE_WAY, SET, own_shell, said, set, unset};
use crate::endpoint::address::{Address, AgentFault};
use crate::endpoint::folder::{self, RuntimeFolder};
use crate::plan::{self, NamedProfile, ProfileChoice};
use crate::report::Failure;
use crate::world::World;
use aws_config::profile::Profile;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use secrecy::ExposeSecret;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Variable with the URL from which AWS's clients get credentials.
const URL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// Variable with the authorization token for that URL.
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
/// Variables because of which AWS's clients would not use the agent.
const INSTEAD: [&str; 4] = [
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
];
/// Keys that AWS's clients prefer to the agent, if profile `default` has them and a program names no profile.
const STRONGER: [&str; 7] = [
    "aws_access_key_id",
    "credential_process",
    "role_arn",
    "sso_session",
    "sso_start_url",
    "login_session",
    "web_identity_token_file",
];
/// The variable whose value is a path on this machine.
const CERTIFICATES: &str = "AWS_CA_BUNDLE";
/// Time limit for the agent's response.
const PATIENCE: Duration = Duration::from_secs(2);

/// Variables to set and variables to remove, so that a program uses the agent.
pub(super) struct AgentVariables {
    pub(super) set: Vec<(&'static str, Zeroizing<String>)>,
    pub(super) unset: Vec<&'static str>,
}

pub(super) fn run(typed: &cli::AgentEnvArgs, world: &mut World) -> Result<(), Failure> {
    // Variables for another machine are read by a shell there, not by the shell that runs this program.
    let usual = || if typed.port.is_some() { Shell::Sh } else { own_shell(&world.env) };
    let shell = typed.shell.unwrap_or_else(usual);
    let AgentVariables { set: values, unset: names } = agent_variables(&typed.profile, typed.port, world)?;
    let mut text = Zeroizing::new(String::new());
    names.iter().for_each(|name| text.push_str(&unset(shell, name)));
    values.iter().for_each(|(name, value)| text.push_str(&set(shell, name, value)));
    world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush()).map_err(Failure::Output)
}

/// Returns the variables that make a program use the running agent for one profile's session.
pub(super) fn agent_variables(
    named: &cli::ProfileArgs,
    port: Option<u16>,
    world: &World,
) -> Result<AgentVariables, Failure> {
    let profiles = Profiles::read(&world.env)?;
    let named = NamedProfile { argument: named.named.as_deref(), flag: named.profile.as_deref() };
    let which = ProfileChoice::of(named, &world.env, &profiles)?;
    let profile = which.profile(&profiles)?;
    let failed = |fault| Failure::Agent { profile: which.name().to_string(), fault };
    let folder = folder::find(&world.env).ok_or_else(|| failed(AgentFault::Nowhere))?;
    let address = Address::read(&world.env).ok_or_else(|| failed(AgentFault::NotRunning))?;
    let url = address.url(which.name()).ok_or_else(|| failed(AgentFault::NotKept))?;
    let token = address.token(which.name()).ok_or_else(|| failed(AgentFault::NotKept))?;
    let token = Zeroizing::new(token.expose_secret().to_owned());
    let mut agent = connect(&folder).map_err(failed)?;
    match ask(&mut agent, url.path(), &token) {
        None => return Err(failed(AgentFault::Silent)),
        Some(200) => {}
        Some(503) => return Err(failed(AgentFault::NoSession)),
        Some(_) => return Err(failed(AgentFault::NotKept)),
    }
    let url = port.and_then(|port| address.at(port).url(which.name())).unwrap_or(url);
    let mut set = vec![(URL, Zeroizing::new(url.to_string())), (TOKEN, token)];
    let passed_on = plan::passed_on(profile);
    // A path on this machine is of no use on another one.
    let said = said(&passed_on).filter(|(name, _)| port.is_none() || *name != CERTIFICATES);
    set.extend(said.map(|(name, value)| (name, Zeroizing::new(value))));
    let usual = profiles.get("default");
    let is_stronger = usual.is_some_and(|usual: &Profile| STRONGER.iter().any(|key| usual.get(key).is_some()));
    if is_stronger && port.is_none() {
        let none = || Zeroizing::new("/dev/null".to_owned());
        set.extend([("AWS_CONFIG_FILE", none()), ("AWS_SHARED_CREDENTIALS_FILE", none())]);
    }
    let keys = &SET[..4];
    Ok(AgentVariables { set, unset: IN_THE_WAY.iter().chain(&INSTEAD).chain(keys).copied().collect() })
}

/// Connects to the agent's Unix socket, so that another program that has taken the agent's port gets no authorization
/// token. Does not wait if the socket's backlog is full.
fn connect(folder: &Path) -> Result<UnixStream, AgentFault> {
    let door = SocketAddrUnix::new(RuntimeFolder::socket(folder)).map_err(|_| AgentFault::NotRunning)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let agent = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(|_| AgentFault::Silent)?;
    net::connect(&agent, &door).map_err(|error| match error {
        Errno::AGAIN => AgentFault::Silent,
        _ => AgentFault::NotRunning,
    })?;
    let agent = UnixStream::from(agent);
    agent.set_nonblocking(false).map_err(|_| AgentFault::Silent)?;
    Ok(agent)
}

/// Sends one request to the agent. Returns the HTTP status of the response, or `None` if there is none.
fn ask(agent: &mut UnixStream, path: &str, token: &str) -> Option<u16> {
    agent.set_read_timeout(Some(PATIENCE)).ok()?;
    let request = Zeroizing::new(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n"));
    agent.write_all(request.as_bytes()).ok()?;
    let mut status = [0; 12];
    agent.read_exact(&mut status).ok()?;
    std::str::from_utf8(&status).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}
