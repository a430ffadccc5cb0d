//! Candidates: what a placement may choose among, from every source that its kind reads.

use crate::order::sorted;
use crate::scene::Scene;
use crate::sources::{content, personal, popularity, recently_viewed};
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
    let known = |item: u32| Candidate::known(scene, item);
    let mut out: Vec<Candidate<'a>> = Vec::new();
    match kind {
        PlacementKind::ForYou | PlacementKind::BoughtTogether => {
            out.extend(personal::bought(scene.history).filter_map(|at| Candidate::own(scene, at)));
            out.extend(recently_viewed::viewed(scene.history).filter_map(|at| Candidate::own(scene, at)));
            out.extend(scene.from_history.bought.top(count, popularity_of).into_iter().map(known));
            out.extend(scene.from_history.next.top(count, popularity_of).into_iter().map(known));
            out.extend(scene.from_history.session_ranks.entries().map(|entry| known(entry.0)));
            out.extend(scene.from_seeds.top(count, popularity_of).into_iter().map(known));
            out.extend(scene.segment_counts.top(count, popularity_of).into_iter().map(known));
            out.extend(content::like(scene.model, scene.seeds, count).into_iter().map(known));
            if new_only && kind == PlacementKind::ForYou {
                let categories = &scene.from_history.categories;
                out.extend(content::of_strongest(scene.model, categories, count).into_iter().map(known));
            }
            out.extend(popularity::recent(scene.model, count).map(known));
        }
        PlacementKind::Similar => {
            out.extend(scene.from_seeds.top(count, popularity_of).into_iter().map(known));
            out.extend(content::like(scene.model, scene.seeds, count).into_iter().map(known));
            out.extend(popularity::recent(scene.model, count).map(known));
        }
        PlacementKind::Trending => {
            out.extend(scene.channel_counts.entries().map(|entry| known(entry.0)));
            out.extend(popularity::recent(scene.model, count).map(known));
        }
        PlacementKind::BuyAgain => {
            out.extend(personal::bought(scene.history).filter_map(|at| Candidate::own(scene, at)))
        }
        PlacementKind::RecentlyViewed => {
            out.extend(recently_viewed::viewed(scene.history).filter_map(|at| Candidate::own(scene, at)));
        }
        PlacementKind::Rerank => out.extend(given.iter().map(|id| Candidate::given(scene, id))),
        // Offers are no items; see `offers`.
        PlacementKind::Offers => {}
    }
    let mut out = sorted(&out, |a, b| order(a).cmp(&order(b)));
    out.dedup_by(|a, b| order(a) == order(b));
    out
}

/// Known items by index, then unknown ones by the bytes of their ids.
fn order<'a>(candidate: &Candidate<'a>) -> (u32, &'a str) {
    (candidate.item.unwrap_or(u32::MAX), candidate.unknown_id)
}
