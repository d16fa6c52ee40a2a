//! Tests of the agent's endpoint: AWS's own clients use it across a renewal, and unauthorized requests get nothing.

use crate::harness::aws_clients;
use crate::harness::client_process::ClientProcess;
use crate::harness::events::until;
use crate::harness::running_agent::{EndpointClient, RunningAgent, agent, env, ours, value, with_a_secret};
use crate::harness::stack::{PATIENCE, RealStack};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime};
use virtual_token::SimulatedTouch;

const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

#[test]
fn each_client_uses_the_endpoint_across_a_renewal() {
    let stack = RealStack::new();
    stack.bench.token.set_touch_timeout(Duration::from_secs(40));
    let mut agent = agent(&stack, &[]);
    agent.until("Logged in as alice");
    let env = env(&stack, "dev");
    assert_eq!(value(&env, "AWS_REGION"), "eu-central-1");
    let mut callers: Vec<_> =
        aws_clients::present().map(|client| (client, ClientProcess::pointed(client, &stack, &env))).collect();
    // From now on nobody touches the token, and the session is about to expire.
    stack.bench.token.set_touch(SimulatedTouch::OnCommand);
    let ends = stack.bench.sessions_end_in(Duration::from_secs(45));
    assert!(stack.bench.token.until_waiting_for_touch(PATIENCE));
    let used = |stack: &RealStack| stack.bench.aws.requests().last().unwrap().access_key_id.clone();
    let mut first = None;
    for (client, caller) in &mut callers {
        assert_eq!(caller.call()["arn"], ALICE, "{client}");
        assert_eq!(first.get_or_insert_with(|| used(&stack)), &used(&stack), "{client}: while a touch is waited for");
    }
    // The endpoint answers at once, although the agent waits for a touch.
    let door = EndpointClient::of(&stack);
    door.assert_prompt();
    assert!(stack.bench.token.touch(), "it still waits");
    agent.until("Logged in as alice");
    // Real time has to pass, since agent, clients and AWS have separate clocks.
    std::thread::sleep(ends.duration_since(SystemTime::now()).unwrap_or_default());
    for (client, caller) in &mut callers {
        assert_eq!(caller.call()["arn"], ALICE, "{client}");
        assert_ne!(first, Some(used(&stack)), "{client}: the new one");
    }
    callers.into_iter().for_each(|(_, caller)| caller.end());
}

