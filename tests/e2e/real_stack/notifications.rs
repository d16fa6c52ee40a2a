//! Tests of desktop notifications, with a private D-Bus daemon and a notification server that records its calls.

use crate::harness::dbus_daemon::DBusDaemon;
use crate::harness::events::{has_sleeping_thread, until};
use crate::harness::stack::{PATIENCE, ProgramOutput, RealStack, program, signal, write_script};
use futures_util::StreamExt;
use std::collections::HashMap;
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use virtual_token::{SimulatedTouch, StoredAccount};
use zbus::fdo::MonitoringProxy;
use zbus::message::Type;
use zbus::zvariant::OwnedValue;
use zbus::{MatchRule, Message, MessageStream};

/// A call that the notification server received.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NotificationCall {
    Shown { id: u32, summary: String, body: String, limit: i32 },
    Closed(u32),
}

/// Behaviour of the notification server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ServerBehaviour {
    /// Announces the capability `body-markup`.
    Marked,
    /// Does not announce `body-markup`.
    Plain,
    /// Receives calls but never replies.
    Mute,
}

struct NotificationServer {
    kind: ServerBehaviour,
    asked: Arc<Mutex<Vec<NotificationCall>>>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl NotificationServer {
    fn get_capabilities(&self) -> Vec<String> {
        let markup = (self.kind != ServerBehaviour::Plain).then(|| "body-markup".to_owned());
        ["body".to_owned()].into_iter().chain(markup).collect()
    }

    #[allow(clippy::too_many_arguments, reason = "the specification has so many")]
    async fn notify(
        &self,
        app: String,
        replaces: u32,
        icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        limit: i32,
    ) -> u32 {
        assert_eq!((app.as_str(), replaces, actions.len(), icon.is_empty()), ("aws-mfa-key", 0, 0, false));
        assert_eq!((u8::try_from(&hints["urgency"]), bool::try_from(&hints["transient"])), (Ok(2), Ok(true)));
        let id = {
            let mut asked = self.asked.lock().unwrap();
            let id = u32::try_from(asked.len()).unwrap() + 1;
            asked.push(NotificationCall::Shown { id, summary, body, limit });
            id
        };
        if self.kind == ServerBehaviour::Mute {
            std::future::pending::<()>().await;
        }
        id
    }

    fn close_notification(&self, id: u32) {
        self.asked.lock().unwrap().push(NotificationCall::Closed(id));
    }
}

/// A stack with a desktop session.
struct DesktopStack {
    stack: RealStack,
    asked: Arc<Mutex<Vec<NotificationCall>>>,
    /// The server's replies that the daemon has passed on: two for each shown notification.
    replies: Arc<AtomicUsize>,
    // Dropped after the server's connection.
    _bus: DBusDaemon,
    _end: tokio::sync::oneshot::Sender<()>,
}

impl DesktopStack {
    /// Starts a desktop with a server of this kind. Touches take one second, time enough for a notification to be
    /// shown.
    fn new(kind: ServerBehaviour) -> Self {
        let (mut stack, bus, asked) = (RealStack::new(), DBusDaemon::start(), Arc::default());
        stack.bench.token.set_touch(SimulatedTouch::ByItself(Duration::from_secs(1)));
        stack.bench.env.insert("DBUS_SESSION_BUS_ADDRESS".to_owned(), bus.address());
        let server = NotificationServer { kind, asked: Arc::clone(&asked) };
        let (end, ended) = tokio::sync::oneshot::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let (address, replies) = (bus.address(), Arc::new(AtomicUsize::new(0)));
        let passed_on = Arc::clone(&replies);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let builder = zbus::connection::Builder::address(address.as_str()).unwrap();
                let builder = builder.name("org.freedesktop.Notifications").unwrap();
                let builder = builder.serve_at("/org/freedesktop/Notifications", server).unwrap();
                let connection = builder.build().await.unwrap();
                let monitor = zbus::connection::Builder::address(address.as_str()).unwrap().build().await.unwrap();
                let returns = MatchRule::builder().msg_type(Type::MethodReturn).build();
                MonitoringProxy::new(&monitor).await.unwrap().become_monitor(&[returns], 0).await.unwrap();
                ready.send(()).unwrap();
                let is_ours =
                    |message: &Message| message.header().sender() == connection.unique_name().map(|name| &**name);
                let count = MessageStream::from(monitor).for_each(|message| {
                    passed_on.fetch_add(usize::from(message.is_ok_and(|message| is_ours(&message))), Ordering::SeqCst);
                    std::future::ready(())
                });
                futures_util::future::select(pin!(count), ended).await;
            });
        });
        is_ready.recv_timeout(PATIENCE).unwrap();
        Self { stack, asked, replies, _bus: bus, _end: end }
    }

    fn asked(&self) -> Vec<NotificationCall> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits for this many calls, and returns all of them.
    fn until_asked(&self, count: usize) -> Vec<NotificationCall> {
        until("the server is asked", || self.asked().len() >= count);
        self.asked()
    }

    /// Waits until the daemon has passed on the replies for this many notifications.
    fn until_shown(&self, count: usize) {
        until("the notification is shown", || self.replies.load(Ordering::SeqCst) >= 2 * count);
    }

    /// Builds a command in which a script of this name runs the program under test.
    fn called_by(&self, name: &str, arguments: &str) -> Command {
        let caller = self.stack.bench.path(name);
        write_script(&caller, &format!("#!/bin/sh\n\"{}\" {arguments}\nexit $?\n", program()));
        self.stack.command(caller.to_str().unwrap(), &[])
    }
}

