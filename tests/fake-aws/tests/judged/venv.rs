//! AWS's own clients, from a Python environment, run without any inherited environment variables.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The real clients, with a home folder of their own and the endpoint to use.
pub(crate) struct RealClients {
    pub(crate) home: TempDir,
    endpoint: String,
}

/// Access key id, secret and session token for a client's environment.
pub(crate) type KeyTriple<'a> = (&'a str, &'a str, Option<&'a str>);

/// Reads calls as JSON, executes them, and writes each result or error.
const BOTO3: &str = "
import json, sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

def plain(value):
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)

told = json.load(sys.stdin)
answers = []
for service, operation, arguments, (key, secret, token) in told['calls']:
    client = boto3.client(service, region_name='us-east-1', endpoint_url=told['endpoint'], aws_access_key_id=key,
                          aws_secret_access_key=secret, aws_session_token=token,
                          config=Config(retries={'total_max_attempts': 1}))
    try:
        answers.append(getattr(client, operation)(**arguments))
    except ClientError as error:
        answers.append(error.response)
json.dump(answers, sys.stdout, default=plain)
";

impl RealClients {
    pub(crate) fn of(endpoint: &str) -> RealClients {
        RealClients { home: tempfile::tempdir().unwrap(), endpoint: endpoint.to_owned() }
    }

    /// Builds a command of the Python environment, with the fewest environment variables it needs.
    pub(crate) fn command(&self, program: &str) -> Command {
        let bin = folder().join("bin");
        let mut command = Command::new(bin.join(program));
        command.env_clear().current_dir(&self.home).stdin(Stdio::null());
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("HOME", self.home.path());
        command.env("LC_ALL", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_MAX_ATTEMPTS", "1").env("AWS_PAGER", "");
        command
    }

    /// Runs the AWS CLI with these credentials.
    pub(crate) fn aws(&self, (id, secret, token): KeyTriple<'_>, arguments: &[&str]) -> Output {
        let mut command = self.command("aws");
        command.env("AWS_ENDPOINT_URL", &self.endpoint).env("AWS_DEFAULT_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
        if let Some(token) = token {
            command.env("AWS_SESSION_TOKEN", token);
        }
        command.args(arguments).output().unwrap()
    }

    /// Runs many calls in one boto3 process. Each is a service, an operation, its arguments and the credentials.
    pub(crate) fn boto3(&self, calls: &[Value]) -> Vec<Value> {
        let mut command = self.command("python");
        command.args(["-c", BOTO3]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let told = serde_json::json!({"endpoint": self.endpoint, "calls": calls});
        child.stdin.take().unwrap().write_all(told.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Returns stdout of a program that succeeded.
pub(crate) fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Returns stderr of a program that failed.
pub(crate) fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn folder() -> PathBuf {
    let by_default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-env");
    let folder = env::var_os("AWS_MFA_KEY_TEST_ENV").map_or_else(by_default, PathBuf::from);
    assert!(
        folder.join("bin/aws").exists(),
        "AWS's own clients are not in {}: `make test` sets them up",
        folder.display()
    );
    folder
}
