//! The proxy between this machine and AWS, and the hosts that are reached without it.

use super::fault::NetworkFault;
use aws_smithy_http_client::proxy::ProxyConfig;
use hyper_util::client::proxy::matcher::Matcher;
use std::fmt;
use url::Url;

/// A proxy, and the hosts that are reached without it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// URL of the proxy; may hold a user name and password.
    pub url: String,
    /// Hosts that are reached without the proxy, as `NO_PROXY` lists them.
    pub except: String,
    /// Environment variable that names the proxy.
    pub origin: &'static str,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy")
    }
}

/// A proxy without its password, so that it can be shown in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Through {
    /// Host of the proxy, with the port if it is not the scheme's default.
    pub host: String,
    /// Environment variable that names the proxy.
    pub origin: &'static str,
    /// True if a user name is sent to the proxy.
    pub has_user: bool,
}

impl Proxy {
    /// Parses the URL and normalises it, so that all other parsers agree on it: `user:p@ss@host` becomes
    /// `user:p%40ss@host`.
    fn parsed(&self) -> Result<Url, NetworkFault> {
        let fault = |what| NetworkFault::Proxy { what, origin: self.origin };
        let text = if self.url.contains("://") { self.url.clone() } else { format!("http://{}", self.url) };
        let url = Url::parse(&text).map_err(|error| fault(format!("it is not a URL ({error})")))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(fault(format!("only http:// and https:// proxies are supported, not {other}://"))),
        }
    }

    /// Returns the proxy for the SDK's connector. It applies to HTTPS only, since plain HTTP is only used for
    /// endpoints on this machine.
    pub(super) fn config(&self) -> Result<ProxyConfig, NetworkFault> {
        let config = ProxyConfig::https(self.parsed()?.as_str());
        let fault = |_| NetworkFault::Proxy { what: "it is not a URL".to_owned(), origin: self.origin };
        Ok(config.map_err(fault)?.no_proxy(&self.except))
    }

    /// Returns the proxy, without its password, if a request for `uri` goes through it. The decision is made by the
    /// matcher that the SDK's connector uses.
    pub(super) fn on_the_way_to(&self, uri: &str) -> Option<Through> {
        let url = self.parsed().ok()?;
        let matcher = Matcher::builder().https(url.as_str()).no(self.except.as_str()).build();
        matcher.intercept(&uri.parse().ok()?)?;
        Some(Through { host: host(&url)?, origin: self.origin, has_user: !url.username().is_empty() })
    }
}

/// Returns a URL's host, with the port if it is not the scheme's default.
pub(super) fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, except: &str) -> Proxy {
        Proxy { url: url.to_owned(), except: except.to_owned(), origin: "HTTPS_PROXY" }
    }

    #[test]
    fn a_proxy_is_named_without_its_password() {
        for (url, host, has_user) in [
            ("http://proxy:3128", "proxy:3128", false),
            ("proxy:3128", "proxy:3128", false),
            ("http://alice:p%40ss@proxy.example.com", "proxy.example.com", true),
            ("http://alice:p@ss@proxy:3128/", "proxy:3128", true),
            ("https://[::1]:8443", "[::1]:8443", false),
        ] {
            let through = proxy(url, "").on_the_way_to("https://sts.amazonaws.com/").unwrap();
            assert_eq!((through.host.as_str(), through.has_user), (host, has_user), "{url}");
            assert!(proxy(url, "").config().is_ok(), "{url}");
        }
    }

    #[test]
    fn a_fault_of_the_proxy_does_not_show_its_url() {
        for (url, why) in [
            ("http://alice:p#ss@proxy:3128", "it is not a URL (invalid port number)"),
            ("socks5://proxy:1080", "only http:// and https:// proxies are supported, not socks5://"),
            ("http://", "it is not a URL (empty host)"),
        ] {
            let Err(NetworkFault::Proxy { what, .. }) = proxy(url, "").config() else { panic!("{url}") };
            assert_eq!(what, why);
        }
    }

    #[test]
    fn excepted_hosts_are_reached_without_the_proxy() {
        let asked = |except, uri| proxy("http://proxy:1", except).on_the_way_to(uri).is_some();
        assert!(asked("", "https://sts.amazonaws.com/"));
        assert!(!asked("amazonaws.com", "https://sts.amazonaws.com/"));
        assert!(asked("zonaws.com", "https://sts.amazonaws.com/"));
        assert!(!asked("10.0.0.0/8", "https://10.1.2.3:8443/"));
        assert!(!asked("fd00::/8", "https://[fd00::1]/"));
        assert!(!asked("", "http://sts.example.com/"), "plain HTTP never leaves this machine");
    }
}
