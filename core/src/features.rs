//! Features: what the blend knows of a candidate, as integers, so that sums and bins are exact everywhere.

use crate::candidates::Candidate;
use crate::history::OwnItem;
use crate::scene::Scene;
use crate::sources::content;
use unisono_message::position_of;

/// Which source a feature speaks for, for the reasons of a recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The customer's own purchases.
    Own,
    /// The given items or the cart.
    Cart,
    /// Undirected neighbours of the history.
    History,
    /// Directed neighbours of the history.
    Next,
    /// What the customer looked at.
    Viewed,
    /// The category and brand of the given items or the cart.
    Content,
    /// Everyone's purchases.
    Popular,
    /// The profile or the category, alike for many candidates: never a reason.
    Background,
}

macro_rules! features {
    ($($variant:ident $name:literal $group:ident $text:literal),+ $(,)?) => {
        /// A feature. Values are integers; -1 says "does not apply" where 0 is a value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Feature { $(#[doc = $text] $variant),+ }

        impl Feature {
            /// Every feature, in the order of [`values`].
            pub const ALL: &'static [Feature] = &[$(Feature::$variant),+];
            /// The stable name.
            pub const fn as_str(self) -> &'static str { match self { $(Feature::$variant => $name),+ } }
            /// The feature with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                position_of(&[$($name),+], name).and_then(|at| Self::ALL.get(at).copied())
            }
            /// What it speaks for.
            pub const fn group(self) -> Group { match self { $(Feature::$variant => Group::$group),+ } }
            /// What it measures, a sentence.
            pub const fn meaning(self) -> &'static str { match self { $(Feature::$variant => $text),+ } }
        }

        /// Number of features.
        pub const FEATURES: usize = Feature::ALL.len();
    };
}

