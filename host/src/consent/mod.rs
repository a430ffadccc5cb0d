//! Consent as browsers and consent platforms say it, turned into the registers that a profile keeps: IAB TCF strings, Google
//! Consent Mode v2, and `Sec-GPC`. Which of their purposes covers which of ours is a table of the policy file.
//!
//! ```
//! use unisono_host::consent::ConsentMapping;
//!
//! let mapping = ConsentMapping::default();
//! let registers = mapping.from_gpc(Some("1"), Some("web"), 1_700_000_000_000);
//! assert!(registers.iter().all(|register| !register.granted && register.writer == "user_agent"));
//! ```
//!
//! One of our purposes is granted where every outer purpose that names it is granted. What no outer purpose names gets no
//! register: the policy's defaults hold. Legitimate interests grant nothing.

mod tcf;

pub use tcf::TcfConsent;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unisono_message::Purpose;

use crate::error::{HostError, HostErrorCode};

/// What a profile may be used for.
const PURPOSES: [&str; 5] = Purpose::NAMES;

/// The states of Google Consent Mode v2 that mean something here.
const GOOGLE_STATES: [&str; 7] = [
    "ad_storage",
    "ad_user_data",
    "ad_personalization",
    "analytics_storage",
    "personalization_storage",
    "functionality_storage",
    "security_storage",
];

/// Of one moment and key the greater writer counts: the browser's own word outweighs what a consent platform says.
pub(crate) const GPC_WRITER: &str = "user_agent";

/// What else may stand beside them in a call of `gtag`, and says nothing of consent.
const GOOGLE_OPTIONS: [&str; 2] = ["wait_for_update", "region"];

/// One consent, as `/v1/consents` and the module take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRegister {
    /// `personalization`, `offers`, `cross_channel`, `measurement` or `training`.
    pub purpose: String,
    /// The channel; absent for all.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<String>,
    /// Whether the customer consents.
    pub granted: bool,
    /// When the customer said so, Unix milliseconds UTC.
    pub ts_ms: i64,
    /// Who wrote it: `tcf`, `google_consent`, or `user_agent` for `Sec-GPC`.
    pub writer: String,
}

/// Which outer purposes cover which of ours: the part of the policy file under `host`.
///
/// ```json
/// {"host": {"tcf": {"1": ["personalization"], "4": ["offers"]}, "tcf_vendor": 755,
///           "google_consent": {"ad_storage": ["offers"]}, "gpc": ["cross_channel"]}}
/// ```
///
/// A key that is absent keeps its default; one that is there replaces its default whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentMapping {
    tcf: Table,
    tcf_vendor: Option<u16>,
    google_consent: Table,
    gpc: Vec<String>,
}

/// Outer purposes by name, and which of ours each covers.
type Table = BTreeMap<String, Vec<String>>;

/// The mapping as it is written; null is the same as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Given {
    tcf: Option<Table>,
    tcf_vendor: Option<u16>,
    google_consent: Option<Table>,
    gpc: Option<Vec<String>>,
}

