//! Strings of the IAB's own library, and every way in which one is broken. `registers.json` is read by the JavaScript
//! package, too.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// After the days of all strings.
const NOW_MS: i64 = 1_900_000_000_000;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn strings() -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(golden("tcf.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().into_iter().flatten().map(|number| number.as_u64().unwrap() as u32).collect()
}

#[test]
fn strings_of_the_iabs_library_say_what_was_put_into_them() {
    for case in strings() {
        let text = case["tc_string"].as_str().unwrap();
        let (purposes, vendors, disclosed) =
            (numbers(&case["purposes"]), numbers(&case["vendors"]), &case["disclosed"]);
        for vendor in [1, 2, 9, 10, 11, 13, 14, 754, 755, 756, 800, 1199, 1200, 1201, u16::MAX] {
            let consent = TcfConsent::decode(text, Some(vendor)).unwrap();
            let shown = disclosed.is_null() || numbers(disclosed).contains(&vendor.into());
            assert_eq!(consent.vendor_consented, vendors.contains(&vendor.into()) && shown, "{vendor} of {case}");
        }
        let consent = TcfConsent::decode(text, None).unwrap();
        assert!(consent.vendor_consented);
        assert_eq!(Some(consent.last_updated_ms), case["last_updated_ms"].as_i64());
        assert_eq!(Some(u64::from(consent.policy_version)), case["policy_version"].as_u64());
        for purpose in 0..30 {
            assert_eq!(consent.purpose_consented(purpose), purposes.contains(&purpose), "{purpose} of {case}");
        }
    }
}

#[test]
fn from_v2_3_on_a_vendor_that_was_never_disclosed_has_no_consent() {
    let case = strings().into_iter().find(|case| case["name"] == "v2.3, the vendor disclosed").unwrap();
    let text = case["tc_string"].as_str().unwrap();
    let core = text.split('.').next().unwrap();
    assert!(TcfConsent::decode(text, Some(755)).unwrap().vendor_consented);
    assert!(!TcfConsent::decode(core, Some(755)).unwrap().vendor_consented);
}

/// What each sender says, with the registers that follow. `UNISONO_BLESS=1` writes the file.
#[test]
fn what_senders_say_becomes_the_golden_registers() {
    let mappings = [
        json!({}),
        json!({"tcf_vendor": 755, "tcf": {"1": ["personalization"], "7": ["measurement"]}, "gpc": ["offers"]}),
    ];
    let google = [
        json!({"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "granted", "analytics_storage": "granted", "personalization_storage": "granted"}),
        json!({"ad_storage": "denied", "ad_user_data": "granted", "ad_personalization": "granted", "analytics_storage": "denied"}),
        json!({"ad_storage": "granted", "security_storage": "granted", "wait_for_update": 500}),
        json!({}),
    ];
    let mut cases = Vec::new();
    for mapping in &mappings {
        let table = ConsentMapping::from_json(&mapping.to_string()).unwrap();
        let mut case = |said: Value, channel: Option<&str>, now_ms: i64, registers: Vec<ConsentRegister>| {
            cases.push(
                json!({"mapping": mapping, "said": said, "channel": channel, "now_ms": now_ms, "registers": registers}),
            );
        };
        for string in strings() {
            let said_ms = string["last_updated_ms"].as_i64().unwrap();
            // Long after that day, within it, and by a clock that is behind.
            for now_ms in [NOW_MS, said_ms + 3_600_000, said_ms - 3_600_000] {
                let registers = table.from_tcf(string["tc_string"].as_str().unwrap(), Some("web"), now_ms).unwrap();
                case(json!({"tcf": string}), Some("web"), now_ms, registers);
            }
        }
        for states in &google {
            let read = serde_json::from_value(states.clone()).unwrap();
            case(json!({"google": states}), None, NOW_MS, table.from_google_consent(&read, None, NOW_MS).unwrap());
        }
        for header in [Some("1"), Some("0"), Some("true"), None] {
            case(json!({"gpc": header}), None, NOW_MS, table.from_gpc(header, None, NOW_MS));
        }
    }
    let file = golden("registers.json");
    if std::env::var_os("UNISONO_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&file, serde_json::to_string_pretty(&cases).unwrap() + "\n").unwrap();
    }
    let found: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap_or_default()).unwrap_or_default();
    assert!(found == Value::Array(cases), "the registers are others; UNISONO_BLESS=1 writes them");
}

#[test]
fn a_purpose_is_granted_where_all_that_name_it_are() {
    let said = |name: &str| {
        let case = strings().into_iter().find(|case| case["name"] == name).unwrap();
        let registers = ConsentMapping::default().from_tcf(case["tc_string"].as_str().unwrap(), None, NOW_MS).unwrap();
        registers.into_iter().filter(|register| register.granted).map(|register| register.purpose).collect::<Vec<_>>()
    };
    assert_eq!(said("v2.2, all purposes"), PURPOSES);
    assert_eq!(said("v2.2, content but no advertising"), ["personalization", "cross_channel", "training"]);
    assert_eq!(said("v2.2, advertising but no content"), ["offers"]);
    assert!(said("v2.2, all but storage").is_empty() && said("v2.2, storage alone").is_empty());
    let denied = BTreeMap::from([("analytics_storage".to_owned(), json!("denied"))]);
    let registers = ConsentMapping::default().from_google_consent(&denied, Some("app"), 7).unwrap();
    let expected: Vec<(&str, bool)> = vec![("measurement", false), ("training", false)];
    assert_eq!(registers.iter().map(|one| (&*one.purpose, one.granted)).collect::<Vec<_>>(), expected);
    assert!(registers.iter().all(|one| one.ts_ms == 7 && one.channel.as_deref() == Some("app")));
}

#[test]
fn broken_strings_and_states_are_refused_with_a_code() {
    let mapping = ConsentMapping::default();
    let code = |text: &str| mapping.from_tcf(text, None, NOW_MS).unwrap_err().code();
    let sound = strings()[0]["tc_string"].as_str().unwrap().to_owned();
    for broken in [
        "",
        ".",
        "C",
        "CQSU_AAQgYw8A",
        "CQSU AAQgYw8AAfACAENB4EgAP_gAEPAAAKIF5wAw",
        &format!("{sound}."),
        &format!("{sound}.é"),
        &format!("{sound}="),
    ] {
        assert_eq!(code(broken), "tcf_malformed", "{broken}");
    }
    assert_eq!(code(&"C".repeat(100_000)), "tcf_malformed");
    // A string of the first version begins with B, and one of a third would with D.
    assert_eq!(code(&sound.replacen('C', "B", 1)), "tcf_version_unsupported");
    assert_eq!(code(&sound.replacen('C', "D", 1)), "tcf_version_unsupported");
    let states = BTreeMap::from([("ad_storage".to_owned(), json!(true))]);
    assert_eq!(mapping.from_google_consent(&states, None, 0).unwrap_err().code(), "google_consent_malformed");
    for wrong in [
        r#"{"tcf": {"25": ["offers"]}}"#,
        r#"{"tcf": {"1": ["ads"]}}"#,
        r#"{"gpc": ["all"]}"#,
        r#"{"google_consent": {"ads": []}}"#,
        r#"{"tcf_vendor": -1}"#,
        "[",
        r#"{"gpc": 1}"#,
    ] {
        assert_eq!(ConsentMapping::from_json(wrong).unwrap_err().code(), "consent_mapping_invalid", "{wrong}");
    }
    let others = ConsentMapping::from_json(r#"{"another_key": 1, "tcf": null, "gpc": null}"#).unwrap();
    assert_eq!(others, mapping);
    assert_eq!(
        ConsentMapping::from_msgpack(&rmp_serde::to_vec(&BTreeMap::<String, u8>::new()).unwrap()).unwrap(),
        mapping
    );
}

#[test]
fn a_string_full_of_ranges_costs_no_more_than_its_length() {
    // 2,900 ranges of all vendors: unfolded they are 190 million.
    let mut bits: Vec<bool> = Vec::new();
    let mut put = |number: u64, width: usize| bits.extend((0..width).rev().map(|at| number >> at & 1 == 1));
    for (number, width) in [
        (2, 6),
        (0, 36),
        (0, 36),
        (0, 54),
        (4, 6),
        (0, 14),
        (0xff_ffff, 24),
        (0, 37),
        (65_535, 16),
        (1, 1),
        (2_900, 12),
    ] {
        put(number, width);
    }
    (0..2_900).for_each(|_| [(1, 1), (1, 16), (65_535, 16)].into_iter().for_each(|(number, width)| put(number, width)));
    let letter = |six: &[bool]| {
        let at = six.iter().fold(0, |at, bit| at * 2 + usize::from(*bit)) << (6 - six.len());
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[at])
    };
    let text: String = bits.chunks(6).map(letter).collect();
    let start = std::time::Instant::now();
    assert!(TcfConsent::decode(&text, Some(755)).unwrap().vendor_consented);
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "C[A-Za-z0-9_.-]{0,200}", other in "\\PC{0,80}", vendor in any::<u16>()) {
        for text in [text, other] {
            if let Err(error) = TcfConsent::decode(&text, Some(vendor)) {
                prop_assert!(["tcf_malformed", "tcf_version_unsupported"].contains(&error.code()));
            }
        }
    }
}
