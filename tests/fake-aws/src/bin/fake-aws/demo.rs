//! The demonstration user, and the credentials and config files that let AWS's clients act as that user.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use fake_aws::FakeAws;

use crate::arguments::Demo;
use crate::endpoint::Endpoint;
use crate::world_file;

/// Creates the user and writes both files. If the second file cannot be written, the first is removed.
pub(crate) fn set_up(demo: &Demo, aws: &FakeAws, endpoint: &Endpoint) -> Result<(), String> {
    let seed = world_file::read(&demo.seed_file)?;
    let line = seed.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    // The line is a secret, so the error does not quote it.
    let seed = fake_aws::decode_base32(line).ok_or_else(|| format!("{}: no base32", demo.seed_file.display()))?;
    let user = aws.add_user(&demo.account, &demo.user);
    let key = aws.add_key(&user);
    let mfa_serial = aws.add_mfa(&user, &demo.user, &seed);
    aws.add_bucket(&demo.account, &demo.bucket);
    aws.add_object(&demo.bucket, "hello.txt", 13);
    let Demo { profile, region, credentials_file, .. } = demo;
    let credentials = format!(
        "[{profile}]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.access_key_id, key.secret_access_key
    );
    let header = if profile == "default" { "[default]".to_owned() } else { format!("[profile {profile}]") };
    let Endpoint { url, ca_file } = endpoint;
    let bundle = ca_file.as_ref().map_or(String::new(), |path| format!("ca_bundle = {}\n", path.display()));
    let config = format!("{header}\nregion = {region}\nendpoint_url = {url}\n{bundle}mfa_serial = {mfa_serial}\n");
    write_new(credentials_file, &credentials)?;
    write_new(&demo.config_file, &config).inspect_err(|_| {
        // This file was created a moment ago, and is useless without the config file.
        let _ = fs::remove_file(credentials_file);
    })
}

/// Creates a file with mode 0600. Fails if the file exists.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), String> {
    let mut file = create_new(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = fs::remove_file(path);
        format!("{}: {error}", path.display())
    })
}

#[cfg(unix)]
fn create_new(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_new(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
