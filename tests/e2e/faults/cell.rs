//! A cell of the matrix: a command with a fault at one point, its outcome, and what must hold whatever the outcome.

use super::errand::{ERRANDS, Errand, ExpectedEffect};
use super::faulty_path::FaultyPath;
use super::injected_fault::{FaultKind, FaultPoint, InjectedFault};
use crate::harness::test_world::{CommandOutcome, READER, TestWorld};
use aws_mfa_key::world::TokenLimits;
use hw::memory_bus::Step;
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Divisor of all time limits in cells that wait for one to pass. Other cells use the usual limits, so that a busy
/// machine does not exceed them.
const DIVISOR: u32 = 2;
/// Upper bound for every cell, on a busy machine.
const BOUND: Duration = Duration::from_secs(90);

/// Number of times that a command passes each point if nothing goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct PointCounts {
    pub readers: usize,
    pub opened: usize,
    pub begun: usize,
    pub commands: usize,
}

impl PointCounts {
    pub fn of(self, place: FaultPoint) -> usize {
        match place {
            FaultPoint::Readers => self.readers,
            FaultPoint::Open => self.opened,
            FaultPoint::Begin => self.begun,
            FaultPoint::Command => self.commands,
        }
    }
}

/// Runs an errand without a fault, and counts how often it passes each point.
pub fn lengths(errand: &Errand) -> PointCounts {
    let cell = FaultCell::new(
        errand,
        &InjectedFault { name: "", place: FaultPoint::Command, what: FaultKind::Slow, times: 0 },
        0,
    );
    let told = cell.bench.run(errand.words);
    assert_eq!(told.code, 0, "{}: {told:?}", errand.name);
    let count = |place| cell.way.count(place);
    PointCounts {
        readers: count(FaultPoint::Readers),
        opened: count(FaultPoint::Open),
        begun: count(FaultPoint::Begin),
        commands: count(FaultPoint::Command),
    }
}

pub struct FaultCell<'a> {
    errand: &'a Errand,
    fault: &'a InjectedFault,
    bench: TestWorld,
    way: Arc<FaultyPath>,
}

impl<'a> FaultCell<'a> {
    pub fn new(errand: &'a Errand, fault: &'a InjectedFault, at: usize) -> Self {
        let mut bench = TestWorld::new();
        bench.configure("mfa_key_source = token\n");
        (errand.prepare)(&mut bench);
        if matches!(fault.what, FaultKind::Silent) {
            bench.token_limits = TokenLimits::USUAL.divided_by(DIVISOR);
        }
        bench.token.reset();
        bench.token.clear_commands();
        bench.aws.clear_requests();
        let way = FaultyPath::new(fault, at, &bench);
        way.plug();
        for (step, place) in
            [(Step::Readers, FaultPoint::Readers), (Step::Open, FaultPoint::Open), (Step::Begin, FaultPoint::Begin)]
        {
            let way = Arc::clone(&way);
            bench.bus.guard(step, move |_| way.pass(place));
        }
        Self { errand, fault, bench, way }
    }

    /// Runs the command. Returns the outcome for the table, and the violated rules.
    pub fn run(self) -> (String, Vec<String>) {
        let spent = self.spent();
        let begun = Instant::now();
        let told = self.bench.run(self.errand.words);
        let took = begun.elapsed();
        self.way.release();
        self.until_let_go();
        let mut complaints = Vec::new();
        let mut must = |is_so: bool, what: &str| {
            if !is_so {
                complaints.push(format!("{what}: {told:?}"));
            }
        };
        must(took < BOUND, "it took too long");
        self.check_words(&told, &mut must);
        self.check_codes(&told, self.spent() - spent, &mut must);
        self.check_token(&told, &mut must);
        (outcome(&told, self.errand), complaints)
    }

