//! A company network: AWS is reached through a proxy, with certificates of the company's own authority.

use super::test_world::{CommandOutcome, SEED, TestWorld};
use fake_aws::{Authority, FakeProxy, ProxyBehaviour};
use std::net::SocketAddr;

/// Hosts in the certificate of the simulator's TLS endpoint, to which the proxy connects every request.
pub const HOSTS: [&str; 14] = [
    "sts.eu-central-1.amazonaws.com",
    "sts.us-east-1.amazonaws.com",
    "sts-fips.us-east-1.amazonaws.com",
    "sts.us-east-1.api.aws",
    "sts-fips.us-east-1.api.aws",
    "sts.us-gov-west-1.amazonaws.com",
    "sts.us-gov-east-1.amazonaws.com",
    "sts.cn-north-1.amazonaws.com.cn",
    "sts.amazonaws.com",
    "iam.amazonaws.com",
    "iam.us-gov.amazonaws.com",
    "iam.cn-north-1.amazonaws.com.cn",
    "*.example.com",
    "127.0.0.1",
];

pub struct CompanyNetwork {
    pub bench: TestWorld,
    pub proxy: FakeProxy,
    pub authority: Authority,
    pub tls: SocketAddr,
}

impl CompanyNetwork {
    pub fn new() -> Self {
        Self::behind(ProxyBehaviour::Open)
    }

    /// Creates a network whose proxy behaves in this way.
    pub fn behind(manner: ProxyBehaviour) -> Self {
        let authority = Authority::new("Example Corp").unwrap();
        let mut bench = TestWorld::new();
        let tls = bench.aws.listen_with_tls(&authority.certificate(&HOSTS).unwrap()).unwrap();
        let proxy = FakeProxy::start(manner).unwrap();
        proxy.lead_to(tls);
        bench.write("ca.pem", &authority.pem());
        bench.env.insert("HTTPS_PROXY".into(), format!("http://{}", proxy.address()));
        bench.env.insert("AWS_CA_BUNDLE".into(), "~/ca.pem".into());
        bench.write(".aws/config", &format!("[profile dev]\nregion = eu-central-1\nmfa_serial = {}\n", bench.serial));
        Self { bench, proxy, authority, tls }
    }

    /// Moves alice to an AWS account in this partition. The config holds only the MFA device, if `with_serial`.
    pub fn move_to(&self, partition: &str, with_serial: bool) {
        let (aws, account) = (&self.bench.aws, "210987654321");
        aws.set_partition(account, partition);
        let user = aws.add_user(account, "alice");
        let (key, serial) = (aws.add_key(&user), aws.add_mfa(&user, "alice", SEED));
        let (id, secret) = (key.access_key_id, key.secret_access_key);
        self.bench
            .write(".aws/credentials", &format!("[dev]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
        let line = if with_serial { format!("mfa_serial = {serial}\n") } else { String::new() };
        self.bench.write(".aws/config", &format!("[profile dev]\n{line}"));
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.bench.env.insert(name.into(), value.into());
    }

    /// Appends lines to the config file, for the profile.
    pub fn configure(&self, more: &str) {
        let text = self.bench.read(".aws/config");
        self.bench.write(".aws/config", &format!("{text}{more}"));
    }

    pub fn login(&self) -> CommandOutcome {
        let mut outcome = self.bench.login(&[]);
        outcome.err = outcome.err.replace(&self.proxy.address(), "PROXY");
        outcome
    }

    /// Returns the hosts that the proxy was asked for, without consecutive repetitions.
    pub fn asked(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self.proxy.asked().iter().map(|line| line.replace("CONNECT ", "")).collect();
        hosts.dedup();
        hosts
    }
}