#[test]
fn unauthorized_requests_are_refused() {
    let stack = with_a_secret();
    let config = stack.bench.read(".aws/config");
    let mut agent = agent(&stack, &[]);
    agent.until("Logged in as alice");
    let door = EndpointClient::of(&stack);
    let (host, token) = (format!("Host: {}\r\n", door.host), format!("Authorization: {}\r\n", door.token));
    let elsewhere = format!("http://evil.example{}", door.path);
    let cases: [(&str, &str, String, &str); 16] = [
        ("GET", &elsewhere, format!("{host}{token}"), "403"),
        ("GET", &door.path, format!("{host}{token}"), "200"),
        ("GET", &door.path, format!("Host: localhost:1\r\n{token}"), "200"),
        ("GET", &door.path, format!("Host: [::1]\r\n{token}"), "200"),
        ("GET", &door.path, host.clone(), "401"),
        ("GET", &door.path, format!("{host}Authorization: {}\r\n", "0".repeat(64)), "401"),
        ("GET", &door.path, format!("{host}Authorization: Bearer {}\r\n", door.token), "401"),
        ("GET", &door.path, format!("{host}{token}{token}"), "401"),
        ("GET", "/profiles/other", format!("{host}{token}"), "401"),
        ("GET", "/", format!("{host}{token}"), "401"),
        ("GET", &door.path, format!("Host: evil.example\r\n{token}"), "403"),
        ("GET", &door.path, token.clone(), "400"),
        ("GET", &door.path, format!("{host}{token}Origin: http://localhost\r\n"), "403"),
        ("GET", &door.path, format!("{host}{token}Referer: http://localhost/\r\n"), "403"),
        ("POST", &door.path, format!("{host}{token}"), "405"),
        ("GET", &door.path, format!("{host}{token}X: {}\r\n", "x".repeat(100_000)), "431"),
    ];
    for (method, path, lines, status) in cases {
        let told = door.status(method, path, &lines);
        // The connection may be cut after a request without `Host` or one that is too long.
        let is_so = told == status || (told.is_empty() && status == "431") || (told == "403" && status == "400");
        assert!(is_so, "{method} {path} {:.200}: {told}", lines);
    }
    // Slow connections do not block others.
    let slow: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&door.host).unwrap()).collect();
    assert_eq!(door.status("GET", &door.path, &format!("{host}{token}")), "200");
    drop(slow);
    // The file with the authorization token is private to its owner.
    let mode = std::fs::metadata(stack.bench.path("aws-mfa-key/address")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The endpoint has no session for a profile that could not log in.
    let more = config
        .replace("[profile dev]", "[profile two]")
        .replace("mfa_key_source = secret", "mfa_key_source = token\nx = ");
    stack.bench.write(".aws/config", &format!("{config}{more}"));
    let credentials = stack.bench.read(".aws/credentials");
    let keys: Vec<&str> = credentials.lines().skip_while(|line| *line != "[dev]").skip(1).take(2).collect();
    stack.bench.write(".aws/credentials", &format!("{credentials}[two]\n{}\n", keys.join("\n")));
    stack.bench.token.remove(b"Amazon Web Services:alice@example");
    agent.until("two: could not log in");
    let cause = "cause: the agent has no session for this profile right now\n next: see what it is waiting for: `aws-mfa-key status`";
    // The agent may have read the new profile before its key.
    until("it is told that there is none", || {
        let told = ours(&stack, &["agent", "env", "two"]);
        told.code == Some(1) && told.err.contains(cause)
    });
}

#[test]
fn the_next_agent_serves_at_the_same_address() {
    let stack = with_a_secret();
    let told = ours(&stack, &["agent", "env", "dev"]);
    assert!(told.code == Some(1) && told.err.contains("cause: no agent is running for this user\n"), "{told:?}");
    let mut first = agent(&stack, &[]);
    first.until("Logged in as alice");
    let before = env(&stack, "dev");
    // A second agent refuses to start, without effect on the first.
    let told = ours(&stack, &["agent"]);
    let cause = format!("cause: another agent is already running for this user (pid {})\n", first.pid());
    assert!(told.code == Some(1) && told.err.contains(&cause), "{told:?}");
    assert_eq!(env(&stack, "dev"), before);
    first.end();
    let told = ours(&stack, &["agent", "env", "dev"]);
    assert!(told.code == Some(1) && told.err.contains("no agent is running"), "{told:?}");
    let next: RunningAgent = agent(&stack, &[]);
    until("it is there", || ours(&stack, &["agent", "env", "dev"]).code == Some(0));
    assert_eq!(env(&stack, "dev"), before);
    // Files left by a killed agent do not stop the next one.
    next.signal("KILL");
    until("it is gone", || ours(&stack, &["agent", "env", "dev"]).code == Some(1));
    assert!(stack.bench.path("aws-mfa-key/agent.sock").exists());
    let _next: RunningAgent = agent(&stack, &[]);
    until("it is there", || ours(&stack, &["agent", "env", "dev"]).code == Some(0));
    assert_eq!(env(&stack, "dev"), before);
    let told = ours(&stack, &["agent", "env", "nobody"]);
    assert_eq!(told.code, Some(2), "{told:?}");
    // The same request through the Unix socket, as an SSH tunnel makes it.
    let door = EndpointClient::of(&stack);
    let mut stream = UnixStream::connect(stack.bench.path("aws-mfa-key/agent.sock")).unwrap();
    write!(stream, "GET {} HTTP/1.1\r\nHost: localhost:4711\r\nAuthorization: {}\r\n\r\n", door.path, door.token)
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("cache-control: no-store"), "{answer}");
}