features! {
    OwnStrength "own_strength" Own "Recency-weighted purchase days of the item, exp(-days/30) + 2 exp(-visits/50) each, in 4,096ths of the profile's strongest item.",
    OwnStrengthRaw "own_strength_raw" Own "The same sum in 1,024ths, not divided.",
    OwnDays "own_days" Own "Days on which the item was bought.",
    OwnShare "own_share" Own "The same in 1,000ths of the profile's purchase days.",
    OwnAge "own_age" Own "Days since the last purchase of the item; -1 when never bought.",
    OwnVisitsSince "own_visits_since" Own "Purchase days since then; -1 when never bought.",
    OwnGap "own_gap" Own "Mean days between purchases of the item; -1 below two.",
    OwnDue "own_due" Own "(days since + 1) / (gap + 1) in 256ths; -1 below two purchases.",
    OwnDecay7 "own_decay_7" Own "Sum over purchase days of exp(-days/7), in 1,024ths.",
    OwnDecay90 "own_decay_90" Own "The same with exp(-days/90).",
    OwnDecay365 "own_decay_365" Own "The same with exp(-days/365).",
    OwnCategoryShare "own_category_share" Own "The item's exp(-days/90) in 1,000ths of its category's; -1 when the category was never bought.",
    BoughtScore "bought_score" History "Sum of undirected weights from the history, in 4,096ths of the best candidate's.",
    NextScore "next_score" Next "Sum of directed weights from the history, in 4,096ths of the best candidate's.",
    CartScore "cart_score" Cart "Sum of undirected weights, or of votes of sessions, from the given items or the cart, in 4,096ths of the best candidate's.",
    CartScoreRaw "cart_score_raw" Cart "The same in 63,488ths of the list's greatest weight, or in 8,192ths of a vote, not divided by the best.",
    PopularityRecent "popularity_recent" Popular "Distinct profiles of the last 28 days.",
    PopularityWeek "popularity_week" Popular "Distinct profiles of the last 7 days.",
    PopularityAll "popularity_all" Popular "Distinct profiles over all days.",
    PopularityTrend "popularity_trend" Popular "Last 7 days against last 28, (4 week + 1) / (recent + 1) in 256ths.",
    PopularityChannel "popularity_channel" Popular "Distinct profiles of the last 28 days in this channel; 0 beyond the channel's list.",
    RepeatRate "repeat_rate" Background "Share of the item's profiles that came back to it, in 255ths.",
    CategoryDecay90 "category_decay_90" Background "Sum of exp(-days/90) over the profile's purchase days in the item's category, in 1,024ths.",
    ViewedAge "viewed_age" Viewed "Hours since the customer looked at the item; -1 when never.",
    ViewedCount "viewed_count" Viewed "Looks at the item among the events that are kept.",
    Visits "visits" Background "Purchase days of the profile.",
    DaysSinceVisit "days_since_visit" Background "Days since the profile's last purchase day; -1 when there is none.",
    OwnDecayVisits7 "own_decay_visits_7" Own "Sum over purchase days of 0.7^visits, in 1,024ths.",
    OwnDecayVisits9 "own_decay_visits_9" Own "The same with 0.9^visits.",
    OwnDecayVisits97 "own_decay_visits_97" Own "The same with 0.97^visits.",
    OrderItems "order_items" Background "Distinct items per purchase day of the profile, in 16ths.",
    CategoryDecay14 "category_decay_14" Background "Sum of exp(-days/14) over the profile's purchase days in the item's category, in 1,024ths.",
    LooksSince "looks_since" Viewed "Other items looked at after the last look at this one; -1 when never.",
    Looks "looks" Background "Looks among the events that are kept.",
    BoughtLast "bought_last" History "Undirected weight from the newest item of the history, in 4,096ths of the best candidate's.",
    NextLast "next_last" Next "Directed weight from the newest item of the history, in 4,096ths of the best candidate's.",
    PopularitySegment "popularity_segment" Popular "Distinct profiles of the last 28 days in the customer's segment, in 4,096ths of its most popular item's; 0 beyond the segment's list and without a segment.",
    SessionScore "session_score" History "Votes of anonymous sessions that share items with the history, in 4,096ths of the best candidate's.",
    SessionScoreRaw "session_score_raw" History "The same in 1,024ths of a vote, not divided.",
    SessionRank "session_rank" History "Place by these votes, 1 for the most; -1 beyond as many as a source gives.",
    SessionLast "session_last" History "Votes of sessions that hold the newest item of the history, in 4,096ths of the best candidate's.",
    CategoryRepeat "category_repeat" Background "Share of the profiles of the category's items that came back to them, in 255ths; 0 without one.",
    BrandDecay90 "brand_decay_90" Background "Sum of exp(-days/90) over the profile's purchase days of the item's brand, in 1,024ths.",
    OwnChannelShare "own_channel_share" Own "Share of the item's purchase days in this channel, in 1,000ths; -1 when never bought.",
    OwnStoreShare "own_store_share" Own "Share of the item's purchase days in this store, in 1,000ths of those that are kept in full; -1 without any or without a store.",
    LastVisitHere "last_visit_here" Background "Whether the profile's last purchase day was in this channel, 1 or 0; -1 when there is none.",
    ContentScore "content_score" Content "Category levels in common with the likest given item, in 4,096ths of the longer path's, and 512 for its brand.",
}

impl Feature {
    /// This feature's value among all.
    #[inline]
    pub fn of(self, values: &[i64; FEATURES]) -> i64 {
        values.get(self as usize).copied().unwrap_or(0)
    }
}

