//! Why AWS could not be reached: whose fault it seems to be, by name, and the setting that leads there.

use super::{Exit, Report};
use crate::aws::client::{CaBundle, CertificateTime, NetworkFault, RequestRoute, Through, Unreachable, Unreached};
use crate::world::printable;
use std::time::{Duration, UNIX_EPOCH};

/// No answer, or one that is not AWS's.
pub(super) fn unreached(what: String, error: &Unreached) -> Report {
    let (cause, next) = match error {
        Unreached::Unsendable { detail } => {
            let cause = format!("no request can be made of the settings: {}", printable(detail, 200));
            let next = "look at the region (--region, AWS_REGION) and AWS_ENDPOINT_URL";
            return Report::new(Exit::Change, what, cause, next);
        }
        Unreached::Garbled { status, detail, route, .. } => {
            let cause =
                format!("what answered at {} is not AWS (HTTP {status}): {}", host(route), printable(detail, 200));
            (cause, portal(route))
        }
        Unreached::Unreachable { why: Unreachable::CertificateTime(time), route, .. } => {
            let (cause, next) = clock(time, route);
            return Report::new(Exit::Failed, what, cause, next);
        }
        Unreached::Unreachable { why, detail, at_proxy, route, sent } => {
            let detail = printable(detail, 200);
            match &route.proxy {
                Some(proxy) if *at_proxy => before_the_proxy(*why, proxy, &detail),
                proxy => on_the_way(*why, route, proxy.as_ref(), *sent, &detail),
            }
        }
    };
    Report::new(Exit::Unreachable, what, cause, next)
}

/// The host that was asked.
fn host(route: &RequestRoute) -> String {
    printable(&route.host, 120)
}

fn named(proxy: &Through) -> String {
    format!("the proxy {} ({})", printable(&proxy.host, 120), proxy.origin)
}

/// What may be wrong with the name of the host that was asked.
fn which(route: &RequestRoute) -> String {
    if route.is_set {
        "AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL or endpoint_url is right".to_owned()
    } else {
        format!("the region {} is right (--region, AWS_REGION, region in the profile)", printable(&route.region, 60))
    }
}

/// The request did not get to the proxy.
fn before_the_proxy(why: Unreachable, proxy: &Through, detail: &str) -> (String, String) {
    let (name, origin) = (named(proxy), proxy.origin);
    let cause = match why {
        Unreachable::Dns => format!("the name of {name} could not be looked up: {detail}"),
        Unreachable::Untrusted => format!("the certificate of {name} is by no authority that is trusted here"),
        Unreachable::Tls | Unreachable::NoTls | Unreachable::OtherHost => {
            format!("no trusted connection to {name} came about: {detail}")
        }
        _ => format!("{name} could not be reached: {detail}"),
    };
    (cause, format!("look at {origin} and at the network (is there a VPN to be started?)"))
}

fn on_the_way(
    why: Unreachable,
    route: &RequestRoute,
    proxy: Option<&Through>,
    sent: bool,
    detail: &str,
) -> (String, String) {
    let host = host(route);
    let look = match proxy {
        Some(proxy) => format!("look at the network and at {}", named(proxy)),
        None if route.is_set => format!("look at the network, and whether {}", which(route)),
        None => "look at the network; if it wants a proxy, set HTTPS_PROXY".to_owned(),
    };
    match why {
        Unreachable::Dns => (
            format!("the name {host} could not be looked up: {detail}"),
            format!("look at the network, and whether {}", which(route)),
        ),
        Unreachable::Connect => (format!("AWS could not be reached at {host}: {detail}"), look),
        Unreachable::ProxyPassword => password(proxy),
        Unreachable::ProxyRefused => (
            format!("{} made no connection to {host}: it may not, or it cannot", via(proxy)),
            format!("ask whoever runs it to allow {host}, or put that into NO_PROXY; look whether {}", which(route)),
        ),
        Unreachable::Untrusted => untrusted(route),
        Unreachable::OtherHost => {
            (format!("what answered at {host} has another host's certificate ({detail})"), portal(route))
        }
        Unreachable::NoTls => (format!("what answered at {host} does not speak TLS"), portal(route)),
        Unreachable::Tls | Unreachable::CertificateTime(_) => {
            (format!("no trusted connection to {host} came about: {detail}"), look)
        }
        Unreachable::Timeout if sent => (format!("AWS did not answer in time at {host}: {detail}"), again(&look)),
        Unreachable::Timeout => match proxy {
            Some(proxy) => {
                let next = format!("look at {} and at the network, and whether {}", proxy.origin, which(route));
                (format!("{} made no connection to {host} in time: {detail}", named(proxy)), next)
            }
            None => (format!("no connection to {host} came about in time: {detail}"), again(&look)),
        },
        Unreachable::Dropped => (format!("the connection to {host} broke: {detail}"), dropped(proxy)),
    }
}

