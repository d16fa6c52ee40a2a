//! What AWS's two files say of profiles, read by the SDK's own parser, with the precedence that AWS's clients have.

use crate::aws::sections::{EditFault, Sections};
use crate::file::{self, FileError, FileFault, Privacy};
use crate::world::Environment;
use aws_config::profile::{Profile, ProfileSet};
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::Fs;
use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Where AWS's two files are.
#[derive(Clone, Debug)]
pub struct Locations {
    /// The config file.
    pub config: PathBuf,
    /// The credentials file.
    pub credentials: PathBuf,
}

impl Locations {
    /// Finds both files as AWS's clients do.
    ///
    /// # Errors
    /// [`FileFault::NoHome`].
    pub fn find(env: &Environment) -> Result<Self, FileError> {
        let locate = |variable: &str, name: &str| {
            let default = || env.home().map(|home| home.join(".aws").join(name));
            let path = env.os(variable).map(|path| env.expand(path)).or_else(default);
            path.ok_or_else(|| FileError { path: PathBuf::from("~/.aws").join(name), fault: FileFault::NoHome })
        };
        Ok(Self {
            config: locate("AWS_CONFIG_FILE", "config")?,
            credentials: locate("AWS_SHARED_CREDENTIALS_FILE", "credentials")?,
        })
    }
}

/// Both files, read.
pub struct Profiles {
    /// Where they are.
    pub locations: Locations,
    env: Environment,
    files: Vec<(EnvConfigFileKind, PathBuf, Vec<u8>)>,
    all: ProfileSet,
}

impl Profiles {
    /// Reads both files; one that is not there is empty.
    ///
    /// # Errors
    /// [`FileError`] for one that cannot be read, or that AWS's clients could not read.
    pub fn read(env: &Environment) -> Result<Self, FileError> {
        let locations = Locations::find(env)?;
        let mut files = Vec::new();
        let both =
            [(EnvConfigFileKind::Config, &locations.config), (EnvConfigFileKind::Credentials, &locations.credentials)];
        for (kind, path) in both {
            if let Some(text) = file::read(path)? {
                files.push((kind, path.clone(), text.to_vec()));
            }
        }
        let all = parse(&files, env, "default")?;
        Ok(Self { locations, env: env.clone(), files, all })
    }

    /// A profile: its sections of both files, merged as the SDK does.
    #[must_use]
    pub fn get(&self, profile: &str) -> Option<&Profile> {
        self.all.get_profile(profile)
    }

    /// The names of all profiles, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.all.profiles().collect();
        names.sort_unstable();
        names
    }

    /// The settings of `profile`, for which the environment has a say too.
    ///
    /// # Errors
    /// [`FileError`] as [`Profiles::read`].
    pub fn settings(&self, profile: &str) -> Result<Settings, FileError> {
        let profiles = parse(&self.files, &self.env, profile)?;
        Ok(Settings { env: self.env.for_sdk(profile), profiles })
    }

    /// Whether the config file has a section of its own for `profile`.
    #[must_use]
    pub fn in_config(&self, profile: &str) -> bool {
        let config = self.files.iter().find(|(kind, ..)| matches!(kind, EnvConfigFileKind::Config));
        let Some((_, _, text)) = config else { return false };
        // A section that stands twice is there, too.
        !matches!(Sections::new(text.clone().into()).has(&config_header(profile)), Ok(false))
    }
}

/// Settings as AWS's clients find them: environment, then profile, with the parts that belong to one service first.
pub struct Settings {
    env: aws_types::os_shim_internal::Env,
    profiles: ProfileSet,
}

impl Settings {
    /// The endpoint of a service (`sts`, `iam`) that replaces AWS's own, if one is set
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

    /// A switch that is on if it says `true`.
    #[must_use]
    pub fn flag(&self, variable: &str, key: &str) -> bool {
        self.value(variable, key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The variable's value, else the profile's.
    #[must_use]
    pub fn value(&self, variable: &str, key: &str) -> Option<String> {
        let setting = EnvConfigValue::new().env(variable).profile(key);
        let value = setting.validate(&self.env, Some(&self.profiles), |text| Ok::<_, Infallible>(text.to_owned()));
        value.unwrap_or(None).filter(|text| !text.is_empty())
    }
}

/// The header of a profile's section in the config file.
#[must_use]
pub fn config_header(profile: &str) -> String {
    if profile == "default" { profile.to_owned() } else { format!("profile {profile}") }
}

/// Adds a section for `profile` with `keys` to the config file, if it has none.
///
/// # Errors
/// [`FileError`]; the file is then as it was.
pub fn add_profile(path: &std::path::Path, profile: &str, keys: &[(String, String)]) -> Result<(), FileError> {
    let header = config_header(profile);
    let keys: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    file::replace(path, Privacy::Ordinary, |text| {
        let mut sections = Sections::new(text);
        if sections.has(&header) == Ok(false) {
            sections.set(&header, &keys, &[]).map_err(|fault| damaged(path, fault))?;
        }
        Ok(sections.into_bytes())
    })
}

/// A file in which a section cannot be edited.
#[must_use]
pub fn damaged(path: &std::path::Path, fault: EditFault) -> FileError {
    let what = match fault {
        EditFault::SectionTwice { line } => format!("line {line}: the section stands there a second time"),
        EditFault::OddHeader { line } => {
            format!("line {line}: blanks in the header, which AWS's clients read differently")
        }
        EditFault::IndentedComment { line } => {
            format!("line {line}: a comment that does not begin the line, which some of AWS's clients take for a value")
        }
        EditFault::Unreadable { line } => format!("line {line}: neither a section, a key nor a comment"),
    };
    FileError { path: path.to_owned(), fault: FileFault::Damaged { what } }
}

fn parse(
    files: &[(EnvConfigFileKind, PathBuf, Vec<u8>)],
    env: &Environment,
    profile: &str,
) -> Result<ProfileSet, FileError> {
    if files.is_empty() {
        return Ok(ProfileSet::default());
    }
    let mut contents = HashMap::new();
    let mut builder = EnvConfigFiles::builder();
    for (kind, path, text) in files {
        contents.insert(path.clone().into_os_string(), text.clone());
        builder = builder.with_file(*kind, path);
    }
    let (fs, files_read) = (Fs::from_raw_map(contents), builder.build());
    let env = env.for_sdk(profile);
    let loading = pin!(aws_config::profile::load(&fs, &env, &files_read, None));
    // Everything is in memory, so the first poll is the last.
    let what = match loading.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(profiles)) => return Ok(profiles),
        Poll::Ready(Err(error)) => error.source().map_or_else(|| error.to_string(), ToString::to_string),
        Poll::Pending => "the parser waits for something".to_owned(),
    };
    let culprit = files.iter().map(|(_, path, _)| path).find(|path| what.contains(&*path.to_string_lossy()));
    let path = culprit.cloned().unwrap_or_default();
    let what = what.replace(&format!("error parsing {} on ", path.display()), "").replace(":\n  ", ": ");
    Err(FileError { path, fault: FileFault::Damaged { what } })
}
