//! One cell of the matrix: one command with one fault at one place, its outcome, and what must be so whatever the outcome.

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

/// Divisor of all time limits where one of them is waited to its end. Elsewhere they are as long as usual, so that a busy
/// machine does not exceed them.
const DIVISOR: u32 = 2;
/// Longer than anything here may take, on a machine that is busy with much else.
const BOUND: Duration = Duration::from_secs(90);

/// How often a command reaches each place if nothing goes wrong.
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

/// Runs an errand with nothing in its way.
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

    /// Runs the command; returns the outcome as a person reads it, and what must not be so.
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

    /// A thread that is not waited for any longer lets go in its own time.
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

    /// How many steps stand in the ledger.
    fn spent(&self) -> usize {
        let folder = self.bench.path(".local/state/aws-mfa-key");
        let ledgers = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let texts = ledgers.filter(|path| path.extension().is_some_and(|is| is == "json")).map(fs::read);
        let ledgers = texts.map(|text| serde_json::from_slice::<serde_json::Value>(&text.unwrap()).unwrap());
        ledgers.map(|ledger| ledger["spent"].as_array().map_or(0, Vec::len)).sum()
    }

    /// Three lines and an exit code that says what is meant, or the answer and nothing else.
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
            // `tokens` shows those that it cannot look at, too.
            must(told.out.is_empty() || self.errand.name == "tokens", "an answer, and yet it failed");
        }
        let shown = format!("{}{}{}", told.out, told.err, told.terminal);
        must(shown.chars().all(|c| !c.is_control() || "\n\r".contains(c)), "what is not to be printed");
    }

    /// No request with a code unless a good code came; none noted as spent that never came; one that came is used.
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

    /// It is let go, locked again, and what is told of it is true.
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
                } else if !says("may be done, or not") && !says("said that it is done") {
                    must(!is_made, "said not to be done");
                }
                must(says("nothing was changed") <= !is_made, "said to be unchanged");
            }
            ExpectedEffect::Session | ExpectedEffect::Code | ExpectedEffect::Look => {
                must(writes == 0, "written to where only looking was meant")
            }
        }
        // Where nothing gets through to the token, nothing can lock it.
        let is_cut_off = matches!(self.fault.what, FaultKind::Error(_) | FaultKind::NoService | FaultKind::Silent);
        let is_open = token.exchange(&[0, 0xA1, 0, 0, 0]).ends_with(&[0x90, 0]);
        must(is_cut_off || !is_open || token.has_password(None), "left unlocked");
    }
}

/// PUT, DELETE, SET CODE, RESET, RENAME; the serial number is asked for with the instruction of PUT.
fn is_write(command: &[u8]) -> bool {
    matches!(command, [0, 1..=5, p1, ..] if (command[1], *p1) != (1, 0x10))
}

/// The outcome in few words, without what is the command's own.
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

/// Leaves out the N of `within N s`, which depends on the divisor.
fn seconds_left_out(line: &str) -> String {
    let Some((before, after)) = line.split_once("within ") else { return line.to_owned() };
    format!("{before}within N{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn every_errand_works_where_nothing_goes_wrong() {
    for errand in ERRANDS {
        let lengths = lengths(errand);
        assert!(lengths.commands >= 2 && lengths.opened == lengths.begun, "{}: {lengths:?}", errand.name);
    }
}
