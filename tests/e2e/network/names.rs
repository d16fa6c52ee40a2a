//! Tests of host names that cannot be resolved: without a network, and with a name server that never answers.

use crate::harness::not_run::not_run;
use crate::harness::stack::{ProgramOutput, program};
use crate::harness::test_world::TestWorld;
use std::process::Command;

/// Runs a login in a network namespace whose only interface, loopback, is down. `wrapper` starts the program. `None`,
/// reported as not run, if `AWS_MFA_KEY_WITHOUT_NAMESPACES` is set.
fn apart(bench: &TestWorld, wrapper: &[&str], env: &[(&str, &str)]) -> Option<ProgramOutput> {
    if std::env::var_os("AWS_MFA_KEY_WITHOUT_NAMESPACES").is_some() {
        not_run("AWS_MFA_KEY_WITHOUT_NAMESPACES is set");
        return None;
    }
    let works =
        |flags: &&str| Command::new("unshare").args([flags, "true"]).status().is_ok_and(|status| status.success());
    let flags = ["-rmn", "-mn"].into_iter().find(works);
    let flags = flags.expect("there are no namespaces here: AWS_MFA_KEY_WITHOUT_NAMESPACES=1 leaves these tests out");
    bench.write(".aws/config", &format!("[profile dev]\nregion = eu-central-1\nmfa_serial = {}\n", bench.serial));
    bench.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
    bench.write("nsswitch.conf", "hosts: dns\n");
    let script =
        "for file in resolv.conf nsswitch.conf; do mount --bind \"$HOME/$file\" \"/etc/$file\"; done; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-ec", script, "sh"]).args(wrapper).args([&program(), "login", "dev"]);
    command.arg("--non-interactive").env_clear().envs(&bench.env).envs(env.iter().copied());
    command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    Some(ProgramOutput::from(command.output().unwrap()))
}

#[test]
fn an_unresolvable_name_is_reported_with_its_setting() {
    let region = "the region eu-centrl-1 (--region, AWS_REGION, region in the profile)";
    let endpoint = "the endpoint (AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, endpoint_url)";
    let proxy = ("HTTPS_PROXY", "http://alice:hunter2@proxy.example.com:3128");
    for (env, name, hint) in [
        (("AWS_REGION", "eu-centrl-1"), "the host name sts.eu-centrl-1.amazonaws.com", region),
        (("AWS_ENDPOINT_URL", "https://sts.example.com:8443"), "the host name sts.example.com:8443", endpoint),
        (proxy, "the host name of the proxy proxy.example.com:3128 (HTTPS_PROXY)", "check HTTPS_PROXY and the network"),
    ] {
        let Some(told) = apart(&TestWorld::new(), &[], &[env]) else { return };
        assert_eq!(told.code, Some(6), "{told:?}");
        assert!(told.err.contains(&format!("\ncause: {name} could not be resolved: ")), "{told:?}");
        assert!(told.err.contains(hint) && !told.err.contains("hunter2"), "{told:?}");
    }
}

#[test]
fn hosts_in_no_proxy_bypass_the_proxy() {
    for except in ["sts.example.com", ".example.com", "*.example.com", "a, EXAMPLE.com", "sts.example.com:8443", "*"] {
        let env = [
            ("AWS_ENDPOINT_URL", "https://sts.example.com:8443"),
            ("HTTPS_PROXY", "http://127.0.0.1:1"),
            ("NO_PROXY", except),
        ];
        let Some(told) = apart(&TestWorld::new(), &[], &env) else { return };
        assert!(
            told.err.contains("cause: the host name sts.example.com:8443 could not be resolved"),
            "{except}: {told:?}"
        );
    }
}

/// A name server that never answers. It prints the run time of the program, in seconds.
const DEAF: &str = "
import fcntl, socket, struct, subprocess, sys, time
any = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(any, 0x8914, struct.pack('16sH14s', b'lo', 0x41, b''))  # SIOCSIFFLAGS: up and running
deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
deaf.bind(('127.0.0.1', 53))
begun = time.monotonic()
code = subprocess.run(sys.argv[1:]).returncode
print('asked', len(deaf.recv(512)) > 0, 'seconds', int(time.monotonic() - begun))
sys.exit(code)
";

#[test]
fn a_silent_name_server_is_given_up_in_time() {
    let Some(told) = apart(&TestWorld::new(), &["python3", "-c", DEAF], &[]) else { return };
    let seconds = told.out.trim().rsplit(' ').next().and_then(|text| text.parse::<u64>().ok());
    assert!(told.code == Some(6) && told.out.contains("asked True"), "{told:?}");
    assert!(
        told.err.contains("cause: no connection to sts.eu-central-1.amazonaws.com could be made in time"),
        "{told:?}"
    );
    // The system's resolver would have gone on for half a minute.
    assert!(seconds.is_some_and(|seconds| (8..25).contains(&seconds)), "{told:?}");
}
