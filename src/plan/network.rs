//! The way to AWS, decided as AWS's own clients do.

use super::{PlanError, region};
use crate::aws::MfaSerial;
use crate::aws::client::{Network, Proxy};
use crate::aws::config_file::Settings;
use crate::cli;
use crate::world::Environment;
use url::{Host, Url};

pub(super) fn decide(
    typed: &cli::How,
    env: &Environment,
    settings: &Settings,
    serial: Option<&MfaSerial>,
) -> Result<Network, PlanError> {
    let endpoint = |service| settings.endpoint(service).map(checked).transpose();
    Ok(Network {
        region: region(typed, env, settings, serial),
        iam_endpoint: endpoint("iam")?,
        fips: settings.flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        dual_stack: settings.flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        ca_bundle: settings.value("AWS_CA_BUNDLE", "ca_bundle").map(|path| env.expand(path.as_ref())),
        proxy: proxy(env),
        sts_endpoint: endpoint("sts")?,
    })
}

/// An endpoint that may be asked: TLS, or this machine.
fn checked(given: String) -> Result<String, PlanError> {
    let Ok(url) = Url::parse(&given) else { return Err(PlanError::BadEndpoint { given }) };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.has_host() => Ok(given),
        "http" if here => Ok(given),
        "http" => Err(PlanError::PlainHttp { endpoint: given }),
        _ => Err(PlanError::BadEndpoint { given }),
    }
}

/// The proxy to AWS. What is on this machine is reached without one: a code on its way there must not leave the machine.
fn proxy(env: &Environment) -> Option<Proxy> {
    const HERE: &str = "localhost,127.0.0.0/8,::1";
    let first = |names: &[&str]| names.iter().find_map(|name| env.text(name)).map(str::to_owned);
    let url = first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?;
    let except = first(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
    let nothing_by_it = except.split(',').any(|host| host.trim() == "*");
    (!nothing_by_it).then(|| Proxy { url, except: format!("{except},{HERE}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in ["https://sts.example.com", "http://localhost:1", "http://127.0.0.9:1/x", "http://[::1]:1"] {
            assert_eq!(checked(good.to_owned()).ok().as_deref(), Some(good));
        }
        for plain in ["http://10.0.0.1", "http://localhost.example.com", "http://sts.amazonaws.com"] {
            assert!(matches!(checked(plain.to_owned()), Err(PlanError::PlainHttp { .. })), "{plain}");
        }
        for bad in ["ftp://localhost", "sts.amazonaws.com", "file:///x", "https:"] {
            assert!(matches!(checked(bad.to_owned()), Err(PlanError::BadEndpoint { .. })), "{bad}");
        }
    }
}
