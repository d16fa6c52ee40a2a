//! The world file: AWS accounts with their users, keys, MFA devices, roles and buckets, as JSON.
//!
//! ```json
//! {"accounts": [{"id": "123456789012", "partition": "aws",
//!   "users": [{"name": "alice", "path": "/", "keys": [{"id": "AKIA…", "secret": "…", "active": true}],
//!              "mfa": [{"name": "alice", "seed": "GEZDGNBV…"}], "u2f": ["usb"]}],
//!   "roles": [{"name": "admin", "trusts": ["alice"], "needs_mfa": true, "external_id": null, "max_duration": 3600}],
//!   "buckets": [{"name": "photos", "objects": {"cat.jpg": 1024}}]}]}
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fake_aws::{AccessKeyPair, AwsRole, FakeAws, decode_base32};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldFile {
    accounts: Vec<AccountEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    id: String,
    partition: Option<String>,
    #[serde(default)]
    users: Vec<UserEntry>,
    #[serde(default)]
    roles: Vec<RoleEntry>,
    #[serde(default)]
    buckets: Vec<BucketEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    /// `None` for the root user.
    name: Option<String>,
    path: Option<String>,
    #[serde(default)]
    keys: Vec<KeyEntry>,
    #[serde(default)]
    mfa: Vec<MfaEntry>,
    #[serde(default)]
    u2f: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    id: String,
    secret: String,
    active: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MfaEntry {
    name: String,
    /// The secret, in base32.
    seed: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleEntry {
    name: String,
    #[serde(default)]
    trusts: Vec<String>,
    #[serde(default)]
    needs_mfa: bool,
    external_id: Option<String>,
    max_duration: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BucketEntry {
    name: String,
    /// Size of each object in bytes, by key.
    #[serde(default)]
    objects: BTreeMap<String, u64>,
}

/// Reads a text file. The error names the file.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Loads a world file and creates everything in it.
pub(crate) fn load(path: &Path, aws: &FakeAws) -> Result<(), String> {
    let world: WorldFile = serde_json::from_str(&read(path)?).map_err(|error| {
        // Only the position: the text holds secrets, and serde's messages quote values.
        format!("{}: damaged at line {}, column {}", path.display(), error.line(), error.column())
    })?;
    for account in &world.accounts {
        add_account(account, aws).map_err(|message| format!("{}: {message}", path.display()))?;
    }
    Ok(())
}

fn add_account(account: &AccountEntry, aws: &FakeAws) -> Result<(), String> {
    if let Some(partition) = &account.partition {
        aws.set_partition(&account.id, partition);
    }
    for user in &account.users {
        add_user(&account.id, user, aws)?;
    }
    for entry in &account.roles {
        let mut role = AwsRole::new(&entry.name);
        role.trusts = entry.trusts.clone();
        role.needs_mfa = entry.needs_mfa;
        role.external_id = entry.external_id.clone();
        role.max_session_duration = entry.max_duration.unwrap_or(role.max_session_duration);
        aws.add_role(&account.id, role);
    }
    for bucket in &account.buckets {
        aws.add_bucket(&account.id, &bucket.name);
        for (key, size) in &bucket.objects {
            aws.add_object(&bucket.name, key, *size);
        }
    }
    Ok(())
}

fn add_user(account: &str, entry: &UserEntry, aws: &FakeAws) -> Result<(), String> {
    let path = entry.path.as_deref().unwrap_or("/");
    let user = match &entry.name {
        Some(name) => aws.add_user_at(account, path, name),
        None => aws.add_root(account),
    };
    if entry.keys.len() > 2 {
        return Err(format!("{} has more than two long-term keys", user.arn));
    }
    for key in &entry.keys {
        aws.add_key_as(&user, &AccessKeyPair { access_key_id: key.id.clone(), secret_access_key: key.secret.clone() });
        if key.active == Some(false) {
            aws.deactivate_key(&key.id);
        }
    }
    for device in &entry.mfa {
        let seed = decode_base32(&device.seed).ok_or_else(|| format!("{}: a seed is no base32", user.arn))?;
        aws.add_mfa(&user, &device.name, &seed);
    }
    for name in &entry.u2f {
        aws.add_u2f(&user, name);
    }
    Ok(())
}
