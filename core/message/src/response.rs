//! Responses: per placement what is recommended, why, and what was left out; per page what was decided on which model.

use crate::error::Error;
use crate::writer::Writer;
use alloc::string::String;
use alloc::vec::Vec;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident $word:literal $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $text] $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The stable word, `snake_case`.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// What it means, a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }
    };
}

words! {
    /// Why an item is recommended: the source that speaks for it most.
    Reason {
        BoughtOften "bought_often" "The customer bought it on several days.",
        BoughtBefore "bought_before" "The customer bought it once.",
        GoesWithCart "goes_with_cart" "Others buy it together with the given items or the cart.",
        GoesWithHistory "goes_with_history" "Others buy it together with what the customer buys.",
        BoughtNext "bought_next" "Others buy it after what the customer bought.",
        Popular "popular" "Many customers buy it at present.",
        ViewedBefore "viewed_before" "The customer looked at it.",
        SpendOnCovered "spend_on_covered" "The customer spends on what the offer covers.",
        LikeGiven "like_given" "It is of the category or brand of the given items or the cart.",
        Given "given" "It was among the given candidates.",
    }
}

words! {
    /// Why an item or offer was left out.
    Exclusion {
        Excluded "excluded" "The request excludes it.",
        AlreadyOnPage "already_on_page" "The page shows it already, or a variant of it.",
        InCart "in_cart" "It is among the given items or in the cart.",
        Bought "bought" "The customer bought it before, and the placement leaves that out.",
        OtherCategory "other_category" "It is not in the asked category.",
        NotInChannel "not_in_channel" "It is not sold, or the offer does not hold, in this channel.",
        NotYetAvailable "not_yet_available" "It is available, or the offer begins, only later.",
        NoLongerAvailable "no_longer_available" "It is no longer available, or the offer has ended.",
        Sensitive "sensitive" "It is sensitive, and the placement does not allow that.",
        Restricted "restricted" "It is restricted, and the placement does not allow that.",
        UnknownItem "unknown_item" "The model does not know it, and the rule or a filter leaves it out.",
        ConsentWithheld "consent_withheld" "Its cap can't be counted without consent to personal offers.",
        CapReached "cap_reached" "The profile redeemed the offer as often as its cap allows.",
        UnknownOffer "unknown_offer" "The model does not know the offer.",
    }
}

words! {
    /// Why a placement is empty.
    EmptyReason {
        NoHistory "no_history" "The profile holds nothing that this kind of placement could show.",
        NothingGiven "nothing_given" "The placement needs candidates, and none were given.",
        NoOffers "no_offers" "The model holds no offers.",
        NoItems "no_items" "The model holds no items.",
        AllExcluded "all_excluded" "Everything that could be shown was left out by a rule.",
    }
}

words! {
    /// What was noticed on the way and did not stop the answer.
    WarningCode {
        UnknownField "unknown_field" "Fields that this version does not know were passed over.",
        DuplicateEvent "duplicate_event" "Events with the id of another one of their class and channel count as one.",
        EventsBeyondBound "events_beyond_bound" "Older full events were reduced to their day marks.",
        MarksBeyondBound "marks_beyond_bound" "Older day marks were left out.",
        ConsentWithheld "consent_withheld" "Purposes without consent in this channel: nothing that they cover is used.",
        EventsWithoutConsent "events_without_consent" "Events or day marks that no purpose may use were not stored.",
        EventsExpired "events_expired" "Events or day marks older than the policy keeps them were not stored.",
        LinksBeyondBound "links_beyond_bound" "More profiles are linked than are read as one customer.",
        LinksNotGiven "links_not_given" "States of linked profiles were not given.",
        TokenMarksLeftOut "token_marks_left_out" "Older day marks found no room in the token.",
        TokenEventsLeftOut "token_events_left_out" "Older events found no room in the token.",
        HistoryItemUnknown "history_item_unknown" "Items of the history are not in the model.",
        SeedItemUnknown "seed_item_unknown" "Given items or cart items are not in the model.",
        CategoryUnknown "category_unknown" "The asked category is not in the model.",
        OtherCurrency "other_currency" "Amounts of another currency were not added.",
        FewerThanK "fewer_than_k" "Fewer eligible items exist than were asked for.",
        ExcludedNotListed "excluded_not_listed" "More was left out than the list of exclusions holds.",
    }
}

/// One part of an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'m> {
    /// The feature's name.
    pub feature: &'m str,
    /// The feature's integer value.
    pub value: i64,
    /// What it adds to the score, in 2^-scale_bits.
    pub points: i64,
}

/// The exact sum behind a score: `score * 2^scale_bits = base + sum of points`, as integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'m> {
    /// The blend's base value.
    pub base: i64,
    /// Every part that is not zero, in the order of the features.
    pub parts: Vec<Part<'m>>,
}

/// One recommended item or offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation<'m> {
    /// The item's or offer's id.
    pub id: &'m str,
    /// The score, in 2^-scale_bits.
    pub score: i64,
    /// Calibrated chance of the target event within the model's horizon, in 2^-30; where asked and known.
    pub probability: Option<i64>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Where asked.
    pub explanation: Option<Explanation<'m>>,
}

/// One thing that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excluded<'m> {
    /// The item's or offer's id.
    pub id: &'m str,
    /// Why.
    pub reason: Exclusion,
}

