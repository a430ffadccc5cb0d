//! Candidates: what a placement may choose among, from every source that its kind reads.

use crate::history::OwnItem;
use crate::order::distinct;
use crate::scene::Scene;
use crate::sources::{Sums, content, personal, popularity, recently_viewed};
use alloc::vec::Vec;
use unisono_message::PlacementKind;

/// An item that may be recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Its index; none when the model does not know it.
    pub item: Option<u32>,
    /// Its id when the model does not know it, else empty.
    pub unknown_id: &'a str,
    /// Its position in the history.
    pub own: Option<u32>,
}

impl<'a> Candidate<'a> {
    /// A candidate that the model knows.
    pub fn known(scene: &Scene<'_, '_>, item: u32) -> Self {
        Candidate { item: Some(item), unknown_id: "", own: scene.history.position_of(item) }
    }

    fn own(scene: &Scene<'_, 'a>, position: u32) -> Option<Self> {
        let own = scene.history.items.get(position as usize)?;
        let unknown_id = if own.item.is_none() { own.id } else { "" };
        Some(Candidate { item: own.item, unknown_id, own: Some(position) })
    }

    fn given(scene: &Scene<'_, '_>, id: &'a str) -> Self {
        match scene.model.items.ids.find(id) {
            Some(item) => Candidate::known(scene, item),
            None => Candidate { item: None, unknown_id: id, own: scene.history.position_of_id(id) },
        }
    }
}

/// The candidates of a placement, each once: known items by index, then unknown ones by id.
///
/// `given` are the ids of `rerank`; `new_only`: the placement leaves out what was bought. Sources by kind: `for_you` and
/// `bought_together` read the customer's own items, both neighbour lists, the votes of sessions, the seeds, the customer's
/// segment and popularity, and `for_you` the strongest categories where it leaves out what was bought; `similar` the seeds and popularity; `trending` popularity.
/// Seeds speak by their neighbours and by their categories.
pub fn collect<'a>(
    scene: &Scene<'_, 'a>,
    kind: PlacementKind,
    new_only: bool,
    given: &[&'a str],
) -> Vec<Candidate<'a>> {
    let count = scene.model.candidates_per_source as usize;
    let popularity_of = |item: u32| scene.model.popularity.of(Some(item));
    let mut found = Found { scene, seen: Sums::default(), all: Vec::new() };
    match kind {
        PlacementKind::ForYou | PlacementKind::BoughtTogether => {
            found.own(personal::is_bought);
            found.own(recently_viewed::is_viewed);
            found.items(&scene.from_history.bought.top(count, popularity_of));
            found.items(&scene.from_history.next.top(count, popularity_of));
            found.items(&scene.from_history.session_ranks.keys());
            found.items(&scene.from_seeds.top(count, popularity_of));
            found.items(&scene.in_segment.top(count, popularity_of));
            found.items(&content::like(scene.model, scene.seeds, count));
            if new_only && kind == PlacementKind::ForYou {
                found.items(&content::of_strongest(scene.model, &scene.from_history.categories, count));
            }
            found.items(popularity::recent(scene.model, count));
        }
        PlacementKind::Similar => {
            found.items(&scene.from_seeds.top(count, popularity_of));
            found.items(&content::like(scene.model, scene.seeds, count));
            found.items(popularity::recent(scene.model, count));
        }
        PlacementKind::Trending => {
            found.items(&scene.in_channel.sums.keys());
            found.items(popularity::recent(scene.model, count));
        }
        PlacementKind::BuyAgain => found.own(personal::is_bought),
        PlacementKind::RecentlyViewed => found.own(recently_viewed::is_viewed),
        PlacementKind::Rerank => given.iter().for_each(|id| found.add(Candidate::given(scene, id))),
        // Offers are no items; see `offers`.
        PlacementKind::Offers => {}
    }
    distinct(found.all, |a, b| order(a).cmp(&order(b)))
}

/// Known items by index, then unknown ones by the bytes of their ids.
fn order<'a>(candidate: &Candidate<'a>) -> (u32, &'a str) {
    (candidate.item.unwrap_or(u32::MAX), candidate.unknown_id)
}

/// What was found so far, known items once each.
struct Found<'f, 's, 'a> {
    scene: &'f Scene<'s, 'a>,
    seen: Sums,
    all: Vec<Candidate<'a>>,
}

impl<'a> Found<'_, '_, 'a> {
    fn own(&mut self, is_meant: fn(&OwnItem<'_>) -> bool) {
        for (at, own) in (0..).zip(&self.scene.history.items) {
            if is_meant(own) {
                Candidate::own(self.scene, at).into_iter().for_each(|one| self.add(one));
            }
        }
    }

    fn items(&mut self, items: &[u32]) {
        for item in items {
            if self.seen.get(*item) == 0 {
                self.add(Candidate::known(self.scene, *item));
            }
        }
    }

    fn add(&mut self, one: Candidate<'a>) {
        if one.item.is_none_or(|item| self.seen.get(item) == 0) {
            one.item.into_iter().for_each(|item| self.seen.add(item, 1));
            self.all.push(one);
        }
    }
}
