//! Requests: a moment, a profile, a context, and the placements of one page.

use crate::decimal::milli_from_f64;
use crate::error::{Error, ErrorCode, Result};
use crate::event::{Event, EventType, read_utc_offset};
use crate::fields::{missing, position_of, read_fields};
use crate::limits;
use crate::reader::Reader;
use crate::register::{Register, RegisterKind};
use crate::text;
use crate::writer::Writer;
use alloc::vec::Vec;

macro_rules! placement_kinds {
    ($($variant:ident $number:literal $name:literal $text:literal),+ $(,)?) => {
        /// What a placement shows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum PlacementKind { $(#[doc = $text] $variant = $number),+ }

        impl PlacementKind {
            /// Every kind.
            pub const ALL: &'static [PlacementKind] = &[$(PlacementKind::$variant),+];
            /// Every name, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The published name.
            pub const fn as_str(self) -> &'static str {
                match self { $(PlacementKind::$variant => $name),+ }
            }

            /// The kind with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                position_of(Self::NAMES, name).and_then(|at| Self::ALL.get(at).copied())
            }
        }
    };
}

placement_kinds! {
    ForYou 0 "for_you" "What this customer is likely to want next.",
    Similar 1 "similar" "Alternatives to given items.",
    BoughtTogether 2 "bought_together" "What completes the given items, or the cart.",
    Trending 3 "trending" "What sells most at present, in this channel where the model knows it.",
    BuyAgain 4 "buy_again" "What this customer bought before and may need again.",
    RecentlyViewed 5 "recently_viewed" "What this customer looked at last.",
    Offers 6 "offers" "Offers, by the customer's own spend on what they cover.",
    Rerank 7 "rerank" "The given candidates, best first.",
}

/// Kinds of items that a placement shows only when it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Items that reveal something about who sees them (health, belief, intimacy).
    pub sensitive: bool,
    /// Items that not everyone may buy (age, prescription).
    pub restricted: bool,
}

/// One list on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement<'a> {
    /// Unique within the request.
    pub id: &'a str,
    /// What it shows.
    pub kind: PlacementKind,
    /// Recommendations wanted, 1 to 1,000.
    pub k: usize,
    /// Items to start from (`similar`, `bought_together`).
    pub items: Vec<&'a str>,
    /// What to choose among (`rerank`, `offers`).
    pub candidates: Vec<&'a str>,
    /// Items that must not appear.
    pub exclude: Vec<&'a str>,
    /// Leave out what the profile bought before.
    pub exclude_bought: bool,
    /// Only items of this category or below it.
    pub category: Option<&'a str>,
    /// Gates that this placement opens.
    pub allow: Gate,
    /// How strongly items of one category avoid each other, in 1,000ths; absent: as the model says.
    pub diversity: Option<i64>,
}

/// Where and how the page is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context<'a> {
    /// The channel; `web` when absent.
    pub channel: &'a str,
    /// The store, where there is one.
    pub store_id: Option<&'a str>,
    /// Local time minus UTC, in minutes.
    pub utc_offset_min: i64,
    /// Items in the cart.
    pub cart: Vec<&'a str>,
}

impl Default for Context<'_> {
    fn default() -> Self {
        Context { channel: "web", store_id: None, utc_offset_min: 0, cart: Vec::new() }
    }
}

/// The profile as it travels: events, or an encoded state, or both (they are merged).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileInput<'a> {
    /// Who it is; may be absent for a visitor.
    pub profile_id: Option<&'a str>,
    /// Events in any order: those that can be read.
    pub events: Vec<Event<'a>>,
    /// What is wrong with the others, ascending by index. Whether it stops the answer is known only with the consents:
    /// no answer may depend on an event that no one may look at.
    pub faults: Vec<Fault<'a>>,
    /// (index in `events`, profile that it says it is of) of the events that say so.
    pub owners: Vec<(u32, &'a str)>,
    /// (index in `events`, unknown fields) of the events that have any.
    pub unknown_fields: Vec<(u32, u32)>,
    /// A state that `profile_apply` or `profile_merge` returned.
    pub state: Option<&'a [u8]>,
    /// Consents beside those of the state.
    pub consents: Vec<Register<'a>>,
    /// States of profiles that may be linked with this one.
    pub linked: Vec<LinkedInput<'a>>,
}

