//! Tests of the proxy, byte by byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use fake_aws::{FakeProxy, ProxyBehaviour};

use crate::stage::FrozenFake;

/// Sends `text` to the proxy and returns everything it sends until the connection ends.
fn say(proxy: &FakeProxy, text: &str) -> String {
    heard(said(proxy, text))
}

/// Connects to the proxy and sends `text`.
fn said(proxy: &FakeProxy, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// Reads until the connection ends.
fn heard(mut stream: TcpStream) -> String {
    let (mut got, mut chunk) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        got.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8(got).unwrap()
}

#[test]
fn tunnels_and_forwarded_requests_reach_the_simulator() {
    let (stage, proxy) = (FrozenFake::new(), FakeProxy::start(ProxyBehaviour::Open).unwrap());
    let here = stage.aws.endpoint().replace("http://", "");
    let get = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let got = say(&proxy, &format!("CONNECT {here} HTTP/1.1\r\nHost: {here}\r\n\r\n{get}"));
    assert!(got.starts_with("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 403 Forbidden\r\n"), "{got}");
    let headers = format!("Proxy-Connection: close\r\nConnection: close\r\nHost: {here}");
    let got = say(&proxy, &format!("GET http://{here}/?a=b HTTP/1.1\r\n{headers}\r\n\r\n"));
    assert!(got.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{got}");
    assert_eq!(proxy.asked(), [format!("CONNECT {here}"), format!("GET http://{here}/?a=b")]);
    // With `lead_to`, a host that does not exist leads to the simulator.
    proxy.lead_to(here.parse().unwrap());
    let got = say(&proxy, "GET http://sts.example.invalid HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(got.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{got}");
    assert_eq!(stage.aws.requests().len(), 3);
}

#[test]
fn proxies_refuse_ignore_or_require_a_password() {
    let connect = "CONNECT 127.0.0.1:1 HTTP/1.1\r\n";
    let proxy = FakeProxy::start(ProxyBehaviour::Password("YWxpY2U6c2VjcmV0")).unwrap();
    for (header, status) in [
        ("", "HTTP/1.1 407 "),
        ("Proxy-Authorization: Basic YWxpY2U6\r\n", "HTTP/1.1 407 "),
        // The right password: the request is forwarded, to a port where nothing listens.
        ("proxy-authorization: Basic YWxpY2U6c2VjcmV0\r\n", "HTTP/1.1 502 "),
    ] {
        let got = say(&proxy, &format!("{connect}{header}\r\n"));
        assert!(got.starts_with(status), "{header}: {got}");
    }
    let refusing = FakeProxy::start(ProxyBehaviour::Refusing(403)).unwrap();
    assert!(say(&refusing, &format!("{connect}\r\n")).starts_with("HTTP/1.1 403 "));
    let silent = FakeProxy::start(ProxyBehaviour::Silent).unwrap();
    let stream = said(&silent, &format!("{connect}\r\n"));
    // The proxy closes its side once it has read everything up to the end of the stream.
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!((heard(stream), silent.asked().len()), (String::new(), 0));
    assert_eq!(say(&refusing, "rubbish\r\n\r\n"), "");
}