impl Default for ConsentMapping {
    fn default() -> Self {
        let table = |rows: &[(&str, &[&str])]| {
            rows.iter().map(|(name, purposes)| ((*name).to_owned(), owned(purposes))).collect()
        };
        ConsentMapping {
            tcf: table(&[
                ("1", &PURPOSES),
                ("3", &["offers"]),
                ("4", &["offers"]),
                ("5", &["personalization", "cross_channel"]),
                ("6", &["personalization"]),
                ("7", &["measurement"]),
                ("8", &["measurement"]),
                ("10", &["training"]),
            ]),
            tcf_vendor: None,
            google_consent: table(&[
                ("ad_storage", &["offers"]),
                ("ad_user_data", &["offers"]),
                ("ad_personalization", &["offers"]),
                ("analytics_storage", &["measurement", "training"]),
                ("personalization_storage", &["personalization", "cross_channel"]),
            ]),
            gpc: owned(&["cross_channel", "training"]),
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl ConsentMapping {
    /// Reads what stands under `host` in a policy file, as JSON; other keys there are others' business.
    ///
    /// # Errors
    /// `consent_mapping_invalid`.
    pub fn from_json(text: &str) -> Result<Self, HostError> {
        serde_json::from_str(text)
            .map_err(|error| invalid_mapping(&error.to_string()).with_source(error))
            .and_then(checked)
    }

    /// The same as MessagePack.
    ///
    /// # Errors
    /// `consent_mapping_invalid`.
    pub fn from_msgpack(bytes: &[u8]) -> Result<Self, HostError> {
        rmp_serde::from_slice(bytes)
            .map_err(|error| invalid_mapping(&error.to_string()).with_source(error))
            .and_then(checked)
    }

    /// The registers of a TCF string (v2.2, v2.3). It tells the day alone on which the customer last said something: what is
    /// granted is of that day's beginning, and what is withheld of its end, or of now where the day is not over, so that of
    /// one day the word that withholds counts.
    ///
    /// Where the policy names a `tcf_vendor`, that vendor must have consent too, and from v2.3 on must have been disclosed.
    ///
    /// # Errors
    /// `tcf_malformed`, `tcf_version_unsupported`.
    pub fn from_tcf(&self, text: &str, channel: Option<&str>, now_ms: i64) -> Result<Vec<ConsentRegister>, HostError> {
        let consent = TcfConsent::decode(text, self.tcf_vendor)?;
        let of_vendor = consent.vendor_consented;
        let granted = |name: &str| of_vendor && name.parse().is_ok_and(|purpose| consent.purpose_consented(purpose));
        let began_ms = consent.last_updated_ms;
        let ended_ms = end_of_day(began_ms).min(now_ms).max(began_ms);
        let mut registers = registers(&self.tcf, granted, |_| true, channel, began_ms, "tcf");
        registers.iter_mut().filter(|one| !one.granted).for_each(|one| one.ts_ms = ended_ms);
        Ok(registers)
    }

    /// The registers of Google Consent Mode states, `{"ad_storage": "granted", ...}`. States that are not given say nothing, nor
    /// do `wait_for_update` and `region`.
    ///
    /// # Errors
    /// `google_consent_malformed` for a state that is neither `granted` nor `denied`, and for a name that is none of Google's.
    pub fn from_google_consent(
        &self,
        states: &BTreeMap<String, serde_json::Value>,
        channel: Option<&str>,
        now_ms: i64,
    ) -> Result<Vec<ConsentRegister>, HostError> {
        let mut granted = BTreeMap::new();
        for (name, state) in states.iter().filter(|(name, _)| !GOOGLE_OPTIONS.contains(&name.as_str())) {
            // A mistyped name would otherwise be a withdrawal that nobody hears of.
            if !GOOGLE_STATES.contains(&name.as_str()) {
                let message = format!("`{name:.64}` is no consent state; {} are", GOOGLE_STATES.join(", "));
                return Err(HostError::new(HostErrorCode::GoogleConsentMalformed, message));
            }
            let state = match state.as_str() {
                Some("granted") => true,
                Some("denied") => false,
                _ => {
                    let message = format!("the consent state `{name}` is neither `granted` nor `denied`");
                    return Err(HostError::new(HostErrorCode::GoogleConsentMalformed, message));
                }
            };
            granted.insert(name.as_str(), state);
        }
        let is_granted = |name: &str| granted.get(name).copied().unwrap_or(false);
        let is_given = |name: &str| granted.contains_key(name);
        Ok(registers(&self.google_consent, is_granted, is_given, channel, now_ms, "google_consent"))
    }

    /// The registers of the header `Sec-GPC`: `1` withholds, anything else says nothing.
    pub fn from_gpc(&self, header: Option<&str>, channel: Option<&str>, now_ms: i64) -> Vec<ConsentRegister> {
        if header.map(str::trim) != Some("1") {
            return Vec::new();
        }
        let table = BTreeMap::from([("1".to_owned(), self.gpc.clone())]);
        registers(&table, |_| false, |_| true, channel, now_ms, GPC_WRITER)
    }
}

/// The last millisecond of a moment's UTC day.
fn end_of_day(ts_ms: i64) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    ts_ms.div_euclid(DAY_MS).saturating_mul(DAY_MS).saturating_add(DAY_MS - 1)
}

/// A register for each of our purposes that a given outer one names, in their published order.
fn registers(
    table: &Table,
    is_granted: impl Fn(&str) -> bool,
    is_given: impl Fn(&str) -> bool,
    channel: Option<&str>,
    ts_ms: i64,
    writer: &str,
) -> Vec<ConsentRegister> {
    let mut registers = Vec::new();
    for purpose in PURPOSES {
        let named = || table.iter().filter(|(_, ours)| ours.iter().any(|ours| ours == purpose)).map(|(name, _)| name);
        if named().any(|name| is_given(name)) {
            // An outer purpose that is not given has not been granted.
            registers.push(ConsentRegister {
                purpose: purpose.to_owned(),
                channel: channel.map(str::to_owned),
                granted: named().all(|name| is_granted(name)),
                ts_ms,
                writer: writer.to_owned(),
            });
        }
    }
    registers
}

fn checked(given: Given) -> Result<ConsentMapping, HostError> {
    let default = ConsentMapping::default();
    let mapping = ConsentMapping {
        tcf: given.tcf.unwrap_or(default.tcf),
        tcf_vendor: given.tcf_vendor,
        google_consent: given.google_consent.unwrap_or(default.google_consent),
        gpc: given.gpc.unwrap_or(default.gpc),
    };
    let ours = mapping.tcf.values().chain(mapping.google_consent.values()).chain([&mapping.gpc]).flatten();
    for purpose in ours {
        if !PURPOSES.contains(&purpose.as_str()) {
            return Err(invalid_mapping(&format!("`{purpose}` is no purpose; {} are", PURPOSES.join(", "))));
        }
    }
    for name in mapping.tcf.keys() {
        if !name.parse().is_ok_and(|purpose: u32| (1..=tcf::PURPOSES_MAX).contains(&purpose)) {
            return Err(invalid_mapping(&format!("`{name}` is no purpose of TCF; 1 to {} are", tcf::PURPOSES_MAX)));
        }
    }
    for name in mapping.google_consent.keys() {
        if !GOOGLE_STATES.contains(&name.as_str()) {
            return Err(invalid_mapping(&format!("`{name}` is no consent state; {} are", GOOGLE_STATES.join(", "))));
        }
    }
    Ok(mapping)
}

#[cold]
fn invalid_mapping(what: &str) -> HostError {
    HostError::new(
        HostErrorCode::ConsentMappingInvalid,
        format!("the table of consents in the policy can't be used: {what}"),
    )
}

#[cfg(test)]
mod tests;
