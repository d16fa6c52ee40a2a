//! Desktop notifications over the session's D-Bus (Desktop Notifications Specification 1.2,
//! org.freedesktop.Notifications).
//!
//! Everything here runs on a thread of its own, with timeouts, so that a desktop that hangs, refuses or is absent
//! does not delay a login.

use super::Environment;
use super::notifications::Desktop;
use super::prompt::DesktopNotice;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OnceCell, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::message::{Flags, Message};
use zbus::zvariant::Value;

/// Timeout for the connection to the bus, and for each reply of the notification server. The bus may have to start
/// the server first.
const PATIENCE: Duration = Duration::from_secs(10);
const SERVER: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// Urgency of a notification that stays above other windows until it is closed (specification, urgency levels).
const CRITICAL: u8 = 2;

/// The D-Bus of the person's desktop session. The connection is made only when a notification has to be shown.
pub struct SessionBus {
    address: String,
    thread: Mutex<Option<UnboundedSender<DesktopOrder>>>,
}

enum DesktopOrder {
    Show(u64, DesktopNotice),
    Close(u64),
    Settle(mpsc::Sender<()>),
}

impl SessionBus {
    /// Returns the session bus that environment variables name; `None` if they name no bus on this machine.
    #[must_use]
    pub fn of(env: &Environment) -> Option<Self> {
        Some(Self { address: env.session_bus()?, thread: Mutex::default() })
    }

    fn order(&self, order: DesktopOrder) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let orders = thread.get_or_insert_with(|| {
            let (orders, given) = unbounded_channel();
            let address = self.address.clone();
            // If no thread can be started, no notifications are shown.
            let _ = std::thread::Builder::new().name("desktop".to_owned()).spawn(move || work(address, given));
            orders
        });
        let _ = orders.send(order);
    }
}

impl Environment {
    /// Returns the address of the session's D-Bus: a Unix socket in `DBUS_SESSION_BUS_ADDRESS` or, if that is unset,
    /// the socket `bus` in `XDG_RUNTIME_DIR`. `None` if there is no socket on this machine.
    #[must_use]
    pub fn session_bus(&self) -> Option<String> {
        let named = self.text("DBUS_SESSION_BUS_ADDRESS").map(str::to_owned);
        let usual = || Some(format!("unix:path={}/bus", escaped(self.text("XDG_RUNTIME_DIR")?)));
        let addresses = named.or_else(usual)?;
        addresses.split(';').find(|address| address.starts_with("unix:")).map(str::to_owned)
    }
}

/// Escapes a path for a D-Bus address (D-Bus Specification, Server Addresses).
fn escaped(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/.\\*".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") }).collect()
}

impl Desktop for SessionBus {
    fn show(&self, number: u64, notice: &DesktopNotice) {
        self.order(DesktopOrder::Show(number, notice.clone()));
    }

    fn close(&self, number: u64) {
        self.order(DesktopOrder::Close(number));
    }

    fn settle(&self, limit: Duration) {
        if self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            let (done, settled) = mpsc::channel();
            self.order(DesktopOrder::Settle(done));
            let _ = settled.recv_timeout(limit);
        }
    }
}

