//! Every fault at every command of an inspection or a code: what is reported, and what is left behind.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use oath_token::apdu::{ExchangeError, StatusWord};
use oath_token::conversation::{Patience, converse};
use oath_token::fetch::{self, CodeRequest};
use oath_token::memory_bus::MemoryBus;
use oath_token::oath::{self, AccountId, OathError, TimeStep, USUAL_PERIOD};
use oath_token::survey;
use oath_token::transport::{CarrierError, Transport};
use virtual_token::{Persona, VirtualToken};

use crate::bench::{PASSWORD, READER, assert_left_alone, assert_locked, right_key, token};

/// Fault at a command. The token executes the command nevertheless; only the response is lost or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    Carrier(CarrierError),
    Answer(Vec<u8>),
}

/// Commands at which the fault happens, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Once(usize),
    From(usize),
}

/// Task to run on a bus. Returns its result as text, codes included.
type Task = fn(&MemoryBus) -> Result<String, OathError>;

fn look(bus: &MemoryBus) -> Result<String, OathError> {
    survey::inspect(bus, READER, Patience::NONE, &right_key).map(|look| format!("{look:?}"))
}

fn code(bus: &MemoryBus) -> Result<String, OathError> {
    let account = AccountId::from_bytes(b"rfc-sha1");
    let request = CodeRequest { device_id: None, account: &account, step: TimeStep::at(59, USUAL_PERIOD) };
    fetch::code(bus, READER, Patience::USUAL, &request, &right_key).map(|code| code.digits().to_owned())
}

/// Plugs in a token whose carrier or responses are faulty.
fn plug(virtual_token: &VirtualToken, fault: Fault, when: When) -> MemoryBus {
    let (bus, answering, count) = (MemoryBus::new(), virtual_token.clone(), AtomicUsize::new(0));
    bus.insert(READER, move |command| {
        let honest = answering.exchange(command);
        let at = count.fetch_add(1, Ordering::Relaxed);
        let goes_wrong = match when {
            When::Once(when) => at == when,
            When::From(when) => at >= when,
        };
        match &fault {
            _ if !goes_wrong => Ok(honest),
            Fault::Carrier(CarrierError::Reset) => {
                answering.reset();
                Err(CarrierError::Reset)
            }
            Fault::Carrier(why) => Err(why.clone()),
            Fault::Answer(answer) => Ok(answer.clone()),
        }
    });
    bus
}

fn faults() -> Vec<Fault> {
    let carrier = [
        CarrierError::NoService,
        CarrierError::ServiceStopped,
        CarrierError::Refused,
        CarrierError::Reset,
        CarrierError::Removed,
        CarrierError::Empty,
        CarrierError::Mute,
        CarrierError::Broken,
        CarrierError::Other { code: 0x8010_0001, text: "an internal consistency check failed".to_owned() },
    ];
    let answers: [&[u8]; 10] = [
        &[],
        &[0x90],
        &[0x90, 0x00],
        &[0x61, 0x00],
        &[0x6D, 0x00],
        &[0x6E, 0x00],
        &[0x69, 0x82],
        &[0x6A, 0x80],
        &[0x6F, 0x00],
        &[0x71, 0xFF, 0x00, 0x90, 0x00],
    ];
    let answers = answers.into_iter().map(|answer| Fault::Answer(answer.to_vec()));
    carrier.into_iter().map(Fault::Carrier).chain(answers).collect()
}

/// Runs a task with a fault, and checks what must hold whatever the outcome.
fn run(task: Task, password: Option<&str>, fault: &Fault, when: When) -> Result<String, OathError> {
    let virtual_token = token(Persona::YUBIKEY_5_4_3);
    virtual_token.set_password(password);
    let bus = plug(&virtual_token, fault.clone(), when);
    let outcome = task(&bus);
    let log = bus.log(READER);
    assert_left_alone(&log);
    assert!(log.begun <= 3, "{fault:?} {when:?}: {} conversations", log.begun);
    // Six commands, each with at most 512 continuations, in three conversations.
    assert!(log.commands.len() <= 3 * 6 * 514, "{} commands", log.commands.len());
    if password.is_some() {
        assert_locked(&virtual_token);
    }
    outcome
}

/// One run: the task, the password, the fault, when it happens, and whether that is after the last command.
type Run = (Task, Option<&'static str>, Fault, When, bool);

fn runs() -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (task, password, commands) in
        [(look as Task, None, 4), (look, Some(PASSWORD), 6), (code, None, 2), (code, Some(PASSWORD), 4)]
    {
        for (fault, at) in faults().into_iter().flat_map(|fault| (0..=commands).map(move |at| (fault.clone(), at))) {
            for when in [When::Once(at), When::From(at)] {
                runs.push((task, password, fault.clone(), when, at == commands));
            }
        }
    }
    runs
}

