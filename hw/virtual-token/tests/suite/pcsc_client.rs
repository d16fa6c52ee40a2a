//! PC/SC client in a process of its own (`pcsc_client.py`), which is controlled line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::python;

pub(crate) struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    pub(crate) fn start(socket: &Path) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/pcsc_client.py");
        let mut child = Command::new(python::program("python"))
            .args(["-B", script])
            .env("PCSCLITE_CSOCK_NAME", socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    pub(crate) fn receive(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_string()
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.receive()
    }

    /// Sends a line again and again until the answer is `expected`. Fails after 20 s.
    pub(crate) fn until(&mut self, line: &str, expected: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.ask(line);
            if answer == expected {
                return;
            }
            assert!(Instant::now() < end, "{line}: still {answer:?}, not {expected:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _already_ended = self.child.wait();
    }
}
