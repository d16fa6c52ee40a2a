//! Writing of the XML in responses: elements and escaped text.

/// Returns `<name>` around XML markup.
pub(crate) fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// Returns `<name>` around escaped text.
pub(crate) fn text(name: &str, value: &str) -> String {
    element(name, &escape(value))
}

/// Returns the root element, with its namespace.
pub(crate) fn document(name: &str, namespace: &str, inner: &str) -> String {
    format!("<{name} xmlns=\"{}\">{inner}</{name}>", escape(namespace))
}

/// Escapes text. Characters that XML 1.0 cannot represent become U+FFFD.
fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(text("A", "<&>\"\r\u{1}ä"), "<A>&lt;&amp;&gt;&quot;&#xD;\u{fffd}ä</A>");
        assert_eq!(document("A", "urn:a\"b", &text("B", "")), "<A xmlns=\"urn:a&quot;b\"><B></B></A>");
    }
}
