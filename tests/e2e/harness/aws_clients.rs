//! AWS's clients, asked for the keys that they find in a credentials file.

use super::not_run::not_run;
use super::stack;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_smithy_http_client::Builder as HttpClient;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A lookup to make: a profile in a pair of files.
#[derive(Clone)]
pub struct FileQuestion {
    pub credentials: PathBuf,
    pub config: PathBuf,
    pub profile: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AwsClient {
    Boto3,
    Cli1,
    Cli2,
    JavaScript,
    Rust,
}

pub const ALL: [AwsClient; 5] =
    [AwsClient::Boto3, AwsClient::Cli1, AwsClient::Cli2, AwsClient::JavaScript, AwsClient::Rust];

impl fmt::Display for AwsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boto3 => "boto3",
            Self::Cli1 => "CLI v1",
            Self::Cli2 => "CLI v2",
            Self::JavaScript => "JavaScript",
            Self::Rust => "Rust",
        })
    }
}

/// Access key id, secret access key and session token, or the client's error message.
pub type KeysFound = Result<[String; 3], String>;

/// Returns all clients, without CLI v2 if `AWS_MFA_KEY_WITHOUT_CLI2` is set, which is reported as not run.
pub fn present() -> impl Iterator<Item = AwsClient> {
    let without_cli2 = std::env::var_os("AWS_MFA_KEY_WITHOUT_CLI2").is_some();
    if without_cli2 {
        not_run("its part with CLI v2, since AWS_MFA_KEY_WITHOUT_CLI2 is set");
    }
    ALL.into_iter().filter(move |client| *client != AwsClient::Cli2 || !without_cli2)
}

/// Asks every client, each in one process for all jobs. The answers are in the order of the jobs.
pub fn ask_all(jobs: &[FileQuestion]) -> BTreeMap<AwsClient, Vec<KeysFound>> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = present().map(|client| (client, scope.spawn(move || ask(client, jobs)))).collect();
        asked.into_iter().map(|(client, answers)| (client, answers.join().unwrap())).collect()
    })
}

pub fn ask(client: AwsClient, jobs: &[FileQuestion]) -> Vec<KeysFound> {
    if client == AwsClient::Rust {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(async {
            let mut answers = Vec::new();
            for job in jobs {
                answers.push(rust(job).await);
            }
            answers
        });
    }
    let questions: Vec<Value> = jobs
        .iter()
        .map(|job| json!({ "credentials": job.credentials, "config": job.config, "profile": job.profile }))
        .collect();
    let mut child = command(client).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(json!(questions).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let answers: Vec<Value> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{client}: {error}: {output:?}"));
    assert_eq!(answers.len(), jobs.len(), "{client}");
    answers.iter().map(answer).collect()
}

fn answer(value: &Value) -> KeysFound {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    match value.get("error") {
        Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
        None => Ok(["id", "secret", "token"].map(text)),
    }
}

async fn rust(job: &FileQuestion) -> KeysFound {
    let files = EnvConfigFiles::builder()
        .with_file(EnvConfigFileKind::Config, &job.config)
        .with_file(EnvConfigFileKind::Credentials, &job.credentials)
        .build();
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(&ProviderConfig::without_region().with_http_client(HttpClient::new().build_http()))
        .profile_files(files)
        .profile_name(job.profile.clone())
        .build();
    let keys = provider.provide_credentials().await.map_err(|error| format!("{error:?}"))?;
    let token = keys.session_token().unwrap_or_default();
    Ok([keys.access_key_id(), keys.secret_access_key(), token].map(str::to_owned))
}

/// Builds the command of a client, with none of the tester's environment variables but `PATH`.
fn command(client: AwsClient) -> Command {
    let script = |name: &str| format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut command = match client {
        AwsClient::Boto3 | AwsClient::Cli1 => Command::new(stack::clients().join("bin/python")),
        AwsClient::Cli2 => Command::new("/usr/bin/python3"),
        AwsClient::JavaScript => Command::new(node()),
        AwsClient::Rust => unreachable!("it is linked into this program"),
    };
    bare(&mut command);
    match client {
        AwsClient::JavaScript => command.arg(script("read.js")).arg(javascript()),
        AwsClient::Boto3 => command.arg(script("read.py")).arg("boto3"),
        AwsClient::Cli1 => command.arg(script("read.py")).arg("cli1"),
        AwsClient::Cli2 | AwsClient::Rust => command.arg(script("read.py")).arg("cli2").env("PYTHONPATH", cli2().1),
    };
    command
}

/// Returns the path of Node: PyPI's if it is installed, otherwise the one in `PATH`.
pub fn node() -> PathBuf {
    let of_pypi = stack::clients().join("bin/node");
    if of_pypi.exists() { of_pypi } else { "node".into() }
}

/// Returns the folder of the packages for Node.
pub fn javascript() -> PathBuf {
    stack::clients().join("js")
}

/// Returns the path of CLI v2, a script for the system's Python, and the folder of its packages.
pub fn cli2() -> (PathBuf, PathBuf) {
    let folder = stack::clients().join("cli2/usr");
    (folder.join("bin/aws"), folder.join("lib/python3/dist-packages"))
}

/// Returns a command for Python with boto3 and CLI v1.
pub fn python() -> Command {
    let mut command = Command::new(stack::clients().join("bin/python"));
    bare(&mut command);
    command
}

fn bare(command: &mut Command) {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", "/nonexistent");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("PYTHONDONTWRITEBYTECODE", "1");
}
