//! Output of rows, as a table for people or as JSON for programs.

use crate::world::printable;
use serde_json::Value;
use std::fmt::Write;

/// Formats rows as a table with a head, each column as wide as its longest cell.
pub(super) fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    // Control characters are escaped, so that a cell cannot break its line.
    let rows = rows.map(|row| row.map(|cell| printable(&cell, usize::MAX)));
    let table: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let widths: Vec<usize> =
        (0..N).map(|column| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    table.iter().map(line).collect()
}

/// Formats a value as one line of JSON in ASCII, so that names from outside are exact for programs and harmless to a
/// terminal.
pub(super) fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        // JSON has control and non-ASCII characters in its strings only, where they can be escaped.
        if c.is_ascii() && !c.is_control() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string never fails.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        let rows = [["a", "long", ""], ["ünï", "b", "c"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(["X", "Y", "Z"], rows.into_iter()), "X    Y     Z\na    long\nünï  b     c\n");
    }

    #[test]
    fn json_is_exact_and_has_no_control_characters() {
        let name = "Zoë\u{1b}\u{9b}\u{7f}\u{202e}\u{1f511}\"";
        let text = ascii(&serde_json::json!({ "id": name }));
        assert!(text.trim_end().bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text}");
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["id"], name);
    }
}
