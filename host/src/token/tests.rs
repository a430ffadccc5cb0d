//! Signing, encrypting, rotation, and every refusal. The tokens of `vectors.json` are read by the JavaScript package, too.

use super::*;
use proptest::prelude::*;

const NOW_MS: i64 = 1_700_000_000_000;
/// The seed of RFC 8032's first test.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const OTHER_SEED: &str = "TM0Imyj_ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U-4pvs";
const ENCRYPTION: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn keys(sign_with: &str) -> TokenKeys {
    let text = format!(
        r#"{{"sign_with": "{sign_with}", "keys": [{{"key_id": "k1", "seed": "{SEED}", "encryption_key": "{ENCRYPTION}"}},
            {{"key_id": "k2", "seed": "{OTHER_SEED}"}}]}}"#
    );
    TokenKeys::from_json(&text).unwrap()
}

fn payload(key_id: &str, shop: &str) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(6);
    w.int(SIGNED);
    w.str(key_id);
    w.str(shop);
    w.int(NOW_MS / 1000);
    w.int(NOW_MS / 1000 + 600);
    w.bin(&[7; 100]);
    w.into_bytes()
}

fn code(result: Result<Vec<u8>, HostError>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn a_token_is_read_with_the_key_that_it_names_until_it_expires() {
    for (key_id, form) in [("k1", Form::Signed), ("k2", Form::Signed), ("k1", Form::Encrypted)] {
        let payload = payload(key_id, "shop");
        let text = keys(key_id).write(&payload, form).unwrap();
        let reader = keys("k2");
        assert_eq!(reader.read(&text, NOW_MS + 599_999, "shop").unwrap(), payload);
        assert_eq!(code(reader.read(&text, NOW_MS + 600_000, "shop")), "token_expired");
        assert_eq!(code(reader.read(&text, NOW_MS, "another")), "token_foreign");
        let room = keys(key_id).payload_bytes(text.len(), form).unwrap();
        assert!((payload.len() - 2..=payload.len() + 3).contains(&room), "{room} for {}", payload.len());
    }
    assert_eq!(keys("k1").payload_bytes(2_048, Form::Signed), Some(1_472));
}

#[test]
fn who_only_checks_needs_no_secret() {
    let text = keys("k1").write(&payload("k1", "shop"), Form::Signed).unwrap();
    let public = format!(r#"{{"sign_with": "k1", "keys": [{{"key_id": "k1", "public_key": "{PUBLIC}"}}]}}"#);
    let public = TokenKeys::from_json(&public).unwrap();
    assert!(public.read(&text, NOW_MS, "shop").is_ok());
    assert_eq!(public.write(&payload("k1", "shop"), Form::Signed).unwrap_err().code(), "token_key_unknown");
    let encrypted = keys("k1").write(&payload("k1", "shop"), Form::Encrypted).unwrap();
    assert_eq!(code(public.read(&encrypted, NOW_MS, "shop")), "token_key_unknown");
}

#[test]
fn an_unknown_key_and_another_than_the_signing_one_are_named() {
    let text = keys("k2").write(&payload("k2", "shop"), Form::Signed).unwrap();
    let one = format!(r#"{{"sign_with": "k1", "keys": [{{"key_id": "k1", "seed": "{SEED}"}}]}}"#);
    assert_eq!(code(TokenKeys::from_json(&one).unwrap().read(&text, NOW_MS, "shop")), "token_key_unknown");
    assert_eq!(keys("k2").write(&payload("k1", "shop"), Form::Signed).unwrap_err().code(), "token_key_unknown");
    assert_eq!(keys("k2").write(&payload("k2", "shop"), Form::Encrypted).unwrap_err().code(), "token_key_unknown");
    // A key of the same name that is another.
    let renamed = format!(r#"{{"sign_with": "k2", "keys": [{{"key_id": "k2", "seed": "{SEED}"}}]}}"#);
    assert_eq!(code(TokenKeys::from_json(&renamed).unwrap().read(&text, NOW_MS, "shop")), "token_forged");
}

#[test]
fn a_token_with_any_bit_turned_is_refused() {
    for form in [Form::Signed, Form::Encrypted] {
        let text = keys("k1").write(&payload("k1", "shop"), form).unwrap();
        let (bytes, reader) = (BASE64URL_NOPAD.decode(text.as_bytes()).unwrap(), keys("k1"));
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1 << (at % 8);
            let refused = reader.read(&BASE64URL_NOPAD.encode(&forged), NOW_MS, "shop").unwrap_err();
            let codes = ["token_forged", "token_malformed", "token_key_unknown"];
            assert!(codes.contains(&refused.code()), "byte {at}: {refused}");
        }
    }
}

#[test]
fn one_token_has_one_text() {
    let text = keys("k1").write(&payload("k1", "shop"), Form::Signed).unwrap();
    for other in [format!("{text}="), format!("{text}A"), format!(" {text}"), text.replace(['-', '_'], "+")] {
        assert!(other == text || keys("k1").read(&other, NOW_MS, "shop").is_err(), "{other}");
    }
    let long = "A".repeat(TOKEN_CHARACTERS_MAX + 1);
    assert_eq!(code(keys("k1").read(&long, NOW_MS, "shop")), "token_malformed");
}

#[test]
fn wrong_keys_files_are_refused_without_repeating_a_secret() {
    let secret = "c2VjcmV0LXNlY3JldA";
    let wrong = [
        format!(r#"{{"sign_with": "k1", "keys": [{{"key_id": "k1", "seed": "{secret}"}}]}}"#),
        format!(r#"{{"sign_with": "k1", "keys": [{{"key_id": "k1", "seed": {secret}}}]}}"#),
        format!(r#"{{"sign_with": "k1", "keys": [{{"key_id": "k1", "seeds": "{secret}"}}]}}"#),
        format!(
            r#"{{"sign_with": "k1", "keys": [{{"key_id": "k1", "seed": "{OTHER_SEED}", "public_key": "{PUBLIC}"}}]}}"#
        ),
        r#"{"sign_with": "k1", "keys": [{"key_id": "k1"}]}"#.to_owned(),
        r#"{"sign_with": "k1", "keys": []}"#.to_owned(),
        format!(
            r#"{{"sign_with": "k1", "keys": [{{"key_id": "k1", "seed": "{SEED}"}}, {{"key_id": "k1", "seed": "{SEED}"}}]}}"#
        ),
        "{".to_owned(),
    ];
    for text in wrong {
        let error = TokenKeys::from_json(&text).err().unwrap();
        assert_eq!(error.code(), "token_keys_invalid", "{text}");
        let shown = format!("{error:?}");
        assert!([secret, SEED, OTHER_SEED].iter().all(|secret| !shown.contains(secret)), "{shown}");
    }
}

static KEYS: std::sync::OnceLock<TokenKeys> = std::sync::OnceLock::new();

proptest! {
    #[test]
    fn any_text_is_refused_with_a_code(text in "[A-Za-z0-9_-]{0,300}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let keys = KEYS.get_or_init(|| keys("k1"));
        prop_assert!(keys.read(&text, NOW_MS, "shop").is_err());
        let of_bytes = |head: &[u8]| BASE64URL_NOPAD.encode(&[head, &bytes[..]].concat());
        for head in [&[][..], &[0x96, 1, 0xa2, b'k', b'1'], &[0x94, 2, 0xa2, b'k', b'1', 0xc4, 12]] {
            prop_assert!(keys.read(&of_bytes(head), NOW_MS, "shop").is_err());
        }
    }
}

/// `UNISONO_BLESS=1` writes the file; an encrypted token has a new nonce each time.
#[test]
fn the_vectors_of_the_javascript_package_are_read() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm/js/test/token-vectors.json");
    let payload = payload("k1", "shop");
    let golden = || serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(&file).unwrap_or_default()).ok();
    if std::env::var_os("UNISONO_BLESS").is_some_and(|value| value == "1") {
        let vectors = serde_json::json!({
            "keys": {"sign_with": "k1", "keys": [{"key_id": "k1", "seed": SEED, "public_key": PUBLIC, "encryption_key": ENCRYPTION}]},
            "now_ms": NOW_MS,
            "shop": "shop",
            "payload": BASE64URL_NOPAD.encode(&payload),
            "signed": keys("k1").write(&payload, Form::Signed).unwrap(),
            "encrypted": keys("k1").write(&payload, Form::Encrypted).unwrap(),
        });
        std::fs::write(&file, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
    }
    let vectors = golden().expect("UNISONO_BLESS=1 writes wasm/js/test/token-vectors.json");
    assert_eq!(vectors["signed"].as_str(), Some(&*keys("k1").write(&payload, Form::Signed).unwrap()));
    for form in ["signed", "encrypted"] {
        assert_eq!(keys("k1").read(vectors[form].as_str().unwrap(), NOW_MS, "shop").unwrap(), payload);
    }
}
