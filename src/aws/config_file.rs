//! Profiles in AWS's config and credentials files, read by the SDK's own parser with the precedence that AWS's
//! clients have.

use crate::aws::sections::{EditFault, Edits, Sections};
use crate::file::{self, FileError, FileFault, Privacy};
use crate::world::Environment;
use aws_config::profile::{Profile, ProfileSet};
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::Fs;
use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Paths of the two files that AWS's clients read: the config file and the credentials file.
#[derive(Clone, Debug)]
pub struct Locations {
    /// Path of the config file: `AWS_CONFIG_FILE`, else `~/.aws/config`.
    pub config: PathBuf,
    /// Path of the credentials file: `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
    pub credentials: PathBuf,
}

impl Locations {
    /// Determines the paths of both files as AWS's clients do. The files need not exist.
    ///
    /// # Errors
    /// [`FileFault::NoHome`] if neither a file's variable nor `HOME` is set; [`FileFault::OddPath`] if Python's
    /// clients would read a different path; [`FileFault::TwoInOne`] if both paths lead to the same file.
    pub fn find(env: &Environment) -> Result<Self, FileError> {
        let locate = |variable: &str, name: &str| {
            let default = || env.home().map(|home| home.join(".aws").join(name));
            let path = env.os(variable).map(|path| env.expand(path)).or_else(default);
            path.ok_or_else(|| FileError { path: PathBuf::from("~/.aws").join(name), fault: FileFault::NoHome })
        };
        let config = locate("AWS_CONFIG_FILE", "config")?;
        let credentials = locate("AWS_SHARED_CREDENTIALS_FILE", "credentials")?;
        for path in [&config, &credentials] {
            if is_read_differently(path) {
                return Err(FileError { path: path.clone(), fault: FileFault::OddPath });
            }
        }
        if config == credentials || file::are_same(&config, &credentials) {
            return Err(FileError { path: credentials, fault: FileFault::TwoInOne });
        }
        Ok(Self { config, credentials })
    }
}

/// Returns true if Python's clients would read a different path. Only they expand `~user`, `$NAME` and `${NAME}`.
fn is_read_differently(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let names = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '{');
    text.starts_with('~') || text.split('$').skip(1).any(names)
}

/// The profiles in AWS's two files, and the environment variables that override them.
pub struct Profiles {
    /// Paths of the two files that the profiles were read from.
    pub locations: Locations,
    env: Environment,
    files: Vec<(EnvConfigFileKind, PathBuf, Sections)>,
    all: ProfileSet,
}

impl Profiles {
    /// Reads both files. A file that does not exist counts as empty.
    ///
    /// # Errors
    /// [`FileError`] if a file cannot be found or read, or if AWS's clients could not read it.
    pub fn read(env: &Environment) -> Result<Self, FileError> {
        let locations = Locations::find(env)?;
        let mut files = Vec::new();
        let both =
            [(EnvConfigFileKind::Config, &locations.config), (EnvConfigFileKind::Credentials, &locations.credentials)];
        for (kind, path) in both {
            if let Some(text) = file::read(path)? {
                files.push((kind, path.clone(), Sections::new(as_one_reads(&text).into())));
            }
        }
        let all = parse(&files, env, "default", |sections| sections.bytes().to_vec())?;
        Ok(Self { locations, env: env.clone(), files, all })
    }

    /// Returns an empty set of profiles, for use when the files cannot be read. Environment variables still apply.
    #[must_use]
    pub fn none(env: &Environment) -> Self {
        let nowhere = Locations { config: PathBuf::new(), credentials: PathBuf::new() };
        Self { locations: nowhere, env: env.clone(), files: Vec::new(), all: ProfileSet::default() }
    }

    /// Returns a profile, merged from its sections in both files as the SDK merges them; `None` if neither file has a
    /// section for it.
    #[must_use]
    pub fn get(&self, profile: &str) -> Option<&Profile> {
        self.all.get_profile(profile)
    }