fn shown_and_closed(asked: &[NotificationCall]) -> (&str, &str, i32) {
    let [NotificationCall::Shown { id, summary, body, limit }, NotificationCall::Closed(closed)] = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(id, closed);
    (summary, body, *limit)
}

#[test]
fn a_notification_names_requester_and_purpose_and_is_closed() {
    let desk = DesktopStack::new(ServerBehaviour::Marked);
    desk.stack.bench.token.set_touch(SimulatedTouch::OnCommand);
    let child = desk.called_by("terraform", "credential-process dev").spawn().unwrap();
    desk.until_asked(1);
    assert!(desk.stack.bench.token.until_waiting_for_touch(PATIENCE));
    assert_eq!(desk.asked().len(), 1, "it stands there while nobody touches");
    assert!(desk.stack.bench.token.touch());
    let told = ProgramOutput::from(child.wait_with_output().unwrap());
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.err.contains("Touch YubiKey 12345678 for terraform: profile dev, AWS account 123456789012"));
    let asked = desk.until_asked(2);
    assert_eq!(
        shown_and_closed(&asked),
        (
            "Touch YubiKey 12345678",
            "Requested by terraform for profile dev (AWS account 123456789012).\n\
             Account on the token: Amazon Web Services:alice@example\n\
             You have 15 seconds.",
            15_000
        )
    );
}

#[test]
fn the_notification_is_closed_however_the_wait_ends() {
    for (ending, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let desk = DesktopStack::new(ServerBehaviour::Marked);
        desk.stack.bench.token.set_touch(SimulatedTouch::Never);
        // Without `setsid` in between, the signal reaches the program itself.
        let mut command = desk.stack.program(&["login", "dev"]);
        let mut direct = Command::new(program());
        direct.args(["login", "dev"]).env_clear().envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
        command = direct;
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        desk.until_shown(1);
        // The reply has been processed once the thread that it woke sleeps again.
        until("it has taken the reply", || has_sleeping_thread(child.id(), "desktop"));
        signal(&child, ending);
        let told = ProgramOutput::from(child.wait_with_output().unwrap());
        assert_eq!(told.code, Some(code), "{ending}: {told:?}");
        shown_and_closed(&desk.until_asked(2));
    }
    let desk = DesktopStack::new(ServerBehaviour::Marked);
    desk.stack.bench.token.set_touch(SimulatedTouch::Never);
    desk.stack.bench.token.set_touch_timeout(Duration::from_secs(6));
    let told = desk.stack.run(&["login", "dev"]);
    assert!(told.code == Some(4) && told.err.contains("was not touched within 6 s"), "{told:?}");
    shown_and_closed(&desk.until_asked(2));
}

#[test]
fn the_notification_is_closed_when_credential_process_gives_up() {
    let desk = DesktopStack::new(ServerBehaviour::Marked);
    desk.stack.bench.token.set_touch(SimulatedTouch::Never);
    desk.stack.bench.token.set_touch_timeout(PATIENCE);
    let told = desk.stack.run(&["credential-process", "dev"]);
    assert!(told.err.contains("cause: nobody touched YubiKey 12345678 within 17 s\n"), "{told:?}");
    assert_eq!(told.code, Some(4));
    shown_and_closed(&desk.until_asked(2));
}

