//! Segments: two kinds of customers are told apart, and nothing of a segment rests on few.

use crate::shop::{self, DAY_MS, Folder, LATEST_MS, Row, START_MS};
use unisono_core::history::History;
use unisono_core::model::{Fact, ModelParts, encode};
use unisono_core::profile::Profile;
use unisono_core::{Model, segments};
use unisono_message::{Context, Event, EventType};
use unisono_models::config::TableParams;
use unisono_models::counts::{CountRules, Tables, Target, count};
use unisono_models::progress::Progress;
use unisono_models::tables::{BadRowLimits, read_catalog, read_events};

const UNTIL_MS: i64 = START_MS + 60 * DAY_MS;

/// Even customers buy tea in the store, odd ones wine on the web; each four times in the last weeks.
fn counted(customers: usize, segments: usize, threads: usize) -> ModelParts {
    made(customers, segments, 5, threads, |_, channel| channel)
}

fn counted_at(customers: usize, segments: usize, min_support: u32, threads: usize) -> ModelParts {
    made(customers, segments, min_support, threads, |_, channel| channel)
}

fn counted_with(
    customers: usize,
    segments: usize,
    threads: usize,
    channel: fn(usize, &'static str) -> &'static str,
) -> ModelParts {
    made(customers, segments, 5, threads, channel)
}

fn made(
    customers: usize,
    segments: usize,
    min_support: u32,
    threads: usize,
    channel_of: fn(usize, &'static str) -> &'static str,
) -> ModelParts {
    let mut rows = Vec::new();
    for customer in 0..customers {
        let (kind, channel) = if customer % 2 == 0 { ("tea", "store") } else { ("wine", "web") };
        for visit in 0..4 {
            for item in [(customer / 2 + visit) % 9, (customer / 2 + 5 * visit + 1) % 9] {
                rows.push(Row {
                    event_id: format!("e{customer}-{visit}-{item}"),
                    quantity: 1.0,
                    price: 2.5,
                    profile_id: format!("c{customer:04}"),
                    order_id: format!("o{customer}-{visit}"),
                    ts_ms: START_MS + (35 + 6 * visit as i64) * DAY_MS + customer as i64,
                    channel: channel_of(customer, channel),
                    item_id: format!("{kind}-{item}"),
                });
            }
        }
    }
    let catalog: String =
        (0..9).map(|item| format!("tea-{item},Tea,drinks/tea\nwine-{item},Wine,cellar/wine\n")).collect();
    let folder = Folder::new();
    let limits = BadRowLimits::default();
    let (log, _) = read_events(&folder.write("e.csv", &shop::csv(&rows)), LATEST_MS, limits).unwrap();
    let catalog = format!("item_id,title,category\n{catalog}");
    let (catalog, _) = read_catalog(&folder.write("c.csv", &catalog), limits).unwrap();
    let params = TableParams { segments, ..TableParams::default() };
    let rules = CountRules {
        params: &params,
        min_support,
        sessions: 0,
        undirected: true,
        target: Target::Purchase,
        until_ms: UNTIL_MS,
        threads,
    };
    count(&Tables { log, catalog, offers: Default::default() }, rules, &Progress::hidden()).unwrap()
}

#[test]
fn two_kinds_of_customers_are_told_apart_after_one_order() {
    let parts = counted(240, 2, 2);
    assert_eq!(parts.segments.centers.len(), 2);
    assert_eq!(parts, counted(240, 2, 1), "the number of threads leaves no trace");
    let file = encode(&parts).unwrap();
    let model = Model::load(&file).unwrap();
    for (kind, channel) in [("tea", "store"), ("wine", "web")] {
        let item = format!("{kind}-3");
        let mut event = Event::new("e", UNTIL_MS - DAY_MS, EventType::Purchase, channel);
        event.item_id = Some(&item);
        let (profile, _) = Profile::from_events(&[event]);
        let history = History::fold(&model, &profile, UNTIL_MS, &Context::default());
        let popular: Vec<(u32, u32)> = model.segments.popular.of(history.segment.unwrap()).collect();
        assert!(!popular.is_empty());
        for (item, profiles) in popular {
            assert!(
                model.items.ids.get(item).starts_with(kind),
                "{} in the segment of {kind}",
                model.items.ids.get(item)
            );
            assert!(profiles >= 5, "{profiles} customers are fewer than the floor");
        }
    }
    let words: Vec<&Fact> =
        parts.data.iter().filter(|fact| fact.0.starts_with("segment.")).map(|fact| &fact.1).collect();
    assert!(
        matches!(words[..], [Fact::Text(a), Fact::Text(b)] if format!("{a}{b}").contains("more drinks")),
        "{words:?}"
    );
    let nobody = History::fold(&model, &Profile::from_events(&[]).0, UNTIL_MS, &Context::default());
    assert_eq!(nobody.segment, None);
    assert_eq!(segments::MEASURES + 2 + 2, parts.segments.weights.len(), "measures, two channels, two groups");
}

/// What one customer of a segment did says nothing of the segment: the rare channel has a dimension, and no centre lies in it.
#[test]
fn a_channel_that_fewer_than_the_floor_used_is_in_no_centre() {
    let parts = counted(240, 2, 1);
    let rare = counted_with(240, 2, 1, |customer, channel| if customer == 0 { "till" } else { channel });
    let at = rare.channels.iter().position(|channel| channel == "till").unwrap();
    assert!(rare.segments.centers.iter().all(|center| center[segments::MEASURES + at] == 0));
    assert!(parts.segments.centers.iter().any(|center| center[segments::MEASURES] > 0));
}

#[test]
fn a_floor_above_fifty_is_the_least_size_of_a_segment() {
    assert_eq!(counted_at(240, 2, 130, 1).segments.centers.len(), 0);
    assert_eq!(counted_at(240, 2, 120, 1).segments.centers.len(), 2);
}

#[test]
fn a_hundred_customers_are_too_few_for_more_than_two_segments_and_ninety_nine_for_any() {
    assert_eq!(counted(100, 8, 1).segments.centers.len(), 2);
    assert_eq!(counted(99, 8, 1).segments.centers.len(), 0);
    assert_eq!(counted(240, 0, 1).segments.centers.len(), 0);
}