/// The features of a candidate in a scene, in the order of [`Feature::ALL`].
pub fn values(scene: &Scene<'_, '_>, candidate: &Candidate) -> [i64; FEATURES] {
    let own = candidate.own.and_then(|at| scene.history.items.get(at as usize));
    let item = candidate.item;
    let at = item.map(|item| item as usize);
    let popularity = &scene.model.popularity;
    let figure = |array: &crate::model::U32s<'_>| at.and_then(|at| array.get(at)).map_or(0, i64::from);
    let (recent, week) = (figure(&popularity.recent), figure(&popularity.week));
    let category = item.and_then(|item| scene.model.items.category_of(item));
    let category_decay = category.map_or(0, |category| scene.from_history.categories.get(u32::from(category)));
    let cart = item.map_or(0, |item| scene.from_seeds.sums.get(item));
    let purchased = own.filter(|own| own.days > 0);
    let of_own = |f: fn(&OwnItem<'_>) -> i64, absent: i64| purchased.map_or(absent, f);
    let visits = i64::from(scene.history.visits);
    let session_rank = match item.map_or(0, |item| scene.from_history.session_ranks.get(item)) {
        0 => -1,
        rank => rank,
    };
    [
        scaled(of_own(|own| own.strength, 0), 4096, scene.history.strongest),
        of_own(|own| own.strength, 0) >> 6,
        of_own(|own| own.days.into(), 0),
        scaled(of_own(|own| own.days.into(), 0), 1000, visits),
        of_own(|own| own.age_days, -1),
        of_own(|own| own.visits_since.into(), -1),
        of_own(|own| own.gap_days(), -1),
        of_own(|own| own.due(), -1),
        of_own(|own| own.decay_7, 0) >> 6,
        of_own(|own| own.decay_90, 0) >> 6,
        of_own(|own| own.decay_365, 0) >> 6,
        if category_decay > 0 { of_own(|own| own.decay_90, 0) * 1000 / category_decay } else { -1 },
        scene.from_history.bought.share(item),
        scene.from_history.next.share(item),
        scene.from_seeds.share(item),
        cart >> 3,
        recent,
        week,
        figure(&popularity.all),
        (4 * week + 1) * 256 / (recent + 1),
        i64::from(scene.channel_count(item)),
        at.and_then(|at| popularity.repeat.get(at)).map_or(0, |share| i64::from(*share)),
        category_decay >> 6,
        own.and_then(|own| own.viewed_ms).map_or(-1, |ms| (scene.now_ms - ms).max(0) / 3_600_000),
        own.map_or(0, |own| own.views.into()),
        visits,
        scene.history.days_since_visit,
        of_own(|own| own.decay_visits, 0) >> 6,
        of_own(|own| own.decay_visits_9, 0) >> 6,
        of_own(|own| own.decay_visits_97, 0) >> 6,
        i64::from(scene.history.item_days) * 16 / visits.max(1),
        category.map_or(0, |category| scene.from_history.categories_14.get(u32::from(category))) >> 6,
        own.filter(|own| own.viewed_ms.is_some()).map_or(-1, |own| own.looks_since.into()),
        i64::from(scene.history.looks),
        scene.from_history.bought_last.share(item),
        scene.from_history.next_last.share(item),
        scene.in_segment.share(item),
        scene.from_history.sessions.share(item),
        item.map_or(0, |item| scene.from_history.sessions.sums.get(item)) >> 6,
        session_rank,
        scene.from_history.sessions_last.share(item),
        category.and_then(|at| scene.model.items.category_repeat.get(usize::from(at))).map_or(0, |of| i64::from(*of)),
        item.and_then(|item| scene.model.items.brand_of(item)).map_or(0, |of| scene.from_history.brands.get(of)) >> 6,
        of_own(|own| own.channel_share(), -1),
        of_own(|own| own.store_share(), -1),
        scene.history.last_visit_here,
        item.map_or(0, |item| content::likeness(scene.model, scene.seeds, item)),
    ]
}

/// A part of a whole in so many parts; 0 of nothing. Most parts are 0, and a division is dear.
#[inline]
pub(crate) fn scaled(part: i64, parts: i64, whole: i64) -> i64 {
    if part == 0 { 0 } else { part * parts / whole.max(1) }
}

/// The values of a candidate that nothing is known of, in the same scene: what a reason is measured against.
pub fn absent(values: &[i64; FEATURES]) -> [i64; FEATURES] {
    let mut out = *values;
    for (feature, value) in Feature::ALL.iter().zip(out.iter_mut()) {
        *value = match feature {
            Feature::OwnAge
            | Feature::OwnVisitsSince
            | Feature::OwnGap
            | Feature::OwnDue
            | Feature::OwnCategoryShare
            | Feature::OwnChannelShare
            | Feature::OwnStoreShare
            | Feature::ViewedAge
            | Feature::LooksSince
            | Feature::SessionRank => -1,
            // What no one buys neither rises nor falls: 1 to 1.
            Feature::PopularityTrend => 256,
            feature if feature.group() == Group::Background => *value,
            _ => 0,
        };
    }
    out
}
