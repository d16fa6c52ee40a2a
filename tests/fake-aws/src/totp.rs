//! The codes of an MFA device: TOTP with SHA-1, six digits and 30-second steps (RFC 4226, RFC 6238).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::clock::UnixSeconds;

/// Length of a time step, in seconds.
pub(crate) const STEP_SECONDS: i64 = 30;

/// Returns the time step that contains `now`.
pub(crate) fn step_at(now: UnixSeconds) -> i64 {
    now.div_euclid(STEP_SECONDS)
}

/// Returns the six digits of a step (RFC 4226 §5.3).
pub(crate) fn code(seed: &[u8], step: i64) -> String {
    // HMAC accepts keys of any length (RFC 2104), so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(seed) else {
        return String::new();
    };
    mac.update(&step.to_be_bytes());
    let tag = mac.finalize().into_bytes();
    let offset = usize::from(tag[19] & 0x0f);
    let number = u32::from_be_bytes([tag[offset] & 0x7f, tag[offset + 1], tag[offset + 2], tag[offset + 3]]);
    format!("{:06}", number % 1_000_000)
}

/// Decodes base32 (RFC 4648 §6) as people copy it: case, blanks, dashes and padding are ignored. `None` if empty or
/// invalid.
pub fn decode_base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'-' | b'=')) {
        let value = match letter.to_ascii_uppercase() {
            upper @ b'A'..=b'Z' => upper - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(value)) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use totp_rs::{Algorithm, Builder};

    /// The last six digits of the SHA-1 rows in RFC 6238, appendix B.
    #[test]
    fn codes_match_rfc_6238() {
        let seed = b"12345678901234567890";
        for (time, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(seed, step_at(time)), expected, "at {time}");
        }
    }

    /// The values of RFC 4226, appendix D.
    #[test]
    fn codes_match_rfc_4226() {
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (step, expected) in (0..).zip(expected) {
            assert_eq!(code(b"12345678901234567890", step), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn codes_match_another_library(seed in proptest::collection::vec(0_u8.., 1..=130), time in 0_u32..) {
            let other = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(seed.clone()).build_noncompliant();
            let theirs = other.generate(u64::from(time)).to_string();
            proptest::prop_assert_eq!(code(&seed, step_at(i64::from(time))), theirs);
        }
    }

    #[test]
    fn base32_is_decoded_as_people_write_it() {
        let seed = Some(b"12345678901234567890".to_vec());
        assert_eq!(decode_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), seed);
        assert_eq!(decode_base32("gezd gnbv gy3t qojq-gezd gnbv gy3t qojq\n"), seed);
        for (text, bytes) in
            [("MY======", "f"), ("MZXQ", "fo"), ("MZXW6", "foo"), ("MZXW6YQ=", "foob"), ("MZXW6YTB", "fooba")]
        {
            assert_eq!(decode_base32(text).as_deref(), Some(bytes.as_bytes()));
        }
        for bad in ["", "=", "M1", "MZXW6!", "ä"] {
            assert_eq!(decode_base32(bad), None, "{bad}");
        }
    }
}