    /// Returns the names of all profiles, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.all.profiles().collect();
        names.sort_unstable();
        names
    }

    /// Returns the settings of `profile`, with the environment variables that override them.
    ///
    /// # Errors
    /// [`FileError`], as for [`Profiles::read`].
    pub fn settings(&self, profile: &str) -> Result<Settings, FileError> {
        // The parser returns the settings of one profile only, so parsing all other sections again would be a waste
        // of time.
        let needed = |header: &str| header.contains(profile) || header.contains("services");
        let profiles = parse(&self.files, &self.env, profile, |sections| sections.only(needed))?;
        Ok(Settings { env: self.env.for_sdk(profile), profiles })
    }

    /// Returns true if the config file has a section of its own for `profile`.
    #[must_use]
    pub fn in_config(&self, profile: &str) -> bool {
        self.config().is_some_and(|sections| has_profile(sections, profile))
    }

    /// Returns the first of `keys` that the config file has in its `[DEFAULT]` section, with its line number (from
    /// 1). Python's clients apply that section to each profile that has a section in the file.
    #[must_use]
    pub fn in_default(&self, keys: &[&'static str]) -> Option<(&'static str, usize)> {
        let sections = self.config()?;
        let all = sections.find("DEFAULT").ok()??;
        keys.iter().find_map(|key| Some((*key, all.line_numbers(&[key]).first()?.start)))
    }

    fn config(&self) -> Option<&Sections> {
        let config = self.files.iter().find(|(kind, ..)| matches!(kind, EnvConfigFileKind::Config));
        config.map(|(_, _, sections)| sections)
    }
}

/// The settings of one profile, with the precedence that AWS's clients have: an environment variable overrides the
/// profile, and in each of the two a service-specific setting overrides the general setting.
pub struct Settings {
    env: aws_types::os_shim_internal::Env,
    profiles: ProfileSet,
}

impl Settings {
    /// Returns the endpoint URL that is set for a service (`sts`, `iam`); `None` if AWS's standard endpoint is used
    /// (SDK reference: service-specific endpoints).
    #[must_use]
    pub fn endpoint(&self, service: &str) -> Option<String> {
        if self.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") {
            return None;
        }
        let setting = EnvConfigValue::new().env("AWS_ENDPOINT_URL").profile("endpoint_url").service_id(service);
        let found = setting.load(&self.env, Some(&self.profiles)).map(|(url, _)| url.into_owned());
        found.filter(|url| !url.is_empty())
    }

    /// Returns true if the variable has the value `true` or, if it is unset, the profile's key has.
    #[must_use]
    pub fn flag(&self, variable: &str, key: &str) -> bool {
        self.value(variable, key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the variable's value, or else the value of the profile's key; `None` if it is empty or not set.
    #[must_use]
    pub fn value(&self, variable: &str, key: &str) -> Option<String> {
        let setting = EnvConfigValue::new().env(variable).profile(key);
        let value = setting.validate(&self.env, Some(&self.profiles), |text| Ok::<_, Infallible>(text.to_owned()));
        value.unwrap_or(None).filter(|text| !text.is_empty())
    }
}

/// Returns the header of a profile's section in the config file, without brackets.
#[must_use]
pub fn config_header(profile: &str) -> String {
    if profile == "default" { profile.to_owned() } else { format!("profile {profile}") }
}

/// A section to add to the config file.
pub struct NewProfile<'a> {
    /// Name of the profile to add.
    pub name: &'a str,
    /// Keys and values, in the order in which they are written.
    pub keys: &'a [(String, String)],
}