/// An event that can't be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<'a> {
    /// Its place among all events of the request.
    pub index: usize,
    /// Its type and channel, if these can be read.
    pub class: Option<(EventType, &'a str)>,
    /// What is wrong, as `price`.
    pub error: Error,
}

/// Another profile of the same customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkedInput<'a> {
    /// Its id.
    pub profile_id: &'a str,
    /// Its state.
    pub state: &'a [u8],
}

impl<'a> LinkedInput<'a> {
    /// Reads `{profile_id, state}`.
    pub fn read(r: &mut Reader<'a>) -> Self {
        let mut one = LinkedInput::default();
        let mut has_state = false;
        read_fields(r, &["profile_id", "state"], |r, field| match field {
            0 => one.profile_id = r.id(),
            _ => {
                one.state = r.bin();
                has_state = true;
            }
        });
        match () {
            () if one.profile_id.is_empty() => missing(r, "profile_id"),
            () if !has_state => missing(r, "state"),
            () => {}
        }
        one
    }
}

/// One call: everything that the answer may depend on, besides the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Comes back with the response.
    pub request_id: Option<&'a str>,
    /// The moment of the decision, Unix milliseconds UTC.
    pub now_ms: i64,
    /// Whose page it is.
    pub profile: ProfileInput<'a>,
    /// Where it is shown.
    pub context: Context<'a>,
    /// The page's lists, in the order in which they choose.
    pub placements: Vec<Placement<'a>>,
    /// For exploration; the same seed, the same draw.
    pub seed: i64,
    /// Return explanations and exclusions.
    pub explain: bool,
    /// Return calibrated probabilities.
    pub probability: bool,
    /// Fields that no one knows, over the whole request but for its events.
    pub unknown_fields: u32,
}

const REQUEST: [&str; 8] =
    ["request_id", "now_ms", "profile", "context", "placements", "seed", "explain", "probability"];
const PROFILE: [&str; 5] = ["profile_id", "events", "state", "consents", "linked"];
const CONTEXT: [&str; 4] = ["channel", "store_id", "utc_offset_min", "cart"];
const PLACEMENT: [&str; 10] =
    ["id", "kind", "k", "items", "candidates", "exclude", "exclude_bought", "category", "allow", "diversity"];

impl<'a> Request<'a> {
    /// Decodes a request.
    ///
    /// # Errors
    /// A typed error that names the field, as `placements[0].kind`.
    pub fn decode(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > limits::REQUEST_BYTES_MAX {
            let message = text!("`{}` bytes; request_bytes_max is {}", bytes.len(), limits::REQUEST_BYTES_MAX);
            return Err(Error::new(ErrorCode::LimitExceeded, message));
        }
        let mut reader = Reader::new(bytes);
        let mut request = Request::read(&mut reader);
        reader.finish()?;
        request.unknown_fields = reader.unknown_fields();
        Ok(request)
    }

    fn read(reader: &mut Reader<'a>) -> Self {
        let mut request = Request {
            request_id: None,
            now_ms: -1,
            profile: ProfileInput::default(),
            context: Context::default(),
            placements: Vec::new(),
            seed: 0,
            explain: false,
            probability: false,
            unknown_fields: 0,
        };
        read_fields(reader, &REQUEST, |r, field| match field {
            0 => request.request_id = Some(r.id()),
            1 => request.now_ms = r.int_within(limits::TIME_MS_MIN, limits::TIME_MS_MAX),
            2 => request.profile = ProfileInput::read(r),
            3 => request.context = Context::read(r),
            4 => request.placements = read_placements(r),
            5 => request.seed = r.int(),
            6 => request.explain = r.bool(),
            _ => request.probability = r.bool(),
        });
        if request.now_ms < 0 {
            missing(reader, "now_ms");
        }
        if request.placements.is_empty() {
            missing(reader, "placements");
        }
        request
    }

