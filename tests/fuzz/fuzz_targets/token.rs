//! Any bytes as a token's payload, or as the body behind a sound head: what is read is a state, and its own token says it
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unisono_core::{Policy, profile::Profile, token_apply, token_write};
use unisono_message::limits::TOKEN_MARKS;
use unisono_message::{Reader, Writer, read_fields};

const NOW_MS: i64 = 1_700_000_000_000;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let payload = if first & 1 == 0 { rest.to_vec() } else { behind_a_head(rest) };
    let Some(state) = field(&token_apply(&Policy::default(), &apply_input(&payload)), "state") else { return };
    let profile = Profile::decode(&state).expect("what a token says is a state");
    // Events may imply marks beyond the newest 512, which the next token leaves out.
    if profile.marks().len() > TOKEN_MARKS {
        return;
    }
    let again = field(&token_write(&Policy::default(), &write_input(&state)), "payload").expect("a state has a token");
    assert!(first & 1 == 0 || again == payload, "one content has one encoding");
    assert!(field(&token_apply(&Policy::default(), &apply_input(&again)), "state") == Some(state), "what is carried is carried again");
});

fn behind_a_head(body: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(6);
    w.int(1);
    w.str("k1");
    w.str("shop");
    w.int(NOW_MS / 1000);
    w.int(NOW_MS / 1000 + 60);
    w.bin(body);
    w.into_bytes()
}

fn apply_input(payload: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(3);
    w.str("payload");
    w.bin(payload);
    w.str("now_ms");
    w.int(NOW_MS);
    w.str("shop");
    w.str("shop");
    w.into_bytes()
}

fn write_input(state: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(6);
    w.str("state");
    w.bin(state);
    for (key, value) in [("shop", "shop"), ("key_id", "k1")] {
        w.str(key);
        w.str(value);
    }
    for (key, value) in [("now_ms", NOW_MS), ("expires_ms", NOW_MS + 60_000), ("bytes_max", 16_384)] {
        w.str(key);
        w.int(value);
    }
    w.into_bytes()
}

/// A binary field of an answer, which is always one value.
fn field(answer: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut found = None;
    let mut reader = Reader::new(answer);
    read_fields(&mut reader, &[name], |r, _| found = Some(r.bin().to_vec()));
    reader.finish().expect("an answer is one value, and nothing follows it");
    found
}
