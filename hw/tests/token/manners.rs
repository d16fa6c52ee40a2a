//! Rules for PC/SC alone: a token is shared, a conversation is one transaction, a token is never reset, and the
//! client waits for a token that another program holds. The other program here is the crate `pcsc` itself.

use std::thread;
use std::time::{Duration, Instant};

use oath_token::conversation::{Patience, converse};
use oath_token::oath::{self, OathError};
use oath_token::pcsc_bus::PcscBus;
use oath_token::survey;
use oath_token::transport::{Bus, CarrierError};
use pcsc::{Card, Context, Disposition, Protocols, Scope, ShareMode};
use virtual_token::Persona;

use crate::bench::service::{Service, until, with_service};
use crate::bench::{error_of, no_keys, token};

/// Connects to the token as another program does. Dropping the connection resets the token; `disconnect` with
/// `LeaveCard` leaves it as it is.
fn other_program(service: &Service, mode: ShareMode) -> Card {
    let reader = std::ffi::CString::new(service.reader()).unwrap();
    Context::establish(Scope::User).unwrap().connect(&reader, mode, Protocols::ANY).unwrap()
}

/// Returns true if the OATH applet that the other program uses is still selected: no other applet knows LIST.
fn still_selected(other: &mut Card) -> Result<bool, pcsc::Error> {
    let transaction = other.transaction()?;
    let mut room = [0; 300];
    let answer = transaction.transmit(&[0x00, 0xA1, 0x00, 0x00, 0x00], &mut room)?;
    Ok(answer.ends_with(&[0x90, 0x00]))
}

#[test]
fn a_token_is_left_as_it_was_found_whatever_happens() {
    with_service("manners::a_token_is_left_as_it_was_found_whatever_happens", |service| {
        let on = service.plug(&token(Persona::YUBIKEY_5_4_3));
        let mut other = other_program(service, ShareMode::Shared);
        let look = || survey::inspect(&*on.bus, &on.reader, Patience::NONE, &no_keys);
        look().unwrap();
        assert_eq!(still_selected(&mut other), Ok(true), "after a look");
        let failing = converse(&*on.bus, &on.reader, Patience::NONE, &mut |transport| {
            oath::select(transport)?;
            Err::<(), _>(OathError::WrongProof)
        });
        assert_eq!(failing, Err(OathError::WrongProof));
        assert_eq!(still_selected(&mut other), Ok(true), "after an error");
        let panicking = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            converse(&*on.bus, &on.reader, Patience::NONE, &mut |transport| -> Result<(), OathError> {
                oath::select(transport)?;
                std::panic::resume_unwind(Box::new(()));
            })
        }));
        assert!(panicking.is_err());
        assert_eq!(still_selected(&mut other), Ok(true), "after a panic");
        drop(on.bus.open(&on.reader).unwrap());
        assert_eq!(still_selected(&mut other), Ok(true), "after a connection without a conversation");
        other.disconnect(Disposition::LeaveCard).unwrap_or_else(|(_, why)| panic!("{why}"));
        look().unwrap();
    });
}

#[test]
fn a_reset_before_a_conversation_begins_is_no_error() {
    with_service("manners::a_reset_before_a_conversation_begins_is_no_error", |service| {
        let on = service.plug(&token(Persona::YUBIKEY_5_4_3));
        let mut ours = on.bus.open(&on.reader).unwrap();
        drop(other_program(service, ShareMode::Shared));
        let mut watching = other_program(service, ShareMode::Shared);
        let mut transport = ours.begin().unwrap();
        assert!(oath::select(&mut *transport).is_ok());
        drop(transport);
        assert_eq!(still_selected(&mut watching), Ok(true), "we do not answer a reset with a reset");
        watching.disconnect(Disposition::LeaveCard).unwrap_or_else(|(_, why)| panic!("{why}"));
    });
}

#[test]
fn a_token_held_by_another_program_is_waited_for() {
    with_service("manners::a_token_held_by_another_program_is_waited_for", |service| {
        let on = service.plug(&token(Persona::YUBIKEY_5_4_3));
        let other = other_program(service, ShareMode::Exclusive);
        let asked = Instant::now();
        let busy = survey::survey(&*on.bus, Patience::USUAL, &no_keys).unwrap();
        let hopeful = busy.most_hopeful().unwrap();
        assert_eq!((hopeful.reader.as_str(), hopeful.why.carrier()), (on.reader.as_str(), Some(&CarrierError::Busy)));
        assert!(asked.elapsed() >= Duration::from_secs(1));
        let holder = thread::spawn(move || {
            thread::sleep(Duration::from_millis(400));
            other.disconnect(Disposition::LeaveCard).is_ok()
        });
        assert!(survey::inspect(&*on.bus, &on.reader, Patience::USUAL, &no_keys).is_ok());
        assert!(holder.join().unwrap());
    });
}

#[test]
fn readers_are_listed_while_the_service_runs() {
    with_service("manners::readers_are_listed_while_the_service_runs", |service| {
        let bus = PcscBus::new();
        assert!(bus.readers().unwrap().contains(&service.reader().to_owned()));
        assert_eq!(PcscBus::with_readers_containing("no such reader").readers(), Ok(vec![]));
        assert_eq!(bus.open(service.reader()).err(), Some(CarrierError::Empty));
        assert_eq!(bus.open("no such reader").err(), Some(CarrierError::Removed));
        let on = service.plug(&token(Persona::YUBIKEY_5_4_3));
        let why = thread::scope(|scope| {
            scope.spawn(|| {
                assert!(on.token.until_waiting_for_touch(Duration::from_secs(10)));
                service.kill();
            });
            let account = oath::AccountId::from_bytes(b"Amazon Web Services:alice@example-alias");
            let step = oath::TimeStep::at(59, oath::USUAL_PERIOD);
            let request = oath_token::fetch::CodeRequest { device_id: None, account: &account, step };
            error_of(oath_token::fetch::code(&*on.bus, &on.reader, Patience::USUAL, &request, &no_keys))
        });
        assert_eq!(why.carrier(), Some(&CarrierError::NoService), "killed during a touch");
        until("the service is gone", || bus.readers() == Err(CarrierError::NoService));
    });
}
