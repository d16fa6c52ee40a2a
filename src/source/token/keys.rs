//! Keys of locked applets: those that are known, and those that the applets refused.

use hw::oath::{AccessKey, DeviceId};
use hw::survey::{Contents, Survey};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Known keys by applet. A key that its applet refused is never sent again.
#[derive(Clone, Default)]
pub(super) struct KeyStore(Arc<Mutex<HashMap<DeviceId, AppletKeys>>>);

#[derive(Default)]
struct AppletKeys {
    key: Option<AccessKey>,
    refused: Vec<AccessKey>,
}

impl AppletKeys {
    fn refuse(&mut self, key: &AccessKey) {
        // Keep a different key, which another login may have stored since `key` was sent.
        self.key.take_if(|now| now.as_bytes() == key.as_bytes());
        self.refused.push(key.clone());
    }
}

/// Keys that were sent to applets, in the order in which they were sent.
pub(super) type Used = Vec<(DeviceId, AccessKey)>;

impl KeyStore {
    fn known(&self) -> MutexGuard<'_, HashMap<DeviceId, AppletKeys>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the key of an applet, unless the applet refused it.
    pub(super) fn find(&self, id: &DeviceId) -> Option<AccessKey> {
        self.known().get(id)?.key.clone()
    }

    /// Returns the key that [`find`](Self::find) returns, and adds it to `used`.
    pub(super) fn take(&self, id: &DeviceId, used: &RefCell<Used>) -> Option<AccessKey> {
        let key = self.find(id)?;
        used.borrow_mut().push((id.clone(), key.clone()));
        Some(key)
    }

    /// Stores a key for the next attempt; returns false, and stores nothing, if the applet refused this key before.
    pub(super) fn add(&self, id: &DeviceId, key: AccessKey) -> bool {
        let mut known = self.known();
        let known = known.entry(id.clone()).or_default();
        let is_new = !known.refused.iter().any(|refused| refused.as_bytes() == key.as_bytes());
        if is_new {
            known.key = Some(key);
        }
        is_new
    }

    /// Marks a key in `used` as refused if its applet did not accept it during the survey.
    pub(super) fn learn(&self, survey: &Survey, used: &Used) {
        let mut known = self.known();
        for look in &survey.tokens {
            let Contents::Locked { select_response, refused: true } = &look.contents else { continue };
            let Some(id) = &select_response.device_id else { continue };
            let Some((_, key)) = used.iter().rev().find(|(of, _)| of == id) else { continue };
            known.entry(id.clone()).or_default().refuse(key);
        }
    }

    /// Marks the key that was used last as refused by its applet.
    pub(super) fn refuse(&self, used: &Used) {
        if let Some((id, key)) = used.last() {
            self.known().entry(id.clone()).or_default().refuse(key);
        }
    }
}
