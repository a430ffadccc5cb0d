//! Consents through the router: whose word counts when several are said, and no word that vanishes.

use axum::http::StatusCode;
use serde_json::{Value, json};
use unisono_host::profiles::Profiles;

use crate::profiles::{Shop, shop_with};

/// Of `@iabtcf/core`: all purposes, and none a day later.
const ALL: &str = "CQSU_AAQgYw8AAfACAENB4EgAP_gAEPAAAKIF5wAwABAAKAXmAAAAAAA";
const NONE: &str = "CQSU_AAQgcD4AAfACAENB4EgAAAAAEPAAAKIAAAAAAAA";

const DAY_MS: i64 = 86_400_000;

async fn said(shop: &Shop, body: Value) {
    assert_eq!(shop.post("/v1/consents", body).await, json!({"refused": [], "warnings": []}));
}

/// The time and the word on a purpose.
async fn word(shop: &Shop, purpose: &str) -> (i64, bool) {
    let word = shop.get("/v1/profiles/a").await["consents"][purpose].clone();
    (word[0].as_i64().unwrap(), word[1].as_bool().unwrap())
}

fn shop() -> Shop {
    shop_with(|profiles: Profiles| profiles)
}

#[tokio::test]
async fn of_a_day_what_a_tcf_string_withholds_outweighs_what_was_granted() {
    let shop = shop();
    said(&shop, json!({"profile_id": "a", "tcf": NONE})).await;
    let (end_ms, granted) = word(&shop, "offers").await;
    assert_eq!((end_ms % DAY_MS, granted), (DAY_MS - 1, false));
    let noon = end_ms - DAY_MS / 2;
    let grant = |ts_ms: i64| json!([{"purpose": "offers", "granted": true, "ts_ms": ts_ms}]);
    said(&shop, json!({"profile_id": "a", "consents": grant(noon)})).await;
    assert!(!word(&shop, "offers").await.1, "a grant of that day");
    said(&shop, json!({"profile_id": "a", "consents": grant(end_ms + 1)})).await;
    said(&shop, json!({"profile_id": "a", "tcf": NONE})).await;
    assert!(word(&shop, "offers").await.1, "an old string that is sent again is no new word");
}

#[tokio::test]
async fn who_says_when_is_believed_in_both_directions() {
    let shop = shop();
    said(&shop, json!({"profile_id": "a", "tcf": NONE, "ts_ms": 1_760_000_000_000_i64})).await;
    said(&shop, json!({"profile_id": "a", "tcf": ALL, "ts_ms": 1_760_000_000_001_i64})).await;
    assert_eq!(word(&shop, "offers").await, (1_760_000_000_001, true));
    let google = json!({"ad_storage": "denied", "wait_for_update": 500});
    said(&shop, json!({"profile_id": "a", "google_consent": google, "ts_ms": 1_760_000_000_002_i64})).await;
    assert_eq!(word(&shop, "offers").await, (1_760_000_000_002, false));
}

#[tokio::test]
async fn a_browser_that_says_gpc_is_heard_whatever_the_body_says() {
    let shop = shop();
    let grant = json!([{"purpose": "training", "granted": true, "ts_ms": 1}]);
    said(&shop, json!({"profile_id": "a", "consents": grant})).await;
    let body = json!({"profile_id": "a", "consents": [], "gpc": false}).to_string();
    let answer = shop.send_with("POST", "/v1/consents", &[("sec-gpc", "1")], body.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!word(&shop, "training").await.1);
    let (withheld_ms, _) = word(&shop, "training").await;
    shop.send_with("POST", "/v1/consents", &[], body).await;
    assert_eq!(word(&shop, "training").await, (withheld_ms, false));
}

#[tokio::test]
async fn what_the_browser_withholds_outweighs_what_a_platform_grants_of_any_moment() {
    for ahead_ms in [-1_000_000, 0, 300_000] {
        let shop = shop();
        let grant = json!([{"purpose": "training", "granted": true, "ts_ms": 1}]);
        said(&shop, json!({"profile_id": "a", "consents": grant})).await;
        let ts_ms = unisono_host::profiles::now_ms() + ahead_ms;
        let body = json!({"profile_id": "a", "tcf": ALL, "ts_ms": ts_ms}).to_string();
        shop.send_with("POST", "/v1/consents", &[("sec-gpc", "1")], body).await;
        assert!(!word(&shop, "training").await.1, "{ahead_ms}");
        assert_eq!(word(&shop, "offers").await, (ts_ms, true));
    }
}

#[tokio::test]
async fn a_moment_that_can_not_be_is_refused_by_name() {
    let ahead = unisono_host::profiles::now_ms() + 3_600_000;
    for ts_ms in [json!(ahead), json!(-1), json!("now")] {
        let body = json!({"profile_id": "a", "tcf": ALL, "ts_ms": ts_ms}).to_string();
        let answer = shop().send("POST", "/v1/consents", "application/json", body).await;
        assert_eq!((answer.status, &answer.json()["error"]["field"]), (StatusCode::BAD_REQUEST, &json!("ts_ms")));
    }
}

#[tokio::test]
async fn a_mistyped_word_is_refused_and_never_passed_over() {
    let shop = shop();
    for (address, body, code, field) in [
        ("/v1/consents", json!({"profile_id": "a", "consents": [], "gcp": true}), "invalid_request", "gcp"),
        (
            "/v1/consents",
            json!({"profile_id": "a", "google_consent": {"ad_storge": "denied"}}),
            "google_consent_malformed",
            "google_consent",
        ),
        (
            "/v1/consents",
            json!({"profile_id": "a", "consents": [
                {"purpose": "offers", "granted": true, "ts_ms": 1, "channel": "web"},
                {"purpose": "offers", "granted": true, "ts_ms": 1, "chanel": "web"},
            ]}),
            "invalid_request",
            "consents[1].chanel",
        ),
        ("/v1/links", json!({"profile_id": "a", "links": [], "now": 1}), "invalid_request", "now"),
        ("/v1/events", json!({"events": [], "profile_id": "a"}), "invalid_request", "profile_id"),
        ("/v1/pairings", json!({"profile_id": "a", "prefx": "x"}), "invalid_request", "prefx"),
        ("/v1/pairings/redeem", json!({"code": "x", "profile": "a"}), "invalid_request", "profile"),
    ] {
        let answer = shop.send("POST", address, "application/json", body.to_string()).await;
        let error = &answer.json()["error"];
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {error}");
        assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some(code), Some(field)), "{body}");
    }
}
