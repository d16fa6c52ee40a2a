//! Reverse proxies that close connections early, as load balancers do.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

/// Starts a proxy that closes each connection `time` after its first response. Returns the proxy's endpoint; it runs
/// until the process ends.
pub fn closes_after(endpoint: &str, time: Duration) -> String {
    let behind = endpoint.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&behind).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            std::thread::spawn(move || answer_once(server, &client, time));
        }
    });
    format!("http://{address}")
}

fn answer_once(mut server: TcpStream, mut client: &TcpStream, time: Duration) -> std::io::Result<()> {
    let mut bytes = [0; 16_384];
    let count = server.read(&mut bytes)?;
    client.write_all(&bytes[..count])?;
    std::thread::sleep(time);
    client.shutdown(Shutdown::Both)
}

/// Starts a proxy that stops after one response. Returns the proxy's endpoint.
pub fn answers_once(endpoint: &str) -> String {
    let behind = endpoint.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        drop(listener);
        let mut server = TcpStream::connect(&behind).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let mut bytes = [0; 16_384];
        let count = server.read(&mut bytes).unwrap();
        client.write_all(&bytes[..count]).unwrap();
        client.shutdown(Shutdown::Both)
    });
    format!("http://{address}")
}
