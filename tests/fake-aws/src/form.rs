//! Parsing of `application/x-www-form-urlencoded`, as in bodies and query strings.

/// Names and values, in the order of the request.
#[derive(Default)]
pub(crate) struct FormFields(Vec<(String, String)>);

impl FormFields {
    /// Parses leniently, as servers do: invalid UTF-8 becomes U+FFFD, a stray `%` is kept.
    pub(crate) fn parse(text: &[u8]) -> FormFields {
        let pairs = text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let name = decode(halves.next().unwrap_or_default());
            let value = decode(halves.next().unwrap_or_default());
            (text_of(name), text_of(value))
        });
        FormFields(pairs.collect())
    }

    /// Returns the first value with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn and(mut self, more: FormFields) -> FormFields {
        self.0.extend(more.0);
        self
    }
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}

/// Decodes percent-encoding, and `+` as a blank.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let blanks: Vec<u8> = text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    decode_percent(&blanks)
}

/// Decodes percent-encoding only, as in a path, where `+` is literal.
pub(crate) fn decode_percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex_digit(*high) << 4 | hex_digit(*low));
                rest = tail;
            }
            _ => {
                out.push(first);
                rest = after;
            }
        }
    }
    out
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded() {
        for (text, name, value) in [
            ("a=b", "a", "b"),
            ("a=b+c%20d", "a", "b c d"),
            ("a=%3d%3D&a=second", "a", "=="),
            ("a", "a", ""),
            ("a=b=c", "a", "b=c"),
            ("&&a%26=1", "a&", "1"),
            ("a=%zz%4", "a", "%zz%4"),
            ("a=%FF", "a", "\u{fffd}"),
            ("a=%E1%88%B4", "a", "\u{1234}"),
        ] {
            assert_eq!(FormFields::parse(text.as_bytes()).get(name), Some(value), "{text}");
        }
        assert_eq!(FormFields::parse(b"a=b").get("b"), None);
    }
}