    /// Waits until an abandoned thread has released the token.
    fn until_let_go(&self) {
        let end = Instant::now() + BOUND;
        while Instant::now() < end {
            let tally = self.bench.bus.log(READER);
            if (tally.opened, tally.begun) == (tally.closed, tally.ended) {
                return;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Returns the number of steps recorded in the ledgers.
    fn spent(&self) -> usize {
        let folder = self.bench.path(".local/state/aws-mfa-key");
        let ledgers = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let texts = ledgers.filter(|path| path.extension().is_some_and(|is| is == "json")).map(fs::read);
        let ledgers = texts.map(|text| serde_json::from_slice::<serde_json::Value>(&text.unwrap()).unwrap());
        ledgers.map(|ledger| ledger["spent"].as_array().map_or(0, Vec::len)).sum()
    }

    /// Checks that a failure is reported in three lines with a matching exit code, and success without an error.
    fn check_words(&self, told: &CommandOutcome, must: &mut impl FnMut(bool, &str)) {
        let lines: Vec<&str> = told.err.lines().collect();
        if told.code == 0 {
            must(!told.err.contains("error: "), "done, and an error");
        } else {
            must((1..=6).contains(&told.code), "an exit code that is not ours");
            let starts = |line: &str, with: &str| line.starts_with(with) && line.len() > with.len();
            let [.., error, cause, next] = lines[..] else { return must(false, "not three lines") };
            let well = starts(error, "error: ") && starts(cause, "cause: ") && starts(next, " next: ");
            must(well, "not three lines");
            // `tokens` also lists the tokens that it cannot access.
            must(told.out.is_empty() || self.errand.name == "tokens", "an answer, and yet it failed");
        }
        let shown = format!("{}{}{}", told.out, told.err, told.terminal);
        must(shown.chars().all(|c| !c.is_control() || "\n\r".contains(c)), "what is not to be printed");
    }

    /// Checks that the ledger and AWS agree with the codes that came from the token, and that a code is used.
    fn check_codes(&self, told: &CommandOutcome, spent: usize, must: &mut impl FnMut(bool, &str)) {
        let came = self.way.codes().min(1);
        let sent = self.bench.aws.requests().iter().filter(|request| request.had_code).count();
        must(spent == came, "steps noted as spent are not those of codes that came");
        match self.errand.effect {
            ExpectedEffect::Session => {
                must(sent == came, "a code was wasted, or sent twice");
                must((told.code == 0) == (came == 1), "a code that came is to be used");
                let has_session = self.bench.read(".aws/credentials").contains("[dev-mfa]");
                must(has_session == (told.code == 0), "a session that is not written, or one that is not there");
            }
            ExpectedEffect::Code => {
                must(sent == 0, "it asked AWS");
                let is_code = told.out.len() == 7 && told.out.trim().bytes().all(|byte| byte.is_ascii_digit());
                must(is_code == (came == 1), "a code that came is to be shown");
            }
            ExpectedEffect::Look | ExpectedEffect::Change(_) => must(sent + came == 0, "nobody asked for a code"),
        }
    }

    /// Checks that the token is released and locked again, and that the report about changes is true.
    fn check_token(&self, told: &CommandOutcome, must: &mut impl FnMut(bool, &str)) {
        let TestWorld { bus, token, .. } = &self.bench;
        let tally = bus.log(READER);
        must((tally.opened, tally.begun) == (tally.closed, tally.ended), "not let go");
        must(tally.collisions == 0, "two conversations at once");
        must(tally.begun <= 16 && tally.commands.len() < 16 * 8 * 514, "it does not stop");
        let sent = token.commands();
        must(!sent.iter().any(|command| command.starts_with(&[0, 4])), "RESET");
        let writes = sent.iter().filter(|command| is_write(command)).count();
        match self.errand.effect {
            ExpectedEffect::Change(is_made) => {
                must(writes <= 3, "written again and again");
                let is_made = is_made(&self.bench);
                let says = |words: &str| told.err.contains(words);
                if told.code == 0 {
                    must(is_made, "said to be done");
                } else if !says("may or may not have been made") && !says("reported success") {
                    must(!is_made, "said not to be done");
                }
                must(says("nothing was changed") <= !is_made, "said to be unchanged");
            }
            ExpectedEffect::Session | ExpectedEffect::Code | ExpectedEffect::Look => {
                must(writes == 0, "written to where only looking was meant")
            }
        }
        // If nothing reaches the token, nothing can lock it.
        let is_cut_off = matches!(self.fault.what, FaultKind::Error(_) | FaultKind::NoService | FaultKind::Silent);
        let is_open = token.exchange(&[0, 0xA1, 0, 0, 0]).ends_with(&[0x90, 0]);
        must(is_cut_off || !is_open || token.has_password(None), "left unlocked");
    }
}

/// Returns true for PUT, DELETE, SET CODE, RESET and RENAME. Reading the serial number has the instruction of PUT,
/// with P1 0x10.
fn is_write(command: &[u8]) -> bool {
    matches!(command, [0, 1..=5, p1, ..] if (command[1], *p1) != (1, 0x10))
}

/// Formats the outcome in a few words, without details that depend on the command.
fn outcome(told: &CommandOutcome, errand: &Errand) -> String {
    if told.code == 0 {
        let row = told.out.lines().nth(1).filter(|_| errand.name == "tokens");
        let row = row.filter(|row| !row.contains("alice@example")).unwrap_or_default();
        let row = row.trim_start_matches(['-', ' ']).replace("12345678", "SERIAL");
        return if row.is_empty() { "   0: done".to_owned() } else { format!("   0: {row}") };
    }
    let part = |name: &str| {
        let line = told.err.lines().rev().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        seconds_left_out(line).replace(READER, "TOKEN").replace("YubiKey 12345678", "TOKEN")
    };
    format!("   {}: {}\n      next: {}", told.code, part("cause: "), part(" next: "))
}

/// Replaces the number in `within N s`, which depends on the divisor.
fn seconds_left_out(line: &str) -> String {
    let Some((before, after)) = line.split_once("within ") else { return line.to_owned() };
    format!("{before}within N{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn every_errand_succeeds_without_a_fault() {
    for errand in ERRANDS {
        let lengths = lengths(errand);
        assert!(lengths.commands >= 2 && lengths.opened == lengths.begun, "{}: {lengths:?}", errand.name);
    }
}
