//! The TC string of the IAB's Transparency and Consent Framework, versions 2.2 and 2.3: what is needed of it.
//!
//! Written here, because the crates that decode it unfold every range of vendors: a string of 16,000 characters kept one of
//! them (iab_gpp 0.1.2) busy for 47 seconds. Here a range costs one comparison.
//!
//! Format: <https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework>, "Consent string and
//! vendor list formats v2".

use data_encoding::{BitOrder, Encoding, Specification};
use std::sync::LazyLock;

use crate::error::{HostError, HostErrorCode};
use crate::limits::TCF_CHARACTERS_MAX;

/// Purposes that a string has bits for.
pub(super) const PURPOSES_MAX: u32 = 24;
/// The version of the policies with which disclosed vendors became mandatory (v2.3).
const POLICY_OF_V2_3: u64 = 5;
const CORE_VERSION: u64 = 2;
const DISCLOSED_VENDORS: u64 = 1;

/// What a string says of purposes, and of one vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcfConsent {
    /// When the customer last said something, Unix milliseconds UTC, whole seconds.
    pub last_updated_ms: i64,
    /// Of the policies: 4 is v2.2, 5 is v2.3.
    pub policy_version: u8,
    /// Purpose 1 in the highest of 24 bits.
    purposes: u32,
    /// Whether the asked vendor has consent, and from v2.3 on was disclosed; true where none is asked for.
    pub vendor_consented: bool,
}

impl TcfConsent {
    /// Decodes a string, and looks up one vendor.
    ///
    /// # Errors
    /// `tcf_malformed`, `tcf_version_unsupported`.
    pub fn decode(text: &str, vendor: Option<u16>) -> Result<Self, HostError> {
        if text.len() > TCF_CHARACTERS_MAX {
            return Err(malformed("it is longer than tcf_characters_max"));
        }
        let mut segments = text.trim().split('.');
        let core = bytes_of(segments.next().unwrap_or_default())?;
        let mut bits = Bits { bytes: &core, at: 0, ended: false };
        let version = bits.take(6);
        if version != CORE_VERSION {
            let message = format!("the consent string has the version `{version}`; 2 is known");
            return Err(HostError::new(HostErrorCode::TcfVersionUnsupported, message));
        }
        bits.take(36);
        // Tenths of a second, of which writers keep whole days at best.
        let last_updated_ms = (bits.take(36) / 10 * 1000) as i64;
        // The platform and its version, screen, language, version of the vendor list.
        bits.pass(12 + 12 + 6 + 12 + 12);
        let policy_version = bits.take(6);
        // Two flags, and opt-ins to special features.
        bits.pass(2 + 12);
        let purposes = bits.take(24) as u32;
        // Legitimate interests, the treatment of purpose 1, the publisher's country.
        bits.pass(24 + 1 + 12);
        let mut vendor_consented = vendor.is_none_or(|vendor| bits.holds_vendor(vendor));
        if bits.ended {
            return Err(malformed("it ends too early"));
        }
        let mut disclosed = false;
        for segment in segments {
            let segment = bytes_of(segment)?;
            let mut bits = Bits { bytes: &segment, at: 0, ended: false };
            if bits.take(3) == DISCLOSED_VENDORS {
                disclosed |= vendor.is_none_or(|vendor| bits.holds_vendor(vendor));
            }
            if bits.ended {
                return Err(malformed("a segment ends too early"));
            }
        }
        vendor_consented &= vendor.is_none() || disclosed || policy_version < POLICY_OF_V2_3;
        Ok(TcfConsent { last_updated_ms, policy_version: policy_version as u8, purposes, vendor_consented })
    }

    /// Whether the customer consents to a purpose, from 1.
    pub fn purpose_consented(&self, purpose: u32) -> bool {
        (1..=PURPOSES_MAX).contains(&purpose) && self.purposes >> (PURPOSES_MAX - purpose) & 1 == 1
    }
}

#[cold]
fn malformed(what: &str) -> HostError {
    HostError::new(HostErrorCode::TcfMalformed, format!("the consent string is no TCF string: {what}"))
}

/// Base64url as TCF writes it: without padding, of any number of letters, the bits beyond the last byte undefined.
static LETTERS: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    specification.bit_order = BitOrder::MostSignificantFirst;
    specification.check_trailing_bits = false;
    specification.encoding().ok()
});

fn bytes_of(segment: &str) -> Result<Vec<u8>, HostError> {
    // Four letters are three bytes; writers of other lengths mean zeros behind.
    let filled = format!("{segment}{}", "A".repeat((4 - segment.len() % 4) % 4));
    let letters = LETTERS.as_ref().filter(|_| !segment.is_empty());
    letters.and_then(|letters| letters.decode(filled.as_bytes()).ok()).ok_or_else(|| malformed("it is no base64url"))
}

/// Reads bits, highest first; beyond the end there are zeros, and `ended`.
struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
    ended: bool,
}

impl Bits<'_> {
    fn bit(&mut self) -> bool {
        let byte = self.bytes.get(self.at / 8);
        self.ended |= byte.is_none();
        let bit = byte.is_some_and(|byte| byte >> (7 - self.at % 8) & 1 == 1);
        self.at += 1;
        bit
    }

    /// A number of at most 36 bits.
    fn take(&mut self, bits: usize) -> u64 {
        (0..bits).fold(0, |number, _| number << 1 | u64::from(self.bit()))
    }

    fn pass(&mut self, bits: usize) {
        self.at += bits;
    }

    /// Whether a list of vendors, bits or ranges, holds one.
    fn holds_vendor(&mut self, vendor: u16) -> bool {
        let (vendor, most) = (u64::from(vendor), self.take(16));
        let is_ranges = self.bit();
        if !is_ranges {
            let start = self.at;
            self.pass(most.saturating_sub(1) as usize);
            // The last bit says whether the string holds them all.
            if most > 0 {
                self.bit();
            }
            let mut one = Bits { bytes: self.bytes, at: start + vendor.saturating_sub(1) as usize, ended: false };
            return (1..=most).contains(&vendor) && one.bit();
        }
        let mut holds = false;
        for _ in 0..self.take(12) {
            let is_range = self.bit();
            let first = self.take(16);
            let last = if is_range { self.take(16) } else { first };
            holds |= (first..=last).contains(&vendor);
            if self.ended {
                return false;
            }
        }
        holds
    }
}
