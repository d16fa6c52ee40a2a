//! A secret as it is given: in a picture, through a pipe, or typed; never on the command line.

use crate::accounts::{AccountsError, PictureFault, uri_in};
use crate::file::{self, FileFault};
use crate::world::World;
use secrecy::SecretString;
use std::io::{self, BufRead, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Longest picture that is read, in bytes.
const LARGEST: u64 = 20 * 1024 * 1024;

/// What needs no person: the URI in a picture, or what is piped in, if there is anything.
pub(super) fn without_a_person(
    picture: Option<&Path>,
    world: &mut World,
) -> Result<Option<SecretString>, AccountsError> {
    match picture {
        Some(path) => {
            let uri = from_picture(path, world);
            uri.map(Some).map_err(|fault| AccountsError::Picture { path: path.to_owned(), fault })
        }
        None if world.piped => first_line(world).map_err(AccountsError::Input),
        None => Ok(None),
    }
}

/// The first line of standard input that is not empty, if there is one.
fn first_line(world: &mut World) -> io::Result<Option<SecretString>> {
    /// More than any URI has, in bytes.
    const LONGEST: u64 = 16 * 1024;
    world.read_stdin(|input| {
        let mut input = input.take(LONGEST);
        let mut line = Zeroizing::new(String::with_capacity(LONGEST as usize));
        while input.read_line(&mut line)? > 0 {
            if !line.trim().is_empty() {
                return Ok(Some(SecretString::from(line.trim().to_owned())));
            }
        }
        Ok(None)
    })
}

/// The URI in a picture; `-` is standard input.
fn from_picture(path: &Path, world: &mut World) -> Result<SecretString, PictureFault> {
    let read = |input: &mut dyn Read| {
        let mut bytes = Zeroizing::new(Vec::new());
        input.take(LARGEST + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = if path.as_os_str() == "-" {
        world.read_stdin(move |mut input| read(&mut input)).map_err(PictureFault::Unreadable)?
    } else {
        // What a link leads to is what is meant.
        let path = path.canonicalize().map_err(PictureFault::Unreadable)?;
        let (mut file, _) = file::open(&path).map_err(|fault| match fault {
            FileFault::Read(error) => PictureFault::Unreadable(error),
            _ => PictureFault::NotAFile,
        })?;
        read(&mut file).map_err(PictureFault::Unreadable)?
    };
    if bytes.len() as u64 > LARGEST {
        return Err(PictureFault::TooLarge);
    }
    uri_in(&bytes)
}
