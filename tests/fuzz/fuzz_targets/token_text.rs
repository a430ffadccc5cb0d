//! Any text as a token, a pairing code and an identity; and tokens of which some bytes were changed: none is believed.
#![no_main]

use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use unisono_host::identity::{IdentityHasher, IdentityKind};
use unisono_host::pairing::PairingCode;
use unisono_host::token::{Form, TokenKeys};

const KEYS: &str = r#"{"sign_with": "k1", "keys": [{"key_id": "k1", "seed": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "encryption_key": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}"#;

fuzz_target!(|bytes: &[u8]| {
    let keys = TokenKeys::from_json(KEYS).expect("sound keys");
    let payload = [&[0x96, 1, 0xa2][..], b"k1", &[0xa4], b"shop", &[0x0a, 0x14, 0xc4, 0]].concat();
    for form in [Form::Signed, Form::Encrypted] {
        let token = keys.write(&payload, form).expect("a sound payload");
        let mut changed = BASE64URL_NOPAD.decode(token.as_bytes()).expect("base64url");
        for change in bytes.chunks_exact(2) {
            let place = usize::from(change[0]) % changed.len();
            changed[place] ^= change[1];
        }
        let text = BASE64URL_NOPAD.encode(&changed);
        let read = keys.read(&text, 15_000, "shop");
        assert_eq!(read.is_ok(), text == token, "a changed token is refused");
    }
    // Sealed by who has the key: what is inside may be anything.
    if let Ok(token) = keys.write(bytes, Form::Signed) {
        let _ = keys.read(&token, 15_000, "shop");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    assert!(keys.read(text, 15_000, "shop").is_err(), "nobody else can sign");
    let _ = TokenKeys::from_json(text);
    if let Ok(code) = PairingCode::parse(text) {
        let again = code.text("").expect("a code has a text");
        assert_eq!(PairingCode::parse(&again).map(|code| code.digest()).ok(), Some(code.digest()));
    }
    let hasher = IdentityHasher::new(&[7; 32]).expect("a key");
    for kind in IdentityKind::ALL {
        if let Ok(id) = hasher.id(*kind, text, None) {
            assert_eq!(hasher.id(*kind, &format!(" {text} "), None).ok(), Some(id));
        }
    }
});
