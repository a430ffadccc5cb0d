//! Any text as a TCF string, as states of Google Consent Mode and as the table in a policy file: refused with a code, or
//! registers of known purposes, each once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_host::consent::{ConsentMapping, ConsentRegister};

const NOW_MS: i64 = 1_900_000_000_000;
const PURPOSES: [&str; 5] = ["personalization", "offers", "cross_channel", "measurement", "training"];

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mapping = ConsentMapping::from_json(text).unwrap_or_default();
    if let Ok(registers) = mapping.from_tcf(text, Some("web"), NOW_MS) {
        sound(&registers);
    }
    // Behind the head of a sound string, so that what follows is read.
    let head: String = "CQSU_AAQgYw8AAfACAENB4EgA".chars().chain(text.chars()).collect();
    if let Ok(registers) = mapping.from_tcf(&head, None, NOW_MS) {
        sound(&registers);
    }
    if let Ok(states) = serde_json::from_str(text) {
        if let Ok(registers) = mapping.from_google_consent(&states, None, NOW_MS) {
            sound(&registers);
        }
    }
    sound(&mapping.from_gpc(Some(text), None, NOW_MS));
});

fn sound(registers: &[ConsentRegister]) {
    let places: Vec<_> = registers.iter().map(|one| PURPOSES.iter().position(|known| *known == one.purpose)).collect();
    assert!(places.iter().all(Option::is_some), "{registers:?}");
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "each once, in their order: {registers:?}");
    assert!(registers.iter().all(|one| one.ts_ms >= 0));
}
