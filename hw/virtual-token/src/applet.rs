//! The applets of a token: names on the wire, capability bits, enabled or not.

/// The applets that a virtual token can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applet {
    /// Accounts and codes.
    Oath,
    /// Serial number, firmware, what is enabled.
    Management,
    /// Status and serial number only.
    Otp,
}

/// State of an applet: enabled, disabled or absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It can be selected.
    Enabled,
    /// It is switched off, and the management applet says so.
    Disabled,
    /// The token does not have it.
    Absent,
}

impl Applet {
    pub(crate) const ALL: [Self; 3] = [Self::Oath, Self::Management, Self::Otp];

    /// The name by which SELECT finds it.
    pub(crate) fn id(self) -> &'static [u8] {
        match self {
            Self::Oath => &[0xa0, 0, 0, 5, 0x27, 0x21, 0x01],
            Self::Management => &[0xa0, 0, 0, 5, 0x27, 0x47, 0x11, 0x17],
            Self::Otp => &[0xa0, 0, 0, 5, 0x27, 0x20, 0x01],
        }
    }

    /// Its bit among [`crate::Persona::capabilities`].
    pub(crate) fn capability(self) -> u16 {
        match self {
            Self::Oath => 0x20,
            Self::Management => 0,
            Self::Otp => 0x01,
        }
    }
}
