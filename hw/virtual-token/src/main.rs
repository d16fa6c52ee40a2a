//! `virtual-token`: plugs a simulated YubiKey into a private pcscd, and executes commands from its standard input.

mod orders;
mod otpauth;
mod plug;

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;
use std::{fs, thread};

use clap::Parser;
use orders::Bench;
use plug::Plug;
use virtual_token::usbip::{PRODUCTS, Port};
use virtual_token::{Persona, SimulatedTouch, StoredAccount, VirtualToken};

/// Plug a simulated YubiKey into a private pcscd
///
/// Prints one line when it is ready: `ready PCSCLITE_CSOCK_NAME=PATH VPCD=HOST:PORT PCSCD=PID READER=NAME`. With
/// --vpcd, the line is `ready VPCD=HOST:PORT`; with --usbip, it is `ready USBIP=HOST:PORT BUSID=ID`, for
/// `usbip attach`.
///
/// Then reads commands from standard input, one a line, and prints one line for each: touch · touch after 2s · touch
/// on-command · touch never · waiting · insert · remove · attached · commands · password [WORDS] · quit. Ends at the
/// end of its input.
#[derive(Debug, Parser)]
#[command(name = "virtual-token", version)]
struct Arguments {
    /// Kind of token to simulate: 5.4.3, 5.2.4, 5.7, fips, 4.3.4, 4-fips, neo, canokey, nitrokey, nitrokey-pin, pico
    #[arg(long, default_value = "5.4.3", value_parser = persona)]
    persona: Persona,
    /// Serial number; 0 hides it
    #[arg(long, default_value_t = 12_345_678)]
    serial: u32,
    /// Name of an account; needs one --secret-file each
    #[arg(long, value_name = "NAME")]
    account: Vec<String>,
    /// File with the account's secret: one line of base32
    #[arg(long, value_name = "FILE")]
    secret_file: Vec<PathBuf>,
    /// File with more accounts: one otpauth:// URI a line
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Require a touch for all these accounts
    #[arg(long)]
    touch: bool,
    /// Simulate a touch this long after it is asked for: 2s, 500ms
    #[arg(long, value_name = "TIME", value_parser = orders::duration)]
    touch_after: Option<Duration>,
    /// Time to wait for a touch (default: that of the simulated token)
    #[arg(long, value_name = "TIME", value_parser = orders::duration)]
    touch_timeout: Option<Duration>,
    /// File with the password in its first line
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Plug into an existing virtual reader, not into a private pcscd
    #[arg(long, value_name = "HOST:PORT")]
    vpcd: Option<SocketAddr>,
    /// Be a USB device that a kernel attaches to at this address (`usbip --tcp-port PORT attach -r HOST -b 1-1`)
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "vpcd")]
    usbip: Option<SocketAddr>,
    /// USB product id
    #[arg(long, value_name = "HEX", default_value = "0407", value_parser = product)]
    product: u16,
}

fn persona(name: &str) -> Result<Persona, String> {
    Persona::named(name).ok_or_else(|| format!("there are {}", Persona::ALL.map(|persona| persona.name).join(", ")))
}

fn product(id: &str) -> Result<u16, String> {
    let id = u16::from_str_radix(id, 16).ok().filter(|id| PRODUCTS.contains(id));
    id.ok_or_else(|| format!("there are {}", PRODUCTS.map(|id| format!("{id:04x}")).join(", ")))
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _nobody_reads = writeln!(io::stderr(), "virtual-token: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    // Signals are caught before anything is started that they could leave behind.
    let (sender, lines) = mpsc::channel();
    end_on_signal(sender.clone())?;
    let token = token(&arguments)?;
    let plug = match (arguments.vpcd, arguments.usbip) {
        (Some(address), _) => Plug::reader(address),
        (None, Some(address)) => Plug::Port(Port::open(address, &token, arguments.product)?),
        (None, None) => Plug::own(arguments.persona.reader)?,
    };
    let mut bench = Bench { token, plug };
    bench.plug.insert(&bench.token)?;
    say(&bench.plug.ready())?;
    thread::spawn(move || read_lines(&sender));
    obey(&mut bench, &lines)
}

fn obey(bench: &mut Bench, lines: &Receiver<Option<String>>) -> Result<(), Box<dyn Error>> {
    while let Ok(Some(line)) = lines.recv() {
        if line.trim() == "quit" {
            say("ok")?;
            break;
        }
        say(&bench.obey(&line).unwrap_or_else(|error| format!("error: {error}")))?;
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn read_lines(to: &Sender<Option<String>>) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if to.send(Some(line)).is_err() {
            return;
        }
    }
    let _already_ending = to.send(None);
}

fn end_on_signal(to: Sender<Option<String>>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::spawn(move || signals.forever().try_for_each(|_| to.send(None)));
    Ok(())
}

fn token(arguments: &Arguments) -> Result<VirtualToken, Box<dyn Error>> {
    let serial = (arguments.serial != 0).then_some(arguments.serial);
    let token = VirtualToken::builder(arguments.persona.clone()).serial(serial).build();
    for account in accounts(arguments)? {
        token.add(StoredAccount { touch: arguments.touch || account.touch, ..account });
    }
    if let Some(file) = &arguments.password_file {
        token.set_password(Some(first_line(&read(file)?)));
    }
    token.set_touch(arguments.touch_after.map_or(SimulatedTouch::OnCommand, SimulatedTouch::ByItself));
    if let Some(timeout) = arguments.touch_timeout {
        token.set_touch_timeout(timeout);
    }
    Ok(token)
}

fn accounts(arguments: &Arguments) -> Result<Vec<StoredAccount>, Box<dyn Error>> {
    let Arguments { account, secret_file, accounts, .. } = arguments;
    if account.len() != secret_file.len() {
        return Err("each --account needs a --secret-file, and the other way round".into());
    }
    let mut all = Vec::new();
    for (name, file) in account.iter().zip(secret_file) {
        let secret = otpauth::base32(first_line(&read(file)?));
        let secret = secret.ok_or_else(|| format!("{}: its first line is not base32", file.display()))?;
        all.push(StoredAccount::totp(name.as_bytes(), secret));
    }
    if let Some(file) = accounts {
        for line in read(file)?.lines().filter(|line| !line.trim().is_empty()) {
            all.push(otpauth::account(line.trim()).ok_or("a line of --accounts is no otpauth:// URI")?);
        }
    }
    Ok(all)
}

fn read(file: &PathBuf) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}