/// Adds sections to the config file, in one step. If a profile already has a section, that section is left unchanged.
///
/// # Errors
/// [`FileError`] if the file cannot be read or written; the file is then unchanged.
pub fn add_profiles(path: &Path, profiles: &[NewProfile<'_>]) -> Result<(), FileError> {
    let there = Sections::new(file::read(path)?.unwrap_or_default());
    if profiles.iter().all(|profile| has_profile(&there, profile.name)) {
        return Ok(());
    }
    file::replace(path, Privacy::Ordinary, |text| {
        file::check_text(path, &text)?;
        let sections = Sections::new(text);
        let mut edits = Edits::of(&sections);
        for NewProfile { name, keys } in profiles.iter().filter(|profile| !has_profile(&sections, profile.name)) {
            let keys: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            edits.set(&config_header(name), &keys, &[]).map_err(|fault| damaged(path, fault))?;
        }
        let edits = edits.finish();
        Ok(sections.edited(edits))
    })
}

/// Sets keys in a profile's section of the config file. The section is added if it does not exist.
///
/// # Errors
/// [`FileError`] if the file cannot be read or written; the file is then unchanged.
pub fn set_profile(path: &Path, profile: &str, keys: &[(&str, &str)]) -> Result<(), FileError> {
    file::replace(path, Privacy::Ordinary, |text| {
        file::check_text(path, &text)?;
        let sections = Sections::new(text);
        let mut edits = Edits::of(&sections);
        edits.set(&config_header(profile), keys, &[]).map_err(|fault| damaged(path, fault))?;
        let edits = edits.finish();
        Ok(sections.edited(edits))
    })
}

/// Removes the section that [`add_profiles`] wrote for `profile` with `keys`, unless it was changed since. Returns
/// true if the section was removed.
///
/// # Errors
/// [`FileError`] if the file cannot be read or written; the file is then unchanged.
pub fn remove_profile(path: &Path, profile: &str, keys: &[(String, String)]) -> Result<bool, FileError> {
    let header = config_header(profile);
    let names: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
    let mut removed = false;
    if file::read(path)?.is_none() {
        return Ok(removed);
    }
    file::replace(path, Privacy::Ordinary, |text| {
        file::check_text(path, &text)?;
        let sections = Sections::new(text);
        let mut edits = Edits::of(&sections);
        let section = sections.find(&header).map_err(|fault| damaged(path, fault))?;
        let as_made = section.is_some_and(|section| {
            let ours = keys.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            section.is_as_made(&names) && section.pairs().eq(ours)
        });
        if as_made {
            edits.remove(&header, &names).map_err(|fault| damaged(path, fault))?;
        }
        removed = as_made;
        let edits = edits.finish();
        Ok::<_, FileError>(sections.edited(edits))
    })?;
    Ok(removed)
}

/// Returns true if the config file has a section for `profile`, even one that occurs twice or that clients read
/// differently.
fn has_profile(sections: &Sections, profile: &str) -> bool {
    let stands = |header: &str| sections.has(header) != Ok(false);
    stands(&config_header(profile)) || profile == "default" && stands("profile default")
}

/// Prepares a file's text for the SDK's parser: drops a byte order mark and turns `:` into `=`. The parser would
/// reject the whole file because of them, whereas Python's or JavaScript's clients read on. Line numbers stay the
/// same.
fn as_one_reads(text: &[u8]) -> Vec<u8> {
    let mut text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).to_vec();
    for line in text.split_mut(|&b| b == b'\n') {
        let is_key = line.first().is_some_and(|&b| b.is_ascii_graphic() && !matches!(b, b'[' | b'#' | b';'));
        let delimiter = line.iter_mut().filter(|_| is_key).find(|b| matches!(b, b'=' | b':'));
        if let Some(delimiter) = delimiter {
            *delimiter = b'=';
        }
    }
    text
}

/// Wraps a section's `fault` in an error that names the file and explains why the section cannot be edited.
#[must_use]
pub fn damaged(path: &Path, fault: EditFault) -> FileError {
    let what = match fault {
        EditFault::SectionTwice { line } => format!("line {line}: the section appears a second time"),
        EditFault::OddHeader { line } => {
            format!("line {line}: a header that AWS's clients read differently")
        }
        EditFault::IndentedComment { line } => {
            format!("line {line}: an indented comment, which some of AWS's clients read as a value")
        }
        EditFault::IndentedKey { line } => {
            format!("line {line}: an indented key, which AWS's clients read differently")
        }
        EditFault::LoneReturn { line } => {
            format!("line {line}: a carriage return inside the line, which some of AWS's clients read as its end")
        }
        EditFault::Unreadable { line } => format!("line {line}: neither a section, a key nor a comment"),
    };
    FileError { path: path.to_owned(), fault: FileFault::Damaged { what } }
}

