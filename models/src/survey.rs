//! The survey of a log before a fit: what is there, what would be learned, and what is too thin for it.

use crate::blend::{CASES_MIN, Intent, Takes, aim, days_wanted};
use crate::config::LearnParams;
use crate::counts::basket_key;
use crate::tables::{Catalog, EventLog, NONE};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 86_400_000;
/// Days without any event that are told as a gap.
const GAP_DAYS: i64 = 3;
/// Gaps told, the longest first.
const GAPS_MAX: usize = 5;

/// Days without an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    /// Unix milliseconds of the last event before.
    pub from_ms: i64,
    /// Unix milliseconds of the first event after.
    pub to_ms: i64,
    /// Whole days between.
    pub days: i64,
}

/// Something that is too thin to learn from, with a stable code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Stable, for programs.
    pub code: &'static str,
    /// A sentence: what is there, what is wanted, and what follows.
    pub text: String,
}

/// What a log holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Survey {
    /// Events that are used.
    pub events: usize,
    /// Distinct profiles.
    pub profiles: usize,
    /// Distinct items of events.
    pub items: usize,
    /// Events by channel and type.
    pub types: BTreeMap<String, BTreeMap<String, usize>>,
    /// Unix milliseconds of the first event.
    pub first_ms: i64,
    /// Unix milliseconds of the last event.
    pub last_ms: i64,
    /// The longest stretches of 3 days or more without an event.
    pub gaps: Vec<Gap>,
    /// Share of profiles whose every event lies in one session, order or day: nobody can be found again there.
    pub anonymous_share: f64,
    /// Every intent that the log shows, the strongest first; `fit` takes the first that suffices, else the one of most cases.
    pub intents: Vec<Intent>,
    /// Events that `fit` would count: `purchase`, `cart_add` or `view`.
    pub target: String,
    /// What a case would take: the next `order` or the next `item`.
    pub takes: String,
    /// Cases in the windows that `fit` would learn from.
    pub cases: usize,
    /// How many of them.
    pub target_events: usize,
    /// Baskets of the target: orders, else sessions, else days.
    pub baskets: usize,
    /// Mean distinct items of a basket.
    pub basket_items: f64,
    /// Fewest distinct items of an order that would make a case.
    pub case_items_min: usize,
    /// Profiles with at least two baskets: only they can make cases.
    pub profiles_with_two: usize,
    /// Items that at least 5 distinct profiles took, the usual floor.
    pub items_above_floor: usize,
    /// Share of target events whose item the catalog lacks; none without a catalog.
    pub not_in_catalog_share: Option<f64>,
    /// Share of target events with a price.
    pub priced_share: f64,
    /// What is too thin.
    pub findings: Vec<Finding>,
}

impl Survey {
    /// Of a log, with the catalog where there is one.
    pub fn of(log: &EventLog, catalog: Option<&Catalog>) -> Self {
        let mut survey = Survey {
            events: log.len(),
            profiles: log.profiles.len(),
            items: log.items.len(),
            first_ms: log.columns.ts_ms.iter().copied().min().unwrap_or(0),
            last_ms: log.last_ms().unwrap_or(0),
            gaps: gaps(&log.columns.ts_ms),
            ..Survey::default()
        };
        for row in 0..log.len() {
            let channel = log.channels.get(log.columns.channel[row].into()).to_owned();
            *survey.types.entry(channel).or_default().entry(log.kind(row).as_str().to_owned()).or_default() += 1;
        }
        survey.of_target(log, catalog);
        survey.findings = findings(&survey);
        survey
    }

