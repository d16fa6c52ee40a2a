//! Access keys that ykman and Yubico Authenticator remember on this machine, which are read and never changed.
//!
//! Formats: ykman's `settings.py` for the file, "Fernet Spec" for the encryption of each key.

use crate::file;
use crate::source::keyring::{Dialog, Keyring, KeyringFault, Name};
use crate::world::{Environment, Person};
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use hw::oath::{AccessKey, DeviceId};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Upper bound for what is read from the file, in bytes; each key takes about 200.
const LONGEST: u64 = 1024 * 1024;
/// Base64 as Python writes encrypted keys: URL-safe, padded or not.
const SEALED: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Locations of what ykman remembers: its file, and the keyring's entry whose key decrypts the file's entries.
#[derive(Clone, Debug)]
pub(super) struct Ykman {
    file: PathBuf,
    service: String,
    username: String,
}

impl Ykman {
    /// Returns the locations for this environment; `None` if it has neither `XDG_DATA_HOME` nor a home directory.
    pub(super) fn of(env: &Environment) -> Option<Self> {
        let data = env.os("XDG_DATA_HOME").map(|data| env.expand(data));
        let data = data.or_else(|| env.home().map(|home| home.join(".local/share")))?;
        let text = |name, usual: &str| env.text(name).unwrap_or(usual).to_owned();
        Some(Self {
            file: data.join("ykman/oath_keys.json"),
            service: text("YKMAN_KEYRING_SERVICE", "ykman"),
            username: text("YKMAN_KEYRING_KEY", "wrap_key"),
        })
    }

    /// Returns true if ykman's file has a key for the applet. The keyring is not asked.
    pub(super) fn remembers(&self, id: &DeviceId) -> bool {
        sealed_key(&self.file, id).is_some()
    }

    /// Returns the key that ykman remembers for an applet. The keyring is asked only if ykman's file has an entry for
    /// the applet.
    pub(super) async fn key(
        &self,
        id: &DeviceId,
        keyring: &Keyring,
        person: &Person,
    ) -> Result<Option<AccessKey>, KeyringFault> {
        let Some(sealed) = sealed_key(&self.file, id) else { return Ok(None) };
        let name = Name { service: &self.service, username: Some(&self.username) };
        let Some(wrap_key) = keyring.find(name, Dialog::Never, person).await? else { return Ok(None) };
        Ok(unsealed(&sealed, &wrap_key).and_then(|text| {
            let text = Zeroizing::new(serde_json::from_slice::<String>(&text).ok()?);
            key_from_hex(&text)
        }))
    }
}

/// Parses a key from 32 hexadecimal digits, the form in which both ykman and this program store keys.
pub(super) fn key_from_hex(text: &str) -> Option<AccessKey> {
    let mut key = Zeroizing::new([0; 16]);
    hex::decode_to_slice(text, &mut *key).ok()?;
    Some(AccessKey::from_bytes(key))
}

/// Returns the encrypted key that ykman's file has for an applet.
fn sealed_key(file: &Path, id: &DeviceId) -> Option<String> {
    let mut text = String::new();
    let (file, _) = file::open(&file.canonicalize().ok()?).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let keys: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(keys.get(printable_id(id))?.as_str()?.to_owned())
}

/// Returns ykman's name for an applet: the first 16 bytes of the device id's SHA-256, in base64.
fn printable_id(id: &DeviceId) -> String {
    STANDARD_NO_PAD.encode(&Sha256::digest(id.as_bytes())[..16])
}

/// Decrypts a Fernet token: version, time, initialisation vector, ciphertext (AES-128 in CBC mode), HMAC-SHA-256 of
/// everything before it.
fn unsealed(token: &str, wrap_key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let wrap_key = Zeroizing::new(SEALED.decode(wrap_key.trim_ascii()).ok()?);
    let (signing, sealing) = wrap_key.split_at_checked(16).filter(|(_, sealing)| sealing.len() == 16)?;
    let token = SEALED.decode(token).ok()?;
    let (signed, proof) = token.split_at_checked(token.len().checked_sub(32)?)?;
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(signing).ok()?;
    mac.update(signed);
    mac.verify_slice(proof).ok()?;
    let [0x80, _, _, _, _, _, _, _, _, rest @ ..] = signed else { return None };
    let (iv, sealed) = rest.split_at_checked(16)?;
    let opened = cbc::Decryptor::<aes::Aes128>::new_from_slices(sealing, iv).ok()?;
    opened.decrypt_padded_vec::<Pkcs7>(sealed).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRAP_KEY: &[u8] = b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TOKEN: &str = "gAAAAABlU_EAAAECAwQFBgcICQoLDA0OD3z2QIsAfXKiNYaNUCeUadH6Ap0QDoLwifEzsWd2xIy_zruuTWwj96xq8jtUXPIwA8BqCXJnJoTFk_64jshqMNUBs7e6dRfnPVZp7fHxzsxO";

    #[test]
    fn decrypts_what_ykman_encrypted() {
        let opened = unsealed(TOKEN, WRAP_KEY).unwrap();
        assert_eq!(std::str::from_utf8(&opened).unwrap(), "\"49561f12fb17065dd680fc5a61d740a6\"");
        assert!(unsealed(TOKEN.trim_end_matches('='), b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n").is_some());
    }

    #[test]
    fn rejects_changed_tokens_and_wrong_keys() {
        for at in 0..TOKEN.len() {
            let other = if TOKEN.as_bytes()[at] == b'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &TOKEN[..at], &TOKEN[at + 1..]);
            assert!(unsealed(&changed, WRAP_KEY).is_none(), "{at}");
        }
        for end in 0..TOKEN.len() {
            assert!(unsealed(&TOKEN[..end], WRAP_KEY).is_none(), "{end}");
        }
        for key in [&b""[..], b"AAAA", b"not base64!", &WRAP_KEY[..40]] {
            assert!(unsealed(TOKEN, key).is_none());
        }
    }

    #[test]
    fn names_an_applet_as_ykman_does() {
        assert_eq!(printable_id(&DeviceId::from_bytes(&[1, 2, 3, 4, 5, 6, 7, 8])), "ZoQN2hVOihE8Md0K0y9/Og");
    }

    #[test]
    fn parses_a_key_of_32_hexadecimal_digits_only() {
        let key = key_from_hex("49561f12fb17065dd680fc5a61d740a6").unwrap();
        assert_eq!(u128::from_be_bytes(*key.as_bytes()), 0x4956_1f12_fb17_065d_d680_fc5a_61d7_40a6);
        for no in [
            "",
            "49561f12fb17065dd680fc5a61d740a",
            "+9561f12fb17065dd680fc5a61d740a6",
            "zz561f12fb17065dd680fc5a61d740a6",
        ] {
            assert!(key_from_hex(no).is_none(), "{no}");
        }
    }
}
