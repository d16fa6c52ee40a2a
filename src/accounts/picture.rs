//! Reading of an account's QR code from a picture: PNG or JPEG, a screenshot or a photograph.

use hw::otpauth;
use png::{ColorType, Transformations};
use rqrr::PreparedImage;
use secrecy::SecretString;
use std::io::{self, Cursor};
use zeroize::Zeroizing;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Upper bound for a picture's size, in pixels; a usual camera's pictures have a third as many.
const MOST_PIXELS: usize = 40_000_000;
/// Upper bound for the memory that decoding a picture may take, in bytes.
const MOST_BYTES: usize = 8 * MOST_PIXELS;

/// Reason why no account was found in a picture.
#[derive(Debug)]
pub enum PictureFault {
    /// The file could not be read.
    Unreadable(io::Error),
    /// The path is not a regular file.
    NotAFile,
    /// The picture has more than 40 million pixels, or the file more than 20 MiB.
    TooLarge,
    /// The file is neither PNG nor JPEG.
    NotAPicture,
    /// The picture could not be decoded.
    Damaged,
    /// No QR code could be read in the picture.
    NoCode,
    /// The picture has QR codes, but none of them is an account's.
    NoAccount,
    /// The picture has the QR codes of several accounts.
    Several,
}

/// A picture in shades of grey, from 0 (black) to 255 (white). It shows a secret, so its memory is wiped when it is
/// dropped.
struct Greys {
    width: usize,
    height: usize,
    /// Brightness and opacity of each pixel, row by row.
    pixels: Zeroizing<Vec<(u8, u8)>>,
}

/// Returns the `otpauth://` URI in a picture's QR code.
///
/// # Errors
/// [`PictureFault`] if the picture cannot be decoded, or does not show exactly one account.
pub fn uri_in(file: &[u8]) -> Result<SecretString, PictureFault> {
    let greys = match file {
        [0x89, b'P', b'N', b'G', ..] => png(file)?,
        [0xFF, 0xD8, 0xFF, ..] => jpeg(file)?,
        _ => return Err(PictureFault::NotAPicture),
    };
    let mut seen = false;
    // Try dark on white first, then the colours of a dark mode.
    for (paper, inverted) in [(255, false), (255, true), (0, true), (0, false)] {
        let mut found = codes(&greys, paper, inverted);
        seen |= !found.is_empty();
        found.retain(|text| otpauth::is_uri(text));
        found.sort_by(|one, other| one.as_slice().cmp(other.as_slice()));
        found.dedup();
        let Some(text) = found.pop() else { continue };
        if !found.is_empty() {
            return Err(PictureFault::Several);
        }
        let text = std::str::from_utf8(&text).map_err(|_| PictureFault::NoAccount)?;
        return Ok(SecretString::from(text.to_owned()));
    }
    Err(if seen { PictureFault::NoAccount } else { PictureFault::NoCode })
}

/// Returns the content of all QR codes in a picture, with transparent pixels shown on a background of the shade
/// `paper`.
fn codes(greys: &Greys, paper: u16, inverted: bool) -> Vec<Zeroizing<Vec<u8>>> {
    /// Upper bound for the content of a QR code, in bytes (ISO 18004: version 40-L).
    const LONGEST: usize = 2953;
    /// Lower bound for the width of a QR code, in modules (ISO 18004: version 1).
    const SMALLEST: usize = 21;
    if greys.width.min(greys.height) < SMALLEST {
        return Vec::new();
    }
    let shade = |x: usize, y: usize| {
        let (bright, opaque) = greys.pixels.get(y * greys.width + x).copied().unwrap_or_default();
        let (bright, opaque) = (u16::from(bright), u16::from(opaque));
        let seen = ((bright * opaque + paper * (255 - opaque)) / 255).to_le_bytes()[0];
        if inverted { 255 - seen } else { seen }
    };
    let mut image = PreparedImage::prepare_from_greyscale(greys.width, greys.height, shade);
    let read = |grid: rqrr::Grid<_>| {
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST));
        grid.decode_to(&mut *text).ok().map(|_| text)
    };
    image.detect_grids().into_iter().filter_map(read).collect()
}