    fn of_target(&mut self, log: &EventLog, catalog: Option<&Catalog>) {
        let (aim, intents) = aim(log, &LearnParams::default(), self.last_ms + 1);
        let target = aim.target;
        let mut baskets: BTreeMap<(u32, u8, i64), BTreeSet<u32>> = BTreeMap::new();
        let mut takers: BTreeSet<(u32, u32)> = BTreeSet::new();
        let (mut absent, mut priced) = (0, 0);
        for row in (0..log.len()).filter(|row| target.takes(log.kind(*row)) && log.columns.item[*row] != NONE) {
            let (profile, item) = (log.columns.profile[row], log.columns.item[row]);
            let (class, key) = basket_key(log, row);
            baskets.entry((profile, class, key)).or_default().insert(item);
            takers.insert((item, profile));
            self.target_events += 1;
            absent += usize::from(catalog.is_some_and(|known| !known.items.contains_key(log.items.get(item))));
            priced += usize::from(log.event(row).price_micro.is_some());
        }
        let share = |part: usize| part as f64 / self.target_events.max(1) as f64;
        self.not_in_catalog_share = catalog.map(|_| share(absent));
        self.priced_share = share(priced);
        self.target = target.as_str().into();
        self.takes = aim.takes.as_str().into();
        self.case_items_min = aim.items_min;
        self.cases = intents.iter().find(|intent| intent.target == self.target).map_or(0, |intent| intent.cases);
        self.intents = intents;
        self.baskets = baskets.len();
        self.basket_items = baskets.values().map(BTreeSet::len).sum::<usize>() as f64 / baskets.len().max(1) as f64;
        let mut of_profile: BTreeMap<u32, usize> = BTreeMap::new();
        baskets.keys().for_each(|(profile, ..)| *of_profile.entry(*profile).or_default() += 1);
        self.profiles_with_two = of_profile.values().filter(|count| **count >= 2).count();
        let mut of_item: BTreeMap<u32, usize> = BTreeMap::new();
        takers.iter().for_each(|(item, _)| *of_item.entry(*item).or_default() += 1);
        self.items_above_floor = of_item.values().filter(|count| **count >= 5).count();
        let single = |profile: &u32| {
            let mut keys = log.rows_of(*profile).map(|row| basket_key(log, row));
            let first = keys.next();
            keys.all(|key| Some(key) == first)
        };
        let anonymous = (0..self.profiles as u32).filter(single).count();
        self.anonymous_share = anonymous as f64 / self.profiles.max(1) as f64;
    }

    /// Whole days from the first event to the last.
    pub fn days(&self) -> i64 {
        (self.last_ms - self.first_ms) / DAY_MS
    }
}

fn gaps(times: &[i64]) -> Vec<Gap> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let gap = |pair: &[i64]| Gap { from_ms: pair[0], to_ms: pair[1], days: (pair[1] - pair[0]) / DAY_MS };
    let mut gaps: Vec<Gap> = times.windows(2).map(gap).filter(|gap| gap.days >= GAP_DAYS).collect();
    gaps.sort_by_key(|gap| (-gap.days, gap.from_ms));
    gaps.truncate(GAPS_MAX);
    gaps
}

fn findings(survey: &Survey) -> Vec<Finding> {
    let wanted = days_wanted(&LearnParams::default(), Takes::Order);
    let mut found = Vec::new();
    let mut say = |thin: bool, code: &'static str, text: String| {
        if thin {
            found.push(Finding { code, text });
        }
    };
    let s = survey;
    say(
        s.target_events == 0,
        "no_target",
        "no purchase, cart_add, view or click names an item; a fit would fail".into(),
    );
    let chosen = s.intents.iter().find(|intent| intent.target == s.target);
    if let Some(intent) = chosen.filter(|intent| !intent.suffices) {
        let (events, share) = (intent.events, intent.share * 100.0);
        let text = format!(
            "{events} `{}` events, {share:.1} % of all, {} cases; 5 % and 500 cases are wanted",
            s.target, s.cases
        );
        say(true, "thin_target", text);
    }
    say(s.cases < CASES_MIN, "few_cases", format!("{} cases; trees want {CASES_MIN} and are left out below", s.cases));
    say(
        s.takes == Takes::Order.as_str() && s.days() < wanted,
        "short_log",
        format!("{} days; the windows of the fit's cuts want {wanted}, so they are shortened", s.days()),
    );
    say(
        s.basket_items < 1.5 && s.target == "purchase",
        "small_baskets",
        format!("{:.2} items a basket; `bought_together` learns from baskets of two or more", s.basket_items),
    );
    say(
        s.anonymous_share > 0.5 && s.target == "purchase",
        "mostly_anonymous",
        format!("{:.0} % of profiles were seen once; habits need profiles that return", s.anonymous_share * 100.0),
    );
    say(
        s.items_above_floor * 5 < s.items,
        "sparse_items",
        format!("{} of {} items have 5 profiles or more; the others give no neighbours", s.items_above_floor, s.items),
    );
    say(s.items < 20, "few_items", format!("{} items; a list of 20 leaves no choice", s.items));
    let absent = s.not_in_catalog_share.unwrap_or(0.0);
    say(
        absent > 0.01,
        "not_in_catalog",
        format!("{:.1} % of the target's events name items that the catalog lacks", absent * 100.0),
    );
    if let Some(gap) = s.gaps.first() {
        say(gap.days >= 7, "time_gap", format!("{} days without an event: was an export left out?", gap.days));
    }
    found
}
