//! Reasons why AWS could not be reached: the host or proxy that seems to be at fault, and the setting that names it.

use super::{Exit, Report};
use crate::aws::client::{CaBundle, CertificateTime, NetworkFault, RequestRoute, Through, Unreachable, Unreached};
use crate::world::printable;
use std::time::{Duration, UNIX_EPOCH};

/// Reports a request that got no response, or a response that did not come from AWS.
pub(super) fn unreached(what: String, error: &Unreached) -> Report {
    let (cause, next) = match error {
        Unreached::Unsendable { detail } => {
            let cause = format!("the settings do not make a valid request: {}", printable(detail, 200));
            let next = "check the region (--region, AWS_REGION) and AWS_ENDPOINT_URL";
            return Report::new(Exit::Change, what, cause, next);
        }
        Unreached::Garbled { status, detail, route, .. } => {
            let cause =
                format!("the response from {} is not AWS's (HTTP {status}): {}", host(route), printable(detail, 200));
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

/// Returns the name of the request's host, escaped and shortened for a message.
fn host(route: &RequestRoute) -> String {
    printable(&route.host, 120)
}

fn named(proxy: &Through) -> String {
    format!("the proxy {} ({})", printable(&proxy.host, 120), proxy.origin)
}

/// Returns the settings that determine the name of the request's host.
fn which(route: &RequestRoute) -> String {
    if route.is_set {
        "the endpoint (AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, endpoint_url)".to_owned()
    } else {
        format!("the region {} (--region, AWS_REGION, region in the profile)", printable(&route.region, 60))
    }
}

/// Returns the cause and the next step if the request did not reach the proxy.
fn before_the_proxy(why: Unreachable, proxy: &Through, detail: &str) -> (String, String) {
    let (name, origin) = (named(proxy), proxy.origin);
    let cause = match why {
        Unreachable::Dns => format!("the host name of {name} could not be resolved: {detail}"),
        Unreachable::Untrusted => format!("the certificate of {name} is not signed by a trusted authority"),
        Unreachable::Tls | Unreachable::NoTls | Unreachable::OtherHost => {
            format!("no secure connection to {name} could be made: {detail}")
        }
        _ => format!("{name} could not be reached: {detail}"),
    };
    (cause, format!("check {origin} and the network (does it need a VPN?)"))
}

/// Returns the cause and the next step if the request failed behind the proxy, or if there is no proxy.
fn on_the_way(
    why: Unreachable,
    route: &RequestRoute,
    proxy: Option<&Through>,
    sent: bool,
    detail: &str,
) -> (String, String) {
    let host = host(route);
    let look = match proxy {
        Some(proxy) => format!("check the network and {}", named(proxy)),
        None if route.is_set => format!("check the network and {}", which(route)),
        None => "check the network; if it needs a proxy, set HTTPS_PROXY".to_owned(),
    };
    match why {
        Unreachable::Dns => (
            format!("the host name {host} could not be resolved: {detail}"),
            format!("check the network and {}", which(route)),
        ),
        Unreachable::Connect => (format!("AWS could not be reached at {host}: {detail}"), look),
        Unreachable::ProxyPassword => password(proxy),
        Unreachable::ProxyRefused => (
            format!("{} did not connect to {host}: it is not allowed to, or it cannot", via(proxy)),
            format!(
                "ask the proxy's administrator to allow {host}, or add that host to NO_PROXY; check {}",
                which(route)
            ),
        ),
        Unreachable::Untrusted => untrusted(route),
        Unreachable::OtherHost => {
            (format!("{host} answered with the certificate of another host ({detail})"), portal(route))
        }
        Unreachable::NoTls => (format!("{host} answered without TLS"), portal(route)),
        Unreachable::Tls | Unreachable::CertificateTime(_) => {
            (format!("no secure connection to {host} could be made: {detail}"), look)
        }
        Unreachable::Timeout if sent => (format!("AWS did not respond in time at {host}: {detail}"), again(&look)),
        Unreachable::Timeout => match proxy {
            Some(proxy) => {
                let next = format!("check {}, the network and {}", proxy.origin, which(route));
                (format!("{} did not connect to {host} in time: {detail}", named(proxy)), next)
            }
            None => (format!("no connection to {host} could be made in time: {detail}"), again(&look)),
        },
        Unreachable::Dropped => (format!("the connection to {host} was lost: {detail}"), dropped(proxy)),
    }
}

/// Returns the next step if something between this machine and AWS responds in place of AWS.
fn portal(route: &RequestRoute) -> String {
    let proxy = route.proxy.as_ref().map_or(String::new(), |proxy| format!("; check {}", named(proxy)));
    let endpoint = if route.is_set { format!("; check {}", which(route)) } else { String::new() };
    format!("if the network has a sign-in page, sign in with a browser{proxy}{endpoint}")
}

fn again(look: &str) -> String {
    format!("try again; {look}")
}

fn dropped(proxy: Option<&Through>) -> String {
    let between = proxy.map_or_else(|| "any proxy in between".to_owned(), named);
    format!("try again; check the network and {between}")
}

fn via(proxy: Option<&Through>) -> String {
    proxy.map_or_else(|| "the proxy".to_owned(), named)
}

fn password(proxy: Option<&Through>) -> (String, String) {
    let origin = proxy.map_or("HTTPS_PROXY", |proxy| proxy.origin);
    let next = format!("set {origin} to http://USER:PASSWORD@HOST:PORT, with @ written as %40, # as %23 and / as %2F");
    match proxy.is_some_and(|proxy| proxy.has_user) {
        true => (format!("{} rejected the user name and password", via(proxy)), next),
        false => (format!("{} requires a user name and a password", via(proxy)), next),
    }
}

fn untrusted(route: &RequestRoute) -> (String, String) {
    let host = host(route);
    match &route.ca_bundle {
        Some(CaBundle { path, origin }) => (
            format!(
                "the certificate of {host} is not signed by a trusted authority: {} ({origin}) replaces the system's",
                printable(&path.to_string_lossy(), 300)
            ),
            format!("add the CA certificate of your network to that file, or remove {origin}"),
        ),
        None => (
            format!("the certificate of {host} is not signed by a trusted authority"),
            "if a proxy inspects TLS, set AWS_CA_BUNDLE to its CA certificate; if no certificate is trusted, install ca-certificates"
                .to_owned(),
        ),
    }
}

/// Returns the cause and the next step if a certificate is not valid at this machine's time. The clock is suspected
/// first, because it is more likely to be wrong than the certificate.
fn clock(time: &CertificateTime, route: &RequestRoute) -> (String, String) {
    /// Last second of the year 9999, the latest time that can be formatted.
    const LAST: u64 = 253_402_300_799;
    const SET_CLOCK: &str = "set the clock: `sudo timedatectl set-ntp true`";
    let CertificateTime { here, border } = *time;
    let said = |seconds: u64| humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds.min(LAST)));
    let (off, host) = (about(here.abs_diff(border)), host(route));
    let (here_said, border_said) = (said(here), said(border));
    if here < border {
        let cause = format!(
            "this machine's clock ({here_said}) seems to be at least {off} behind: the certificate of {host} is valid from {border_said}"
        );
        return (cause, SET_CLOCK.to_owned());
    }
    let cause = format!(
        "this machine's clock ({here_said}) seems to be at least {off} ahead: the certificate of {host} was valid until {border_said}"
    );
    (cause, format!("{SET_CLOCK}; if it is right, the host's administrator has to renew the certificate"))
}

/// Formats a length of time in the largest unit that fits into it at least twice, rounded down.
fn about(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(31_557_600, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")];
    let unit = UNITS.into_iter().find(|(length, _)| seconds >= 2 * length);
    unit.map_or_else(|| format!("{seconds} seconds"), |(length, name)| format!("{} {name}", seconds / length))
}

/// Reports settings for the proxy or the CA certificates that cannot be used.
pub(super) fn report(fault: &NetworkFault) -> Report {
    let bundle = "could not use the CA bundle";
    let (error, cause, next) = match fault {
        NetworkFault::CaUnreadable { origin, error } => {
            let inner = super::file::report(error);
            (bundle, format!("{}: {}", inner.error, inner.cause), format!("check {origin}, which names the file"))
        }
        NetworkFault::CaDamaged { path, origin, what } => {
            let next = format!("put PEM certificates there (-----BEGIN CERTIFICATE-----), or remove {origin}");
            (bundle, format!("{}: {what}", printable(&path.to_string_lossy(), 300)), next)
        }
        NetworkFault::Tls { what } => {
            ("could not set up TLS", what.clone(), "check AWS_CA_BUNDLE and ca_bundle".to_owned())
        }
        NetworkFault::Proxy { what, origin } => (
            "could not use the proxy",
            format!("{origin}: {what}"),
            format!("write {origin} as http://HOST:PORT; in a password, write @ as %40, # as %23 and / as %2F"),
        ),
    };
    Report::new(Exit::Change, error, cause, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_given_in_its_largest_fitting_unit() {
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