/// A notification that is being shown: from the request to show it until it is closed.
struct Shown {
    /// Dropped to close the notification.
    open: Option<oneshot::Sender<()>>,
    /// True once the server has confirmed the notification; until then it cannot be closed.
    is_there: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

fn work(address: String, mut orders: UnboundedReceiver<DesktopOrder>) {
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else { return };
    let bus = Arc::new(DesktopBus { address, connection: OnceCell::new() });
    runtime.block_on(async {
        let mut shown: HashMap<u64, Shown> = HashMap::new();
        while let Some(order) = orders.recv().await {
            match order {
                DesktopOrder::Show(number, notice) => {
                    shown.retain(|_, shown| !shown.task.is_finished());
                    let (open, closed) = oneshot::channel();
                    let (bus, is_there) = (Arc::clone(&bus), Arc::new(AtomicBool::new(false)));
                    let task = tokio::spawn(keep(bus, notice, Arc::clone(&is_there), closed));
                    shown.insert(number, Shown { open: Some(open), is_there, task });
                }
                DesktopOrder::Close(number) => {
                    if let Some(shown) = shown.get_mut(&number) {
                        shown.open = None;
                    }
                }
                DesktopOrder::Settle(done) => {
                    for closing in shown.extract_if(|_, shown| shown.open.is_none()).map(|(_, shown)| shown) {
                        if closing.is_there.load(Ordering::Relaxed) {
                            let _ = closing.task.await;
                        }
                    }
                    let _ = done.send(());
                }
            }
        }
    });
}

/// Shows a notification until `closed` resolves. If `closed` resolves before the server has replied, the notification
/// is closed as soon as the reply comes.
async fn keep(bus: Arc<DesktopBus>, notice: DesktopNotice, is_there: Arc<AtomicBool>, closed: oneshot::Receiver<()>) {
    let Some(connection) = bus.connection().await else { return };
    let Ok(id) = notify(connection, &notice).await else { return };
    is_there.store(true, Ordering::Relaxed);
    let _ = closed.await;
    let _ = timeout(PATIENCE, close(connection, id)).await;
}

struct DesktopBus {
    address: String,
    connection: OnceCell<Option<Connection>>,
}

impl DesktopBus {
    async fn connection(&self) -> Option<&Connection> {
        let connect = || async {
            let builder = Builder::address(self.address.as_str()).ok()?.method_timeout(PATIENCE);
            timeout(PATIENCE, builder.build()).await.ok()?.ok()
        };
        self.connection.get_or_init(connect).await.as_ref()
    }
}

async fn notify(connection: &Connection, notice: &DesktopNotice) -> zbus::Result<u32> {
    let call = |method| connection.call_method(Some(SERVER), PATH, Some(SERVER), method, &());
    let abilities = call("GetCapabilities").await.and_then(|reply| reply.body().deserialize::<Vec<String>>());
    // A server that does not list its capabilities is assumed to interpret markup.
    let is_plain = abilities.is_ok_and(|abilities| !abilities.iter().any(|ability| ability == "body-markup"));
    let body = if is_plain { notice.body.clone() } else { marked_up(&notice.body) };
    let limit = i32::try_from(notice.limit.as_millis()).unwrap_or(i32::MAX);
    let hints = HashMap::from([("urgency", Value::from(CRITICAL)), ("transient", Value::from(true))]);
    let actions: [&str; 0] = [];
    let arguments = ("aws-mfa-key", 0_u32, "dialog-password", &notice.summary, body, &actions[..], hints, limit);
    let reply = connection.call_method(Some(SERVER), PATH, Some(SERVER), "Notify", &arguments).await?;
    reply.body().deserialize()
}

/// Sends the request to close a notification without waiting for a reply. The bus delivers the request even after
/// this process has ended.
async fn close(connection: &Connection, id: u32) -> zbus::Result<()> {
    let message = Message::method_call(PATH, "CloseNotification")?;
    let message = message.destination(SERVER)?.interface(SERVER)?.with_flags(Flags::NoReplyExpected)?;
    connection.send(&message.build(&id)?).await
}

/// Escapes text for the body of a notification, which the server interprets as markup (specification, Markup).
fn marked_up(text: &str) -> String {
    let mut marked_up = String::new();
    for c in text.chars() {
        match c {
            '&' => marked_up.push_str("&amp;"),
            '<' => marked_up.push_str("&lt;"),
            '>' => marked_up.push_str("&gt;"),
            '"' => marked_up.push_str("&quot;"),
            '\'' => marked_up.push_str("&#39;"),
            _ => marked_up.push(c),
        }
    }
    marked_up
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn the_session_bus_is_a_unix_socket() {
        let address = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
            SessionBus::of(&variables.collect()).map(|bus| bus.address)
        };
        let (named, usual) = ("DBUS_SESSION_BUS_ADDRESS", ("XDG_RUNTIME_DIR", "/run/user/1 0"));
        assert_eq!(address(&[]), None);
        assert_eq!(address(&[usual]).as_deref(), Some("unix:path=/run/user/1%200/bus"));
        assert_eq!(address(&[(named, "unix:abstract=/x,guid=1"), usual]).as_deref(), Some("unix:abstract=/x,guid=1"));
        assert_eq!(address(&[(named, "tcp:host=h,port=1;unix:path=/y")]).as_deref(), Some("unix:path=/y"));
        for other in ["tcp:host=h,port=1", "unixexec:path=/bin/sh", "autolaunch:", "disabled:"] {
            assert_eq!(address(&[(named, other), usual]), None, "{other}");
        }
    }
}
