//! Portable tokens of stored profiles: written for one, read into another. The module writes and reads what they carry; the
//! host signs and checks.

use std::sync::Arc;

use unisono_message::limits::TOKEN_BYTES_MAX;

use super::{Profiles, bad_answer, error_of, invalid, only_known, required_id};
use crate::error::{HostError, HostErrorCode};
use crate::limits::{TOKEN_CHARACTERS_DEFAULT, TOKEN_CHARACTERS_MAX, TOKEN_MS_DEFAULT};
use crate::pack::{self, Packer};
use crate::store::{Updated, update};
use crate::token::{Form, TokenKeys};

/// The keys of tokens, and the shop that they are for.
pub(super) struct Tokens {
    keys: TokenKeys,
    shop: String,
}

impl Profiles {
    /// With tokens of this shop, which these keys sign and check.
    #[must_use]
    pub fn tokens(mut self, keys: TokenKeys, shop: impl Into<String>) -> Self {
        self.tokens = Some(Arc::new(Tokens { keys, shop: shop.into() }));
        self
    }

    /// Writes a token: `{"profile_id", "expires_ms"?, "encrypted"?, "characters_max"?}` gives `{"token", "expires_ms",
    /// "warnings"}`, or the module's `{"error"}`. By default it is good for a week, signed only, and of at most 2,048
    /// characters.
    ///
    /// # Errors
    /// `token_keys_missing`, `profile_unknown`, `invalid_request`, `token_key_unknown`, those of the store and those of
    /// [`crate::Host::decide`].
    pub fn write_token(&self, now_ms: i64, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let tokens = self.with_tokens()?;
        let form = "a request is a map with `profile_id`, and `expires_ms`, `encrypted`, `characters_max` as wished";
        let input = self.named(input)?;
        let entries = pack::entries(&input).map_err(|_| invalid(form, ""))?;
        only_known(&entries, &["profile_id", "expires_ms", "encrypted", "characters_max"])?;
        let profile_id = required_id(&entries, form)?;
        let number = |key: &str, default: i64| match pack::find(&entries, key) {
            Some(value) => pack::int(value).ok_or_else(|| invalid(form, key)),
            None => Ok(default),
        };
        let expires_ms = number("expires_ms", now_ms.saturating_add(TOKEN_MS_DEFAULT))?;
        let characters = number("characters_max", i64::try_from(TOKEN_CHARACTERS_DEFAULT).unwrap_or(i64::MAX))?;
        let characters = usize::try_from(characters).ok().filter(|characters| *characters <= TOKEN_CHARACTERS_MAX);
        let characters = characters.ok_or_else(|| invalid(form, "characters_max"))?;
        let sealed = match pack::find(&entries, "encrypted").map(pack::bool) {
            None | Some(Some(false)) => Form::Signed,
            Some(Some(true)) => Form::Encrypted,
            Some(None) => return Err(invalid(form, "encrypted")),
        };
        let bytes = tokens.keys.payload_bytes(characters, sealed).ok_or_else(|| {
            invalid(format!("a token of {characters} characters has no room for anything"), "characters_max")
        })?;
        let record = self.record(profile_id)?;
        let state = record.state().ok_or_else(super::unknown_profile)?;
        let mut call = Packer::map(6);
        call.text("state");
        call.bin(state);
        for (name, number) in [
            ("now_ms", now_ms),
            ("expires_ms", expires_ms),
            ("bytes_max", i64::try_from(bytes.min(TOKEN_BYTES_MAX)).unwrap_or(i64::MAX)),
        ] {
            call.text(name);
            call.int(number);
        }
        for (name, text) in [("shop", tokens.shop.as_str()), ("key_id", tokens.keys.sign_with())] {
            call.text(name);
            call.text(text);
        }
        let written = self.calls.token_write(&call.done())?;
        let bad = || bad_answer("token_write");
        let values = pack::entries(&written).map_err(|_| bad())?;
        if error_of(&values).is_some() {
            return Ok(written);
        }
        let payload = pack::find(&values, "payload").and_then(pack::bin).ok_or_else(bad)?;
        let mut answer = Packer::map(3);
        answer.text("token");
        answer.text(&tokens.keys.write(payload, sealed)?);
        answer.text("expires_ms");
        answer.int(expires_ms);
        answer.text("warnings");
        answer.raw(pack::find(&values, "warnings").ok_or_else(bad)?);
        Ok(answer.done())
    }

    /// Reads a token into a profile: `{"profile_id", "token"}` gives `{"warnings"}`, or the module's `{"error"}`. To read it
    /// again does no harm.
    ///
    /// # Errors
    /// `token_keys_missing`, `invalid_request`, those of [`TokenKeys::read`], of the store and of [`crate::Host::decide`].
    pub fn redeem_token(&self, now_ms: i64, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let tokens = self.with_tokens()?;
        let form = "a request is a map with `profile_id` and `token`, a text";
        let input = self.named(input)?;
        let entries = pack::entries(&input).map_err(|_| invalid(form, ""))?;
        only_known(&entries, &["profile_id", "token"])?;
        let profile_id = required_id(&entries, form)?;
        let token = pack::find(&entries, "token").and_then(pack::text).ok_or_else(|| invalid(form, "token"))?;
        let refused = || self.store.count(&[("tokens_refused", 1)]);
        let payload = tokens.keys.read(token, now_ms, &tokens.shop).inspect_err(|_| refused())?;
        let (is_taken, answer) = update(self.store(), profile_id.as_bytes(), |state| {
            let mut call = Packer::map(3 + usize::from(state.is_some()));
            if let Some(state) = state {
                call.text("state");
                call.bin(state);
            }
            call.text("payload");
            call.bin(&payload);
            call.text("now_ms");
            call.int(now_ms);
            call.text("shop");
            call.text(&tokens.shop);
            let applied = {
                let _pass = self.gate.enter();
                self.calls.token_apply(&call.done())?
            };
            let bad = || bad_answer("token_apply");
            let values = pack::entries(&applied).map_err(|_| bad())?;
            if error_of(&values).is_some() {
                return Ok(Updated { state: None, outcome: (false, applied) });
            }
            let state = pack::find(&values, "state").and_then(pack::bin).ok_or_else(bad)?;
            let mut answer = Packer::map(1);
            answer.text("warnings");
            answer.raw(pack::find(&values, "warnings").ok_or_else(bad)?);
            Ok(Updated { state: Some(state.to_vec()), outcome: (true, answer.done()) })
        })?;
        if is_taken {
            self.store.count(&[("tokens_redeemed", 1)]);
        } else {
            refused();
        }
        Ok(answer)
    }

    fn with_tokens(&self) -> Result<&Tokens, HostError> {
        let missing =
            || HostError::new(HostErrorCode::TokenKeysMissing, "this host was started without keys of tokens");
        self.tokens.as_deref().ok_or_else(missing)
    }
}
