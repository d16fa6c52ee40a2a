//! The protocol of vsmartcard's virtual reader, with a simulated reader.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use virtual_token::vpcd::Inserted;
use virtual_token::{Persona, SimulatedTouch, StoredAccount, VirtualToken};

use crate::talk::*;

struct Reader(TcpStream);

impl Reader {
    fn with(token: &VirtualToken) -> (Self, Inserted) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let inserted = Inserted::connect(listener.local_addr().unwrap(), token).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        (Self(stream), inserted)
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    fn message(&mut self, message: &[u8]) {
        self.send(&[&(message.len() as u16).to_be_bytes(), message].concat());
    }

    fn answer(&mut self) -> Vec<u8> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).unwrap();
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        self.0.read_exact(&mut answer).unwrap();
        answer
    }

    fn ended(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }
}

#[test]
fn power_atr_commands_and_reset_work() {
    let token = selected(Persona::default());
    let (mut reader, inserted) = Reader::with(&token);
    reader.message(&[4]);
    assert_eq!(reader.answer(), token.atr());
    assert!(!inserted.until_powered(Duration::ZERO), "it was only looked at");
    reader.message(&unhex(LIST));
    assert_eq!(hex(&reader.answer()), "9000");
    reader.message(&[1]);
    reader.message(&[4]);
    assert_eq!(reader.answer(), token.atr());
    assert!(inserted.until_powered(PATIENCE));
    for control in [0, 1, 2] {
        reader.message(&unhex(SELECT_OATH));
        assert_eq!(split(reader.answer()).1, 0x9000);
        reader.message(&[control]);
        reader.message(&unhex(LIST));
        assert_eq!(hex(&reader.answer()), "6d00", "control {control} ends the session");
    }
    drop(inserted);
    assert!(reader.ended());
}

#[test]
fn invalid_messages_are_ignored_or_end_the_connection() {
    let token = selected(Persona::default());
    let (mut reader, inserted) = Reader::with(&token);
    for nonsense in [&[][..], &[3], &[5], &[0xff], &[]] {
        reader.message(nonsense);
    }
    reader.message(&[0; 0xffff]);
    assert_eq!(hex(&reader.answer()), "6700");
    reader.message(&[0xa1, 0]);
    assert_eq!(hex(&reader.answer()), "6700");
    assert!(inserted.is_inserted());
    // A truncated length or message ends the connection, but not the program.
    for cut in [&[0][..], &[0xff, 0xff, 0, 0xa1]] {
        let (mut reader, inserted) = Reader::with(&token);
        reader.send(cut);
        reader.0.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(reader.ended());
        assert!(!inserted.is_inserted());
    }
}

#[test]
fn an_answer_too_long_for_the_wire_ends_the_connection() {
    let token = selected(Persona::default());
    let (mut reader, _inserted) = Reader::with(&token);
    token.distort(|_, _| vec![0; 0x1_0000]);
    reader.message(&unhex(LIST));
    assert!(reader.ended());
}

#[test]
fn a_wait_for_a_touch_ends_with_the_connection() {
    let token = selected(Persona::default());
    token.add(StoredAccount::totp("t", SECRET).with_touch());
    token.set_touch(SimulatedTouch::Never);
    for pulled in [true, false] {
        let (mut reader, inserted) = Reader::with(&token);
        reader.message(&unhex(SELECT_OATH));
        reader.answer();
        reader.message(&unhex(&calculate(b"t", &[1])));
        assert!(token.until_waiting_for_touch(PATIENCE));
        if pulled {
            inserted.remove();
            assert!(reader.ended(), "nothing was answered");
        } else {
            drop(reader);
            inserted.remove();
        }
        assert!(!token.waiting_for_touch());
    }
}

#[test]
fn connecting_fails_if_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(Inserted::connect(address, &selected(Persona::default())).is_err());
}
