//! Any bytes as a search for a component: an error, or at most sixteen profiles, ascending, the one asked for among them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_core::profile_component;
use unisono_message::{Reader, limits, read_fields};

fuzz_target!(|bytes: &[u8]| {
    let answer = profile_component(bytes);
    let mut reader = Reader::new(&answer);
    let (mut ids, mut unit) = (Vec::new(), None);
    read_fields(&mut reader, &["profile_ids", "unit_id"], |reader, field| match field {
        0 => reader.each(limits::COMPONENT_PROFILES_MAX, "component_profiles_max", |reader| ids.push(reader.id())),
        _ => unit = Some(reader.id()),
    });
    reader.finish().expect("an answer is a map, and nothing follows it");
    assert!(ids.is_sorted_by(|a, b| a < b) && ids.first() == unit.as_ref());
});
