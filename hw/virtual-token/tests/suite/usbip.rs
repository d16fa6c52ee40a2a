//! The token as a USB device, with a simulated kernel; `make test-vm` attaches a real one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use virtual_token::usbip::Port;
use virtual_token::{Persona, SimulatedTouch, StoredAccount, VirtualToken};

use crate::talk::*;

const OUT: u32 = 0;
const IN: u32 = 1;

fn port(token: &VirtualToken) -> Port {
    let port = Port::open(SocketAddr::from(([127, 0, 0, 1], 0)), token, 0x0407).unwrap();
    assert!(port.insert() && !port.insert());
    port
}

fn connect(port: &Port) -> TcpStream {
    let stream = TcpStream::connect(port.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Returns the port's response to `usbip list`.
fn list(port: &Port) -> Vec<u8> {
    let mut stream = connect(port);
    stream.write_all(&unhex("0111 8005 00000000")).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn import(port: &Port, bus_id: &str) -> (TcpStream, u32) {
    let mut stream = connect(port);
    let mut name = bus_id.as_bytes().to_vec();
    name.resize(32, 0);
    stream.write_all(&[unhex("0111 8003 00000000"), name].concat()).unwrap();
    let head = read(&mut stream, 8);
    assert_eq!(hex(&head[..4]), "01110003");
    (stream, u32::from_be_bytes([head[4], head[5], head[6], head[7]]))
}

/// A simulated kernel that has attached to the port and does libccid's part of the work.
struct Host {
    stream: TcpStream,
    sequence: u32,
    message: u8,
}

impl Host {
    fn attach(port: &Port) -> Self {
        let (mut stream, status) = import(port, "1-1");
        assert_eq!(status, 0);
        read(&mut stream, 312);
        assert!(port.until_attached(true, PATIENCE));
        Self { stream, sequence: 0, message: 0 }
    }

    /// Attaches a host that powers the token and reads its ATR.
    fn powered(port: &Port) -> Self {
        let mut host = Self::attach(port);
        assert_eq!(host.ask(0x62, 0, &[]), (0x80, 0, 0, unhex("3bfd1300008131fe158073c021c057597562694b657940")));
        host
    }

    fn submit(&mut self, (direction, endpoint): (u32, u32), setup: &[u8], length: usize, data: &[u8]) -> u32 {
        self.sequence += 1;
        let words = [1, self.sequence, 0x0001_0002, direction, endpoint, 0, length as u32, 0, 0, 0];
        let mut frame: Vec<u8> = words.into_iter().flat_map(u32::to_be_bytes).collect();
        frame.extend(setup);
        frame.resize(48, 0);
        self.stream.write_all(&[&frame, data].concat()).unwrap();
        self.sequence
    }

    /// Reads the result of a transfer: sequence number, status and data.
    fn result(&mut self, inward: bool) -> (u32, i32, Vec<u8>) {
        let head = read(&mut self.stream, 48);
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        assert!([3, 4].contains(&word(0)), "{head:?}");
        let length = if inward && word(0) == 3 { word(24) as usize } else { 0 };
        (word(4), word(20).cast_signed(), read(&mut self.stream, length))
    }

    fn control(&mut self, setup: &str, length: usize) -> (i32, String) {
        let inward = unhex(setup)[0] & 0x80 != 0;
        let sequence = self.submit((if inward { IN } else { OUT }, 0), &unhex(setup), length, &[]);
        let (which, status, data) = self.result(inward);
        assert_eq!(which, sequence);
        (status, hex(&data))
    }

    fn send(&mut self, kind: u8, level: u16, data: &[u8]) {
        self.message = self.message.wrapping_add(1);
        let [low, high] = level.to_le_bytes();
        let length = (data.len() as u32).to_le_bytes();
        let message = [&[kind][..], &length, &[0, self.message, 0, low, high], data].concat();
        let sequence = self.submit((OUT, 2), &[], message.len(), &message);
        assert_eq!(self.result(false), (sequence, 0, Vec::new()));
    }

    /// Reads a response of the reader: its kind, bStatus, bError and data.
    fn receive(&mut self) -> (u8, u8, u8, Vec<u8>) {
        let sequence = self.submit((IN, 2), &[], 65_556, &[]);
        let (which, status, message) = self.result(true);
        assert_eq!((which, status), (sequence, 0));
        assert_eq!((message[5], message[6]), (0, self.message), "slot and number of the command");
        assert_eq!(message.len() - 10, u32::from_le_bytes(message[1..5].try_into().unwrap()) as usize);
        (message[0], message[7], message[8], message[10..].to_vec())
    }

    fn ask(&mut self, kind: u8, level: u16, data: &[u8]) -> (u8, u8, u8, Vec<u8>) {
        self.send(kind, level, data);
        self.receive()
    }

    fn apdu(&mut self, command: &str) -> String {
        let (kind, status, error, data) = self.ask(0x6f, 0, &unhex(command));
        assert_eq!((kind, status, error), (0x80, 0, 0), "{command}");
        hex(&data)
    }
}

#[test]
fn a_device_is_listed_attached_once_and_pulled_out() {
    let port = port(&VirtualToken::new(Persona::default()));
    let listed = list(&port);
    assert_eq!(hex(&listed[..12]), "011100050000000000000001");
    assert_eq!(&listed[12 + 256..12 + 259], b"1-1");
    // Full speed, then vendor, product and version.
    assert_eq!(hex(&listed[12 + 296..12 + 306]), "00000002105004070543");
    assert_eq!(hex(&listed[listed.len() - 5..]), "010b000000", "one interface, of a smart card reader");
    assert_eq!(import(&port, "1-2").1, 1);
    let mut host = Host::attach(&port);
    assert_eq!(import(&port, "1-1").1, 1, "it has one plug");
    assert!(port.remove() && !port.remove());
    assert_eq!(host.stream.read(&mut [0]).unwrap(), 0);
    assert!(port.until_attached(false, PATIENCE));
    assert_eq!(hex(&list(&port)), "011100050000000000000000");
    assert_eq!(import(&port, "1-1").1, 1);
    assert!(port.insert());
    let _in_again = Host::attach(&port);
}

#[test]
fn a_kernel_may_attach_again_after_detaching() {
    let token = VirtualToken::new(Persona::default());
    let port = port(&token);
    for _ in 0..2 {
        drop(Host::powered(&port));
        assert!(port.until_attached(false, PATIENCE));
    }
}

#[test]
fn descriptors_and_standard_requests_are_answered() {
    let port = port(&VirtualToken::new(Persona::default()));
    let mut host = Host::attach(&port);
    assert_eq!(host.control("8006000100001200", 18), (0, "120100020000004050100704430501020001".into()));
    assert_eq!(host.control("8006000100000800", 8), (0, "1201000200000040".into()));
    assert_eq!(host.control("8006000200000900", 9), (0, "09025d00010100800f".into()));
    let (status, configuration) = host.control("800600020000ff00", 255);
    assert_eq!((status, configuration.len()), (0, 2 * 0x5d));
    // Everything automatic, short and extended APDUs, longest message: as in libccid's list for a YubiKey.
    assert!(configuration.contains("fe000400000c0000ffff00000001"), "{configuration}");
    assert_eq!(host.control("8006020300040a00", 10), (0, "2c035900750062006900".into()));
    assert_eq!(host.control("800605030004ff00", 255), (-32, String::new()));
    assert_eq!(host.control("8006000600000a00", 10), (-32, String::new()), "it knows one speed");
    assert_eq!(host.control("0009010000000000", 0), (0, String::new()));
    assert_eq!(host.control("8008000000000100", 1), (0, "01".into()));
    assert_eq!(host.control("8000000000000200", 2), (0, "0000".into()));
    assert_eq!(host.control("0201000082000000", 0), (0, String::new()));
    assert_eq!(host.control("a103000000000400", 4), (-32, String::new()), "no other data rates");
}

#[test]
fn the_reader_answers_ccid_commands() {
    let token = selected(Persona::default());
    let port = port(&token);
    let mut host = Host::attach(&port);
    assert_eq!(host.ask(0x65, 0, &[]), (0x81, 1, 0, vec![]), "there, without power");
    assert_eq!(host.ask(0x6f, 0, &unhex(LIST)), (0x80, 0x41, 0xfe, vec![]));
    assert_eq!(host.ask(0x62, 0, &[]).3, token.atr());
    assert_eq!(host.ask(0x65, 0, &[]), (0x81, 0, 0, vec![]));
    for kind in [0x6c, 0x61, 0x6d] {
        assert_eq!(host.ask(kind, 0, &[]), (0x82, 0, 0, unhex("1110001500fe00")));
    }
    assert_eq!(host.apdu(LIST), "6d00", "power was new, so nothing is selected");
    assert!(host.apdu(SELECT_OATH).ends_with("9000"));
    assert_eq!(host.apdu("00a1000000"), "9000");
    assert_eq!(host.apdu("00a10000000000"), "9000", "extended");
    assert_eq!(host.ask(0x6b, 0, &[1]), (0x83, 0x40, 0, vec![]), "no vendor's commands");
    assert_eq!(host.ask(0x69, 0, &[]), (0x81, 0x40, 0, vec![]), "no PIN pad");
    assert_eq!(host.ask(0x6f, 9, &unhex(LIST)), (0x80, 0x40, 8, vec![]));
    assert_eq!(host.ask(0x6f, 0, &[]).1, 0, "a piece that a host gave up is not part of the next command");
    assert_eq!(host.ask(0x63, 0, &[]), (0x81, 1, 0, vec![]));
}

#[test]
fn commands_and_responses_may_come_in_pieces() {
    let token = selected(Persona::default());
    for number in 0..20 {
        token.add(StoredAccount::totp(format!("account-with-a-long-name-{number:02}").as_bytes(), SECRET));
    }
    let port = port(&token);
    let mut host = Host::powered(&port);
    let select = unhex(SELECT_OATH);
    assert_eq!(host.ask(0x6f, 1, &select[..4]), (0x80, 0, 0, vec![]));
    assert_eq!(host.ask(0x6f, 3, &select[4..6]), (0x80, 0, 0, vec![]));
    assert!(hex(&host.ask(0x6f, 2, &select[6..]).3).ends_with("9000"));
    let all = host.apdu("00a10000000000");
    assert!(all.len() > 1000 && all.ends_with("9000"));
    // The same response, in transfers of 64 bytes.
    host.send(0x6f, 0, &unhex("00a10000000000"));
    let mut message = Vec::new();
    while message.len() < 10 + all.len() / 2 {
        host.submit((IN, 2), &[], 64, &[]);
        let (_, status, piece) = host.result(true);
        assert!(status == 0 && (1..=64).contains(&piece.len()));
        message.extend(piece);
    }
    assert_eq!(hex(&message[10..]), all);
}

#[test]
fn the_reader_asks_for_more_time_during_a_touch() {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    let port = port(&token);
    let mut host = Host::powered(&port);
    host.apdu(SELECT_OATH);
    host.send(0x6f, 0, &unhex(&calculate(b"t", &1u64.to_be_bytes())));
    for _ in 0..2 {
        assert_eq!(host.receive(), (0x80, 0x80, 1, vec![]));
        assert!(token.waiting_for_touch());
    }
    assert!(token.touch());
    let answer = loop {
        match host.receive() {
            (0x80, 0x80, 1, _) => {}
            (0x80, 0, 0, answer) => break hex(&answer),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(answer, "76050641397eea9000");
}

#[test]
fn a_missing_touch_or_an_abort_ends_the_command() {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    token.set_touch(SimulatedTouch::Never);
    let port = port(&token);
    let mut host = Host::powered(&port);
    host.apdu(SELECT_OATH);
    token.set_touch_timeout(Duration::from_millis(1));
    assert_eq!(host.apdu(&calculate(b"t", &[1])), "6982");
    token.set_touch_timeout(PATIENCE);
    host.send(0x6f, 0, &unhex(&calculate(b"t", &[1])));
    assert!(token.until_waiting_for_touch(PATIENCE));
    assert_eq!(host.control("2101000100000000", 0), (0, String::new()));
    let end = loop {
        match host.receive() {
            (0x80, 0x80, 1, _) => {}
            other => break other,
        }
    };
    assert_eq!(end, (0x80, 0x40, 0xff, vec![]));
    assert!(!token.waiting_for_touch());
    assert_eq!(host.ask(0x72, 0, &[]), (0x81, 0, 0, vec![]));
    assert_eq!(host.apdu("00a1000000"), "720221749000", "and it goes on");
}

#[test]
fn a_reset_during_a_touch_ends_the_command() {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    token.set_touch_timeout(PATIENCE);
    let port = port(&token);
    let mut host = Host::powered(&port);
    host.apdu(SELECT_OATH);
    host.send(0x6f, 0, &unhex(&calculate(b"t", &[1])));
    assert!(token.until_waiting_for_touch(PATIENCE));
    // Long enough that the reader has asked for more time, in a message that nobody has read.
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(host.control("0009010000000000", 0), (0, String::new()));
    assert_eq!(host.receive(), (0x80, 0x40, 0xfe, vec![]), "no more than the end of it");
    assert!(!token.waiting_for_touch());
    assert_eq!(host.ask(0x62, 0, &[]).0, 0x80);
    assert_eq!(host.apdu(SELECT_OATH).get(..2), Some("79"), "and it goes on");
}

#[test]
fn pulling_out_during_a_touch_ends_the_wait() {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    for by_the_kernel in [true, false] {
        let port = port(&token);
        let mut host = Host::powered(&port);
        host.apdu(SELECT_OATH);
        host.send(0x6f, 0, &unhex(&calculate(b"t", &[1])));
        assert!(token.until_waiting_for_touch(PATIENCE));
        if by_the_kernel {
            drop(host);
        } else {
            assert!(port.remove());
        }
        assert!(port.until_attached(false, PATIENCE));
        assert!(!token.waiting_for_touch());
    }
}

#[test]
fn the_card_is_announced_once_and_transfers_can_be_cancelled() {
    let port = port(&VirtualToken::new(Persona::default()));
    let mut host = Host::attach(&port);
    let first = host.submit((IN, 3), &[], 8, &[]);
    assert_eq!(host.result(true), (first, 0, vec![0x50, 0x03]));
    let second = host.submit((IN, 3), &[], 8, &[]);
    for (unlinked, status) in [(second, -104), (first, 0)] {
        host.sequence += 1;
        let words = [2, host.sequence, 0x0001_0002, 0, 0, unlinked, 0, 0, 0, 0, 0, 0];
        let frame: Vec<u8> = words.into_iter().flat_map(u32::to_be_bytes).collect();
        host.stream.write_all(&frame).unwrap();
        assert_eq!(host.result(true), (host.sequence, status, vec![]));
    }
    let strange = host.submit((IN, 9), &[], 8, &[]);
    assert_eq!(host.result(true), (strange, -32, vec![]));
}

#[test]
fn a_client_of_another_protocol_is_disconnected() {
    let port = port(&VirtualToken::new(Persona::default()));
    let mut stream = connect(&port);
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // The connection may end in a reset, because of the bytes that the port did not read.
    let _ended = stream.read_to_end(&mut answer);
    assert!(answer.is_empty());
    drop(Host::powered(&port));
}
