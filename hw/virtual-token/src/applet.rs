//! The applets of a token, and whether they can be selected.

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

/// Whether an applet can be selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It can.
    Enabled,
    /// It is there, but switched off: the management applet says so.
    Disabled,
    /// There is none.
    Absent,
}

impl Applet {
    pub(super) const ALL: [Self; 3] = [Self::Oath, Self::Management, Self::Otp];

    pub(super) fn id(self) -> &'static [u8] {
        match self {
            Self::Oath => &[0xa0, 0, 0, 5, 0x27, 0x21, 0x01],
            Self::Management => &[0xa0, 0, 0, 5, 0x27, 0x47, 0x11, 0x17],
            Self::Otp => &[0xa0, 0, 0, 5, 0x27, 0x20, 0x01],
        }
    }

    /// Its bit among [`Persona::capabilities`].
    pub(super) fn capability(self) -> u16 {
        match self {
            Self::Oath => 0x20,
            Self::Management => 0,
            Self::Otp => 0x01,
        }
    }
}
