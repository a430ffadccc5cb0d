//! Identities in the place of profile ids: what a customer is known by never gets beyond this file.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Profiles, invalid, only_known, refused};
use crate::error::{HostError, HostErrorCode};
use crate::identity::{self, IdentityHasher, IdentityKind};
use crate::limits::IDENTITIES_MAX;
use crate::pack::{self, Packer};

const FORM: &str = "an identity is a map with `kind`, one of `email`, `phone`, `customer_number` and `cpf`, and `key`, a \
                    text; a phone number may have a `region`";

impl Profiles {
    /// With identities: wherever a request may have a `profile_id`, it may have an `identity` instead, `{"kind": "email" |
    /// "phone" | "customer_number" | "cpf", "key", "region"?}`, which is hashed before anything else is done with it.
    #[must_use]
    pub fn identities(mut self, hasher: IdentityHasher) -> Self {
        self.identities = Some(Arc::new(hasher));
        self
    }

    /// The profile ids of identities: `{"identities": [{"kind", "key", "region"?}]}` gives `{"results": [{"profile_id"} |
    /// {"code", "message", "field"}]}`, in the same order. Stores nothing.
    ///
    /// # Errors
    /// `identity_hash_key_missing`, `invalid_request`, `limit_exceeded`.
    pub fn identify(&self, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let hasher = self.hasher()?;
        let form = "a request is a map with `identities`, a list";
        let entries = pack::entries(input).map_err(|_| invalid(form, ""))?;
        only_known(&entries, &["identities"])?;
        let list = pack::find(&entries, "identities").ok_or_else(|| invalid(form, "identities"))?;
        let items = pack::items(list).map_err(|_| invalid(form, "identities"))?;
        if items.len() > IDENTITIES_MAX {
            let text = format!("{} identities; identities_max is {IDENTITIES_MAX}", items.len());
            return Err(HostError::new(HostErrorCode::LimitExceeded, text).in_field("identities"));
        }
        let mut answer = Packer::map(1);
        answer.text("results");
        answer.begin_array(items.len());
        for item in items {
            match profile_id(hasher, item) {
                Ok(profile_id) => {
                    answer.begin_map(1);
                    answer.text("profile_id");
                    answer.text(&profile_id);
                }
                Err(e) => answer.raw(&refused(e.code(), &e.message(), e.field())),
            }
        }
        Ok(answer.done())
    }

    /// The same map with a `profile_id`, where it names an identity and none. What is no map is left to whoever reads it.
    pub(super) fn named<'a>(&self, map: &'a [u8]) -> Result<Cow<'a, [u8]>, HostError> {
        match pack::lookup(map, ["identity"]) {
            Ok([Some(identity)]) => self.renamed(map, identity).map(Cow::Owned),
            _ => Ok(map.into()),
        }
    }

    /// The map with the profile id of this identity of it.
    pub(super) fn renamed(&self, map: &[u8], identity: &[u8]) -> Result<Vec<u8>, HostError> {
        let entries = pack::entries(map).map_err(|_| invalid(FORM, ""))?;
        if ["profile_id", "profile"].iter().any(|key| pack::find(&entries, key).is_some()) {
            return Err(invalid("an `identity` stands in the place of a `profile_id`, not beside one", "identity"));
        }
        let hasher = self.hasher().map_err(|e| e.in_field("identity"))?;
        let profile_id = profile_id(hasher, identity).map_err(|e| e.within("identity"))?;
        if pack::map_len(map) != Some(entries.len()) {
            return Err(invalid("the keys of a map are texts", ""));
        }
        let others: Vec<_> = entries.iter().filter(|(key, _)| !matches!(*key, "identity" | "profile_id")).collect();
        let mut named = Packer::map(others.len() + 1);
        named.text("profile_id");
        named.text(&profile_id);
        for (key, value) in others {
            named.text(key);
            named.raw(value);
        }
        Ok(named.done())
    }

    fn hasher(&self) -> Result<&IdentityHasher, HostError> {
        let missing = || {
            HostError::new(HostErrorCode::IdentityHashKeyMissing, "this host was started without a key of identities")
        };
        self.identities.as_deref().ok_or_else(missing)
    }
}

fn profile_id(hasher: &IdentityHasher, identity: &[u8]) -> Result<String, HostError> {
    let entries = pack::entries(identity).map_err(|_| invalid(FORM, ""))?;
    only_known(&entries, &["kind", "key", "region"])?;
    let text = |name: &str| match pack::find(&entries, name) {
        None => Ok(None),
        Some(value) => pack::text(value).map(Some).ok_or_else(|| invalid(FORM, name)),
    };
    let kind = text("kind")?.and_then(|word| IdentityKind::ALL.iter().find(|kind| kind.as_str() == word));
    let kind = kind.ok_or_else(|| invalid(FORM, "kind"))?;
    let key = text("key")?.ok_or_else(|| invalid(FORM, "key"))?;
    let region = text("region")?;
    if let Some(region) = region {
        identity::check_region(region).map_err(|e| e.in_field("region"))?;
    }
    hasher.id(*kind, key, region).map_err(|e| e.in_field("key"))
}
