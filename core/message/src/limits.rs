//! Every limit of the core, by name. Limits count work (bytes, events, steps), never time, so that an error is the same
//! in every runtime; time limits belong to the host.

/// Bytes of one request, MessagePack.
pub const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes that one `alloc` of the module grants: the largest model file.
pub const ALLOC_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Events in one request, before the fold bounds them.
pub const REQUEST_EVENTS_MAX: usize = 10_000;
/// Placements in one request.
pub const PLACEMENTS_MAX: usize = 32;
/// Recommendations that one placement may ask for.
pub const K_MAX: i64 = 1_000;
/// Words in a placement's `allow`.
pub const GATES_MAX: usize = 2;
/// Ids in a placement's `items`, and in `context.cart`.
pub const SEEDS_MAX: usize = 500;
/// Ids in a placement's `exclude` and `candidates`.
pub const ID_LIST_MAX: usize = 10_000;
/// Strength of a placement's `diversity` in 1,000ths: it is given as a decimal from 0 to 1.
pub const DIVERSITY_MAX: i64 = 1_000;
/// Bytes of an id, in UTF-8.
pub const ID_BYTES_MAX: usize = 128;
/// Bytes of a free text (query, topic, outcome, source, device).
pub const TEXT_BYTES_MAX: usize = 512;
/// Bytes of a category path.
pub const CATEGORY_BYTES_MAX: usize = 512;
/// Bytes of a channel name: lower-case letters, digits and underscores.
pub const CHANNEL_BYTES_MAX: usize = 32;
/// Nesting of arrays and maps in a value that is skipped.
pub const DEPTH_MAX: usize = 32;
/// Values that one `skip` passes over.
pub const SKIP_VALUES_MAX: usize = 1_000_000;
/// Keys of one map; a longer map is refused before it is read.
pub const MAP_KEYS_MAX: usize = 4_096;
/// Earliest and latest time of an event or a request: 1970-01-01 to 2300-01-01, in Unix milliseconds UTC.
pub const TIME_MS_MIN: i64 = 0;
/// See [`TIME_MS_MIN`].
pub const TIME_MS_MAX: i64 = 10_413_792_000_000;
/// An event may be ahead of the clock by this much; later ones are refused where they enter.
pub const FUTURE_MS_MAX: i64 = 10 * 60 * 1000;
/// Offset of local time from UTC, in minutes, either way.
pub const UTC_OFFSET_MIN_MAX: i64 = 18 * 60;
/// Largest absolute decimal at the edges. Up to here, dividing and multiplying by 10^6 errs by less than half a
/// micro-unit, so that every amount round-trips exactly; at 4.4 billion it no longer does.
pub const DECIMAL_ABS_MAX: f64 = 1_000_000_000.0;
/// Largest absolute whole number that may come as a float: 2^53, beyond which floats skip integers.
pub const WHOLE_FLOAT_ABS_MAX: f64 = 9_007_199_254_740_992.0;
/// Bytes of an unknown key that an error repeats.
pub const ECHO_BYTES_MAX: usize = 64;
/// Rank of an impression or click within its placement.
pub const RANK_MAX: i64 = 100_000;

/// Newest full events that a profile keeps per class and channel.
pub const PROFILE_EVENTS_PER_CLASS: usize = 200;
/// Newest marks (UTC day, item, type, channel) that a profile keeps per class and channel.
pub const PROFILE_MARKS_PER_CLASS: usize = 1_024;
/// Marks of one profile, of all classes.
pub const PROFILE_MARKS_MAX: usize = PROFILE_CLASSES_MAX * PROFILE_MARKS_PER_CLASS;
/// Consents of one profile that name a channel. Like classes and for the same reason, one more is refused; those for all
/// channels, one a purpose, are not counted.
pub const PROFILE_CONSENTS_MAX: usize = 256;
/// Traits of one profile, taken back ones included.
pub const PROFILE_TRAITS_MAX: usize = 64;
/// Links of one profile, dissolved ones included.
pub const PROFILE_LINKS_MAX: usize = 256;
/// Profiles that are read as one customer.
pub const COMPONENT_PROFILES_MAX: usize = 16;
/// States that one search for a component takes: those that belong, and those that turn out not to.
pub const COMPONENT_STATES_MAX: usize = 256;
/// Bytes of a policy.
pub const POLICY_BYTES_MAX: usize = 256 * 1024;
/// Days of a retention, a hundred years.
pub const RETENTION_DAYS_MAX: i64 = 36_500;
/// Distinct (class, channel) pairs of one profile. `profile_apply` refuses the single event of one more; a state, a merge
/// or a request that would hold more is refused whole.
pub const PROFILE_CLASSES_MAX: usize = 256;
/// Full events of one profile, of all classes.
pub const PROFILE_EVENTS_MAX: usize = PROFILE_CLASSES_MAX * PROFILE_EVENTS_PER_CLASS;
/// Bytes of one encoded profile state.
pub const PROFILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Of these, bytes of all but consents and tombstone, so that there is always room for a withdrawal and an erasure. A join
/// that would be larger, of events or of states, is refused whole at `state`: the states that were given stay as they are.
pub const PROFILE_OTHER_BYTES_MAX: usize = PROFILE_BYTES_MAX - 64 * 1024;
// The longest consent has a channel, a writer and sixteen bytes besides; one a purpose is of all channels.
const _: () = assert!(
    PROFILE_OTHER_BYTES_MAX
        + (PROFILE_CONSENTS_MAX + crate::Purpose::ALL.len()) * (CHANNEL_BYTES_MAX + ID_BYTES_MAX + 16)
        + 64
        <= PROFILE_BYTES_MAX
);
/// States that one merge takes.
pub const MERGE_STATES_MAX: usize = 16;
/// Bytes of the input of `profile_apply`: the largest state beside the largest request.
pub const APPLY_BYTES_MAX: usize = PROFILE_BYTES_MAX + REQUEST_BYTES_MAX;
/// Bytes of the input of `profile_merge`: as many states as it takes, each as large as it may be, with their heads.
pub const MERGE_BYTES_MAX: usize = MERGE_STATES_MAX * (PROFILE_BYTES_MAX + 8) + 64;

