//! Messages and fixes for findings about the smart card service and the USB devices.

use super::Check;
use crate::doctor::{Distribution, Hidden, Sandbox, Seat, ServiceFinding, System, UsbFinding, UsbToken};
use crate::report::oath::bus;
use crate::report::token::report;
use crate::report::{listed, quoted};
use crate::world::printable;
use hw::pcsc_bus::KNOWN_NAMES;
use hw::transport::CarrierError;

const SERVICE: &str = "service";

/// Returns the command that adds a polkit rule for pcsc-lite's actions, so that this user can use tokens without a
/// desktop session.
fn polkit_rule() -> String {
    format!(
        "`echo \"polkit.addRule(function (action, subject) {{ if (subject.user == '$(id -un)' && \
         (action.id == 'org.debian.pcsc-lite.access_pcsc' || action.id == 'org.debian.pcsc-lite.access_card' && \
         /{}/i.test(action.lookup('reader')))) return polkit.Result.YES; }});\" | \
         sudo tee /etc/polkit-1/rules.d/41-aws-mfa-key-$(id -un).rules`",
        KNOWN_NAMES.join("|")
    )
}

pub(super) fn service(finding: &ServiceFinding) -> Check {
    match finding {
        ServiceFinding::Answers { version, library } => {
            let version = version.as_deref().map_or(String::new(), |version| format!(" {}", printable(version, 20)));
            let library = library.as_deref().map_or(String::new(), |path| format!(" ({})", printable(path, 200)));
            Check::ok(SERVICE, format!("the smart card service (pcscd{version}) is running{library}"))
        }
        ServiceFinding::Silent { why, system, seat } => {
            let told = bus(why);
            Check::fault(
                SERVICE,
                format!("{}{}", told.cause, because(why, system, *seat)),
                start(why, system, *seat).unwrap_or(told.next),
            )
        }
        ServiceFinding::Stuck(error) => Check::stop(SERVICE, report(String::new(), error)),
        ServiceFinding::Seat(seat) => Check::ok("seat", who(*seat)),
    }
}

fn who(Seat { ssh, local, elsewhere, .. }: Seat) -> String {
    let session = match (ssh, local) {
        (true, _) => "you are connected over SSH",
        (false, Some(true)) => "you are logged in at this machine",
        (false, Some(false)) => "this login session is not at this machine",
        (false, None) => "there is no login session (a service, a container, su)",
    };
    let elsewhere = if elsewhere && local != Some(true) { "; you also have a session at this machine" } else { "" };
    format!("{session}{elsewhere}")
}

