//! Parsing of the writer's test cases from text files.

use crate::harness::aws_clients::AwsClient;
use std::fs;
use std::path::Path;

pub struct WriterCase {
    /// File name and title: `10-colon.txt: a key with a colon`.
    pub name: String,
    /// The session profile; default `dev`.
    pub profile: String,
    pub token: String,
    /// Contents of the config file.
    pub config: Vec<u8>,
    /// Contents of the credentials file; `None` if there is none.
    pub before: Option<Vec<u8>>,
    pub outcome: ExpectedOutcome,
    /// Expected warnings, in their order.
    pub warnings: Vec<String>,
    pub unread_by: Vec<AwsClient>,
    /// True if `remove` must restore the bytes before the write.
    pub removed: bool,
}

pub enum ExpectedOutcome {
    /// New contents of the credentials file.
    After(Vec<u8>),
    /// Exit code and cause.
    Refused(u8, String),
}

impl WriterCase {
    /// Reads a file: a note on its first lines, then a case at each `## `.
    pub fn read_all(path: &Path) -> Vec<Self> {
        let text = fs::read_to_string(path).unwrap();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let parts: Vec<&str> = text.split("\n## ").skip(1).collect();
        assert!(!parts.is_empty(), "{file} has no case");
        parts.into_iter().map(|part| Self::read(&file, part)).collect()
    }

    fn read(file: &str, part: &str) -> Self {
        let (title, rest) = part.split_once('\n').unwrap();
        let mut case = Self {
            name: format!("{file}: {title}"),
            profile: "dev".to_owned(),
            token: super::TOKEN.to_owned(),
            config: Vec::new(),
            before: None,
            outcome: ExpectedOutcome::Refused(0, "nothing is said".to_owned()),
            warnings: Vec::new(),
            unread_by: Vec::new(),
            removed: false,
        };
        let mut lines = rest.lines().peekable();
        while let Some(line) = lines.next() {
            let Some((word, value)) = line.split_once(':') else {
                assert!(line.is_empty(), "{}: {line}", case.name);
                continue;
            };
            let mut block = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
                block.extend(bytes(line.strip_prefix("| ").unwrap_or_default(), &case.token));
            }
            case.take(word, value.trim(), block);
        }
        case
    }

    fn take(&mut self, word: &str, value: &str, block: Vec<u8>) {
        match word {
            "profile" => self.profile = String::from_utf8(bytes(value, "")).unwrap().trim_end_matches('\n').to_owned(),
            "token" => {
                let (part, times) = value.split_once(" × ").unwrap_or((value, "1"));
                self.token = part.repeat(times.parse().unwrap());
            }
            "config" => self.config = block,
            "before" => self.before = Some(block),
            "after" => self.outcome = ExpectedOutcome::After(block),
            "warning" => self.warnings.push(value.to_owned()),
            "unread by" => self.unread_by = value.split(',').flat_map(super::named).collect(),
            "removed" => self.removed = value == "as before",
            "refused" => {
                let (code, cause) = value.split_once(", ").unwrap();
                self.outcome =
                    ExpectedOutcome::Refused(code.strip_prefix("exit ").unwrap().parse().unwrap(), cause.to_owned());
            }
            other => panic!("{}: {other}", self.name),
        }
    }
}

/// Returns the bytes that a line stands for.
fn bytes(line: &str, token: &str) -> Vec<u8> {
    let line = line.replace("{TOKEN}", token);
    let (line, end) = if line.ends_with('\\') && !line.ends_with("\\\\") {
        (&line[..line.len() - 1], &b""[..])
    } else {
        (line.as_str(), &b"\n"[..])
    };
    let mut bytes = Vec::new();
    let mut rest = line;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = match escape.as_bytes()[0] {
            b'r' => (b'\r', 1),
            b't' => (b'\t', 1),
            b'n' => (b'\n', 1),
            b'\\' => (b'\\', 1),
            b'x' => (u8::from_str_radix(&escape[1..3], 16).unwrap(), 3),
            other => panic!("\\{} in {line}", char::from(other)),
        };
        bytes.push(byte);
        rest = &escape[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes.extend_from_slice(end);
    bytes
}