/// Newest marks that a portable token carries.
pub const TOKEN_MARKS: usize = 512;
/// Newest events that a portable token carries.
pub const TOKEN_EVENTS: usize = 200;
/// Of these, so many are carried before any mark.
pub const TOKEN_EVENTS_FIRST: usize = 16;
/// Bytes of a token's payload where nothing else is asked for: with a signature of 64 bytes, 2,048 characters of base64.
pub const TOKEN_BYTES: i64 = 1_472;
/// Bytes of any token's payload.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Items of one model.
pub const MODEL_ITEMS_MAX: usize = 16_000_000;
/// Bytes of a model's root.
pub const MODEL_ROOT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Sections of a model.
pub const MODEL_SECTIONS_MAX: usize = 1_024;
/// Distinct categories of a model.
pub const MODEL_CATEGORIES_MAX: usize = 65_535;
/// Channels that a model knows (the width of the `sold in` mask).
pub const MODEL_CHANNELS_MAX: usize = 32;
/// Offers of one model.
pub const MODEL_OFFERS_MAX: usize = 100_000;
/// Trees of one forest; a forest has at most 32,768 nodes and as many leaves.
pub const MODEL_TREES_MAX: usize = 4_096;
/// Edges of one feature's bins in a forest: bins are numbered in a byte.
pub const MODEL_TREE_EDGES_MAX: usize = 254;
/// Features of a blend.
pub const MODEL_FEATURES_MAX: usize = 64;
/// Bins of one feature.
pub const MODEL_BINS_MAX: usize = 256;
/// Knots of a calibration map.
pub const MODEL_KNOTS_MAX: usize = 256;
/// Further calibration maps of one kind of placement, for longer histories.
pub const MODEL_BANDS_MAX: usize = 16;
/// Segments of a model.
pub const MODEL_SEGMENTS_MAX: usize = 64;
/// Neighbours of one item in one list.
pub const MODEL_NEIGHBOURS_MAX: usize = 1_000;
/// Distinct items of one session of a model.
pub const MODEL_SESSION_ITEMS_MAX: usize = 50;
/// Bits after the binary point of a model's scores.
pub const MODEL_SCALE_BITS_MAX: u32 = 16;
/// Days within which a model's probabilities hold.
pub const MODEL_HORIZON_DAYS_MAX: i64 = 36_500;
/// Absolute score at a knot of a calibration map, in 2^-scale_bits.
pub const MODEL_SCORE_ABS_MAX: i64 = 1 << 60;
/// Probability at a knot of a calibration map, in 2^-30: certainty.
pub const MODEL_PROBABILITY_MAX: i64 = 1 << 30;
/// Absolute points of one bin of a blend, so that a score stays exact in an f64.
pub const MODEL_POINTS_MAX: i64 = 1 << 40;

/// Distinct items of a profile, newest first, whose neighbour rows are read.
pub const HISTORY_ITEMS_FOR_NEIGHBOURS_MAX: u32 = 1_024;
/// Given items, in the order of their indices, that others are compared with by category and brand.
pub const CONTENT_SEEDS_MAX: usize = 16;
/// Items that are compared with them.
pub const CONTENT_ITEMS_MAX: usize = 1_024;
/// Categories of a customer, strongest first, that are read for what is new.
pub const CONTENT_CATEGORIES_MAX: usize = 10;
/// Items of the history, newest first, or given ones, by which sessions are compared.
pub const VOTE_ITEMS_MAX: usize = 20;
/// Newest sessions that are read of each of them.
pub const VOTE_SESSIONS_READ_MAX: usize = 500;
/// Most similar sessions that vote.
pub const VOTE_SESSIONS_MAX: usize = 500;
/// Candidates that trees rank for someone of whom nothing is known, unless the model or the placement asks for more.
pub const STRANGER_RANKED_MAX: usize = 1_000;
/// Candidates for each place of a list that is to be spread over categories.
pub const DIVERSITY_POOL_MAX: usize = 3;
/// Spend that is told apart, in micro-units (17.6 million units), so that sums stay exact.
pub const SPEND_MICRO_MAX: i64 = 1 << 44;
/// Reasons of one recommendation.
pub const REASONS_MAX: usize = 3;
/// Entries of `excluded` that an explained placement returns; the rest is counted in a warning.
pub const EXCLUDED_LISTED_MAX: usize = 1_000;
/// Models and other objects that one module instance holds at once.
pub const HANDLES_MAX: usize = 64;
