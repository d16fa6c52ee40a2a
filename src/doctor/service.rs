//! Check of the smart card service: whether it answers, and if not, why.

use super::{Finding, Surroundings};
use crate::source::token::TokenError;
use crate::world::{Environment, Machine};
use hw::survey::Survey;
use hw::transport::CarrierError;
use std::path::Path;
use std::sync::Arc;

/// Group that the polkit rule of `make install` gives access to the service.
const GROUP: &str = "aws-mfa-key";
/// Possible paths of the polkit rule that `make install` installs.
const RULES: [&str; 4] = [
    "/etc/polkit-1/rules.d/40-aws-mfa-key.rules",
    "/run/polkit-1/rules.d/40-aws-mfa-key.rules",
    "/usr/local/share/polkit-1/rules.d/40-aws-mfa-key.rules",
    "/usr/share/polkit-1/rules.d/40-aws-mfa-key.rules",
];
/// Possible paths of pcscd, the smart card service's program.
const PLACES: [&str; 3] = ["/usr/sbin/pcscd", "/usr/bin/pcscd", "/usr/local/sbin/pcscd"];

/// Finding about the smart card service (pcscd), or about this user's access to it.
pub enum ServiceFinding {
    /// The service answers, and this user may use it.
    Answers {
        /// Version of pcscd; `None` if it cannot be determined.
        version: Option<String>,
        /// Path of the client library in this process; `None` if it cannot be determined.
        library: Option<String>,
    },
    /// The service does not answer, or refuses this user.
    Silent {
        /// Error that the client library reported.
        why: CarrierError,
        /// Facts that decide how the service is started.
        system: System,
        /// The login session that this process belongs to.
        seat: Seat,
    },
    /// The service did not answer in time.
    Stuck(TokenError),
    /// The login session that this process belongs to.
    Seat(Seat),
}

/// Facts about the system that decide how the smart card service is started.
pub struct System {
    /// Linux distribution; `None` if it is not a known one.
    pub distribution: Option<Distribution>,
    /// True if pcscd is installed.
    pub has_pcscd: bool,
    /// True if systemd is running.
    pub has_systemd: bool,
    /// Sandbox that this process runs in, which has a client library of its own; `None` outside of a sandbox.
    pub sandbox: Option<Sandbox>,
    /// Path of the service's socket, if `PCSCLITE_CSOCK_NAME` sets one.
    pub socket: Option<String>,
}

/// Family of Linux distributions with the same commands for installing packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Debian, Ubuntu and others derived from them.
    Debian,
    /// Fedora, Red Hat Enterprise Linux and CentOS.
    Fedora,
    /// Arch Linux and others derived from it.
    Arch,
    /// SUSE Linux Enterprise and openSUSE.
    Suse,
    /// Alpine Linux.
    Alpine,
}

/// Sandbox that separates this program from the machine's smart card service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// Flatpak, a sandbox for desktop programs.
    Flatpak,
    /// Snap, Ubuntu's sandbox.
    Snap,
    /// A container of Docker or Podman.
    Container,
}

/// The login session that this process belongs to, as polkit sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seat {
    /// True for a login over SSH.
    pub ssh: bool,
    /// True if the session is active and at this machine's own seat; `None` if logind does not say.
    pub local: Option<bool>,
    /// True if any session of this user is active and at this machine's own seat.
    pub elsewhere: bool,
    /// True if a polkit rule gives access to a group that this user is not a member of.
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

/// Returns the output of `pcscd --version`: `pcsc-lite version 1.9.9.`, followed by the options that it was built
/// with.
fn words(machine: &Machine) -> Option<String> {
    machine.answer_of(PLACES.into_iter().find(|place| machine.path(place).exists())?, &["--version"])
}

fn version(machine: &Machine) -> Option<String> {
    let words = words(machine)?;
    let version = words.split_once("version ")?.1.split_whitespace().next()?;
    Some(version.trim_end_matches(['.', ',']).to_owned())
}

/// Returns the directories in which pcscd looks for drivers of USB readers.
pub(super) fn driver_folders(machine: &Machine) -> Vec<String> {
    const USUAL: [&str; 3] = ["/usr/lib/pcsc/drivers", "/usr/lib64/pcsc/drivers", "/usr/local/lib/pcsc/drivers"];
    let words = words(machine).unwrap_or_default();
    let said = words.split_whitespace().find_map(|word| word.strip_prefix("usbdropdir="));
    said.map_or_else(|| USUAL.map(str::to_owned).into(), |folder| vec![folder.to_owned()])
}

/// Returns the path of the client library that is loaded in this process.
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

/// Returns the family of the distribution: the first known one in the fields ID and ID_LIKE of os-release(5).
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

/// Returns what logind says about this login session and the user's other sessions (sd-login(3): the files below
/// `/run/systemd/sessions`).
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

/// Returns true if the group and its polkit rule are installed, as far as this user may see them, and this user is
/// not a member of the group.
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
    // A directory that may not be searched counts as having the rule, since some systems hide polkit's directories.
    !lines_of("/etc/passwd").iter().any(is_in)
        && RULES.into_iter().any(|rule| machine.path(rule).try_exists().unwrap_or(true))
}
