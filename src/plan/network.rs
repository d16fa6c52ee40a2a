//! Region, endpoints, certificates and proxy for requests to AWS, chosen in the same way as by AWS's own clients.

use super::{PlanError, region};
use crate::aws::MfaSerial;
use crate::aws::client::{CaBundle, Network, Proxy};
use crate::aws::config_file::Settings;
use crate::cli;
use crate::world::Environment;
use url::{Host, Url};

pub(super) fn decide(
    typed: &cli::LoginOptions,
    env: &Environment,
    settings: &Settings,
    serial: Option<&MfaSerial>,
) -> Result<Network, PlanError> {
    let endpoint = |service| settings.endpoint(service).map(checked).transpose();
    let sts_endpoint = endpoint("sts")?;
    Ok(Network {
        region: region(typed, env, settings, serial),
        iam_endpoint: endpoint("iam")?,
        fips: settings.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        dual_stack: settings.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        ca_bundle: ca_bundle(env, settings),
        proxy: proxy(env, sts_endpoint.as_deref()),
        sts_endpoint,
    })
}

/// Returns the file of certificates to trust; `None` for the system's certificates. `REQUESTS_CA_BUNDLE` is used only
/// if nothing else is set, as in the AWS CLI.
fn ca_bundle(env: &Environment, settings: &Settings) -> Option<CaBundle> {
    let origin = if env.text("AWS_CA_BUNDLE").is_some() { "AWS_CA_BUNDLE" } else { "ca_bundle" };
    let own = settings.value("AWS_CA_BUNDLE", "ca_bundle").map(|path| (path, origin));
    let requests = || Some((env.text("REQUESTS_CA_BUNDLE")?.to_owned(), "REQUESTS_CA_BUNDLE"));
    let (path, origin) = own.or_else(requests)?;
    Some(CaBundle { path: env.expand(path.as_ref()), origin })
}

/// Checks that an endpoint uses TLS or is on this machine. Returns the URL in normalized form, so that no other
/// parser can find a different host in it.
fn checked(given: String) -> Result<String, PlanError> {
    let Ok(url) = Url::parse(&given) else { return Err(PlanError::BadEndpoint { given }) };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.has_host() => Ok(url.into()),
        "http" if here => Ok(url.into()),
        "http" => Err(PlanError::PlainHttp { endpoint: given }),
        _ => Err(PlanError::BadEndpoint { given }),
    }
}

/// Returns the proxy for requests to AWS. Endpoints on this machine are reached without a proxy, so that a code sent
/// to them does not leave the machine.
fn proxy(env: &Environment, endpoint: Option<&str>) -> Option<Proxy> {
    const HERE: &str = "localhost,127.0.0.0/8,::1";
    const NAMES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let (url, origin) = NAMES.into_iter().find_map(|name| Some((env.text(name)?.trim().to_owned(), name)))?;
    let port = endpoint.and_then(|url| Url::parse(url).ok()).and_then(|url| url.port_or_known_default());
    let list = ["no_proxy", "NO_PROXY"].into_iter().find_map(|name| env.text(name)).unwrap_or_default();
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    let except: Vec<String> = entries.filter_map(|entry| exception(entry, port.unwrap_or(443))).collect();
    let nothing_by_it = except.iter().any(|host| host == "*");
    (!nothing_by_it).then(|| Proxy { url, except: format!("{},{HERE}", except.join(",")), origin })
}

/// Converts an entry of `NO_PROXY` to the form that the SDK's matcher knows: without brackets, port, or an asterisk
/// before a domain. Returns `None` if the entry is for another port.
fn exception(entry: &str, port: u16) -> Option<String> {
    let is_ours = |given: &str| given.parse() == Ok(port);
    let host = match entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => address,
        Some((address, rest)) => rest.strip_prefix(':').filter(|given| is_ours(given)).map(|_| address)?,
        None => match entry.split_once(':') {
            Some((host, given)) if !given.contains(':') => Some(host).filter(|_| is_ours(given))?,
            _ => entry,
        },
    };
    Some(host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn plain_http_is_allowed_on_this_machine_only() {
        for good in ["https://sts.example.com/", "http://localhost:1/", "http://127.0.0.9:1/x", "http://[::1]:1/"] {
            assert_eq!(checked(good.to_owned()).ok().as_deref(), Some(good));
        }
        for plain in ["http://10.0.0.1", "http://localhost.example.com", "http://127.0.0.1:80@sts.amazonaws.com"] {
            assert!(matches!(checked(plain.to_owned()), Err(PlanError::PlainHttp { .. })), "{plain}");
        }
        for bad in ["ftp://localhost", "sts.amazonaws.com", "file:///x", "https:"] {
            assert!(matches!(checked(bad.to_owned()), Err(PlanError::BadEndpoint { .. })), "{bad}");
        }
        // The result names one host, even where two parsers could find different hosts in the input.
        assert_eq!(checked("http://127.1\\@evil.example".to_owned()).unwrap(), "http://127.0.0.1/@evil.example");
        assert_eq!(checked(" https://sts.example.com\n".to_owned()).unwrap(), "https://sts.example.com/");
    }

    fn env(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
    }

    #[test]
    fn uses_the_first_proxy_variable_that_is_set() {
        let found = |variables: &[(&str, &str)]| proxy(&env(variables), None).map(|proxy| (proxy.origin, proxy.url));
        let all = [("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1"), ("ALL_PROXY", "http://c:1")];
        assert_eq!(found(&all), Some(("https_proxy", "http://a:1".to_owned())));
        assert_eq!(found(&all[1..]), Some(("HTTPS_PROXY", "http://b:1".to_owned())));
        assert_eq!(found(&all[2..]), Some(("ALL_PROXY", "http://c:1".to_owned())));
        assert_eq!(found(&[("HTTP_PROXY", "http://d:1")]), None, "that is for http:// endpoints");
        assert_eq!(found(&[all[1], ("NO_PROXY", "*")]), None);
        assert_eq!(found(&[("HTTPS_PROXY", "")]), None);
    }

    #[test]
    fn no_proxy_accepts_hosts_as_people_write_them() {
        for (entry, port, host) in [
            ("sts.example.com", 443, Some("sts.example.com")),
            (".example.com", 443, Some(".example.com")),
            ("*.example.com", 443, Some(".example.com")),
            ("*", 443, Some("*")),
            ("sts.example.com:443", 443, Some("sts.example.com")),
            ("sts.example.com:443", 8443, None),
            ("sts.example.com:x", 443, None),
            ("10.0.0.0/8", 443, Some("10.0.0.0/8")),
            ("fd00::1", 443, Some("fd00::1")),
            ("[fd00::1]", 443, Some("fd00::1")),
            ("[fd00::1]:443", 443, Some("fd00::1")),
            ("[fd00::1]:8443", 443, None),
        ] {
            assert_eq!(exception(entry, port).as_deref(), host, "{entry}");
        }
        let list = env(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "a.example, *.b.example:8443 [fd00::1]")]);
        let except = |endpoint| proxy(&list, endpoint).unwrap().except;
        assert_eq!(except(None), "a.example,fd00::1,localhost,127.0.0.0/8,::1");
        assert_eq!(except(Some("https://x.b.example:8443")), "a.example,.b.example,fd00::1,localhost,127.0.0.0/8,::1");
    }
}