/// A warning with how often it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What was noticed.
    pub code: WarningCode,
    /// How often, at least 1.
    pub count: u32,
}

impl Warning {
    /// The warnings of these that hold at all.
    pub fn counted(all: &[(WarningCode, usize)]) -> Vec<Self> {
        let mut counted = Vec::new();
        for (code, count) in all {
            if *count > 0 {
                counted.push(Warning { code: *code, count: *count as u32 });
            }
        }
        counted
    }
}

/// One placement's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacementResponse<'m> {
    /// The placement's id.
    pub id: &'m str,
    /// Whether the ids are those of offers.
    pub offers: bool,
    /// Best first.
    pub recommendations: Vec<Recommendation<'m>>,
    /// What was left out and why; where asked.
    pub excluded: Option<Vec<Excluded<'m>>>,
    /// Why nothing is recommended; set exactly when nothing is.
    pub empty_reason: Option<EmptyReason>,
    /// What was noticed.
    pub warnings: Vec<Warning>,
}

/// The page's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response<'m> {
    /// From the request.
    pub request_id: Option<&'m str>,
    /// Of the model.
    pub model_id: [u8; 32],
    /// SHA-256 over everything that the answer depends on.
    pub decision_id: [u8; 32],
    /// Bits after the binary point of every score and part.
    pub scale_bits: u32,
    /// In the order of the request.
    pub placements: Vec<PlacementResponse<'m>>,
    /// What was noticed.
    pub warnings: Vec<Warning>,
}

impl Response<'_> {
    /// The response's one encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(512);
        w.map(6);
        w.str("request_id");
        w.opt_str(self.request_id);
        w.str("model_id");
        w.str(&hex(&self.model_id));
        w.str("decision_id");
        w.str(&hex(&self.decision_id));
        w.str("overlay_version");
        w.nil();
        w.str("placements");
        w.array(self.placements.len());
        for placement in &self.placements {
            placement.write(&mut w, self.scale_bits);
        }
        w.str("warnings");
        write_warnings(&mut w, &self.warnings);
        w.into_bytes()
    }
}

impl PlacementResponse<'_> {
    fn write(&self, w: &mut Writer, scale_bits: u32) {
        w.map(3 + usize::from(self.excluded.is_some()) + usize::from(self.empty_reason.is_some()));
        w.str("id");
        w.str(self.id);
        w.str("recommendations");
        w.array(self.recommendations.len());
        for (index, recommendation) in self.recommendations.iter().enumerate() {
            recommendation.write(w, index + 1, self.offers, scale_bits);
        }
        if let Some(excluded) = &self.excluded {
            w.str("excluded");
            w.array(excluded.len());
            for one in excluded {
                w.map(2);
                w.str(if self.offers { "offer_id" } else { "item_id" });
                w.str(one.id);
                w.str("reason");
                w.str(one.reason.as_str());
            }
        }
        if let Some(reason) = self.empty_reason {
            w.str("empty_reason");
            w.str(reason.as_str());
        }
        w.str("warnings");
        write_warnings(w, &self.warnings);
    }
}

impl Recommendation<'_> {
    fn write(&self, w: &mut Writer, rank: usize, offer: bool, scale_bits: u32) {
        w.map(4 + usize::from(self.probability.is_some()) + usize::from(self.explanation.is_some()));
        w.str(if offer { "offer_id" } else { "item_id" });
        w.str(self.id);
        w.str("rank");
        w.int(rank as i64);
        w.str("score");
        w.f64(scaled(self.score, scale_bits));
        if let Some(probability) = self.probability {
            w.str("probability");
            w.f64(scaled(probability, 30));
        }
        w.str("reasons");
        w.array(self.reasons.len());
        for reason in &self.reasons {
            w.str(reason.as_str());
        }
        if let Some(explanation) = &self.explanation {
            w.str("explanation");
            explanation.write(w, scale_bits);
        }
    }
}

impl Explanation<'_> {
    fn write(&self, w: &mut Writer, scale_bits: u32) {
        w.map(3);
        w.str("base");
        w.int(self.base);
        w.str("scale_bits");
        w.int(i64::from(scale_bits));
        w.str("parts");
        w.array(self.parts.len());
        for part in &self.parts {
            w.map(3);
            w.str("feature");
            w.str(part.feature);
            w.str("value");
            w.int(part.value);
            w.str("points");
            w.int(part.points);
        }
    }
}

/// Writes warnings as every answer holds them: `[{"code", "count"}, ...]`.
pub fn write_warnings(w: &mut Writer, warnings: &[Warning]) {
    w.array(warnings.len());
    for warning in warnings {
        w.map(2);
        w.str("code");
        w.str(warning.code.as_str());
        w.str("count");
        w.int(i64::from(warning.count));
    }
}

/// An integer in 2^-bits as f64; exact while the integer has at most 53 significant bits.
fn scaled(value: i64, bits: u32) -> f64 {
    value as f64 / (1u64 << bits.min(62)) as f64
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The answer to a request that failed: its id where that could be read, and the error.
pub fn error_response(request_id: Option<&str>, error: &Error) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2);
    w.str("request_id");
    w.opt_str(request_id);
    w.str("error");
    w.map(3);
    w.str("code");
    w.str(error.code().as_str());
    w.str("message");
    w.str(error.message());
    w.str("field");
    w.str(error.field());
    w.into_bytes()
}
