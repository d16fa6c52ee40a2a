//! Input of a secret from a picture, from a pipe, or by typing, but never on the command line.

use crate::accounts::{AccountsError, PictureFault, uri_in};
use crate::file::{self, FileFault};
use crate::world::World;
use secrecy::SecretString;
use std::io::{self, BufRead, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Upper bound for a picture's size, in bytes.
const LARGEST: u64 = 20 * 1024 * 1024;

/// Returns a secret that needs no person: the URI in a picture, or what is piped in; `None` if there is neither.
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

/// Returns the first line of standard input that is not empty; `None` if there is none.
fn first_line(world: &mut World) -> io::Result<Option<SecretString>> {
    /// Upper bound for what is read, in bytes; far longer than any URI.
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

/// Returns the URI in a picture. The path `-` means standard input.
fn from_picture(path: &Path, world: &mut World) -> Result<SecretString, PictureFault> {
    let read = |input: &mut dyn Read| {
        let mut bytes = Zeroizing::new(Vec::new());
        input.take(LARGEST + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = if path.as_os_str() == "-" {
        world.read_stdin(move |mut input| read(&mut input)).map_err(PictureFault::Unreadable)?
    } else {
        // The checks in `file::open` are for the picture itself, not for a link to it.
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
