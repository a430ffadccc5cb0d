//! Features of a candidate, naively: each straight from its published sentence.

use super::history::{History, Own};
use std::collections::BTreeMap;
use unisono_core::features::Feature;
use unisono_core::model::{ModelParts, NO_BRAND, NO_CATEGORY, NO_GROUP, NeighbourParts};

/// Sums per item.
pub(super) type Sums = BTreeMap<u32, i64>;

/// All that features are read from.
pub(super) struct Scene<'s> {
    /// The model.
    pub(super) parts: &'s ModelParts,
    /// The history.
    pub(super) history: &'s History,
    /// Undirected neighbours of the history.
    pub(super) bought: Sums,
    /// Directed neighbours of the history.
    pub(super) next: Sums,
    /// Undirected neighbours of the newest item.
    pub(super) bought_last: Sums,
    /// Directed neighbours of the newest item.
    pub(super) next_last: Sums,
    /// Votes of sessions for the history.
    pub(super) sessions: Sums,
    /// Votes of sessions for the newest item.
    pub(super) sessions_last: Sums,
    /// The items of the most votes, best first.
    pub(super) session_places: Vec<Candidate>,
    /// Undirected neighbours of the seeds, or votes of sessions for them.
    /// The given items or the cart, as many as are compared.
    pub(super) given: Vec<u32>,
    /// Undirected neighbours of the seeds.
    pub(super) seeds: Sums,
    /// The channel's list.
    pub(super) channel: Sums,
    /// The list of the customer's segment.
    pub(super) segment: Sums,
    /// The moment.
    pub(super) now_ms: i64,
}

/// A candidate: a known item, or the id of one that no model knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Candidate {
    /// By index.
    Known(u32),
    /// By id.
    Unknown(String),
}

impl Candidate {
    /// The candidate with this id.
    pub(super) fn of(parts: &ModelParts, id: &str) -> Candidate {
        parts
            .items
            .ids
            .binary_search_by(|own| own.as_str().cmp(id))
            .map_or_else(|_| Candidate::Unknown(id.to_owned()), |at| Candidate::Known(at as u32))
    }

    /// Its id.
    pub(super) fn id<'s>(&'s self, parts: &'s ModelParts) -> &'s str {
        match self {
            Candidate::Known(item) => &parts.items.ids[*item as usize],
            Candidate::Unknown(id) => id,
        }
    }

    /// Its variant group.
    pub(super) fn group(&self, parts: &ModelParts) -> Option<u32> {
        let Candidate::Known(item) = self else { return None };
        parts.items.group.get(*item as usize).copied().filter(|group| *group != NO_GROUP)
    }

    /// Its brand.
    pub(super) fn brand(&self, parts: &ModelParts) -> Option<u32> {
        let Candidate::Known(item) = self else { return None };
        parts.items.brand.get(*item as usize).copied().filter(|brand| *brand != NO_BRAND)
    }

    /// A figure of the model, 0 for an unknown item.
    pub(super) fn figure(&self, figures: &[u32]) -> i64 {
        let Candidate::Known(item) = self else { return 0 };
        i64::from(figures[*item as usize])
    }

    fn sum(&self, sums: &Sums) -> i64 {
        let Candidate::Known(item) = self else { return 0 };
        sums.get(item).copied().unwrap_or(0)
    }
}

/// An item's category.
pub(super) fn category(parts: &ModelParts, item: u32) -> Option<u16> {
    Some(parts.items.category[item as usize]).filter(|category| *category != NO_CATEGORY)
}

/// An item's row of a list.
pub(super) fn row(list: &NeighbourParts, item: u32) -> impl Iterator<Item = (u32, i64)> + '_ {
    let at = item as usize;
    let range = if list.offsets.is_empty() { 0..0 } else { list.offsets[at] as usize..list.offsets[at + 1] as usize };
    range.map(|entry| (list.items[entry], weight(list.weights[entry])))
}

/// A code: below sixteen itself, else five significant bits before as many zeros as the upper half says.
fn weight(code: u8) -> i64 {
    let bits = i64::from(code % 16) + if code < 16 { 0 } else { 16 };
    bits * 2i64.pow(u32::from(code / 16).saturating_sub(1))
}

