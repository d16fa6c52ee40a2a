//! A client with its own SigV4 and HTTP, which shows every byte and never retries.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use fake_aws::{AccessKeyPair, AwsSession, FakeAws};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::NOW_BASIC;

/// Credentials that sign a request.
pub(crate) struct RequestSigner {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl From<&AccessKeyPair> for RequestSigner {
    fn from(key: &AccessKeyPair) -> RequestSigner {
        RequestSigner { id: key.access_key_id.clone(), secret: key.secret_access_key.clone(), token: None }
    }
}

impl From<&AwsSession> for RequestSigner {
    fn from(session: &AwsSession) -> RequestSigner {
        let (id, secret) = (session.access_key_id.clone(), session.secret_access_key.clone());
        RequestSigner { id, secret, token: Some(session.session_token.clone()) }
    }
}

/// A response, as far as it was received.
#[derive(Debug)]
pub(crate) struct RawReply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl RawReply {
    /// Returns the text of the first element with this name.
    pub(crate) fn xml(&self, name: &str) -> Option<&str> {
        let rest = self.body.split_once(&format!("<{name}>"))?.1;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    }

    /// Returns status, code and message of an error.
    pub(crate) fn refusal(&self) -> (u16, &str, &str) {
        (self.status, self.xml("Code").unwrap_or_default(), self.xml("Message").unwrap_or_default())
    }

    /// Returns the session in the response.
    pub(crate) fn session(&self) -> RequestSigner {
        let get = |name| self.xml(name).unwrap_or_else(|| panic!("no {name} in {}", self.body)).to_owned();
        RequestSigner { id: get("AccessKeyId"), secret: get("SecretAccessKey"), token: Some(get("SessionToken")) }
    }

    pub(crate) fn promised(&self) -> usize {
        self.headers["content-length"].parse().unwrap()
    }
}

/// Sends a query call, signed at the frozen time. `None` if the connection ended without a response.
pub(crate) fn call(aws: &FakeAws, signer: impl Into<RequestSigner>, fields: &[(&str, &str)]) -> Option<RawReply> {
    exchange(aws, &signed(aws, &signer.into(), fields))
}

pub(crate) fn exchange(aws: &FakeAws, bytes: &[u8]) -> Option<RawReply> {
    let mut stream = connect(aws);
    stream.write_all(bytes).unwrap();
    read_reply(&mut stream)
}

pub(crate) fn connect(aws: &FakeAws) -> TcpStream {
    let stream = TcpStream::connect(address(aws)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn address(aws: &FakeAws) -> String {
    aws.endpoint().strip_prefix("http://").unwrap().to_owned()
}

/// Reads until `Content-Length` is reached or the connection ends.
pub(crate) fn read_reply(stream: &mut TcpStream) -> Option<RawReply> {
    let mut bytes = Vec::new();
    let mut reply = None;
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let parsed = parse(&bytes, end);
            let is_whole = parsed.body.len() >= parsed.promised();
            reply = Some(parsed);
            if is_whole {
                return reply;
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).unwrap() {
            0 => return reply,
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

fn parse(bytes: &[u8], end: usize) -> RawReply {
    let head = str::from_utf8(&bytes[..end]).unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    };
    RawReply {
        status: first.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: rest.split("\r\n").map(header).collect(),
        body: String::from_utf8(bytes[end + 4..].to_vec()).unwrap(),
    }
}

fn is_of_iam(action: &str) -> bool {
    ["ListMFADevices", "AttachUserPolicy", "DeleteAccessKey", "DeactivateMFADevice", "DeleteVirtualMFADevice"]
        .contains(&action)
}

/// Builds the bytes of a signed request.
pub(crate) fn signed(aws: &FakeAws, signer: &RequestSigner, fields: &[(&str, &str)]) -> Vec<u8> {
    let is_iam = fields.iter().any(|(_, value)| is_of_iam(value));
    let (service, version) = if is_iam { ("iam", "2010-05-08") } else { ("sts", "2011-06-15") };
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", percent(value)));
    let body = format!("Version={version}&{}", pairs.collect::<Vec<_>>().join("&"));
    let host = address(aws);
    let mut headers = format!("host:{host}\nx-amz-date:{NOW_BASIC}\n");
    let mut names = "host;x-amz-date".to_owned();
    if let Some(token) = &signer.token {
        headers += &format!("x-amz-security-token:{token}\n");
        names += ";x-amz-security-token";
    }
    let canonical = format!("POST\n/\n\n{headers}\n{names}\n{}", hex(&Sha256::digest(body.as_bytes())));
    let (day, scope) = (&NOW_BASIC[..8], format!("{}/us-east-1/{service}/aws4_request", &NOW_BASIC[..8]));
    let text = format!("AWS4-HMAC-SHA256\n{NOW_BASIC}\n{scope}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let mut key = format!("AWS4{}", signer.secret).into_bytes();
    for part in [day, "us-east-1", service, "aws4_request"] {
        key = mac(&key, part);
    }
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        signer.id,
        hex(&mac(&key, &text))
    );
    let headers = headers.replace('\n', "\r\n");
    format!(
        "POST / HTTP/1.1\r\n{headers}authorization: {authorization}\r\n\
         content-type: application/x-www-form-urlencoded; charset=utf-8\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(value: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