#[test]
fn a_broken_desktop_does_not_delay_a_login() {
    let desk = DesktopStack::new(ServerBehaviour::Mute);
    let login = |stack: &RealStack| {
        let begun = Instant::now();
        let told = stack.run(&["login", "dev"]);
        assert_eq!(told.code, Some(0), "{told:?}");
        assert!(!told.err.contains("bus") && !told.err.contains("esktop"), "{told:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    };
    login(&desk.stack);
    assert_eq!(desk.asked().len(), 1, "it was asked, and has not answered");
    // A bus that never answers, one that does not exist, invalid addresses, and a bus without a notification server.
    let silent = desk.stack.bench.path("silent");
    let _listening = UnixListener::bind(&silent).unwrap();
    let (gone, empty) = (desk.stack.bench.path("gone"), DBusDaemon::start());
    let paths = [&silent, &gone].map(|path| format!("unix:path={}", path.display()));
    let others = ["tcp:host=127.0.0.1,port=1", "nonsense", "unix:"].map(str::to_owned);
    for address in paths.into_iter().chain(others).chain([empty.address()]) {
        let mut stack = RealStack::new();
        stack.bench.env.insert("DBUS_SESSION_BUS_ADDRESS".to_owned(), address);
        login(&stack);
    }
}

#[test]
fn notifications_can_be_switched_off() {
    let mut desk = DesktopStack::new(ServerBehaviour::Marked);
    assert_eq!(desk.stack.run(&["login", "dev", "--no-notifications"]).code, Some(0));
    assert_eq!(desk.stack.run(&["login", "dev", "--force", "--non-interactive"]).code, Some(4));
    desk.stack.bench.env.insert("AWS_MFA_KEY_NO_NOTIFICATIONS".to_owned(), "1".to_owned());
    assert_eq!(desk.stack.run(&["login", "dev", "--force"]).code, Some(0));
    assert_eq!(desk.asked(), []);
    desk.stack.bench.env.insert("AWS_MFA_KEY_NO_NOTIFICATIONS".to_owned(), "no".to_owned());
    assert_eq!(desk.stack.run(&["login", "dev", "--force"]).code, Some(0));
    assert_eq!(desk.until_asked(2).len(), 2);
}

#[test]
fn the_bus_in_xdg_runtime_dir_is_used() {
    let mut desk = DesktopStack::new(ServerBehaviour::Marked);
    let address = desk.stack.bench.env.remove("DBUS_SESSION_BUS_ADDRESS").unwrap();
    let folder = address.trim_start_matches("unix:path=").trim_end_matches("/bus").to_owned();
    desk.stack.bench.env.insert("XDG_RUNTIME_DIR".to_owned(), folder);
    assert_eq!(desk.stack.run(&["login", "dev"]).code, Some(0));
    shown_and_closed(&desk.until_asked(2));
}

#[test]
fn names_are_escaped_in_notifications() {
    const EVIL: &str = "AWS:<b>a&b</b>\u{1b}[31m\u{202e}\n<a href=\"x\">";
    for kind in [ServerBehaviour::Marked, ServerBehaviour::Plain] {
        let desk = DesktopStack::new(kind);
        let token = &desk.stack.bench.token;
        token.remove(b"Amazon Web Services:alice@example");
        token.add(StoredAccount::totp(EVIL, crate::harness::test_world::SEED).with_touch());
        desk.stack.bench.configure(&format!("mfa_key_account = {}\n", "x"));
        let mut command = desk.called_by("<i>evil & co<i> \u{202e}x", "login dev --account \"$EVIL\"");
        let told = ProgramOutput::from(command.env("EVIL", EVIL).output().unwrap());
        assert_eq!(told.code, Some(0), "{told:?}");
        let asked = desk.until_asked(2);
        let (_, body, _) = shown_and_closed(&asked);
        let plain = "Requested by <i>evil & co<i> \\u{202e}x for profile dev (AWS account 123456789012).\n\
                     Account on the token: AWS:<b>a&b</b>\\u{1b}[31m\\u{202e}\\u{a}<a href=\"x\">\n\
                     You have 15 seconds.";
        let marked = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        assert_eq!(body, if kind == ServerBehaviour::Plain { plain } else { &marked });
        assert!(!told.err.contains(['\u{1b}', '\u{202e}']), "{told:?}");
    }
}

#[test]
fn a_notification_asks_to_plug_in_the_token() {
    let mut desk = DesktopStack::new(ServerBehaviour::Marked);
    desk.stack.inserted = None;
    let child = desk.called_by("terraform", "login dev --wait=2m").spawn().unwrap();
    desk.until_shown(1);
    desk.stack.inserted = Some(desk.stack.pcscd.insert(0, &desk.stack.bench.token).unwrap());
    let told = ProgramOutput::from(child.wait_with_output().unwrap());
    assert_eq!(told.code, Some(0), "{told:?}");
    let asked = desk.until_asked(4);
    let (summary, body, limit) = shown_and_closed(&asked[..2]);
    let body_said = "Requested by terraform for profile dev (AWS account 123456789012).\nYou have 120 seconds.";
    assert_eq!((summary, body, limit), ("Plug in the token", body_said, 120_000));
    assert_eq!(shown_and_closed(&asked[2..]).0, "Touch YubiKey 12345678");
}

#[test]
fn a_notification_points_at_a_password_prompt() {
    let desk = DesktopStack::new(ServerBehaviour::Marked);
    desk.stack.bench.token.set_password(Some("correct horse"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/harness/on_a_terminal.py");
    let caller = desk.called_by("deploy.sh", "login dev --quiet");
    let (setsid, caller) = ("--wait", caller.get_args().nth(1).unwrap().to_str().unwrap().to_owned());
    assert_eq!(setsid, "--wait");
    let question = "OATH password of YubiKey 12345678 (for deploy.sh): ";
    let answers = serde_json::to_string(&[(question, "correct horse\n")]).unwrap();
    let told = ProgramOutput::from(desk.stack.command("python", &[script, &answers, &caller]).output().unwrap());
    assert_eq!(told.code, Some(0), "{told:?}");
    let asked = desk.until_asked(4);
    let (summary, body, limit) = shown_and_closed(&asked[..2]);
    assert_eq!(
        (summary, body, limit),
        (
            "OATH password of YubiKey 12345678",
            "Requested by deploy.sh.\nAnswer on the terminal.\nYou have 120 seconds.",
            120_000
        )
    );
    shown_and_closed(&asked[2..]);
}
