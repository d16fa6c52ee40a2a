//! Tests of connections: keep-alive, bodies, malformed requests, and arbitrary bytes, which get a 4xx and never a
//! panic.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

/// A client in memory: the bytes it sends, and the bytes it received.
struct MemoryClient {
    sends: Cursor<Vec<u8>>,
    got: Vec<u8>,
}

impl Read for MemoryClient {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Small reads, as from a network; larger ones after the first 1 000 bytes, to save time.
        let most = into.len().min(if self.sends.position() < 1_000 { 7 } else { 4_000 });
        self.sends.read(&mut into[..most])
    }
}

impl Write for MemoryClient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.got.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn talk(bytes: &[u8]) -> String {
    let mut client = MemoryClient { sends: Cursor::new(bytes.to_vec()), got: Vec::new() };
    converse(&mut client, &ServerShared::new()).unwrap();
    String::from_utf8(client.got).unwrap()
}

fn statuses(got: &str) -> Vec<&str> {
    got.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}

#[test]
fn connections_are_kept_alive_until_either_side_closes() {
    let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_eq!(statuses(&talk(get.repeat(3).as_bytes())), ["403", "403", "403"]);
    let close = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n";
    assert_eq!(statuses(&talk(format!("{get}{close}{get}").as_bytes())), ["403", "403"]);
    let old = "GET / HTTP/1.0\r\n\r\n";
    assert_eq!(statuses(&talk(format!("{old}{get}").as_bytes())), ["403"]);
    assert_eq!(talk(b""), "");
}

#[test]
fn a_body_is_read_to_its_content_length() {
    let post = "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 24\r\n\r\n\
                Action=GetCallerIdentity";
    let got = talk(post.repeat(2).as_bytes());
    assert_eq!(statuses(&got), ["403", "403"]);
    assert_eq!(got.matches("<Code>MissingAuthenticationToken</Code>").count(), 2);
    let expecting = post.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(statuses(&talk(expecting.as_bytes())), ["100", "403"]);
}

#[test]
fn malformed_requests_are_refused() {
    let long = format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(80_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: a\r\n".repeat(101));
    for (bytes, status) in [
        ("GET", "400"),
        ("\u{1}\u{2}\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", "400"),
        ("GET / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", "413"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"),
        (&long, "431"),
        (&many, "431"),
    ] {
        assert_eq!(statuses(&talk(bytes.as_bytes())), [status], "{}", &bytes[..bytes.len().min(60)]);
    }
}

proptest! {
    #[test]
    fn any_bytes_get_a_4xx(bytes in proptest::collection::vec(0_u8.., 1..2_000)) {
        prop_assert!(statuses(&talk(&bytes)).iter().all(|status| status.starts_with('4')));
        prop_assert!(!statuses(&talk(&bytes)).is_empty());
    }

    #[test]
    fn any_head_gets_a_4xx(
        method in "[A-Z]{1,7}",
        target in "/[!-~]{0,60}",
        headers in proptest::collection::vec(("[A-Za-z-]{1,20}", "[ -~]{0,80}"), 0..6),
        authorization in "AWS4-HMAC-SHA256 (Credential=[A-Z0-9/]{0,20}[/a-z0-9_-]{0,40})?,? ?(SignedHeaders=[a-z;-]{0,20})?,? ?(Signature=[0-9a-f]{0,70})?",
        date in "[0-9]{8}T[0-9]{6}Z|[ -~]{0,16}",
        body in proptest::collection::vec(0_u8.., 0..200),
    ) {
        let mut head = format!("{method} {target} HTTP/1.1\r\nAuthorization: {authorization}\r\nX-Amz-Date: {date}\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut bytes = head.into_bytes();
        bytes.extend(body);
        let got = talk(&bytes);
        prop_assert!(!statuses(&got).is_empty());
        prop_assert!(statuses(&got).iter().all(|status| status.starts_with('4')), "{}", got);
    }
}
