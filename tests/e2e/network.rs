//! Tests of networks in companies: proxies, private certificate authorities, other partitions, and networks that lead
//! nowhere.

mod names;
mod waits;

use crate::harness::company_network::CompanyNetwork;
use crate::harness::stack::{ProgramOutput, clients, program};
use crate::harness::test_world::{SEED_BASE32, TestWorld};
use fake_aws::{Action, Authority, FakeProxy, Lie, ProxyBehaviour, Times};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Partition; whether the MFA device is configured; region; further settings; the hosts that are asked; the region
/// that signatures for STS must name.
type RegionCase =
    (&'static str, bool, &'static str, &'static [(&'static str, &'static str)], &'static [&'static str], &'static str);

const FIPS: (&str, &str) = ("AWS_USE_FIPS_ENDPOINT", "true");
const DUAL: (&str, &str) = ("AWS_USE_DUALSTACK_ENDPOINT", "true");

const PLACES: &[RegionCase] = &[
    ("aws", true, "eu-central-1", &[], &["sts.eu-central-1.amazonaws.com:443"], "eu-central-1"),
    ("aws", true, "", &[], &["sts.us-east-1.amazonaws.com:443"], "us-east-1"),
    ("aws", true, "us-east-1", &[FIPS], &["sts-fips.us-east-1.amazonaws.com:443"], "us-east-1"),
    ("aws", true, "us-east-1", &[DUAL], &["sts.us-east-1.api.aws:443"], "us-east-1"),
    ("aws", true, "us-east-1", &[FIPS, DUAL], &["sts-fips.us-east-1.api.aws:443"], "us-east-1"),
    ("aws", true, "aws-global", &[], &["sts.amazonaws.com:443"], "us-east-1"),
    (
        "aws",
        false,
        "eu-central-1",
        &[],
        &["iam.amazonaws.com:443", "sts.eu-central-1.amazonaws.com:443"],
        "eu-central-1",
    ),
    ("aws-us-gov", true, "", &[], &["sts.us-gov-west-1.amazonaws.com:443"], "us-gov-west-1"),
    ("aws-us-gov", true, "us-gov-east-1", &[FIPS], &["sts.us-gov-east-1.amazonaws.com:443"], "us-gov-east-1"),
    (
        "aws-us-gov",
        false,
        "us-gov-west-1",
        &[],
        &["iam.us-gov.amazonaws.com:443", "sts.us-gov-west-1.amazonaws.com:443"],
        "us-gov-west-1",
    ),
    ("aws-cn", true, "", &[], &["sts.cn-north-1.amazonaws.com.cn:443"], "cn-north-1"),
    (
        "aws-cn",
        false,
        "cn-north-1",
        &[],
        &["iam.cn-north-1.amazonaws.com.cn:443", "sts.cn-north-1.amazonaws.com.cn:443"],
        "cn-north-1",
    ),
];

#[test]
fn regions_and_partitions_have_their_own_hosts_and_signatures() {
    for (partition, with_serial, region, settings, hosts, signed_for) in PLACES {
        let mut company = CompanyNetwork::new();
        company.move_to(partition, *with_serial);
        for (name, value) in [&[("AWS_REGION", *region)], *settings].concat() {
            company.set(name, value);
        }
        // The simulator checks the region in the signature. IAM has a single region for each partition, so it is not
        // checked with IAM.
        if *with_serial {
            company.bench.aws.set_region(Some(signed_for));
        }
        let told = company.login();
        // STS and IAM are asked in parallel.
        let mut asked = company.asked();
        asked.sort_unstable();
        assert_eq!((told.code, asked), (0, hosts.iter().map(|host| (*host).to_owned()).collect()), "{told:?}");
    }
}

/// Returns the hosts that botocore, the library of the AWS CLI, would connect to in each case.
fn botocore(cases: &[(String, Vec<(String, String)>)]) -> Vec<String> {
    let script = "import json, os, sys\nimport botocore.session\nfor config, env in json.load(sys.stdin):\n    \
                  os.environ.clear(); os.environ.update(dict(env)); os.environ['AWS_CONFIG_FILE'] = config\n    \
                  print(botocore.session.Session(profile='dev').create_client('sts').meta.endpoint_url)\n";
    let mut python = Command::new(clients().join("bin/python"));
    python.args(["-c", script]).env_clear().stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = python.spawn().unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), cases).unwrap();
    let told = ProgramOutput::from(child.wait_with_output().unwrap());
    assert_eq!(told.code, Some(0));
    told.out.lines().map(|url| url.split('/').nth(2).unwrap().to_owned()).collect()
}