fn png(file: &[u8]) -> Result<Greys, PictureFault> {
    let limits = png::Limits { bytes: MOST_BYTES };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let (width, height) = decoder.read_header_info().map_err(|_| PictureFault::Damaged)?.size();
    let (width, height) = size(width as usize, height as usize)?;
    let mut reader = decoder.read_info().map_err(|_| PictureFault::Damaged)?;
    let length = reader.output_buffer_size().filter(|length| *length <= MOST_BYTES).ok_or(PictureFault::TooLarge)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    reader.next_frame(&mut bytes).map_err(|_| PictureFault::Damaged)?;
    let pixels = match reader.output_color_type().0 {
        ColorType::Grayscale => bytes.iter().map(|grey| (*grey, 255)).collect(),
        ColorType::GrayscaleAlpha => bytes.as_chunks().0.iter().map(|&[grey, opaque]| (grey, opaque)).collect(),
        ColorType::Rgb => bytes.as_chunks().0.iter().map(|&[r, g, b]| (grey([r, g, b]), 255)).collect(),
        ColorType::Rgba => bytes.as_chunks().0.iter().map(|&[r, g, b, opaque]| (grey([r, g, b]), opaque)).collect(),
        ColorType::Indexed => return Err(PictureFault::Damaged),
    };
    Ok(Greys { width, height, pixels: Zeroizing::new(pixels) })
}

fn jpeg(file: &[u8]) -> Result<Greys, PictureFault> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(|_| PictureFault::Damaged)?;
    let info = decoder.info().ok_or(PictureFault::Damaged)?;
    let (width, height) = size(info.width.into(), info.height.into())?;
    let bytes = Zeroizing::new(decoder.decode().map_err(|_| PictureFault::Damaged)?);
    let pixels = bytes.as_chunks().0.iter().map(|&[r, g, b]| (grey([r, g, b]), 255)).collect();
    Ok(Greys { width, height, pixels: Zeroizing::new(pixels) })
}

fn size(width: usize, height: usize) -> Result<(usize, usize), PictureFault> {
    let fits = width.checked_mul(height).is_some_and(|pixels| pixels <= MOST_PIXELS);
    if fits { Ok((width, height)) } else { Err(PictureFault::TooLarge) }
}

/// Returns the brightness of a colour (ITU-R BT.601).
fn grey([r, g, b]: [u8; 3]) -> u8 {
    let weighted = u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114;
    u8::try_from(weighted / 1000).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    const AWS: &[u8] = include_bytes!("../../tests/e2e/pictures/aws.png");
    const PHOTO: &[u8] = include_bytes!("../../tests/e2e/pictures/photo.jpg");
    const DARK: &[u8] = include_bytes!("../../tests/e2e/pictures/dark.png");
    const TWO: &[u8] = include_bytes!("../../tests/e2e/pictures/two.png");
    const LINK: &[u8] = include_bytes!("../../tests/e2e/pictures/link.png");

    /// Content of the QR codes in all pictures but the last two. The pictures were made by another program.
    const URI: &str = "otpauth://totp/Amazon%20Web%20Services:alice@123456789012?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Amazon%20Web%20Services";

    #[test]
    fn reads_screenshots_photographs_and_dark_mode() {
        for (picture, name) in [(AWS, "screenshot"), (PHOTO, "photograph"), (DARK, "dark")] {
            let uri = uri_in(picture).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
            assert_eq!(uri.expose_secret(), URI, "{name}");
        }
    }

    #[test]
    fn rejects_pictures_without_exactly_one_account() {
        assert!(matches!(uri_in(TWO), Err(PictureFault::Several)));
        assert!(matches!(uri_in(LINK), Err(PictureFault::NoAccount)));
        assert!(matches!(uri_in(b"GIF89a"), Err(PictureFault::NotAPicture)));
        assert!(matches!(uri_in(b""), Err(PictureFault::NotAPicture)));
        for picture in [AWS, PHOTO] {
            let cut = uri_in(&picture[..picture.len() / 3]);
            assert!(matches!(cut, Err(PictureFault::Damaged | PictureFault::NoCode)), "a part is missing");
        }
    }

    #[test]
    fn rejects_a_small_file_that_decodes_to_a_huge_picture() {
        let mut bomb = Vec::new();
        let mut encoder = png::Encoder::new(&mut bomb, 30_000, 30_000);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        encoder.write_header().unwrap();
        assert!(matches!(uri_in(&bomb), Err(PictureFault::TooLarge)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn decoding_a_damaged_picture_does_not_panic(which in 0..3_usize, damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
            let mut picture = [AWS, PHOTO, DARK][which].to_vec();
            for (at, byte) in damage {
                let at = at.index(picture.len() - 4) + 4;
                picture[at] = byte;
            }
            let _ = uri_in(&picture);
        }

        #[test]
        fn searching_any_pixels_does_not_panic(width in 0..60_usize, height in 0..60_usize, seed: u32) {
            let noise = |at: usize| (seed.wrapping_mul(2_654_435_761).wrapping_add(at as u32).wrapping_mul(40_503) >> 9).to_le_bytes()[0];
            let pixels = (0..width * height).map(|at| (noise(at), 255)).collect();
            let _ = codes(&Greys { width, height, pixels: Zeroizing::new(pixels) }, 255, seed % 2 == 0);
        }
    }
}