#[test]
fn a_taken_port_gets_no_valid_authorization_token() {
    let stack = with_a_secret();
    let mut first = agent(&stack, &[]);
    first.until("Logged in as alice");
    let before = EndpointClient::of(&stack);
    first.end();
    // Programs configured for the old port would send it their authorization token.
    let taken = std::net::TcpListener::bind(&before.host).unwrap();
    taken.set_nonblocking(true).unwrap();
    // This program does not.
    assert_eq!(ours(&stack, &["agent", "env", "dev"]).code, Some(1));
    assert_eq!(ours(&stack, &["exec", "--serve", "dev", "--", "true"]).code, Some(1));
    assert_eq!(taken.accept().map(drop).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    let _next: RunningAgent = agent(&stack, &[]);
    until("it is there", || ours(&stack, &["agent", "env", "dev"]).code == Some(0));
    let mut door = EndpointClient::of(&stack);
    assert_ne!(door.host, before.host);
    let lines = |door: &EndpointClient| format!("Host: {}\r\nAuthorization: {}\r\n", door.host, door.token);
    assert_eq!(door.status("GET", &door.path, &lines(&door)), "200");
    door.token = before.token;
    assert_eq!(door.status("GET", &door.path, &lines(&door)), "401");
}

#[test]
fn idle_connections_do_not_block_requests() {
    let stack = with_a_secret();
    let mut agent = agent(&stack, &[]);
    agent.until("Logged in as alice");
    let door = EndpointClient::of(&stack);
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n", door.path, door.host, door.token);
    let by_the_socket = || {
        let mut stream = UnixStream::connect(stack.bench.path("aws-mfa-key/agent.sock")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let is_open = |idle: &TcpStream| {
        idle.set_nonblocking(true).unwrap();
        idle.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    // Twice the limit: if the endpoint were full, the next request would be served only after the last idle
    // connection timed out.
    let idle: Vec<TcpStream> = (0..128).map(|_| TcpStream::connect(&door.host).unwrap()).collect();
    for answer in [door.say(&request), by_the_socket(), door.say(&request)] {
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert!(is_open(&idle[127]), "it waited until they were cut off");
    let open = idle.iter().filter(|idle| is_open(idle)).count();
    assert!(open < 64, "{open} of them are still held");
}

#[test]
fn a_runtime_folder_writable_by_others_is_not_used() {
    let stack = with_a_secret();
    let folder = stack.bench.path("aws-mfa-key");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut agent = agent(&stack, &[]);
    agent.until("others can write to it");
    agent.until("Logged in as alice");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn exec_serve_points_a_command_at_the_agent() {
    let stack = with_a_secret();
    // Keys that a program without a profile would use instead.
    let credentials = stack.bench.read(".aws/credentials");
    let text = format!("[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n{credentials}");
    stack.bench.write(".aws/credentials", &text);
    let mut agent = agent(&stack, &["dev"]);
    agent.until("Logged in as alice");
    let question = ["sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--endpoint-url"];
    let endpoint = stack.bench.aws.endpoint();
    let arguments = [&["exec", "--serve", "dev", "--", "aws"], &question[..], &[endpoint.as_str()]].concat();
    let told = ours(&stack, &arguments);
    assert_eq!((told.code, told.out.trim()), (Some(0), ALICE), "{told:?}");
    let told = ours(&stack, &["exec", "--serve", "dev", "--", "env"]);
    assert!(
        !told.out.contains("AWS_ACCESS_KEY_ID") && told.out.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN="),
        "{told:?}"
    );
    let config = stack.bench.read(".aws/config");
    stack.bench.write(".aws/config", &config.replace("[profile dev]\n", "[profile dev]\nca_bundle = /etc/ca.pem\n"));
    let here = ours(&stack, &["agent", "env", "dev"]).out;
    assert!(here.contains("export AWS_CA_BUNDLE='/etc/ca.pem'\n"), "{here}");
    let port = ours(&stack, &["agent", "env", "dev", "--port", "4711"]).out;
    assert!(port.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI='http://127.0.0.1:4711/profiles/dev'\n"), "{port}");
    assert!(!port.contains("AWS_CA_BUNDLE"), "that machine has files of its own: {port}");
    assert_eq!(ours(&stack, &["agent", "env", "dev", "--port", "0"]).code, Some(2));
}