/// Settings, further lines for the profile, and the host that is asked.
type EndpointCase<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

fn with_port(host: &str) -> String {
    if host.contains(':') { host.to_owned() } else { format!("{host}:443") }
}

#[test]
fn endpoint_settings_have_the_precedence_of_the_aws_cli() {
    let by_service = "services = own\n[services own]\nsts =\n  endpoint_url = https://c.example.com\n";
    let by_profile = "endpoint_url = https://d.example.com:8443/\n";
    let (sts, all) = ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL");
    let (a, b) = ((sts, "https://a.example.com/"), (all, "https://b.example.com"));
    let off = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    let cases: &[EndpointCase<'_>] = &[
        (&[a, b], &format!("{by_profile}{by_service}"), "a.example.com:443"),
        (&[b], &format!("{by_profile}{by_service}"), "b.example.com:443"),
        (&[], &format!("{by_profile}{by_service}"), "c.example.com:443"),
        (&[], by_profile, "d.example.com:8443"),
        (&[], "endpoint_url = https://d.example.com/behind/a/path/\n", "d.example.com:443"),
        (&[a, b, off], &format!("{by_profile}{by_service}"), "sts.eu-central-1.amazonaws.com:443"),
        (
            &[],
            "ignore_configured_endpoint_urls = true\nendpoint_url = https://d.example.com\n",
            "sts.eu-central-1.amazonaws.com:443",
        ),
        (&[FIPS], "region = us-east-1\n", "sts-fips.us-east-1.amazonaws.com:443"),
        (&[], "region = us-east-1\nuse_dualstack_endpoint = true\n", "sts.us-east-1.api.aws:443"),
        (&[("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1")], "", "sts.us-east-1.amazonaws.com:443"),
    ];
    let mut for_botocore = Vec::new();
    let mut companies = Vec::new();
    for (settings, more, host) in cases {
        let mut company = CompanyNetwork::new();
        if more.contains("region = ") {
            company.bench.edit(".aws/config", "region = eu-central-1\n", "");
        }
        company.configure(more);
        for (name, value) in *settings {
            company.set(name, value);
        }
        let told = company.login();
        assert_eq!((told.code, company.asked()), (0, vec![(*host).to_owned()]), "{told:?}");
        let env = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for_botocore.push((company.bench.path(".aws/config").to_str().unwrap().to_owned(), env));
        companies.push(company);
    }
    let there: Vec<String> = botocore(&for_botocore).iter().map(|host| with_port(host)).collect();
    assert_eq!(there, cases.iter().map(|(.., host)| (*host).to_owned()).collect::<Vec<_>>());
}

#[test]
fn the_aws_cli_uses_the_same_proxy() {
    let company = CompanyNetwork::new();
    assert_eq!(company.login().code, 0);
    let ours = company.asked();
    company.proxy.clear();
    let mut aws = Command::new(clients().join("bin/aws"));
    aws.args(["sts", "get-caller-identity", "--profile", "dev-mfa"]).env_clear().envs(&company.bench.env);
    // Python's clients do not expand `~` here.
    aws.env("AWS_CA_BUNDLE", company.bench.path("ca.pem"));
    let told = ProgramOutput::from(aws.output().unwrap());
    assert_eq!((told.code, company.asked()), (Some(0), ours), "{told:?}");
    // The AWS CLI uses an HTTP proxy even for loopback. This program never does.
    company.proxy.clear();
    let endpoint = company.bench.aws.endpoint();
    company.proxy.lead_to(endpoint.trim_start_matches("http://").parse().unwrap());
    aws.env_remove("HTTPS_PROXY").env("HTTP_PROXY", format!("http://{}", company.proxy.address()));
    let told = ProgramOutput::from(aws.args(["--endpoint-url", &endpoint]).output().unwrap());
    assert_eq!((told.code, company.proxy.asked()), (Some(0), vec![format!("POST {endpoint}/")]), "{told:?}");
}

