//! The smart card service: whether it answers, and why not.

use super::{Finding, Surroundings};
use crate::source::token::TokenError;
use crate::world::{Environment, Machine};
use hw::survey::Survey;
use hw::transport::CarrierError;
use std::path::Path;
use std::sync::Arc;

/// The group that the polkit rule of `make install` lets in, and where that rule can be.
const GROUP: &str = "aws-mfa-key";
const RULES: [&str; 4] = [
    "/etc/polkit-1/rules.d/40-aws-mfa-key.rules",
    "/run/polkit-1/rules.d/40-aws-mfa-key.rules",
    "/usr/local/share/polkit-1/rules.d/40-aws-mfa-key.rules",
    "/usr/share/polkit-1/rules.d/40-aws-mfa-key.rules",
];
/// Where pcscd is.
const PLACES: [&str; 3] = ["/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd"];

/// What was found of the service.
pub enum ServiceFinding {
    /// It answers.
    Answers {
        /// Its version, if it can be known.
        version: Option<String>,
        /// The client library in this process, if it can be known.
        library: Option<String>,
    },
    /// It does not, or not to us.
    Silent {
        /// Why.
        why: CarrierError,
        /// What is around it.
        system: System,
        /// Who is asking.
        seat: Seat,
    },
    /// It does not answer in time.
    Stuck(TokenError),
    /// Who is asking it.
    Seat(Seat),
}

/// What decides how the service is started.
pub struct System {
    /// Whose packages they are.
    pub distribution: Option<Distribution>,
    /// Whether pcscd is installed.
    pub has_pcscd: bool,
    /// Whether systemd starts services here.
    pub has_systemd: bool,
    /// Whether this is a sandbox with a library of its own.
    pub sandbox: Option<Sandbox>,
    /// Another place for the service's socket, if one is set.
    pub socket: Option<String>,
}

/// Whose packages are installed by which command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// And Ubuntu, and their like.
    Debian,
    /// And Red Hat's.
    Fedora,
    /// And its like.
    Arch,
    /// And openSUSE.
    Suse,
    /// Small ones.
    Alpine,
}

/// What keeps a program away from the machine's own service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// Of desktop programs.
    Flatpak,
    /// Ubuntu's.
    Snap,
    /// Docker, Podman.
    Container,
}

/// Who is asking, as polkit sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seat {
    /// Whether one came over SSH.
    pub ssh: bool,
    /// Whether this is the session of a person at this machine; `None` if logind does not say.
    pub local: Option<bool>,
    /// Whether the same user has another session that is.
    pub elsewhere: bool,
    /// Whether a rule lets a group in that this user is not a member of.
    pub may_join: bool,
}

pub(super) fn look(around: &Surroundings<'_>, survey: &Result<Arc<Survey>, TokenError>) -> Vec<Finding> {
    let Surroundings { machine, env, .. } = around;
    let seat = seat(machine, env);
    let service = match survey {
        Ok(_) => ServiceFinding::Answers { version: version(machine), library: library(machine) },
        Err(TokenError::Bus(why)) => ServiceFinding::Silent { why: why.clone(), system: system(machine, env), seat },
        Err(error) => ServiceFinding::Stuck(error.clone()),
    };
    [service, ServiceFinding::Seat(seat)].map(Finding::Service).into()
}

/// What pcscd says of itself: `pcsc-lite version 1.9.9.`, and what it was built with.
fn words(machine: &Machine) -> Option<String> {
    machine.answer_of(PLACES.into_iter().find(|place| machine.path(place).exists())?, &["--version"])
}

fn version(machine: &Machine) -> Option<String> {
    let words = words(machine)?;
    let version = words.split_once("version ")?.1.split_whitespace().next()?;
    Some(version.trim_end_matches(['.', ',']).to_owned())
}

