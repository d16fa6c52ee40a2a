//! The token behind a real pcscd, used by an independent PC/SC client.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use virtual_token::pcscd::{Pcscd, YUBIKEY};
use virtual_token::{Persona, SimulatedTouch, StoredAccount, VirtualToken};

use crate::pcsc_client::Client;
use crate::talk::*;

const READER: &str = "Yubico YubiKey OTP+FIDO+CCID 00 00";

fn token(id: u8) -> VirtualToken {
    VirtualToken::builder(Persona::default()).device_id([id; 8]).build()
}

fn select(client: &mut Client) -> String {
    client.ask(&format!("transmit {SELECT_OATH}"))
}

fn answer(id: u8) -> String {
    format!("79030504037108{}9000", hex(&[id; 8]))
}

#[test]
fn two_services_run_side_by_side() {
    let (one, two) = (Pcscd::start(&[YUBIKEY]).unwrap(), Pcscd::start(&[YUBIKEY]).unwrap());
    assert!(one.is_sealed() && two.is_sealed(), "there is no C compiler: apt install gcc libc6-dev");
    let _in = (one.insert(0, &token(1)).unwrap(), two.insert(0, &token(2)).unwrap());
    for (pcscd, id) in [(&one, 1), (&two, 2)] {
        assert_eq!(pcscd.reader(0), READER);
        let mut client = Client::start(pcscd.socket());
        client.until(&format!("connect {READER}"), "ok");
        assert_eq!(select(&mut client), answer(id));
    }
}

#[test]
fn one_service_has_several_readers() {
    let pcscd = Pcscd::start(&[YUBIKEY, YUBIKEY, "Nitrokey Nitrokey 3 [CCID/ICCD Interface]"]).unwrap();
    let mut client = Client::start(pcscd.socket());
    let readers = client.ask("readers");
    let names: Vec<&str> = readers.split('|').filter(|name| name.ends_with(" 00")).collect();
    assert_eq!(names, [pcscd.reader(0), pcscd.reader(1), pcscd.reader(2)]);
    assert_eq!(names[1], "Yubico YubiKey OTP+FIDO+CCID (2) 00 00");
    let _in = (pcscd.insert(0, &token(1)).unwrap(), pcscd.insert(1, &token(2)).unwrap());
    assert_eq!(client.ask(&format!("state {}", names[2])), "empty");
    for (reader, id) in [(0, 1), (1, 2)] {
        client.until(&format!("connect {}", names[reader]), "ok");
        assert_eq!(select(&mut client), answer(id));
    }
}

#[test]
fn pulling_out_during_a_touch_ends_the_wait() {
    let pcscd = Pcscd::start(&[YUBIKEY]).unwrap();
    let token = token(1);
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    token.set_touch(SimulatedTouch::Never);
    let inserted = pcscd.insert(0, &token).unwrap();
    let mut client = Client::start(pcscd.socket());
    client.until(&format!("connect {READER}"), "ok");
    select(&mut client);
    client.send(&format!("transmit {}", calculate(b"t", &[1])));
    assert!(token.until_waiting_for_touch(PATIENCE));
    let began = Instant::now();
    inserted.remove();
    assert!(!token.waiting_for_touch());
    assert_eq!(client.receive(), "", "no status word");
    assert!(began.elapsed() < Duration::from_secs(10), "it did not wait for the touch");
    client.until(&format!("state {READER}"), "empty");
    let refused = select(&mut client);
    assert!(["! 80100016", "! 80100069"].contains(&&refused[..]), "{refused}");

    let _again = pcscd.insert(0, &token).unwrap();
    client.until("reconnect", "ok");
    assert_eq!(select(&mut client), answer(1));
}

#[test]
fn killing_the_service_during_a_touch_ends_the_wait() {
    let mut pcscd = Pcscd::start(&[YUBIKEY]).unwrap();
    let token = token(1);
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    let inserted = pcscd.insert(0, &token).unwrap();
    let mut client = Client::start(pcscd.socket());
    client.until(&format!("connect {READER}"), "ok");
    select(&mut client);
    client.send(&format!("transmit {}", calculate(b"t", &[1])));
    assert!(token.until_waiting_for_touch(PATIENCE));
    pcscd.kill();
    assert!(client.receive().starts_with("! 801000"));
    let end = Instant::now() + PATIENCE;
    while inserted.is_inserted() || inserted.until_powered(Duration::ZERO) || token.waiting_for_touch() {
        assert!(Instant::now() < end, "the token did not notice");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_reset_deselects_the_applet() {
    let pcscd = Pcscd::start(&[YUBIKEY]).unwrap();
    let _in = pcscd.insert(0, &token(1)).unwrap();
    let (mut one, mut two) = (Client::start(pcscd.socket()), Client::start(pcscd.socket()));
    for client in [&mut one, &mut two] {
        client.until(&format!("connect {READER}"), "ok");
    }
    select(&mut one);
    assert_eq!(one.ask(&format!("transmit {LIST}")), "9000");
    assert_eq!(two.ask("disconnect leave"), "ok");
    assert_eq!(one.ask(&format!("transmit {LIST}")), "9000", "left as it was");
    two.until(&format!("connect {READER}"), "ok");
    assert_eq!(two.ask("disconnect reset"), "ok");
    assert_eq!(one.ask(&format!("transmit {LIST}")), "! 80100068");
    assert_eq!(one.ask("reconnect"), "ok");
    assert_eq!(one.ask(&format!("transmit {LIST}")), "6d00");
    assert_eq!(select(&mut one), answer(1));
}

/// Each command would take at least 44 ms without TCP_NODELAY and TCP_QUICKACK.
#[test]
fn a_command_takes_less_than_30_ms() {
    let pcscd = Pcscd::start(&[YUBIKEY]).unwrap();
    let _in = pcscd.insert(0, &token(1)).unwrap();
    let mut client = Client::start(pcscd.socket());
    client.until(&format!("connect {READER}"), "ok");
    let mut times: Vec<Duration> = (0..41).map(|_| time(|| assert_eq!(select(&mut client), answer(1)))).collect();
    times.sort();
    assert!(times[32] < Duration::from_millis(30), "{times:?}");
}

fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

#[test]
fn a_service_is_isolated_and_leaves_nothing_behind() {
    let pcscd = Pcscd::start(&[YUBIKEY]).unwrap();
    let port = pcscd.address(0).port();
    for port in [port, port + 1] {
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let local = format!("0100007F:{port:04X}");
        assert!(table.contains(&format!("{local} 00000000:0000 0A")), "{local} listens, on loopback");
        assert!(!table.contains(&format!("00000000:{port:04X} 00000000:0000 0A")));
    }
    assert!(fs::read_link(format!("/proc/{}/exe", pcscd.pid())).unwrap().ends_with("pcscd"));
    assert!(!pcscd.log().contains("USB"), "{}", pcscd.log());
    let (process, folder) = (format!("/proc/{}", pcscd.pid()), pcscd.socket().parent().unwrap().to_path_buf());
    assert!(Path::new(&process).exists() && folder.exists());
    pcscd.stop();
    assert!(!Path::new(&process).exists() && !folder.exists());
}