    /// The request's id when it can be read, for the error of a request that can't.
    pub fn id_of(bytes: &'a [u8]) -> Option<&'a str> {
        let mut reader = Reader::new(bytes);
        let mut id = None;
        // The first error ends the search; an id before it is still reported.
        read_fields(&mut reader, &["request_id"], |r, _| {
            let found = r.id();
            id = (!r.failed()).then_some(found);
        });
        id
    }

    /// Writes everything but the profile canonically, for the decision id.
    pub fn write_canonical(&self, w: &mut Writer) {
        w.array(8);
        w.opt_str(self.request_id);
        w.int(self.now_ms);
        w.opt_str(self.profile.profile_id);
        w.array(4);
        w.str(self.context.channel);
        w.opt_str(self.context.store_id);
        w.int(self.context.utc_offset_min);
        write_ids(w, &self.context.cart);
        w.array(self.placements.len());
        for placement in &self.placements {
            placement.write_canonical(w);
        }
        w.int(self.seed);
        w.bool(self.explain);
        w.bool(self.probability);
    }
}

/// Fails when something lies more than ten minutes after `now_ms`: it would outlive all that is real.
///
/// # Errors
/// `event_from_future` at `ts_ms`.
pub fn check_future(ts_ms: i64, now_ms: i64) -> Result<()> {
    if ts_ms <= now_ms.saturating_add(limits::FUTURE_MS_MAX) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::EventFromFuture, "it lies more than ten minutes after `now_ms`").in_field("ts_ms"))
}

impl<'a> ProfileInput<'a> {
    fn read(reader: &mut Reader<'a>) -> Self {
        let mut profile = ProfileInput::default();
        read_fields(reader, &PROFILE, |r, field| match field {
            0 => profile.profile_id = Some(r.id()),
            1 => profile.read_events(r),
            2 => profile.state = Some(r.bin()),
            3 => {
                let kind = RegisterKind::Consent;
                let (max, limit) = kind.limit();
                r.each(max + kind.uncounted_max(), limit, |r| profile.consents.push(Register::read(r, kind)));
            }
            _ => r.each(limits::COMPONENT_STATES_MAX, "component_states_max", |r| {
                profile.linked.push(LinkedInput::read(r));
            }),
        });
        if !profile.linked.is_empty() && profile.profile_id.is_none() {
            missing(reader, "profile_id");
        }
        profile
    }

    /// The place of an event among all of the request, those that can't be read included.
    pub fn place_of(&self, at: usize) -> usize {
        self.faults.iter().fold(at, |place, fault| place + usize::from(fault.index <= place))
    }

    fn read_events(&mut self, r: &mut Reader<'a>) {
        let mut index = 0usize;
        r.each(limits::REQUEST_EVENTS_MAX, "request_events_max", |r| {
            let (start, unknown) = (r.rest(), r.unknown_fields());
            let mut owner = None;
            let at = self.events.len();
            self.events.push(Event::unread());
            let event = self.events.last_mut();
            match r.apart(|r| event.into_iter().for_each(|event| event.read_named(r, &mut owner))) {
                Ok(()) => {
                    let fields = r.take_unknown_fields(unknown);
                    if fields > 0 {
                        self.unknown_fields.push((at as u32, fields));
                    }
                    self.owners.extend(owner.map(|owner| (at as u32, owner)));
                }
                Err(error) => {
                    self.events.truncate(at);
                    self.faults.push(Fault { index, class: Event::class_of(start), error });
                }
            }
            index += 1;
        });
    }
}

impl<'a> Context<'a> {
    fn read(reader: &mut Reader<'a>) -> Self {
        let mut context = Context::default();
        read_fields(reader, &CONTEXT, |r, field| match field {
            0 => context.channel = r.channel(),
            1 => context.store_id = Some(r.id()),
            2 => context.utc_offset_min = read_utc_offset(r),
            _ => context.cart = read_ids(r, limits::SEEDS_MAX, "seeds_max"),
        });
        context
    }
}