/// The folders in which pcscd looks for the drivers of readers on USB.
pub(super) fn driver_folders(machine: &Machine) -> Vec<String> {
    const USUAL: [&str; 3] = ["/usr/lib/pcsc/drivers", "/usr/lib64/pcsc/drivers", "/usr/local/lib/pcsc/drivers"];
    let words = words(machine).unwrap_or_default();
    let said = words.split_whitespace().find_map(|word| word.strip_prefix("usbdropdir="));
    said.map_or_else(|| USUAL.map(str::to_owned).into(), |folder| vec![folder.to_owned()])
}

/// The file of the library that talks to the service for us.
fn library(machine: &Machine) -> Option<String> {
    let maps = machine.text("/proc/self/maps")?;
    let paths = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let mut named =
        paths.filter(|path| Path::new(path).file_name().is_some_and(|name| is_library(&name.to_string_lossy())));
    named.next().map(str::to_owned)
}

fn is_library(name: &str) -> bool {
    name.starts_with("libpcsclite")
}

pub(super) fn system(machine: &Machine, env: &Environment) -> System {
    let there = |path: &str| machine.path(path).exists();
    let sandbox = if there("/.flatpak-info") {
        Some(Sandbox::Flatpak)
    } else if env.os("SNAP").is_some() {
        Some(Sandbox::Snap)
    } else {
        (there("/.dockerenv") || there("/run/.containerenv")).then_some(Sandbox::Container)
    };
    System {
        distribution: distribution(machine),
        has_pcscd: PLACES.into_iter().any(there),
        has_systemd: there("/run/systemd/system"),
        sandbox,
        socket: env.text("PCSCLITE_CSOCK_NAME").map(str::to_owned),
    }
}

/// os-release(5): ID, and what it is like.
pub(super) fn distribution(machine: &Machine) -> Option<Distribution> {
    let text = machine.text("/etc/os-release")?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let ids = format!("{} {}", field("ID="), field("ID_LIKE=")).replace('"', "");
    let known = |id: &str| match id {
        "debian" | "ubuntu" => Some(Distribution::Debian),
        "fedora" | "rhel" | "centos" => Some(Distribution::Fedora),
        "arch" => Some(Distribution::Arch),
        "suse" | "opensuse" | "opensuse-leap" | "opensuse-tumbleweed" => Some(Distribution::Suse),
        "alpine" => Some(Distribution::Alpine),
        _ => None,
    };
    ids.split_whitespace().find_map(known)
}

/// What logind says of this session, and of the user's others (sd-login(3): the files below `/run/systemd/sessions`).
fn seat(machine: &Machine, env: &Environment) -> Seat {
    let folder = "/run/systemd/sessions";
    let is_local = |id: &str| {
        let text = machine.text(&format!("{folder}/{id}"))?;
        let says = |line: &str| text.lines().any(|found| found == line);
        let is_ours = says(&format!("UID={}", rustix::process::geteuid().as_raw()));
        Some(is_ours && says("ACTIVE=1") && !says("REMOTE=1") && text.lines().any(|line| line.starts_with("SEAT=")))
    };
    let local =
        env.text("XDG_SESSION_ID").filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric())).and_then(is_local);
    let elsewhere = machine.names(folder).iter().any(|id| is_local(id) == Some(true));
    Seat { ssh: env.os("SSH_CONNECTION").is_some(), local, elsewhere, may_join: may_join(machine) }
}

/// Whether the group and its rule were installed, as far as everybody may see that, and this user is not in it.
fn may_join(machine: &Machine) -> bool {
    let lines_of = |file: &str| -> Vec<Vec<String>> {
        let text = machine.text(file).unwrap_or_default();
        text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect()
    };
    let Some(group) = lines_of("/etc/group").into_iter().find(|group| group[0] == GROUP) else { return false };
    let us = Some(rustix::process::geteuid().as_raw().to_string());
    let is_in = |user: &Vec<String>| {
        let has = |members: &String| members.split(',').any(|member| member == user[0]);
        user.get(2) == us.as_ref() && (user.get(3) == group.get(2) || group.get(3).is_some_and(has))
    };
    // Some systems show polkit's folders to nobody.
    !lines_of("/etc/passwd").iter().any(is_in)
        && RULES.into_iter().any(|rule| machine.path(rule).try_exists().unwrap_or(true))
}