/// What to do where somebody between here and AWS answers in its place.
fn portal(route: &RequestRoute) -> String {
    let proxy = route.proxy.as_ref().map_or(String::new(), |proxy| format!("; look at {}", named(proxy)));
    let endpoint = if route.is_set { format!("; look whether {}", which(route)) } else { String::new() };
    format!("sign in to the network if it has a portal{proxy}{endpoint}")
}

fn again(look: &str) -> String {
    format!("try again; {look}")
}

fn dropped(proxy: Option<&Through>) -> String {
    let between = proxy.map_or_else(|| "proxies in between".to_owned(), named);
    format!("try again; look at the network and at {between}")
}

fn via(proxy: Option<&Through>) -> String {
    proxy.map_or_else(|| "the proxy".to_owned(), named)
}

fn password(proxy: Option<&Through>) -> (String, String) {
    let origin = proxy.map_or("HTTPS_PROXY", |proxy| proxy.origin);
    let next = format!("set {origin} to http://USER:PASSWORD@HOST:PORT, with %40 for @, %23 for # and %2F for /");
    match proxy.is_some_and(|proxy| proxy.has_user) {
        true => (format!("{} does not take that user name and password", via(proxy)), next),
        false => (format!("{} wants a user name and a password", via(proxy)), next),
    }
}

fn untrusted(route: &RequestRoute) -> (String, String) {
    let host = host(route);
    match &route.ca_bundle {
        Some(CaBundle { path, origin }) => (
            format!(
                "the certificate of {host} is by no authority in {} ({origin}), which replaces the system's",
                printable(&path.to_string_lossy(), 300)
            ),
            format!("add the certificate of your network's authority to that file, or unset {origin}"),
        ),
        None => (
            format!("the certificate of {host} is by no authority that this machine trusts"),
            "if a proxy looks into TLS, set AWS_CA_BUNDLE to its authority's certificate; if nothing is trusted, install ca-certificates"
                .to_owned(),
        ),
    }
}

/// A certificate that is not valid at this machine's time: the clock is more likely to be wrong than AWS.
fn clock(time: &CertificateTime, route: &RequestRoute) -> (String, String) {
    /// The last second of the year 9999, the last that can be written.
    const LAST: u64 = 253_402_300_799;
    let CertificateTime { here, border } = *time;
    let said = |seconds: u64| humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds.min(LAST)));
    let (off, host) = (about(here.abs_diff(border)), host(route));
    let (here_said, border_said) = (said(here), said(border));
    if here < border {
        let cause = format!(
            "this machine's clock, at {here_said}, seems at least {off} behind: the certificate of {host} is valid from {border_said} on"
        );
        return (cause, "set the clock: `timedatectl`".to_owned());
    }
    let cause = format!(
        "this machine's clock, at {here_said}, seems at least {off} ahead: the certificate of {host} was valid until {border_said}"
    );
    (
        cause,
        "set the clock: `timedatectl`; if it is right, whoever runs that host has to renew the certificate".to_owned(),
    )
}

/// A length of time as one says it where the second does not matter.
fn about(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(31_557_600, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")];
    let unit = UNITS.into_iter().find(|(length, _)| seconds >= 2 * length);
    unit.map_or_else(|| format!("{seconds} seconds"), |(length, name)| format!("{} {name}", seconds / length))
}

/// Settings that lead to no way at all.
pub(super) fn report(fault: &NetworkFault) -> Report {
    let bundle = "could not use the CA bundle";
    let (error, cause, next) = match fault {
        NetworkFault::CaUnreadable { origin, error } => {
            let inner = super::file::report(error);
            (bundle, format!("{}: {}", inner.error, inner.cause), format!("look at {origin}, which names it"))
        }
        NetworkFault::CaDamaged { path, origin, what } => {
            let next = format!("put PEM certificates there (-----BEGIN CERTIFICATE-----), or unset {origin}");
            (bundle, format!("{}: {what}", printable(&path.to_string_lossy(), 300)), next)
        }
        NetworkFault::Tls { what } => {
            ("could not make TLS ready", what.clone(), "look at AWS_CA_BUNDLE and ca_bundle".to_owned())
        }
        NetworkFault::Proxy { what, origin } => (
            "could not use the proxy",
            format!("{origin}: {what}"),
            format!("{origin} looks like http://HOST:PORT; in a password, @ is %40, # is %23, / is %2F"),
        ),
    };
    Report::new(Exit::Change, error, cause, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_one_says_them() {
        for (seconds, said) in [
            (90, "90 seconds"),
            (120, "2 minutes"),
            (7199, "119 minutes"),
            (86_400, "24 hours"),
            (400 * 86_400, "400 days"),
            (1_780_000_000, "56 years"),
        ] {
            assert_eq!(about(seconds), said);
        }
    }
}