/// Returns the known reason why the service does not respond, to be appended to the cause; empty if the reason is
/// unknown.
fn because(why: &CarrierError, system: &System, seat: Seat) -> String {
    match why {
        CarrierError::Refused if seat.ssh => "; over SSH, polkit has to allow access".to_owned(),
        CarrierError::Refused => "; without a desktop session, polkit has to allow access".to_owned(),
        CarrierError::NoService if !system.has_pcscd && system.sandbox.is_none() => "; it is not installed".to_owned(),
        CarrierError::NoService | CarrierError::ServiceStopped => {
            let socket = system
                .socket
                .as_deref()
                .map(|path| format!("; PCSCLITE_CSOCK_NAME points to {}", printable(path, 200)));
            let sandbox = system
                .sandbox
                .filter(|_| !system.has_pcscd)
                .map(|sandbox| format!("; this is a sandbox ({})", name(sandbox)));
            socket.or(sandbox).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn name(sandbox: Sandbox) -> &'static str {
    match sandbox {
        Sandbox::Flatpak => "Flatpak",
        Sandbox::Snap => "snap",
        Sandbox::Container => "a container",
    }
}

/// Returns a fix that fits this machine; `None` if the fix for any machine is as good.
fn start(why: &CarrierError, system: &System, seat: Seat) -> Option<String> {
    match why {
        CarrierError::NoService | CarrierError::ServiceStopped if system.socket.is_some() => {
            Some("`unset PCSCLITE_CSOCK_NAME`, or start the service that it points to".to_owned())
        }
        CarrierError::NoService | CarrierError::ServiceStopped
            if let Some(sandbox) = system.sandbox.filter(|_| !system.has_pcscd) =>
        {
            Some(match sandbox {
                Sandbox::Flatpak => {
                    "run it outside the sandbox, or allow access to the service: `flatpak override --user --socket=pcsc APP`"
                        .to_owned()
                }
                Sandbox::Snap => {
                    "run it outside the sandbox, or allow access to the service: `sudo snap connect NAME:pcscd`".to_owned()
                }
                Sandbox::Container => "start the container with the host's service: `docker run -v /run/pcscd:/run/pcscd …`".to_owned(),
            })
        }
        CarrierError::NoService if !system.has_pcscd => Some(install(system.distribution)),
        CarrierError::NoService if !system.has_systemd => Some("start it: `sudo pcscd`".to_owned()),
        CarrierError::NoService => Some("start it: `sudo systemctl enable --now pcscd.socket`".to_owned()),
        CarrierError::Refused if seat.may_join => {
            Some("join the group that has access: `sudo usermod --append --groups aws-mfa-key \"$(id -un)\"`".to_owned())
        }
        CarrierError::Refused => Some(format!("allow yourself access with a polkit rule: {}", polkit_rule())),
        _ => None,
    }
}

fn install(distribution: Option<Distribution>) -> String {
    let command = match distribution {
        Some(Distribution::Debian) => "`sudo apt-get install pcscd libccid`",
        Some(Distribution::Fedora) => "`sudo dnf install pcsc-lite pcsc-lite-ccid`",
        Some(Distribution::Arch) => "`sudo pacman -S pcsclite ccid`",
        Some(Distribution::Suse) => "`sudo zypper install pcsc-lite pcsc-ccid`",
        Some(Distribution::Alpine) => "`sudo apk add pcsc-lite ccid`",
        None => "install pcscd and its driver, libccid",
    };
    command.to_owned()
}

pub(super) fn usb(finding: &UsbFinding) -> Check {
    match finding {
        UsbFinding::Readers { known, others } => {
            let known = if known.is_empty() { "none".to_owned() } else { listed(known.iter()) };
            let others = match others.as_slice() {
                [] => String::new(),
                others => format!("; not used without --reader: {}", listed(others.iter())),
            };
            Check::ok("readers", format!("{known}{others}"))
        }
        UsbFinding::Fine(token) => Check::ok("usb", shown(token)),
        UsbFinding::WithoutCcid { token, others } => without_ccid(token).merely(*others),
        UsbFinding::WithoutReader { token, why } => without_reader(token, why),
    }
}

fn shown(token: &UsbToken) -> String {
    format!("{} ({})", printable(&token.name, 80), printable(&token.id, 20))
}

fn without_ccid(token: &UsbToken) -> Check {
    let shown = shown(token);
    if token.is_security_key {
        let fix = "use a token with an OATH applet, such as a YubiKey 5";
        return Check::fault("usb", format!("{shown} has only FIDO, and no OATH applet"), fix);
    }
    let fix = "enable it: `ykman config usb --enable OATH`; on a NEO or a YubiKey 4: `ykman config mode OTP+FIDO+CCID`";
    Check::fault("usb", format!("{shown} is plugged in, but its smart card interface (CCID) is disabled"), fix)
}

fn without_reader(token: &UsbToken, why: &Hidden) -> Check {
    let (cause, fix) = match why {
        Hidden::Ignored => {
            let fix =
                "find the udev rule and remove it: `grep -r PCSCLITE_IGNORE /etc/udev/rules.d /usr/lib/udev/rules.d`";
            ("a udev rule hides it (PCSCLITE_IGNORE)".to_owned(), fix.to_owned())
        }
        Hidden::NoDriver(distribution) => {
            ("the driver for USB readers (libccid) is not installed".to_owned(), install(*distribution))
        }
        Hidden::Taken(process) => {
            let name = quoted(&printable(&process.name, 40));
            (
                format!("{name} (pid {}) probably has exclusive access to it", process.pid),
                "make GnuPG share it: `echo disable-ccid >> ~/.gnupg/scdaemon.conf; echo pcsc-shared >> ~/.gnupg/scdaemon.conf; gpgconf --kill scdaemon`".to_owned(),
            )
        }
        Hidden::Unknown => {
            let fix = "unplug it and plug it in again; if that does not help, run `sudo systemctl restart pcscd` and check `journalctl -u pcscd`";
            ("the reason is unknown".to_owned(), fix.to_owned())
        }
    };
    Check::fault("usb", format!("{} is plugged in, but the service shows no reader for it: {cause}", shown(token)), fix)
}
