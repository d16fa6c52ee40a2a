//! Parsing of the command line. No flag takes a secret.

use std::path::PathBuf;

#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) port: u16,
    pub(crate) region: Option<String>,
    pub(crate) world: Option<PathBuf>,
    /// File for the certificate of a new authority; `None` turns TLS off.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) demo: Option<Demo>,
}

/// A demonstration user, and the files to write so that AWS's clients can act as that user.
pub(crate) struct Demo {
    pub(crate) user: String,
    pub(crate) account: String,
    pub(crate) seed_file: PathBuf,
    pub(crate) credentials_file: PathBuf,
    pub(crate) config_file: PathBuf,
    pub(crate) profile: String,
    pub(crate) bucket: String,
    pub(crate) region: String,
}

const FLAGS: [&str; 11] = [
    "--port",
    "--region",
    "--world",
    "--ca-file",
    "--demo-user",
    "--account",
    "--seed-file",
    "--credentials-file",
    "--config-file",
    "--profile",
    "--bucket",
];

impl Arguments {
    /// Parses the arguments; `None` means that help was requested.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
        let mut values = Vec::new();
        let mut arguments = arguments;
        while let Some(flag) = arguments.next() {
            if matches!(flag.as_str(), "--help" | "-h") {
                return Ok(None);
            }
            let Some(flag) = FLAGS.into_iter().find(|known| *known == flag) else {
                return Err(format!("no flag is called {flag:?}"));
            };
            values.push((flag, arguments.next().ok_or_else(|| format!("{flag} wants a value"))?));
        }
        let get = |flag: &str| values.iter().find(|(have, _)| *have == flag).map(|(_, value)| value.clone());
        let port = get("--port").map_or(Ok(0), |text| text.parse()).map_err(|_| "--port wants a port number")?;
        let demo = get("--demo-user").map(|user| Demo::of(user, &get)).transpose()?;
        let (world, ca_file) = (get("--world").map(PathBuf::from), get("--ca-file").map(PathBuf::from));
        Ok(Some(Arguments { port, region: get("--region"), world, ca_file, demo }))
    }
}

impl Demo {
    fn of(user: String, get: &impl Fn(&str) -> Option<String>) -> Result<Demo, String> {
        let needed = |flag: &str| get(flag).ok_or_else(|| format!("--demo-user wants {flag} as well"));
        let account = needed("--account")?;
        if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("--account wants twelve digits".to_owned());
        }
        let profile = get("--profile").unwrap_or_else(|| user.clone());
        let is_name = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
        };
        if !is_name(&user) || !is_name(&profile) {
            return Err("--demo-user and --profile want letters, digits and _+=,.@-".to_owned());
        }
        Ok(Demo {
            user,
            account,
            profile,
            seed_file: needed("--seed-file")?.into(),
            credentials_file: needed("--credentials-file")?.into(),
            config_file: needed("--config-file")?.into(),
            bucket: get("--bucket").unwrap_or_else(|| "demo-bucket".to_owned()),
            region: get("--region").unwrap_or_else(|| "us-east-1".to_owned()),
        })
    }
}
