//! Tokens that are plugged in and pulled out are reported, on every carrier.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use oath_token::conversation::Patience;
use oath_token::transport::{Bus, News, Present, Watch};
use virtual_token::{Persona, VirtualToken};

use crate::bench::{Plugged, READER, in_memory, token};

/// Time limit for a change to be reported.
const SOON: Duration = Duration::from_secs(20);

/// Waits until a reader is reported as holding a token (or none, if `is_there` is false), and returns that token.
fn until(watch: &mut dyn Watch, reader: &str, is_there: bool) -> Option<Present> {
    let asked = Instant::now();
    loop {
        assert!(asked.elapsed() < SOON, "not told in time");
        if let News::Tokens(tokens) = watch.news(Some(SOON)) {
            let found = tokens.into_iter().find(|present| present.reader == reader);
            if found.is_some() == is_there {
                return found;
            }
        }
    }
}

/// Checks that the next report is `Unknown`, and not a report that every token was pulled out.
fn until_unknown(watch: &mut dyn Watch) {
    let news = watch.news(Some(SOON));
    assert_eq!(news, News::Unknown);
}

/// Checks that tokens which are plugged in and pulled out are reported, and nothing else.
fn changes_are_reported_and_nothing_else(bus: &dyn Bus, reader: &str, plug: &dyn Fn(&VirtualToken) -> Plugged) {
    let token = token(Persona::YUBIKEY_5_4_3);
    let mut watch = bus.watch();
    assert_eq!(watch.news(None), News::Tokens(vec![]), "the first answer comes at once");
    assert_eq!(watch.news(Some(Duration::from_millis(50))), News::Nothing);
    let on = plug(&token);
    let first = until(&mut *watch, reader, true).unwrap();
    // A watch that begins later gives the same report.
    assert_eq!(bus.watch().news(None), News::Tokens(vec![first.clone()]));
    // A conversation with the token is not reported.
    assert!(oath_token::survey::survey(bus, Patience::USUAL, &crate::bench::no_keys).unwrap().tokens.len() == 1);
    assert_eq!(watch.news(Some(Duration::from_millis(300))), News::Nothing);
    (on.pull)();
    until(&mut *watch, reader, false);
    drop(on);
    let on = plug(&token);
    let second = until(&mut *watch, reader, true).unwrap();
    assert_ne!(first, second, "it was pulled out meanwhile");
    // A watch that was not waiting while the token was pulled out and plugged in again still reports the change.
    let mut away = bus.watch();
    away.news(None);
    (on.pull)();
    until(&mut *watch, reader, false);
    drop(on);
    let on = plug(&token);
    let third = until(&mut *away, reader, true).unwrap();
    assert_ne!(second, third);
    (on.pull)();
}

/// Checks that stopping a watch ends its wait, whether or not the wait has begun.
fn a_wait_ends_when_it_is_stopped(bus: &dyn Bus) {
    for pause in [0, 1, 5, 50] {
        let mut watch = bus.watch();
        let stop = watch.stopper();
        let (tell, told) = mpsc::channel();
        let waiting = thread::spawn(move || {
            watch.news(None);
            tell.send(()).unwrap();
            (watch.news(None), watch.news(None))
        });
        told.recv_timeout(SOON).unwrap();
        thread::sleep(Duration::from_millis(pause));
        let asked = Instant::now();
        stop();
        assert_eq!(waiting.join().unwrap(), (News::Stopped, News::Stopped));
        assert!(asked.elapsed() < SOON);
    }
}

#[test]
fn changes_in_memory_are_reported_and_nothing_else() {
    let bus = oath_token::memory_bus::MemoryBus::new();
    let inner = bus.clone();
    changes_are_reported_and_nothing_else(&bus, READER, &|token| {
        let (answering, pulled) = (token.clone(), inner.clone());
        inner.insert(READER, move |command| Ok(answering.exchange(command)));
        Plugged {
            bus: Box::new(inner.clone()),
            reader: READER.to_owned(),
            token: token.clone(),
            pull: Box::new(move || pulled.remove(READER)),
        }
    });
    a_wait_ends_when_it_is_stopped(&bus);
}

#[test]
fn a_bus_that_does_not_respond_is_reported_as_unknown() {
    let (bus, _on) = in_memory(&token(Persona::YUBIKEY_5_4_3));
    let mut watch = bus.watch();
    until(&mut *watch, READER, true);
    bus.guard(oath_token::memory_bus::Step::Readers, |_| Err(oath_token::transport::CarrierError::NoService));
    until_unknown(&mut *watch);
    assert_eq!(bus.watch().news(None), News::Unknown, "whoever comes later is told the same");
    bus.guard(oath_token::memory_bus::Step::Readers, |_| Ok(()));
    until(&mut *watch, READER, true);
}

#[cfg(target_os = "linux")]
mod through_a_service {
    use super::*;
    use crate::bench::service::with_service;
    use oath_token::pcsc_bus::PcscBus;

    #[test]
    fn changes_are_reported_and_nothing_else() {
        with_service("watch::through_a_service::changes_are_reported_and_nothing_else", |service| {
            super::changes_are_reported_and_nothing_else(&PcscBus::new(), service.reader(), &|token| {
                service.plug(token)
            });
            service.until_empty();
            a_wait_ends_when_it_is_stopped(&PcscBus::new());
        });
    }

    #[test]
    fn a_watch_does_not_wake_up_without_a_change() {
        with_service("watch::through_a_service::a_watch_does_not_wake_up_without_a_change", |service| {
            let on = service.plug(&token(Persona::YUBIKEY_5_4_3));
            let mut watch = PcscBus::new().watch();
            let stop = watch.stopper();
            let (tell, told) = mpsc::channel();
            let waiting = thread::spawn(move || {
                let me = std::fs::read_link("/proc/thread-self").unwrap();
                watch.news(None);
                tell.send(me).unwrap();
                watch.news(None)
            });
            let status = std::path::Path::new("/proc").join(told.recv_timeout(SOON).unwrap()).join("status");
            let switches = || {
                let text = std::fs::read_to_string(&status).unwrap();
                let line = text.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap().to_owned();
                line.split_whitespace().last().unwrap().parse::<u64>().unwrap()
            };
            thread::sleep(Duration::from_millis(500));
            let before = switches();
            thread::sleep(Duration::from_secs(3));
            assert_eq!(switches(), before);
            stop();
            assert_eq!(waiting.join().unwrap(), News::Stopped);
            (on.pull)();
        });
    }

    #[test]
    fn a_killed_service_is_reported_as_unknown() {
        with_service("watch::through_a_service::a_killed_service_is_reported_as_unknown", |service| {
            let _on = service.plug(&token(Persona::YUBIKEY_5_4_3));
            let mut watch = PcscBus::new().watch();
            until(&mut *watch, service.reader(), true);
            service.kill();
            until_unknown(&mut *watch);
            assert_eq!(PcscBus::new().watch().news(None), News::Unknown, "whoever comes later is told the same");
            let stop = watch.stopper();
            let waiting = thread::spawn(move || watch.news(None));
            thread::sleep(Duration::from_millis(50));
            let asked = Instant::now();
            stop();
            assert_eq!(waiting.join().unwrap(), News::Stopped);
            assert!(asked.elapsed() < Duration::from_secs(5), "it does not sit out its pause");
        });
    }
}
