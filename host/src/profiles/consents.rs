//! Consents in, as registers or as browsers and consent platforms say them.

use std::collections::BTreeMap;
use std::sync::Arc;

use unisono_message::limits::{FUTURE_MS_MAX, TIME_MS_MIN};

use super::registers::{in_field, place_of};
use super::{Profiles, Registers, invalid, only_known, required_id};
use crate::consent::{ConsentMapping, ConsentRegister, GPC_WRITER};
use crate::error::HostError;
use crate::pack::{self, Packer};

const FORM: &str =
    "a request is a map with `profile_id` and one or more of `consents`, `tcf`, `google_consent` and `gpc`";

impl Profiles {
    /// Reads TCF strings, Google consent states and `Sec-GPC` by another table than the default one.
    #[must_use]
    pub fn consent_mapping(mut self, mapping: ConsentMapping) -> Self {
        self.mapping = Arc::new(mapping);
        self
    }

    /// Writes the consents of one profile: `{"profile_id", "consents"?: [{"purpose", "channel"?, "granted", "ts_ms",
    /// "writer"?}], "tcf"?: "C...", "google_consent"?: {"ad_storage": "granted"}, "gpc"?: bool, "channel"?, "ts_ms"?}`; the
    /// channel and the moment are those of what is no register, by default no channel and now. A TCF string tells the day
    /// alone on which the customer last said something: without a moment, what it grants is of the beginning of that day, and
    /// what it withholds of its end, or of now where the day is not over. `gpc_header` is the value of `Sec-GPC`, if the request has one; it withholds whatever
    /// the request says. Answers as [`Profiles::set`].
    ///
    /// # Errors
    /// Those of [`Profiles::set`], `tcf_malformed`, `tcf_version_unsupported`, `google_consent_malformed`.
    pub fn set_consents(&self, now_ms: i64, gpc_header: Option<&str>, input: &[u8]) -> Result<Vec<u8>, HostError> {
        let input = self.named(input)?;
        let entries = pack::entries(&input).map_err(|_| invalid(FORM, ""))?;
        let profile_id = required_id(&entries, FORM)?;
        let given = |name: &str| pack::find(&entries, name).filter(|value| !pack::is_nil(value));
        let text = |name: &'static str| match given(name) {
            None => Ok(None),
            Some(value) => pack::text(value).map(Some).ok_or_else(|| invalid(FORM, name)),
        };
        only_known(&entries, &["profile_id", "consents", "tcf", "google_consent", "gpc", "channel", "ts_ms"])?;
        let channel = text("channel")?;
        let ts_ms = given("ts_ms").map(|value| pack::int(value).ok_or_else(|| invalid(FORM, "ts_ms"))).transpose()?;
        let said_ms = ts_ms.unwrap_or(now_ms);
        if !(TIME_MS_MIN..=now_ms.saturating_add(FUTURE_MS_MAX)).contains(&said_ms) {
            return Err(invalid("`ts_ms` lies before 1970, or more than ten minutes ahead", "ts_ms"));
        }
        let mut translated: Vec<ConsentRegister> = Vec::new();
        if let Some(tcf) = text("tcf")? {
            let registers = self.mapping.from_tcf(tcf, channel, now_ms).map_err(|error| error.in_field("tcf"))?;
            translated
                .extend(registers.into_iter().map(|one| ConsentRegister { ts_ms: ts_ms.unwrap_or(one.ts_ms), ..one }));
        }
        if let Some(states) = given("google_consent") {
            let states: BTreeMap<String, serde_json::Value> =
                rmp_serde::from_slice(states).map_err(|_| invalid(FORM, "google_consent"))?;
            let registers = self.mapping.from_google_consent(&states, channel, said_ms);
            translated.extend(registers.map_err(|error| error.in_field("google_consent"))?);
        }
        let gpc = given("gpc").map(|value| pack::bool(value).ok_or_else(|| invalid(FORM, "gpc"))).transpose()?;
        // The header is the browser's word of now, whatever moment the body speaks of.
        let mut withheld = self.mapping.from_gpc(gpc_header, channel, now_ms);
        if withheld.is_empty() {
            withheld = self.mapping.from_gpc((gpc == Some(true)).then_some("1"), channel, said_ms);
        }
        translated.retain(|one| !withheld.iter().any(|other| other.purpose == one.purpose));
        translated.extend(withheld);
        let own = match given("consents") {
            Some(list) => pack::items(list).map_err(|_| invalid(FORM, "consents"))?,
            None if translated.is_empty() && given("google_consent").is_none() => {
                return Err(invalid(FORM, "consents"));
            }
            None => Vec::new(),
        };
        // A `channel` that is mistyped would make of one channel all of them.
        for (at, consent) in own.iter().enumerate() {
            if let Ok(entries) = pack::entries(consent) {
                only_known(&entries, &["purpose", "channel", "granted", "ts_ms", "writer"])
                    .map_err(|e| e.within(&format!("consents[{at}]")))?;
            }
        }
        let mut packed = Packer::map(2);
        packed.text("profile_id");
        packed.text(profile_id);
        packed.text("consents");
        packed.begin_array(own.len() + translated.len());
        own.iter().for_each(|one| packed.raw(one));
        translated.iter().for_each(|one| pack_register(&mut packed, one));
        let answer = self.set(now_ms, Registers::Consents, &packed.done())?;
        Ok(told_by_source(answer, own.len(), &translated))
    }
}

/// The same answer, in which what was translated is refused in the field that the caller sent.
fn told_by_source(answer: Vec<u8>, own: usize, translated: &[ConsentRegister]) -> Vec<u8> {
    let Ok([Some(refused), Some(warnings)]) = pack::lookup(&answer, ["refused", "warnings"]) else { return answer };
    let source = |error: &[u8]| translated.get(place_of(error, "consents")?.checked_sub(own)?);
    let field = |one: &ConsentRegister| if one.writer == GPC_WRITER { "gpc".to_owned() } else { one.writer.clone() };
    let told = |error: &[u8]| source(error).map_or_else(|| error.to_vec(), |one| in_field(error, &field(one)));
    let refused: Vec<Vec<u8>> = pack::items(refused).unwrap_or_default().into_iter().map(told).collect();
    let mut told = Packer::map(2);
    told.text("refused");
    told.raws(&refused);
    told.text("warnings");
    told.raw(warnings);
    told.done()
}

fn pack_register(packed: &mut Packer, one: &ConsentRegister) {
    packed.begin_map(4 + usize::from(one.channel.is_some()));
    packed.text("purpose");
    packed.text(&one.purpose);
    if let Some(channel) = &one.channel {
        packed.text("channel");
        packed.text(channel);
    }
    packed.text("granted");
    packed.bool(one.granted);
    packed.text("ts_ms");
    packed.int(one.ts_ms);
    packed.text("writer");
    packed.text(&one.writer);
}
