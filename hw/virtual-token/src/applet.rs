//! The applets of a token: their AIDs, their capability bits, and whether they are enabled.

/// The applets that a virtual token can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applet {
    /// The OATH applet, with accounts and codes.
    Oath,
    /// The management applet, which reports serial number, firmware version and enabled applets.
    Management,
    /// The OTP applet, which reports its status and the serial number; one-time passwords are not simulated.
    Otp,
}

/// State of an applet: enabled, disabled or absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The applet can be selected.
    Enabled,
    /// The applet cannot be selected, and the management applet reports it as disabled.
    Disabled,
    /// The token does not have the applet.
    Absent,
}

impl Applet {
    pub(crate) const ALL: [Self; 3] = [Self::Oath, Self::Management, Self::Otp];

    /// Returns the application identifier (AID) by which SELECT finds the applet.
    pub(crate) fn id(self) -> &'static [u8] {
        match self {
            Self::Oath => &[0xa0, 0, 0, 5, 0x27, 0x21, 0x01],
            Self::Management => &[0xa0, 0, 0, 5, 0x27, 0x47, 0x11, 0x17],
            Self::Otp => &[0xa0, 0, 0, 5, 0x27, 0x20, 0x01],
        }
    }

    /// Returns the applet's bit in [`crate::Persona::capabilities`]; 0 for the management applet, which has none.
    pub(crate) fn capability(self) -> u16 {
        match self {
            Self::Oath => 0x20,
            Self::Management => 0,
            Self::Otp => 0x01,
        }
    }
}