#[test]
fn credentials_in_a_proxy_url_are_sent() {
    // alice:p@ss/word, encoded as required and as many people write it.
    for user in ["alice:p%40ss%2Fword", "alice:p@ss%2Fword"] {
        let mut company = CompanyNetwork::behind(ProxyBehaviour::Password("YWxpY2U6cEBzcy93b3Jk"));
        company.set("HTTPS_PROXY", &format!("http://{user}@{}", company.proxy.address()));
        let told = company.login();
        assert_eq!(told.code, 0, "{told:?}");
    }
}

#[test]
fn a_proxy_can_be_reached_over_tls() {
    let mut company = CompanyNetwork::new();
    let certificate = company.authority.certificate(&["127.0.0.1"]).unwrap();
    company.proxy = FakeProxy::start_with_tls(ProxyBehaviour::Open, &certificate).unwrap();
    company.proxy.lead_to(company.tls);
    company.set("HTTPS_PROXY", &format!("https://{}", company.proxy.address()));
    let told = company.login();
    assert_eq!((told.code, company.asked().len()), (0, 1), "{told:?}");
    company.proxy = FakeProxy::start_with_tls(
        ProxyBehaviour::Open,
        &Authority::new("another").unwrap().certificate(&["127.0.0.1"]).unwrap(),
    )
    .unwrap();
    company.set("HTTPS_PROXY", &format!("https://{}", company.proxy.address()));
    company.bench.env.insert("AWS_MFA_KEY_FORCE".into(), "true".into());
    let told = company.login();
    let cause = "cause: the certificate of the proxy PROXY (HTTPS_PROXY) is not signed by a trusted authority\n";
    assert!(told.code == 6 && told.err.contains(cause), "{told:?}");
}

#[test]
fn only_loopback_and_matching_no_proxy_entries_bypass_the_proxy() {
    let mut company = CompanyNetwork::new();
    let port = company.tls.port();
    // Loopback is never reached through a proxy, whatever `NO_PROXY` says.
    company.set("AWS_ENDPOINT_URL", &format!("https://127.0.0.1:{port}"));
    assert_eq!((company.login().code, company.asked()), (0, vec![]));
    // An entry of `NO_PROXY` with another port does not match.
    company.set("AWS_ENDPOINT_URL", "https://sts.example.com:8443");
    for except in ["sts.example.com:443", "ample.com", "x.sts.example.com"] {
        company.set("NO_PROXY", except);
        let told = company.bench.login(&["--force"]);
        assert_eq!((told.code, company.asked()), (0, vec!["sts.example.com:8443".to_owned()]), "{told:?}");
        company.proxy.clear();
        company.bench.aws.advance_clock(60);
        company.bench.clock_ahead += 60;
    }
}

#[test]
fn ca_bundles_hold_many_certificates_and_have_precedence() {
    let mut company = CompanyNetwork::new();
    let other = Authority::new("another").unwrap().pem();
    let text = format!("# both of them\r\n{other}\nExample Corp\n{}\n", company.authority.pem().replace('\n', "\r\n"));
    company.bench.write("both.pem", &text);
    company.bench.env.remove("AWS_CA_BUNDLE");
    company.configure("ca_bundle = ~/both.pem\n");
    assert_eq!(company.login().code, 0);
    // `AWS_CA_BUNDLE` overrides the profile, which overrides `REQUESTS_CA_BUNDLE`.
    company.bench.write("other.pem", &other);
    company.set("AWS_CA_BUNDLE", "~/other.pem");
    assert_eq!(company.bench.login(&["--force"]).code, 6);
    company.bench.env.remove("AWS_CA_BUNDLE");
    company.set("REQUESTS_CA_BUNDLE", "~/other.pem");
    company.bench.aws.advance_clock(60);
    company.bench.clock_ahead += 60;
    assert_eq!(company.bench.login(&["--force"]).code, 0);
    company.bench.edit(".aws/config", "ca_bundle = ~/both.pem\n", "");
    let told = company.bench.login(&["--force"]);
    assert!(told.code == 6 && told.err.contains("other.pem (REQUESTS_CA_BUNDLE)"), "{told:?}");
}