fn parse(
    files: &[(EnvConfigFileKind, PathBuf, Sections)],
    env: &Environment,
    profile: &str,
    part: impl Fn(&Sections) -> Vec<u8>,
) -> Result<ProfileSet, FileError> {
    if files.is_empty() {
        return Ok(ProfileSet::default());
    }
    let mut contents = HashMap::new();
    let mut builder = EnvConfigFiles::builder();
    for (kind, path, sections) in files {
        contents.insert(path.clone().into_os_string(), part(sections));
        builder = builder.with_file(*kind, path);
    }
    let (fs, files_read) = (Fs::from_raw_map(contents), builder.build());
    let env = env.for_sdk(profile);
    let loading = pin!(aws_config::profile::load(&fs, &env, &files_read, None));
    // Everything is in memory, so the first poll completes.
    let what = match loading.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(profiles)) => return Ok(profiles),
        Poll::Ready(Err(error)) => error.source().map_or_else(|| error.to_string(), ToString::to_string),
        Poll::Pending => "the parser did not finish".to_owned(),
    };
    let culprit = files.iter().map(|(_, path, _)| path).find(|path| what.contains(&*path.to_string_lossy()));
    let path = culprit.cloned().unwrap_or_default();
    let what = what.replace(&format!("error parsing {} on ", path.display()), "").replace(":\n  ", ": ");
    Err(FileError { path, fault: FileFault::Damaged { what } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::fs;

    #[test]
    fn settings_come_from_the_profile_and_its_services() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        let config = "[default]\nregion = a\nendpoint_url = http://a\n[profile dev]\nregion = b\nservices = mine\n\
                      [profile other]\nregion = c\n[services mine]\nsts =\n  endpoint_url = http://b\n";
        fs::write(home.path().join(".aws/config"), config).unwrap();
        fs::write(home.path().join(".aws/credentials"), "[x]\nk = v\n[dev]\nca_bundle = here\n").unwrap();
        let env = [(OsString::from("HOME"), home.path().into())].into_iter().collect();
        let profiles = Profiles::read(&env).unwrap();
        let settings = profiles.settings("dev").unwrap();
        assert_eq!(settings.value("AWS_REGION", "region").as_deref(), Some("b"));
        assert_eq!(settings.value("AWS_CA_BUNDLE", "ca_bundle").as_deref(), Some("here"));
        assert_eq!(settings.endpoint("sts").as_deref(), Some("http://b"));
        assert_eq!(settings.endpoint("iam"), None);
        assert_eq!(profiles.settings("default").unwrap().endpoint("iam").as_deref(), Some("http://a"));
    }

    #[test]
    fn an_added_profile_is_removed_to_the_byte_unless_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let keys =
            [("region", "eu-central-1"), ("output", "json")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        for before in ["", "[default]", "[default]\nregion = r\n\n"] {
            fs::write(&path, before).unwrap();
            add_profiles(&path, &[NewProfile { name: "dev-mfa", keys: &keys }]).unwrap();
            let added = fs::read_to_string(&path).unwrap();
            assert!(added.ends_with("[profile dev-mfa]\nregion = eu-central-1\noutput = json\n"), "{added}");
            assert!(remove_profile(&path, "dev-mfa", &keys).unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), before);
            for changed in [
                added.replace("json", "text"),
                format!("{added}cli_pager =\n"),
                added.replace("output", "# mine\noutput"),
            ] {
                fs::write(&path, &changed).unwrap();
                assert!(!remove_profile(&path, "dev-mfa", &keys).unwrap());
                assert_eq!(fs::read_to_string(&path).unwrap(), changed);
            }
        }
        assert!(!remove_profile(&folder.path().join("none"), "dev-mfa", &keys).unwrap());
    }

    #[test]
    fn a_profile_under_an_unusual_header_is_not_added_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let headers = [
            ("dev", "[profile  dev]"),
            ("dev", "[profile \"dev\"]"),
            ("dev", " [profile dev]"),
            ("default", "[profile default]"),
        ];
        for (profile, header) in headers {
            fs::write(&path, header).unwrap();
            let keys = [("region".to_owned(), "r".to_owned())];
            add_profiles(&path, &[NewProfile { name: profile, keys: &keys }]).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), header);
        }
    }

    #[test]
    fn a_byte_order_mark_and_colons_are_read() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        fs::write(home.path().join(".aws/credentials"), "\u{feff}[dev]\naws_access_key_id: AKIA\nk = a:b\n").unwrap();
        let env = [(OsString::from("HOME"), home.path().into())].into_iter().collect();
        let profiles = Profiles::read(&env).unwrap();
        let dev = profiles.get("dev").unwrap();
        assert_eq!((dev.get("aws_access_key_id"), dev.get("k")), (Some("AKIA"), Some("a:b")));
    }
}
