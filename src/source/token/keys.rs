//! The keys of applets that are locked: what is known, and what was refused.

use hw::oath::{AccessKey, DeviceId};
use hw::survey::{Contents, Survey};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See the module. No key goes to an applet again that refused it.
#[derive(Clone, Default)]
pub(super) struct KeyStore(Arc<Mutex<HashMap<DeviceId, AppletKeys>>>);

#[derive(Default)]
struct AppletKeys {
    key: Option<AccessKey>,
    refused: Vec<AccessKey>,
}

impl AppletKeys {
    fn refuse(&mut self, key: &AccessKey) {
        // Somebody may have found another meanwhile.
        self.key.take_if(|now| now.as_bytes() == key.as_bytes());
        self.refused.push(key.clone());
    }
}

/// Keys that were used in a conversation.
pub(super) type Used = Vec<(DeviceId, AccessKey)>;

impl KeyStore {
    fn known(&self) -> MutexGuard<'_, HashMap<DeviceId, AppletKeys>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of an applet, as far as it was not refused.
    pub(super) fn find(&self, id: &DeviceId) -> Option<AccessKey> {
        self.known().get(id)?.key.clone()
    }

    /// The same, and notes that it was used.
    pub(super) fn take(&self, id: &DeviceId, used: &RefCell<Used>) -> Option<AccessKey> {
        let key = self.find(id)?;
        used.borrow_mut().push((id.clone(), key.clone()));
        Some(key)
    }

    /// Takes a key to be tried; not if the applet refused it before.
    pub(super) fn add(&self, id: &DeviceId, key: AccessKey) -> bool {
        let mut known = self.known();
        let known = known.entry(id.clone()).or_default();
        let is_new = !known.refused.iter().any(|refused| refused.as_bytes() == key.as_bytes());
        if is_new {
            known.key = Some(key);
        }
        is_new
    }

    /// Learns from a look which of the keys that were used for it were refused.
    pub(super) fn learn(&self, survey: &Survey, used: &Used) {
        let mut known = self.known();
        for look in &survey.tokens {
            let Contents::Locked { select_response, refused: true } = &look.contents else { continue };
            let Some(id) = &select_response.device_id else { continue };
            let Some((_, key)) = used.iter().rev().find(|(of, _)| of == id) else { continue };
            known.entry(id.clone()).or_default().refuse(key);
        }
    }

    /// Learns that an applet refused the key that was used last.
    pub(super) fn refuse(&self, used: &Used) {
        if let Some((id, key)) = used.last() {
            self.known().entry(id.clone()).or_default().refuse(key);
        }
    }
}
