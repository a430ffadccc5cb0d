//! Pairing: a code that one device shows and another reads links their profiles, once and for minutes.

use super::{Profiles, Registers, invalid, only_known, required_id};
use crate::error::{HostError, HostErrorCode};
use crate::limits::PAIRING_MS;
use crate::pack::{self, Packer};
use crate::pairing::{self, PairingCode};

impl Profiles {
    /// Gives a profile a one-time code: `{"profile_id", "prefix"?}` gives `{"code", "expires_ms"}`. The prefix is the beginning
    /// of an address that a QR code is to lead to.
    ///
    /// # Errors
    /// `invalid_request`, `invalid_config` for an unfit prefix, and those of the store.
    pub fn pair(&self, now_ms: i64, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let form = "a request is a map with `profile_id`, and `prefix` where an address is wanted";
        let input = self.named(input)?;
        let entries = pack::entries(&input).map_err(|_| invalid(form, ""))?;
        only_known(&entries, &["profile_id", "prefix"])?;
        let profile_id = required_id(&entries, form)?;
        let prefix =
            pack::find(&entries, "prefix").map(|prefix| pack::text(prefix).ok_or_else(|| invalid(form, "prefix")));
        let code = PairingCode::random()?;
        let text = code.text(prefix.transpose()?.unwrap_or_default())?;
        let expires_ms = now_ms.saturating_add(i64::try_from(PAIRING_MS).unwrap_or(i64::MAX));
        // The moment of issue goes with it: the link is of that time, so that an erasure in between wins over it.
        let kept = [&now_ms.to_be_bytes(), profile_id.as_bytes()].concat();
        if !self.store.put_code(&code.digest(), &kept, expires_ms, now_ms)? {
            return Err(HostError::new(HostErrorCode::Internal, "a random code was given twice"));
        }
        let mut answer = Packer::map(2);
        answer.text("code");
        answer.text(&text);
        answer.text("expires_ms");
        answer.int(expires_ms);
        Ok(answer.done())
    }

    /// Takes a code: `{"code", "profile_id"?}` gives `{"profile_id", "linked"}`, the profile whose code it was. With a profile
    /// of one's own, the two are linked; `linked` tells whether they are, also where a later word says otherwise.
    ///
    /// # Errors
    /// `pairing_code_malformed`, `pairing_code_unknown`, `invalid_request`, and those of [`Profiles::set`]. A code that was taken
    /// is spent, also when linking failed.
    pub fn redeem_pairing(&self, now_ms: i64, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let form = "a request is a map with `code`, and the `profile_id` that is to be linked";
        let input = self.named(input)?;
        let entries = pack::entries(&input).map_err(|_| invalid(form, ""))?;
        only_known(&entries, &["profile_id", "code"])?;
        let code = pack::find(&entries, "code").and_then(pack::text).ok_or_else(|| invalid(form, "code"))?;
        let own = match pack::find(&entries, "profile_id") {
            Some(_) => Some(required_id(&entries, form)?),
            None => None,
        };
        let code = PairingCode::parse(code)?;
        let other = self.store.take_code(&code.digest(), now_ms)?.ok_or_else(pairing::unknown)?;
        let no_profile = || HostError::new(HostErrorCode::StoreInvalid, "a code stands for no profile");
        let (issued_ms, other) = other.split_first_chunk::<8>().ok_or_else(no_profile)?;
        let other = String::from_utf8(other.to_vec()).map_err(|e| no_profile().with_source(e))?;
        let linked = match own.filter(|own| *own != other) {
            None => false,
            Some(own) => {
                self.set(now_ms, Registers::Links, &link(own, &other, i64::from_be_bytes(*issued_ms)))?;
                // These two alone: what else they are linked with is not what was asked.
                let both = [(own.to_owned(), self.record(own)?), (other.clone(), self.record(&other)?)];
                self.component(own, &both)?.profile_ids.contains(&other)
            }
        };
        let mut answer = Packer::map(2);
        answer.text("profile_id");
        answer.text(&other);
        answer.text("linked");
        answer.bool(linked);
        Ok(answer.done())
    }
}

/// `{"profile_id", "links": [{"profile_id", "linked", "ts_ms"}]}`.
fn link(own: &str, other: &str, ts_ms: i64) -> Vec<u8> {
    let mut request = Packer::map(2);
    request.text("profile_id");
    request.text(own);
    request.text("links");
    request.begin_array(1);
    request.begin_map(3);
    request.text("profile_id");
    request.text(other);
    request.text("linked");
    request.bool(true);
    request.text("ts_ms");
    request.int(ts_ms);
    request.done()
}
