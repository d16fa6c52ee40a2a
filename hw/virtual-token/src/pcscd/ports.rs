//! TCP ports for virtual readers: finding free ones, and checking that pcscd listens on them.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::Path;

use crate::random::eight_bytes;

/// Lowest port to use; well-known services have the ports below.
const LOWEST: u16 = 10_000;
/// First port of outgoing connections, if the system does not report it.
const EPHEMERAL: u16 = 32_768;

/// Returns a port that is free, as is the next one, because a virtual reader has two slots. Both are below the ports
/// of outgoing connections, so that no such connection takes one by chance.
///
/// # Errors
/// The system's error if no such pair was found in 64 attempts.
pub fn free_pair() -> io::Result<u16> {
    let highest = ephemeral().clamp(LOWEST + 4, EPHEMERAL);
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..64 {
        let random = u64::from_be_bytes(eight_bytes()) % u64::from((highest - LOWEST) / 2);
        let port = LOWEST + 2 * random as u16;
        match (TcpListener::bind(("0.0.0.0", port)), TcpListener::bind(("0.0.0.0", port + 1))) {
            (Ok(_), Ok(_)) => return Ok(port),
            (Err(error), _) | (_, Err(error)) => last = error,
        }
    }
    Err(last)
}

/// Returns true if the process listens on the port. This is read from `/proc`, because connecting would plug a token
/// in.
pub(super) fn listens(pid: u32, port: u16) -> bool {
    let Ok(table) = fs::read_to_string("/proc/net/tcp") else {
        return false;
    };
    table.lines().filter_map(|line| listener(line, port)).any(|inode| holds(pid, inode))
}

/// Returns the inode of the socket in a line of `/proc/net/tcp`, if that socket listens on the port.
fn listener(line: &str, port: u16) -> Option<&str> {
    let mut fields = line.split_whitespace();
    let (_, local) = fields.nth(1)?.split_once(':')?;
    let state = fields.nth(1)?;
    let listens = u16::from_str_radix(local, 16) == Ok(port) && state == "0A";
    fields.nth(5).filter(|_| listens)
}

fn holds(pid: u32, inode: &str) -> bool {
    let socket = format!("socket:[{inode}]");
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|to| to == Path::new(&socket)))
}

fn ephemeral() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(EPHEMERAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_found_in_its_own_process_only() {
        let port = free_pair().unwrap();
        assert!(port >= LOWEST && port + 1 < ephemeral());
        assert!(!listens(std::process::id(), port));
        let listening = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert!(listens(std::process::id(), port));
        assert!(!listens(std::process::id(), port + 1));
        assert!(!listens(1, port), "another process does not listen there");
        drop(listening);
        assert!(!listens(std::process::id(), port));
    }
}
