//! Tag–length–value entries: one byte of tag, one to three of length.

/// Appends one entry, with its length in the shortest form. `value` is cut at 65535 bytes, more than any response
/// has.
pub(crate) fn push(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    let value = &value[..value.len().min(0xffff)];
    out.push(tag);
    let [high, low] = (value.len() as u16).to_be_bytes();
    match value.len() {
        0..=0x7f => out.push(low),
        0x80..=0xff => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(value);
}

/// Takes the entry at the start of `rest` and returns its value. `None`, with `rest` unchanged, if the entry has
/// another tag or is cut short.
pub(crate) fn take<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&found, after) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (length, after) = length(after)?;
    let (value, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(value)
}

/// Returns the length of the entries at the start that fit into `most` bytes. An id is kept together with the entry
/// after it.
pub(crate) fn whole_entries(bytes: &[u8], most: usize) -> usize {
    let mut rest = bytes;
    let mut at = 0;
    while let Some(&tag) = rest.first() {
        if take(&mut rest, tag).is_none() || bytes.len() - rest.len() > most {
            break;
        }
        if tag != 0x71 {
            at = bytes.len() - rest.len();
        }
    }
    at
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match *bytes {
        [short @ 0..=0x7f, ref rest @ ..] => Some((short.into(), rest)),
        [0x81, one, ref rest @ ..] => Some((one.into(), rest)),
        [0x82, high, low, ref rest @ ..] => Some((u16::from_be_bytes([high, low]).into(), rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushed_entries_are_taken_back() {
        for (size, header) in [
            (0, &[0x71, 0][..]),
            (1, &[0x71, 1]),
            (0x7f, &[0x71, 0x7f]),
            (0x80, &[0x71, 0x81, 0x80]),
            (0xff, &[0x71, 0x81, 0xff]),
            (0x100, &[0x71, 0x82, 1, 0]),
            (0xffff, &[0x71, 0x82, 0xff, 0xff]),
        ] {
            let value = vec![0xab; size];
            let mut out = Vec::new();
            push(&mut out, 0x71, &value);
            assert_eq!(&out[..header.len()], header, "{size}");
            out.push(0x99);
            let mut rest = &out[..];
            assert_eq!(take(&mut rest, 0x72), None, "another tag");
            assert_eq!(take(&mut rest, 0x71), Some(&value[..]), "{size}");
            assert_eq!(rest, [0x99]);
        }
    }

    #[test]
    fn an_entry_that_is_cut_short_is_not_taken() {
        for cut in
            ["", "71", "7102", "710201", "7181", "718101", "7182", "718200", "71820001", "7180", "7183000001aa", "71ff"]
        {
            let bytes: Vec<u8> =
                (0..cut.len() / 2).map(|i| u8::from_str_radix(&cut[2 * i..2 * i + 2], 16).unwrap()).collect();
            let mut rest = &bytes[..];
            assert_eq!(take(&mut rest, 0x71), None, "{cut}");
            assert_eq!(rest, bytes, "nothing is taken of {cut}");
        }
    }
}