#[test]
fn ssl_cert_file_replaces_the_systems_certificates() {
    let company = CompanyNetwork::new();
    company.bench.write("seed", SEED_BASE32);
    fs::set_permissions(company.bench.path("seed"), fs::Permissions::from_mode(0o600)).unwrap();
    let run = |name: &str| {
        let mut program = Command::new(program());
        program.args(["login", "dev", "--source", "secret:file:~/seed"]).env_clear().envs(&company.bench.env);
        program.env_remove("AWS_CA_BUNDLE").env("SSL_CERT_FILE", company.bench.path(name));
        ProgramOutput::from(program.output().unwrap())
    };
    company.bench.write("none.pem", "");
    let told = run("none.pem");
    assert!(told.code == Some(6) && told.err.contains("is not signed by a trusted authority"), "{told:?}");
    let told = run("ca.pem");
    assert_eq!(told.code, Some(0), "{told:?}");
}

#[test]
fn a_wrong_clock_is_corrected_over_tls() {
    for ahead in [3 * 86_400, -20 * 365 * 86_400] {
        let mut company = CompanyNetwork::new();
        company.bench.clock_ahead = ahead;
        let told = company.login();
        assert!(told.code == 0 && told.err.contains("using AWS's time"), "{told:?}");
    }
}

#[test]
fn a_clock_in_1970_works_without_tls() {
    let mut bench = TestWorld::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    bench.clock_ahead = -i64::try_from(now - 60).unwrap();
    let begun = Instant::now();
    let told = bench.login(&[]);
    assert!(told.code == 0 && told.err.contains("behind AWS's; using AWS's time"), "{told:?}");
    // The SDK's stalled-stream protection once stepped through all those years in small steps, for minutes.
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// Logs in through a server whose certificate is valid from and until these seconds from now. Returns exit code and
/// stderr.
fn valid(from: i64, until: i64) -> (u8, String) {
    let company = CompanyNetwork::new();
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let at = |offset| u64::try_from(now + offset).unwrap();
    let names = ["sts.eu-central-1.amazonaws.com"];
    let certificate = company.authority.certificate_valid(&names, at(from)..at(until)).unwrap();
    company.proxy.lead_to(company.bench.aws.listen_with_tls(&certificate).unwrap());
    let told = company.login();
    assert_eq!(company.bench.aws.requests().len(), 0);
    (told.code, told.err)
}

#[test]
fn a_clock_outside_the_certificates_validity_is_reported() {
    // As seen by a machine whose clock starts in 1970.
    let fifty_six_years = 20_782 * 86_400;
    let (code, told) = valid(fifty_six_years, fifty_six_years + 86_400);
    assert!(
        code == 1 && told.contains(" seems to be at least 56 years behind: the certificate of sts.eu-central-1"),
        "{told}"
    );
    assert!(told.ends_with(" next: set the clock: `sudo timedatectl set-ntp true`\n"), "{told}");
    let (code, told) = valid(-86_400 * 40, -86_400 * 10 - 60);
    assert!(
        code == 1 && told.contains(" seems to be at least 10 days ahead: the certificate of sts.eu-central-1"),
        "{told}"
    );
    assert!(told.contains(" next: set the clock: `sudo timedatectl set-ntp true`; if it is right, "), "{told}");
}

#[test]
fn an_endless_body_is_refused() {
    let company = CompanyNetwork::new();
    company.bench.aws.lie(Action::GetCallerIdentity, Lie::Flood, Times::Always);
    let told = company.login();
    assert!(told.code == 6 && told.err.contains("(HTTP 200): it does not end\n"), "{told:?}");
}