impl<'a> Placement<'a> {
    fn read(reader: &mut Reader<'a>) -> Self {
        let mut placement = Placement {
            id: "",
            kind: PlacementKind::ForYou,
            k: 0,
            items: Vec::new(),
            candidates: Vec::new(),
            exclude: Vec::new(),
            exclude_bought: false,
            category: None,
            allow: Gate::default(),
            diversity: None,
        };
        let mut has_kind = false;
        read_fields(reader, &PLACEMENT, |r, field| match field {
            0 => placement.id = r.id(),
            1 => {
                placement.kind = read_kind(r);
                has_kind = true;
            }
            2 => placement.k = r.int_within(1, limits::K_MAX) as usize,
            3 => placement.items = read_ids(r, limits::SEEDS_MAX, "seeds_max"),
            4 => placement.candidates = read_ids(r, limits::ID_LIST_MAX, "id_list_max"),
            5 => placement.exclude = read_ids(r, limits::ID_LIST_MAX, "id_list_max"),
            6 => placement.exclude_bought = r.bool(),
            7 => placement.category = Some(r.text(limits::CATEGORY_BYTES_MAX)),
            8 => placement.allow = read_gate(r),
            _ => placement.diversity = Some(read_diversity(r)),
        });
        match () {
            () if placement.id.is_empty() => missing(reader, "id"),
            () if !has_kind => missing(reader, "kind"),
            () if placement.k == 0 => missing(reader, "k"),
            () => {}
        }
        placement
    }

    fn write_canonical(&self, w: &mut Writer) {
        // One that leaves it to the model has the id that it had before there was a choice.
        w.array(10 + usize::from(self.diversity.is_some()));
        w.str(self.id);
        w.int(self.kind as i64);
        w.int(self.k as i64);
        write_ids(w, &self.items);
        write_ids(w, &self.candidates);
        write_ids(w, &self.exclude);
        w.bool(self.exclude_bought);
        w.opt_str(self.category);
        w.bool(self.allow.sensitive);
        w.bool(self.allow.restricted);
        if let Some(diversity) = self.diversity {
            w.int(diversity);
        }
    }
}

fn read_placements<'a>(r: &mut Reader<'a>) -> Vec<Placement<'a>> {
    let mut placements: Vec<Placement<'a>> = Vec::new();
    r.each(limits::PLACEMENTS_MAX, "placements_max", |r| {
        let placement = Placement::read(r);
        if placements.iter().any(|other| other.id == placement.id) {
            let message = text!("the id `{}` stands twice", placement.id);
            r.fail(Error::new(ErrorCode::DuplicatePlacement, message).in_field("id"));
        }
        placements.push(placement);
    });
    placements
}

fn read_kind(r: &mut Reader<'_>) -> PlacementKind {
    let name = r.text(limits::TEXT_BYTES_MAX);
    PlacementKind::from_name(name).unwrap_or_else(|| {
        let message = text!("`{}` is no kind of placement; `for_you` is one", name);
        r.fail(Error::new(ErrorCode::UnknownPlacement, message));
        PlacementKind::ForYou
    })
}

fn read_gate(r: &mut Reader<'_>) -> Gate {
    let mut gate = Gate::default();
    r.each(limits::GATES_MAX, "gates_max", |r| match r.text(limits::TEXT_BYTES_MAX) {
        "sensitive" => gate.sensitive = true,
        "restricted" => gate.restricted = true,
        other => {
            let message = text!("`{}` cannot be allowed; `sensitive` and `restricted` can", other);
            r.fail(Error::new(ErrorCode::UnknownGate, message));
        }
    });
    gate
}

fn read_diversity(r: &mut Reader<'_>) -> i64 {
    let value = r.f64();
    let milli = r.take(milli_from_f64(value));
    if !(0..=limits::DIVERSITY_MAX).contains(&milli) {
        r.fail_with(ErrorCode::OutOfRange, "a strength lies within 0 to 1");
    }
    milli
}

fn read_ids<'a>(r: &mut Reader<'a>, max: usize, limit: &str) -> Vec<&'a str> {
    let mut ids = Vec::new();
    r.each(max, limit, |r| ids.push(r.id()));
    ids
}

fn write_ids(w: &mut Writer, ids: &[&str]) {
    w.array(ids.len());
    for id in ids {
        w.str(id);
    }
}
