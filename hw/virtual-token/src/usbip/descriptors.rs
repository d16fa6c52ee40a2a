//! USB descriptors of the device, and the requests on its control pipe (USB 2.0, chapter 9; USB CCID 1.1, chapter 5).

use super::frames::BUS_ID;

const VENDOR: u16 = 0x1050;
/// Version of the device (bcdDevice) for firmware 5.4.3.
const VERSION: u16 = 0x0543;
/// Linux's number for full speed (12 Mbit/s), which is the speed of a YubiKey.
const FULL_SPEED: u32 = 2;

/// Bulk endpoint for commands to the reader.
pub(super) const OUT: u8 = 2;
/// Bulk endpoint for responses of the reader.
pub(super) const IN: u8 = 2;
/// Interrupt endpoint for notifications of the reader.
pub(super) const INTERRUPT: u8 = 3;

/// Length of the longest message in bytes (dwMaxCCIDMessageLength). An APDU has to fit into one message.
pub(super) const LONGEST: usize = 3072;

/// Returns true if the endpoint sends data to the host.
pub(super) fn is_in(endpoint: u8) -> bool {
    matches!(endpoint, IN | INTERRUPT)
}

fn device(product: u16) -> Vec<u8> {
    let [vendor, product, version] = [VENDOR, product, VERSION].map(u16::to_le_bytes);
    [&[18, 1, 0x00, 0x02, 0, 0, 0, 64][..], &vendor, &product, &version, &[1, 2, 0, 1]].concat()
}

/// Returns the configuration descriptor, followed by those of the interface, the CCID class and the three endpoints.
fn configuration() -> Vec<u8> {
    let body = [
        &[9, 4, 0, 0, 3, 0x0b, 0, 0, 0][..],
        &ccid(),
        &[7, 5, OUT, 2, 64, 0, 0],
        &[7, 5, 0x80 | IN, 2, 64, 0, 0],
        &[7, 5, 0x80 | INTERRUPT, 3, 8, 0, 32],
    ]
    .concat();
    let total = u16::try_from(9 + body.len()).unwrap_or(u16::MAX).to_le_bytes();
    [&[9, 2, total[0], total[1], 1, 1, 0, 0x80, 15][..], &body].concat()
}

/// Returns the CCID class descriptor, with the values of a YubiKey 5 in libccid's list of readers.
fn ccid() -> Vec<u8> {
    let longest = u32::try_from(LONGEST).unwrap_or(u32::MAX);
    let mut bytes = vec![54, 0x21, 0x00, 0x01, 0, 7];
    // Protocols (T=1), default and maximum clock in kHz; then the number of clock frequencies.
    [2, 4000, 4000].into_iter().for_each(|word: u32| bytes.extend(word.to_le_bytes()));
    bytes.push(0);
    // Default and maximum data rate in bit/s; then the number of data rates.
    [307_200_u32, 307_200].into_iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes.push(0);
    // Longest T=1 block, no synchronous protocols, nothing mechanical, everything automatic with short and extended
    // APDUs, longest message.
    [longest - 10, 0, 0, 0x0004_00fe, longest].into_iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    // Class bytes echoed, no display, no PIN pad, one slot busy at a time.
    bytes.extend([0xff, 0xff, 0, 0, 0, 1]);
    bytes
}

fn string(index: u8) -> Option<Vec<u8>> {
    let text = match index {
        0 => return Some(vec![4, 3, 0x09, 0x04]),
        1 => "Yubico",
        2 => "YubiKey OTP+FIDO+CCID",
        _ => return None,
    };
    let body: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Some([vec![u8::try_from(2 + body.len()).unwrap_or(u8::MAX), 3], body].concat())
}

/// Returns the device as USB/IP describes it, without its interfaces.
pub(super) fn summary(product: u16) -> Vec<u8> {
    let mut bytes = b"/sys/devices/virtual-token/usb1/1-1".to_vec();
    bytes.resize(256, 0);
    bytes.extend(BUS_ID.as_bytes());
    bytes.resize(256 + 32, 0);
    // Bus number, device number, speed.
    [1, 2, FULL_SPEED].into_iter().for_each(|word| bytes.extend(word.to_be_bytes()));
    [VENDOR, product, VERSION].into_iter().for_each(|word| bytes.extend(word.to_be_bytes()));
    // Class, subclass, protocol; active configuration, number of configurations, number of interfaces.
    bytes.extend([0, 0, 0, 1, 1, 1]);
    bytes
}

/// Returns the device as [`summary`] does, followed by its interface.
pub(super) fn listed(product: u16) -> Vec<u8> {
    [summary(product), vec![0x0b, 0, 0, 0]].concat()
}

/// Outcome of a request on the control pipe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ControlAnswer {
    /// The response, of which no more than the requested length is sent.
    Data(Vec<u8>),
    /// The request was carried out; there is no data to send.
    Taken,
    /// The request was carried out, and the reader has to abort its current command.
    Abort,
    /// The request was carried out, and the token has to be reset and all queued responses dropped. A kernel sends
    /// this request after it has reset the device.
    Anew,
    /// The request is unknown.
    Stall,
}

/// Handles a request, given as its type, number, value, index and length.
pub(super) fn answer(product: u16, setup: &[u8; 8]) -> ControlAnswer {
    let some = |bytes: Option<Vec<u8>>| bytes.map_or(ControlAnswer::Stall, ControlAnswer::Data);
    match *setup {
        // GET_DESCRIPTOR
        [0x80, 6, _, 1, ..] => ControlAnswer::Data(device(product)),
        [0x80, 6, _, 2, ..] => ControlAnswer::Data(configuration()),
        [0x80, 6, index, 3, ..] => some(string(index)),
        // GET_STATUS of device, interface, endpoint.
        [0x80..=0x82, 0, ..] => ControlAnswer::Data(vec![0, 0]),
        // GET_CONFIGURATION, GET_INTERFACE.
        [0x80, 8, ..] => ControlAnswer::Data(vec![1]),
        [0x81, 10, ..] => ControlAnswer::Data(vec![0]),
        // CLEAR_FEATURE, SET_FEATURE, SET_INTERFACE.
        [0x00..=0x02, 1 | 3 | 11, ..] => ControlAnswer::Taken,
        // SET_CONFIGURATION.
        [0x00, 9, ..] => ControlAnswer::Anew,
        // CCID: ABORT.
        [0x21, 1, ..] => ControlAnswer::Abort,
        _ => ControlAnswer::Stall,
    }
}
