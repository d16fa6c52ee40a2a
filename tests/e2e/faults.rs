//! Tests of faults between the program and a token: every command, with every fault, at every point, in memory.
//!
//! `faults/faults.txt` lists the outcome of each fault; `cell` checks what must hold in every case. `real_service`
//! repeats the faults that a real pcscd can show.

mod cell;
mod errand;
mod faulty_path;
mod injected_fault;
mod real_service;

use cell::{FaultCell, PointCounts};
use errand::ERRANDS;
use injected_fault::{FAULTS, InjectedFault};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Number of cells that run at the same time; they wait most of the time.
const AT_ONCE: usize = 96;

/// A command with a fault at one point: indexes into `ERRANDS` and `FAULTS`, and how often the point was passed
/// before.
struct CellPosition {
    errand: usize,
    fault: usize,
    at: usize,
}

fn spots() -> (Vec<CellPosition>, Vec<PointCounts>) {
    let lengths: Vec<PointCounts> = ERRANDS.iter().map(cell::lengths).collect();
    let mut spots = Vec::new();
    for (errand, length) in lengths.iter().enumerate() {
        for (fault, InjectedFault { place, .. }) in FAULTS.iter().enumerate() {
            spots.extend((0..length.of(*place)).map(|at| CellPosition { errand, fault, at }));
        }
    }
    (spots, lengths)
}

/// The outcomes of all cells, sorted by fault and outcome: the commands, and the positions in each.
#[derive(Default)]
struct OutcomeTable(BTreeMap<(usize, String), BTreeMap<usize, Vec<usize>>>);

impl OutcomeTable {
    fn note(&mut self, spot: &CellPosition, outcome: String) {
        self.0.entry((spot.fault, outcome)).or_default().entry(spot.errand).or_default().push(spot.at);
    }

    /// Formats the table. Positions are counted from 1.
    fn text(self, lengths: &[PointCounts]) -> String {
        let mut text = String::new();
        let mut last = usize::MAX;
        for ((fault, outcome), errands) in self.0 {
            if fault != last {
                let InjectedFault { name, place, .. } = &FAULTS[fault];
                let _ = writeln!(text, "{}== {name}, {}", if text.is_empty() { "" } else { "\n" }, place.words());
                last = fault;
            }
            let _ = writeln!(text, "{outcome}");
            let place = FAULTS[fault].place;
            let is_all =
                |(errand, length): (usize, &PointCounts)| errands.get(&errand).map_or(0, Vec::len) == length.of(place);
            if lengths.iter().enumerate().all(is_all) {
                let _ = writeln!(text, "      everywhere");
                continue;
            }
            let of = |(errand, mut at): (usize, Vec<usize>)| {
                at.sort_unstable();
                format!("{} {} of {}", ERRANDS[errand].name, ranges(&at), lengths[errand].of(place))
            };
            let _ = writeln!(text, "      {}", errands.into_iter().map(of).collect::<Vec<_>>().join("; "));
        }
        text
    }
}

/// Formats positions, such as `1-3, 5`.
fn ranges(positions: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &at in positions {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == at => *end = at,
            _ => runs.push((at, at)),
        }
    }
    let shown = |(from, to): (usize, usize)| {
        if from == to { (from + 1).to_string() } else { format!("{}-{}", from + 1, to + 1) }
    };
    runs.into_iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_fault_at_every_apdu_has_the_expected_outcome() {
    let (spots, lengths) = spots();
    let (next, table, broken) = (AtomicUsize::new(0), Mutex::new(OutcomeTable::default()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(spot) = spots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (errand, fault) = (&ERRANDS[spot.errand], &FAULTS[spot.fault]);
                    let (outcome, complaints) = FaultCell::new(errand, fault, spot.at).run();
                    let complaint = |what| format!("{}, {} at {}: {what}", errand.name, fault.name, spot.at + 1);
                    broken.lock().unwrap().extend(complaints.into_iter().map(complaint));
                    table.lock().unwrap().note(spot, outcome);
                }
            });
        }
    });
    let head = format!("{} commands, {} faults, {} cells\n\n", ERRANDS.len(), FAULTS.len(), spots.len());
    let text = head + &table.into_inner().unwrap().text(&lengths);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/faults/faults.txt");
    if std::env::var_os("UPDATE_ERRORS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "{} cells:\n{}", broken.len(), broken.join("\n"));
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (expected, found) in expected.split("\n\n").zip(text.split("\n\n")) {
        assert_eq!(found, expected, "see {}", path.display());
    }
    assert_eq!(text, expected, "see {}", path.display());
}
