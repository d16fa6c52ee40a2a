//! A long-running AWS client, which calls GetCallerIdentity on request with the keys that the program under test
//! provides.

use super::aws_clients::{self, AwsClient};
use super::stack::{ProgramOutput, RealStack};
use aws_config::BehaviorVersion;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::attributes::AccountId;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_http_client::Builder as HttpClient;
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// A running client. The CLI has no process of its own: each call starts it anew.
pub struct ClientProcess<'a> {
    stack: &'a RealStack,
    client: AwsClient,
    process: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
    env: Vec<(String, String)>,
}

impl<'a> ClientProcess<'a> {
    pub fn start(client: AwsClient, stack: &'a RealStack) -> Self {
        Self::start_with(client, stack, "", work())
    }

    /// Starts a client whose environment says where its keys are.
    pub fn pointed(client: AwsClient, stack: &'a RealStack, env: &[(String, String)]) -> Self {
        Self::start_with(client, stack, "", env.to_vec())
    }

    /// Starts a client that reports why it found no keys. JavaScript's default chain tries several places and only
    /// reports that all failed, so it is limited to the config files.
    pub fn talkative(client: AwsClient, stack: &'a RealStack) -> Self {
        Self::start_with(client, stack, "ini", work())
    }

    fn start_with(client: AwsClient, stack: &'a RealStack, places: &str, env: Vec<(String, String)>) -> Self {
        let script = |name: &str| format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
        let command = match client {
            AwsClient::Cli1 | AwsClient::Cli2 => None,
            AwsClient::Boto3 => Some(stack.command("python", &[&script("call.py")])),
            AwsClient::JavaScript => {
                let folder = text(aws_clients::javascript());
                let mut command = stack.command(&text(aws_clients::node()), &[&script("call.js"), &folder, places]);
                // Suppresses warnings such as that a newer Node will be required.
                command.env("NODE_NO_WARNINGS", "1");
                Some(command)
            }
            AwsClient::Rust => {
                let program = text(std::env::current_exe().unwrap());
                let arguments = ["--exact", "harness::client_process::rust", "--ignored", "--nocapture"];
                let mut command = stack.command(&program, &arguments);
                command.env(TASK, "call");
                Some(command)
            }
        };
        let process = command.map(|mut command| {
            let mut child = command.envs(env.clone()).stdin(Stdio::piped()).spawn().unwrap();
            let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
            (child, input, BufReader::new(output))
        });
        Self { stack, client, process, env }
    }

    /// Calls GetCallerIdentity. Returns `{"arn", "expires", "account"}` or `{"error"}`; the CLI provides only `arn`.
    pub fn call(&mut self) -> Value {
        let Some((child, input, output)) = &mut self.process else { return self.command_line() };
        writeln!(input).unwrap();
        // Rust's test program prints lines of its own before the answer.
        let answer = output.lines().map(Result::unwrap).find(|line| line.starts_with('{'));
        let ended = |child: &mut Child| format!("{} ended: {:?}", self.client, child.wait());
        serde_json::from_str(&answer.unwrap_or_else(|| panic!("{}", ended(child)))).unwrap()
    }

    fn command_line(&self) -> Value {
        let endpoint = self.stack.bench.aws.endpoint();
        let question =
            ["sts", "get-caller-identity", "--query", "Arn", "--output", "text", "--endpoint-url", &endpoint];
        let mut command = if self.client == AwsClient::Cli2 {
            let (program, packages) = aws_clients::cli2();
            let mut command =
                self.stack.command("/usr/bin/python3", &[&[program.to_str().unwrap()], &question[..]].concat());
            command.env("PYTHONPATH", packages);
            command
        } else {
            self.stack.command("aws", &question)
        };
        let told = ProgramOutput::from(command.envs(self.env.clone()).output().unwrap());
        if told.code != Some(0) {
            return json!({ "error": told.err });
        }
        assert_eq!(told.err, "", "{}", self.client);
        json!({ "arn": told.out.trim() })
    }

    /// Ends the client. Fails if it exited with an error or wrote to stderr.
    pub fn end(self) {
        let Some((child, input, _output)) = self.process else { return };
        drop(input);
        let told = ProgramOutput::from(child.wait_with_output().unwrap());
        assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{}", self.client);
    }
}

/// The environment that selects profile `work`.
fn work() -> Vec<(String, String)> {
    vec![("AWS_PROFILE".to_owned(), "work".to_owned())]
}

/// Environment variable that makes `rust` act as the client instead of returning at once.
const TASK: &str = "CALLER_TASK";

#[test]
#[ignore = "no test, but the program that ClientProcess starts for the client Rust"]
fn rust() {
    if std::env::var_os(TASK).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let http = HttpClient::new().build_http();
        let settings = ProviderConfig::without_region().with_http_client(http.clone());
        let chain = DefaultCredentialsChain::builder().configure(settings).build().await;
        let last = Arc::new(Mutex::new(None));
        let noting = RecordingProvider { chain, last: Arc::clone(&last) };
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).credentials_provider(noting);
        let sts = aws_sdk_sts::Client::new(&config.load().await);
        for _ in std::io::stdin().lines() {
            let answer = match sts.get_caller_identity().send().await {
                Ok(identity) => {
                    let keys: Credentials = last.lock().unwrap().clone().unwrap();
                    let expires = keys.expiry().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
                    json!({ "arn": identity.arn(), "expires": expires, "account": keys.account_id().map(AccountId::as_str) })
                }
                Err(error) => json!({ "error": with_causes(&error) }),
            };
            writeln!(std::io::stdout(), "\n{answer}").unwrap();
        }
    });
}

/// The SDK's default credentials chain, recording the keys that it found: the SDK does not expose them.
#[derive(Debug)]
struct RecordingProvider {
    chain: DefaultCredentialsChain,
    last: Arc<Mutex<Option<Credentials>>>,
}

impl ProvideCredentials for RecordingProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let found = self.chain.provide_credentials().await;
            *self.last.lock().unwrap() = found.as_ref().ok().cloned();
            found
        })
    }
}

fn with_causes(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", with_causes(cause)))
}