#[test]
fn a_fault_at_any_command_ends_the_conversation_and_locks_again() {
    let runs = runs();
    assert_eq!(runs.len(), 19 * 2 * (5 + 7 + 3 + 5));
    // Some runs wait a while to see whether the token is gone, so all run in parallel.
    std::thread::scope(|scope| {
        for (task, password, fault, when, is_past) in &runs {
            scope.spawn(move || {
                let outcome = run(*task, *password, fault, *when);
                assert!(!is_past || outcome.is_ok(), "{fault:?} {when:?}: {outcome:?}");
            });
        }
    });
}

#[test]
fn single_faults_from_outside_are_retried_silently() {
    let harmless = [
        Fault::Carrier(CarrierError::Reset),
        Fault::Carrier(CarrierError::ServiceStopped),
        Fault::Carrier(CarrierError::Broken),
        Fault::Answer(vec![]),
    ];
    for fault in harmless {
        for at in 0..4 {
            for password in [None, Some(PASSWORD)] {
                let code = run(code, password, &fault, When::Once(at));
                assert_eq!(code.as_deref(), Ok("94287082"), "{fault:?} at {at}");
            }
        }
    }
    for status in [vec![0x6D, 0x00], vec![0x6E, 0x00], vec![0x69, 0x82]] {
        let at_calculate = run(code, None, &Fault::Answer(status), When::Once(1));
        assert_eq!(at_calculate.as_deref(), Ok("94287082"), "another applet was selected");
    }
}

#[test]
fn lasting_faults_are_reported() {
    let carrier = |why: CarrierError| (Fault::Carrier(why.clone()), OathError::from(why));
    let too_short = |length| OathError::Exchange(ExchangeError::TooShort { length });
    let other = |status| {
        (Fault::Answer(Vec::from(u16::to_be_bytes(status))), OathError::OtherApplet { status: StatusWord(status) })
    };
    let cases = [
        (carrier(CarrierError::Reset), 3),
        (carrier(CarrierError::ServiceStopped), 2),
        (carrier(CarrierError::Broken), 2),
        (carrier(CarrierError::Removed), 1),
        (carrier(CarrierError::Refused), 1),
        (carrier(CarrierError::Mute), 1),
        ((Fault::Answer(vec![]), too_short(0)), 2),
        ((Fault::Answer(vec![0x90]), too_short(1)), 2),
        ((Fault::Answer(vec![0x61, 0xFF]), OathError::Exchange(ExchangeError::Endless)), 1),
        (other(0x6D00), 2),
        (other(0x6E00), 2),
        ((Fault::Answer(vec![0x69, 0x82]), OathError::NotPermitted), 2),
    ];
    for ((fault, error), conversations) in cases {
        let virtual_token = token(Persona::YUBIKEY_5_4_3);
        let counted = Arc::new(Mutex::new(0));
        let bus = MemoryBus::new();
        let (answering, counting, faulty) = (virtual_token.clone(), Arc::clone(&counted), fault.clone());
        bus.insert(READER, move |command| match (&faulty, command[1]) {
            (_, 0xA4) => Ok(answering.exchange(command)),
            (Fault::Carrier(why), _) => Err(why.clone()),
            (Fault::Answer(answer), _) => {
                *counting.lock().unwrap() += 1;
                Ok(answer.clone())
            }
        });
        assert_eq!(code(&bus), Err(error), "{fault:?}");
        let log = bus.log(READER);
        assert_left_alone(&log);
        assert_eq!(log.begun, conversations, "{fault:?}");
    }
}

#[test]
fn a_panic_ends_the_conversation_and_locks_again() {
    let virtual_token = token(Persona::YUBIKEY_5_4_3);
    virtual_token.set_password(Some(PASSWORD));
    let (bus, plugged) = crate::bench::in_memory(&virtual_token);
    let panicking = std::panic::catch_unwind(|| {
        converse(&bus, READER, Patience::NONE, &mut |transport: &mut dyn Transport| -> Result<(), OathError> {
            let oath::OathApplet::Locked(locked) = oath::select(transport)? else { panic!("it has a password") };
            let key = right_key(locked.device_id().unwrap()).unwrap();
            let oath::Attempt::Unlocked(_ready) = locked.unlock(&key)? else { panic!("it is the right one") };
            std::panic::resume_unwind(Box::new("in the middle"));
        })
    });
    assert!(panicking.is_err_and(|what| what.downcast_ref() == Some(&"in the middle")));
    assert_left_alone(&bus.log(READER));
    assert_locked(&plugged.token);
}