/// Weighted rows, summed.
pub(super) fn sums(list: &NeighbourParts, weighted: impl Iterator<Item = (u32, i64)>) -> Sums {
    let mut out = Sums::new();
    for (item, weight) in weighted.filter(|(_, weight)| *weight > 0) {
        for (neighbour, strength) in row(list, item) {
            *out.entry(neighbour).or_default() += weight * strength;
        }
    }
    out
}

impl Scene<'_> {
    fn own(&self, candidate: &Candidate) -> Option<&Own> {
        self.history.own(candidate.id(self.parts))
    }

    fn share(&self, candidate: &Candidate, sums: &Sums) -> i64 {
        candidate.sum(sums) * 4096 / sums.values().max().copied().unwrap_or(1).max(1)
    }

    fn category_decay(&self, candidate: &Candidate, tau: f64) -> i64 {
        let Candidate::Known(item) = candidate else { return 0 };
        let Some(wanted) = category(self.parts, *item) else { return 0 };
        let in_category = |own: &&Own| own.item.is_some_and(|item| category(self.parts, item) == Some(wanted));
        self.history.items.values().filter(in_category).map(|own| own.decay(tau)).sum()
    }

    /// Exp(-days/90) over the purchase days in a category.
    pub(super) fn strength_of(&self, wanted: u16) -> i64 {
        let items = self.history.items.values();
        let within = items.filter(|own| own.item.is_some_and(|item| category(self.parts, item) == Some(wanted)));
        within.map(|own| own.decay(90.0)).sum()
    }

    /// How alike a candidate is to the likest given item: category levels in common, of four at most, in 4,096ths of the
    /// longer path's, and an eighth of the whole for the brand.
    pub(super) fn likeness(&self, candidate: &Candidate) -> i64 {
        let levels = |item: u32| -> Vec<&str> {
            let path = category(self.parts, item).map(|at| self.parts.items.categories[usize::from(at)].as_str());
            path.map_or(Vec::new(), |path| path.split('/').take(4).collect())
        };
        let Candidate::Known(item) = candidate else { return 0 };
        let own = levels(*item);
        let like = |given: &u32| {
            let other = levels(*given);
            let common = own.iter().zip(&other).take_while(|pair| pair.0 == pair.1).count();
            let brand = candidate.brand(self.parts);
            let same_brand = brand.is_some() && brand == Candidate::Known(*given).brand(self.parts);
            (common * 4096).checked_div(own.len().max(other.len())).unwrap_or(0) + 512 * usize::from(same_brand)
        };
        self.given.iter().map(like).max().unwrap_or(0) as i64
    }

    /// A feature of a candidate.
    pub(super) fn value(&self, feature: Feature, candidate: &Candidate) -> i64 {
        let own = self.own(candidate);
        let bought = own.filter(|own| !own.days.is_empty());
        let days = bought.map_or(0, |own| own.days.len() as i64);
        let visits = self.history.visits.len() as i64;
        let popularity = &self.parts.popularity;
        let strongest = self.history.items.values().map(Own::strength).max().unwrap_or(0).max(1);
        let decay = |tau: f64| bought.map_or(0, |own| own.decay(tau));
        let by_visits = |tau: f64| bought.map_or(0, |own| own.sum(|_, visits| (-visits / tau).exp()));
        match feature {
            Feature::OwnStrength => bought.map_or(0, Own::strength) * 4096 / strongest,
            Feature::OwnStrengthRaw => bought.map_or(0, Own::strength) / 64,
            Feature::OwnDays => days,
            Feature::OwnShare => days * 1000 / visits.max(1),
            Feature::OwnAge => bought.and_then(Own::age).unwrap_or(-1),
            Feature::OwnVisitsSince => bought.and_then(|own| own.days.iter().map(|day| day.1).min()).unwrap_or(-1),
            Feature::OwnGap => bought.and_then(Own::gap).unwrap_or(-1),
            Feature::OwnDue => match bought.map(|own| (own.age(), own.gap())) {
                Some((Some(age), Some(gap))) => (age + 1) * 256 / (gap + 1),
                _ => -1,
            },
            Feature::OwnDecay7 => decay(7.0) / 64,
            Feature::OwnDecay90 => decay(90.0) / 64,
            Feature::OwnDecay365 => decay(365.0) / 64,
            Feature::OwnCategoryShare => match self.category_decay(candidate, 90.0) {
                0 => -1,
                of_category => decay(90.0) * 1000 / of_category,
            },
            Feature::BoughtScore => self.share(candidate, &self.bought),
            Feature::NextScore => self.share(candidate, &self.next),
            Feature::CartScore => self.share(candidate, &self.seeds),
            Feature::CartScoreRaw => candidate.sum(&self.seeds) / 8,
            Feature::PopularityRecent => candidate.figure(&popularity.recent),
            Feature::PopularityWeek => candidate.figure(&popularity.week),
            Feature::PopularityAll => candidate.figure(&popularity.all),
            Feature::PopularityTrend => {
                (4 * candidate.figure(&popularity.week) + 1) * 256 / (candidate.figure(&popularity.recent) + 1)
            }
            Feature::PopularityChannel => candidate.sum(&self.channel),
            Feature::RepeatRate => match candidate {
                Candidate::Known(item) => i64::from(popularity.repeat[*item as usize]),
                Candidate::Unknown(_) => 0,
            },
            Feature::CategoryDecay90 => self.category_decay(candidate, 90.0) / 64,
            Feature::CategoryDecay14 => self.category_decay(candidate, 14.0) / 64,
            Feature::ViewedAge => own.and_then(Own::viewed_ms).map_or(-1, |ms| (self.now_ms - ms).max(0) / 3_600_000),
            Feature::ViewedCount => own.map_or(0, |own| own.looks_ms.len() as i64),
            Feature::Visits => visits,
            Feature::OwnDecayVisits7 => by_visits(2.8037) / 64,
            Feature::OwnDecayVisits9 => by_visits(9.4912) / 64,
            Feature::OwnDecayVisits97 => by_visits(32.8308) / 64,
            Feature::OrderItems => {
                self.history.items.values().map(|own| own.days.len() as i64).sum::<i64>() * 16 / visits.max(1)
            }
            Feature::LooksSince => own.and_then(|own| self.history.looks_since(own)).unwrap_or(-1),
            Feature::Looks => self.history.items.values().map(|own| own.looks_ms.len() as i64).sum(),
            Feature::BoughtLast => self.share(candidate, &self.bought_last),
            Feature::NextLast => self.share(candidate, &self.next_last),
            Feature::PopularitySegment => self.share(candidate, &self.segment),
            Feature::SessionScore => self.share(candidate, &self.sessions),
            Feature::SessionScoreRaw => candidate.sum(&self.sessions) / 64,
            Feature::SessionRank => {
                self.session_places.iter().position(|one| one == candidate).map_or(-1, |place| place as i64 + 1)
            }
            Feature::SessionLast => self.share(candidate, &self.sessions_last),
            Feature::CategoryRepeat => match candidate {
                Candidate::Known(item) => category(self.parts, *item)
                    .and_then(|at| self.parts.items.category_repeat.get(usize::from(at)).copied())
                    .map_or(0, i64::from),
                Candidate::Unknown(_) => 0,
            },
            Feature::BrandDecay90 => match candidate.brand(self.parts) {
                Some(wanted) => {
                    let of_brand =
                        |own: &&Own| own.item.is_some_and(|at| Candidate::Known(at).brand(self.parts) == Some(wanted));
                    self.history.items.values().filter(of_brand).map(|own| own.decay(90.0)).sum::<i64>() / 64
                }
                None => 0,
            },
            Feature::OwnChannelShare => bought.map_or(-1, Own::channel_share),
            Feature::OwnStoreShare => bought.and_then(Own::store_share).unwrap_or(-1),
            Feature::ContentScore => self.likeness(candidate),
            Feature::LastVisitHere => self.history.last_visit_here.map_or(-1, i64::from),
            Feature::DaysSinceVisit => self.history.visits.first().copied().unwrap_or(-1),
        }
    }
}
