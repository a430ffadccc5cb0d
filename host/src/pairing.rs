//! Pairing codes: what a QR code or a link carries in place of a profile. A code is random, holds nothing, and is good for
//! one use within ten minutes; a store keeps its digest alone, so that whoever reads the store can't use it.
//!
//! ```
//! use unisono_host::pairing::PairingCode;
//!
//! let code = PairingCode::random()?;
//! let shown = code.text("https://shop.example/p#")?;
//! // The store: put `code.digest()` with what it stands for, for `limits::PAIRING_MS` milliseconds; take it exactly once.
//! assert_eq!(PairingCode::parse(&shown)?.digest(), code.digest());
//! # Ok::<(), unisono_host::HostError>(())
//! ```

use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use sha2::{Digest, Sha256};

use crate::error::{HostError, HostErrorCode};
use crate::limits::PAIRING_TEXT_BYTES_MAX;

/// A code of 128 random bits.
pub struct PairingCode([u8; 16]);

/// Letters of a code: sixteen bytes in base32.
const LETTERS: usize = 26;

/// Crockford's base32: letters that look alike are one, case and hyphens count for nothing.
static BASE32: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("abcdefghjkmnpqrstvwxyzoOiIlL");
    specification.translate.to.push_str("ABCDEFGHJKMNPQRSTVWXYZ001111");
    specification.ignore.push('-');
    specification.encoding().ok()
});

impl PairingCode {
    /// A new code from the system's random bytes.
    ///
    /// # Errors
    /// `internal` where the system has none.
    pub fn random() -> Result<Self, HostError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| HostError::internal("no random bytes", error))?;
        Ok(PairingCode(bytes))
    }

    /// What a QR code or a link shows: the prefix, then the code's 26 letters. The prefix is empty or the beginning of an
    /// address, of printable ASCII that ends in one of `/#=?:`, best in `#`, which browsers send to no server.
    ///
    /// # Errors
    /// `invalid_config` where the prefix is none, or the text would be longer than 100 bytes.
    pub fn text(&self, prefix: &str) -> Result<String, HostError> {
        let sound =
            prefix.is_empty() || prefix.ends_with(SEPARATORS) && prefix.bytes().all(|byte| byte.is_ascii_graphic());
        if !sound || prefix.len() + LETTERS > PAIRING_TEXT_BYTES_MAX {
            let message = format!(
                "the prefix of pairing codes is at most {} printable ASCII characters and ends in one of `/#=?:`",
                PAIRING_TEXT_BYTES_MAX - LETTERS
            );
            return Err(HostError::new(HostErrorCode::InvalidConfig, message));
        }
        Ok(format!("{prefix}{}", base32()?.encode(&self.0)))
    }

    /// The code of a text, as scanned or as typed: what stands behind the last of `/#=?:`, in either case, with or without
    /// hyphens.
    ///
    /// # Errors
    /// `pairing_code_malformed`. The text is not repeated: it is a secret.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let code = text.trim().rsplit(SEPARATORS).next().unwrap_or_default();
        let read = if text.len() > PAIRING_TEXT_BYTES_MAX { None } else { base32()?.decode(code.as_bytes()).ok() };
        let bytes = read.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        bytes.map(PairingCode).ok_or_else(|| {
            HostError::new(HostErrorCode::PairingCodeMalformed, "the text is no pairing code of 26 letters and digits")
        })
    }

    /// What a store keeps in the code's place: a SHA-256.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"unisono pairing code").chain_update(self.0).finalize().into()
    }
}

/// The error of a store that does not hold the code, for whichever reason: a guesser learns nothing.
pub fn unknown() -> HostError {
    HostError::new(HostErrorCode::PairingCodeUnknown, "the pairing code was used, has expired, or was never given")
}

const SEPARATORS: [char; 5] = ['/', '#', '=', '?', ':'];

fn base32() -> Result<&'static Encoding, HostError> {
    BASE32.as_ref().ok_or_else(|| HostError::new(HostErrorCode::Internal, "the letters of pairing codes are no base32"))
}

impl std::fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairingCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fast_qr::QRBuilder;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Pixels a side.
    const IMAGE: usize = 300;

    /// The QR code as a grey image, with a quiet zone of four modules, and the text that a scanner reads in it.
    fn scanned(text: &str) -> String {
        let code = QRBuilder::new(text).build().unwrap();
        let module = IMAGE / (code.size + 8);
        let margin = (IMAGE - module * code.size) / 2;
        let dark = |at: usize| at.checked_sub(margin).map(|at| at / module).filter(|at| *at < code.size);
        let grey = |x, y| match (dark(x), dark(y)) {
            (Some(column), Some(row)) if code[row][column].value() => 30,
            _ => 220,
        };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(IMAGE, IMAGE, grey);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "a scanner sees one code");
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_rendered_code_of_300_pixels_is_scanned_and_is_the_same_code() {
        let longest = format!("https://{}.example/p#", "a".repeat(55));
        for prefix in ["", "https://shop.example/p#", &longest] {
            let code = PairingCode::random().unwrap();
            let text = code.text(prefix).unwrap();
            assert!(text.len() <= PAIRING_TEXT_BYTES_MAX, "{} bytes", text.len());
            let read = scanned(&text);
            assert_eq!(read, text);
            assert_eq!(PairingCode::parse(&read).unwrap().digest(), code.digest());
        }
        assert_eq!(longest.len() + LETTERS, PAIRING_TEXT_BYTES_MAX);
    }

    #[test]
    fn codes_differ_and_show_themselves_nowhere() {
        let codes: Vec<PairingCode> = (0..200).map(|_| PairingCode::random().unwrap()).collect();
        let digests: BTreeSet<[u8; 32]> = codes.iter().map(PairingCode::digest).collect();
        assert_eq!(digests.len(), 200);
        let text = codes[0].text("").unwrap();
        assert!(!format!("{:?}", codes[0]).contains(&text));
        let error = PairingCode::parse(&format!("{text}!")).unwrap_err();
        assert!(error.code() == "pairing_code_malformed" && !format!("{error:?}").contains(&text));
        assert_eq!(unknown().code(), "pairing_code_unknown");
    }

    #[test]
    fn prefixes_that_no_address_begins_with_are_refused() {
        let code = PairingCode::random().unwrap();
        for prefix in ["https://shop.example/p", "über/", "a b/", &format!("{}/", "a".repeat(74))] {
            assert_eq!(code.text(prefix).unwrap_err().code(), "invalid_config", "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn what_people_type_is_what_was_shown(bytes in any::<[u8; 16]>(), lower in any::<bool>(), hyphens in 1usize..9) {
            let code = PairingCode(bytes);
            let text = code.text("").unwrap();
            prop_assert_eq!(text.len(), LETTERS);
            let typed: Vec<&str> = text.as_bytes().chunks(hyphens).map(|part| std::str::from_utf8(part).unwrap()).collect();
            let typed = format!(" {} ", typed.join("-")).replace('0', "o").replace('1', "l");
            let typed = if lower { typed.to_lowercase() } else { typed };
            prop_assert_eq!(PairingCode::parse(&typed).unwrap().0, bytes);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,120}", plain in "[0-9A-Za-z/#-]{0,120}") {
            for text in [text, plain] {
                if let Err(error) = PairingCode::parse(&text) {
                    prop_assert_eq!(error.code(), "pairing_code_malformed");
                }
            }
        }
    }
}
