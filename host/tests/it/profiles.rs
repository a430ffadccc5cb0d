//! Profiles through the router, on a store, with a module that is plain enough to follow.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use unisono_host::HostErrorCode;
use unisono_host::http::{HttpOptions, router};
use unisono_host::profiles::Profiles;
use unisono_host::store::{EmbeddedStore, ProfileStore, Record};
use unisono_host::transcode::{json_to_msgpack, msgpack_to_json};

use crate::guests;
use crate::http::{Answer, send};
use crate::plain_module::{BROKEN, PlainModule};

pub(crate) struct Shop {
    service: Router,
    store: Arc<EmbeddedStore>,
    _folder: TempDir,
}

fn shop() -> Shop {
    shop_with(|profiles| profiles)
}

pub(crate) fn shop_with(more: impl FnOnce(Profiles) -> Profiles) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(EmbeddedStore::open(folder.path()).unwrap());
    let profiles = more(Profiles::with_calls(Arc::new(PlainModule::new()), store.clone()));
    let service = router(guests::host(), &HttpOptions::new().profiles(profiles)).unwrap();
    Shop { service, store, _folder: folder }
}

impl Shop {
    pub(crate) async fn send(&self, method: &str, address: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(address).header("content-type", content_type);
        send(self.service.clone(), request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn send_with(
        &self,
        method: &str,
        address: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(address).header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        send(self.service.clone(), request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn post(&self, address: &str, body: Value) -> Value {
        let answer = self.send("POST", address, "application/json", body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    pub(crate) async fn get(&self, address: &str) -> Value {
        self.send("GET", address, "application/json", "").await.json()
    }

    pub(crate) fn version(&self, profile_id: &str) -> u64 {
        self.store.read(&[profile_id.as_bytes()]).unwrap()[0].version
    }
}

fn event(profile_id: &str, event_id: &str, ts_ms: i64) -> Value {
    json!({"event_id": event_id, "profile_id": profile_id, "ts_ms": ts_ms, "type": "view", "channel": "web", "extra": 1.5})
}

pub(crate) fn statuses(answer: &Value) -> Vec<String> {
    let status = |result: &Value| {
        let code = result["code"].as_str().map(|code| format!(" {code} at {}", result["field"].as_str().unwrap()));
        format!("{}{}", result["status"].as_str().unwrap(), code.unwrap_or_default())
    };
    answer["results"].as_array().unwrap().iter().map(status).collect()
}

#[tokio::test]
async fn every_event_of_a_batch_has_its_result_in_its_place() {
    let shop = shop();
    let mut withheld = event("b", "e4", 5);
    withheld["withheld"] = json!(true);
    let no_profile = json!({"event_id": "e", "ts_ms": 1});
    let no_id = json!({"profile_id": "a", "ts_ms": 1});
    let long = "x".repeat(10_240);
    let batch = json!({"events": [
        event("b", "e1", 1), event("a", "e1", 1), no_profile, event("b", "e1", 1), 7, withheld, no_id,
        event(BROKEN, "e1", 1), event(&long, "e1", 1), json!({"profile_id": 7}), event("", "e", 1), event("a", "e2", 2),
    ]});
    let answer = shop.post("/v1/events", batch.clone()).await;
    let expected = [
        "accepted",
        "accepted",
        "refused missing_field at profile_id",
        "duplicate",
        "refused invalid_type at ",
        "withheld",
        "refused missing_field at event_id",
        "refused limit_exceeded at state",
        "refused invalid_id at profile_id",
        "refused invalid_type at profile_id",
        "refused invalid_id at profile_id",
        "accepted",
    ];
    assert_eq!(statuses(&answer), expected);
    assert_eq!((shop.version("a"), shop.version("b"), shop.version(BROKEN)), (1, 1, 0), "one write a profile");
    let again = shop.post("/v1/events", batch).await;
    let expected = expected.map(|status| if status == "accepted" { "duplicate" } else { status });
    assert_eq!(statuses(&again), expected);
    assert_eq!((shop.version("a"), shop.version("b")), (1, 1), "what is known is not written again");
    assert_eq!(shop.get("/v1/profiles/a").await["events"], json!({"e1": 1, "e2": 2}));
    shop.store.flush_counts().unwrap();
    let counters = shop.store.stat().unwrap().counters;
    assert_eq!((counters["events_accepted"], counters["events_duplicate"], counters["events_withheld"]), (3, 5, 2));
}

#[tokio::test]
async fn one_event_lines_and_msgpack_are_taken_too() {
    let shop = shop();
    assert_eq!(statuses(&shop.post("/v1/events", event("a", "e1", 1)).await), ["accepted"]);
    let lines = format!("{}\n\nnonsense\n{}\r\n", event("a", "e1", 1), event("b", "e1", 1));
    for (content_type, status) in
        [("application/x-ndjson", "accepted"), ("application/jsonl; charset=utf-8", "duplicate")]
    {
        let answer = shop.send("POST", "/v1/events", content_type, lines.clone()).await;
        assert_eq!(statuses(&answer.json()), ["duplicate", "refused invalid_json at ", status]);
    }
    let msgpack = json_to_msgpack(json!({"events": [event("c", "e1", 1)]}).to_string().as_bytes()).unwrap();
    let answer = shop.send("POST", "/v1/events", "application/msgpack", msgpack).await;
    assert_eq!(answer.header("content-type"), "application/msgpack");
    let json: Value = serde_json::from_slice(&msgpack_to_json(&answer.body).unwrap()).unwrap();
    assert_eq!(statuses(&json), ["accepted"]);
    let none = shop.post("/v1/events", json!({"events": []})).await;
    assert_eq!(none, json!({"results": [], "warnings": []}));
}

#[tokio::test]
async fn consents_come_as_browsers_and_consent_platforms_say_them() {
    let shop = shop();
    let granted = |profile: &Value| -> Vec<String> {
        let all = profile["consents"].as_object().cloned().unwrap_or_default();
        all.into_iter().filter(|(_, word)| word[1] == true).map(|(purpose, _)| purpose).collect()
    };
    // Of `@iabtcf/core`: all purposes, and none a day later.
    let all = "CQSU_AAQgYw8AAfACAENB4EgAP_gAEPAAAKIF5wAwABAAKAXmAAAAAAA";
    let none = "CQSU_AAQgcD4AAfACAENB4EgAAAAAEPAAAKIAAAAAAAA";
    let fine = json!({"refused": [], "warnings": []});
    assert_eq!(shop.post("/v1/consents", json!({"profile_id": "a", "tcf": all})).await, fine);
    let every = ["cross_channel", "measurement", "offers", "personalization", "training"];
    assert_eq!(granted(&shop.get("/v1/profiles/a").await), every);
    assert_eq!(shop.post("/v1/consents", json!({"profile_id": "a", "tcf": none})).await, fine);
    assert_eq!(granted(&shop.get("/v1/profiles/a").await), [""; 0]);
    let google = json!({"analytics_storage": "granted", "ad_storage": "denied"});
    assert_eq!(shop.post("/v1/consents", json!({"profile_id": "a", "google_consent": google})).await, fine);
    assert_eq!(granted(&shop.get("/v1/profiles/a").await), ["measurement", "training"]);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let request = Request::builder().method("POST").uri("/v1/consents").header("content-type", "application/json");
    let request = request.header("sec-gpc", "1").body(Body::from(r#"{"profile_id":"a","consents":[]}"#)).unwrap();
    assert_eq!(send(shop.service.clone(), request).await.status, StatusCode::OK);
    assert_eq!(granted(&shop.get("/v1/profiles/a").await), ["measurement"]);
    let wrong = [
        (r#"{"profile_id":"a","tcf":"!"}"#, "tcf_malformed", "tcf"),
        (r#"{"profile_id":"a","tcf":7}"#, "invalid_request", "tcf"),
        (r#"{"profile_id":"a","google_consent":{"ad_storage":"maybe"}}"#, "google_consent_malformed", "google_consent"),
        (r#"{"profile_id":"a","gpc":"1"}"#, "invalid_request", "gpc"),
        (r#"{"profile_id":"a"}"#, "invalid_request", "consents"),
    ];
    for (body, code, field) in wrong {
        let answer = shop.send("POST", "/v1/consents", "application/json", body).await;
        let error = &answer.json()["error"];
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {error}");
        assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some(code), Some(field)), "{body}");
    }
}

#[tokio::test]
async fn requests_of_another_form_are_typed_errors() {
    let shop = shop();
    let cases = [
        ("/v1/events", "[]", "invalid_request", ""),
        ("/v1/events", r#"{"events":7}"#, "invalid_request", "events"),
        ("/v1/events", "{", "invalid_json", ""),
        ("/v1/consents", "7", "invalid_request", ""),
        ("/v1/consents", r#"{"consents":[]}"#, "invalid_request", "profile_id"),
        ("/v1/consents", r#"{"profile_id":"","consents":[]}"#, "invalid_request", "profile_id"),
        ("/v1/consents", r#"{"profile_id":"a","consents":{}}"#, "invalid_request", "consents"),
        ("/v1/traits", r#"{"profile_id":"a"}"#, "invalid_request", "traits"),
        ("/v1/links", r#"{"profile_id":"a"}"#, "invalid_request", "links"),
        ("/v1/recommendations", r#"{"profile_id":7}"#, "invalid_request", "profile_id"),
    ];
    for (address, body, code, field) in cases {
        let answer = shop.send("POST", address, "application/json", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{address} {body}");
        let error = &answer.json()["error"];
        assert_eq!((error["code"].as_str(), error["field"].as_str()), (Some(code), Some(field)), "{address} {body}");
    }
    let many = json!({"events": vec![event("a", "e", 1); 10_001]});
    let answer = shop.send("POST", "/v1/events", "application/json", many.to_string()).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("limit_exceeded"))
    );
    let answer = shop.send("POST", "/v1/events", "application/x-ndjson", "7\n".repeat(10_001)).await;
    assert_eq!(answer.json()["error"]["code"], "limit_exceeded");
    let answer = shop.send("POST", "/v1/events", "text/plain", "").await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(shop.store.stat().unwrap().profiles, 0);
}

#[tokio::test]
async fn consents_are_kept_and_what_is_refused_is_told() {
    let shop = shop();
    let consent = |purpose: &str, ts_ms: i64| json!({"purpose": purpose, "granted": true, "ts_ms": ts_ms});
    let body = json!({"profile_id": "a", "consents": [consent("offers", 5), consent("world domination", 5)]});
    let answer = shop.post("/v1/consents", body).await;
    assert_eq!(answer["refused"][0]["code"], "unknown_purpose");
    assert_eq!(shop.get("/v1/profiles/a").await["consents"], json!({"offers": [5, true]}));
    let body = json!({"profile_id": BROKEN, "consents": [consent("offers", 5)]});
    let answer = shop.send("POST", "/v1/consents", "application/json", body.to_string()).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("limit_exceeded"))
    );
}

#[tokio::test]
async fn what_the_other_end_refuses_is_told_of_the_link_that_the_request_has() {
    let shop = shop();
    shop.post("/v1/events", event("c", "e", 9)).await;
    shop.send("DELETE", "/v1/profiles/c", "application/json", "").await;
    let link = |other: &str| json!({"profile_id": other, "linked": true, "ts_ms": 5});
    let body = json!({"profile_id": "a", "links": [link("b"), link(BROKEN), link("c")]});
    let answer = shop.post("/v1/links", body).await;
    let told: Vec<(&str, &str)> = answer["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["code"].as_str().unwrap(), one["field"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("limit_exceeded", "links[1]"), ("register_erased", "links[2].ts_ms")]);
    assert_eq!(shop.get("/v1/profiles/b").await["links"], json!({"a": [5, true]}));
}

async fn link(shop: &Shop, a: &str, b: &str, linked: bool, ts_ms: i64) {
    let answer = shop
        .post("/v1/links", json!({"profile_id": a, "links": [{"profile_id": b, "linked": linked, "ts_ms": ts_ms}]}));
    assert_eq!(answer.await, json!({"refused": [], "warnings": []}));
}

/// What the module is given for a profile.
async fn given(shop: &Shop, request: Value) -> Value {
    let msgpack = json_to_msgpack(request.to_string().as_bytes()).unwrap();
    let answer = shop.send("POST", "/v1/recommendations", "application/msgpack", msgpack).await;
    assert_eq!(answer.status, StatusCode::OK);
    // The echo guest answers with what it was given; its states are bytes, which JSON can't have.
    #[derive(serde::Deserialize, serde::Serialize)]
    struct Given {
        now_ms: Option<i64>,
        profile_id: Option<String>,
        profile: Option<Profile>,
    }
    #[derive(serde::Deserialize, serde::Serialize)]
    struct Profile {
        profile_id: Option<String>,
        #[serde(default)]
        state: Option<serde_bytes::ByteBuf>,
        #[serde(default)]
        linked: Vec<Profile>,
    }
    serde_json::to_value(rmp_serde::from_slice::<Given>(&answer.body).unwrap()).unwrap()
}

#[tokio::test]
async fn a_link_is_written_into_both_profiles_and_recommendations_see_the_whole_component() {
    let shop = shop();
    for (at, profile_id) in ["a", "b", "c", "d"].iter().enumerate() {
        shop.post("/v1/events", event(profile_id, "e", at as i64 + 1)).await;
    }
    link(&shop, "a", "b", true, 10).await;
    link(&shop, "c", "b", true, 10).await;
    link(&shop, "c", "a", true, 10).await;
    assert_eq!(shop.get("/v1/profiles/b").await["links"], json!({"a": [10, true], "c": [10, true]}));
    let found = given(&shop, json!({"now_ms": 5, "profile_id": "a"})).await;
    assert_eq!((&found["now_ms"], &found["profile_id"]), (&json!(5), &Value::Null));
    assert_eq!(found["profile"]["profile_id"], "a");
    let linked: Vec<&str> = found["profile"]["linked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|linked| linked["profile_id"].as_str().unwrap())
        .collect();
    assert_eq!(linked, ["b", "c"]);
    let stored: Record = shop.store.read(&[b"c"]).unwrap().remove(0);
    assert_eq!(found["profile"]["linked"][1]["state"], json!(stored.state));
    link(&shop, "b", "a", false, 20).await;
    link(&shop, "a", "c", false, 20).await;
    let found = given(&shop, json!({"profile_id": "a"})).await;
    assert!(found["profile"]["state"].is_array() && found["profile"]["linked"] == json!([]));
}

#[tokio::test]
async fn who_brings_a_profile_or_none_is_decided_as_ever() {
    let shop = shop();
    shop.post("/v1/events", event("a", "e", 1)).await;
    for body in [r#"{"profile":{"profile_id":"a"},"n":1}"#, r#"{"n":1}"#, "[7]", r#"{"profile":null,"n":2}"#] {
        let answer = shop.send("POST", "/v1/recommendations", "application/json", body).await;
        assert_eq!(String::from_utf8(answer.body).unwrap(), body);
    }
    // What is stored may hold consents that the profile beside it does not.
    let both = r#"{"profile_id":"a","profile":{"profile_id":"a"},"n":1}"#;
    let answer = shop.send("POST", "/v1/recommendations", "application/json", both).await;
    assert_eq!((answer.status, &answer.json()["error"]["field"]), (StatusCode::BAD_REQUEST, &json!("profile_id")));
    let answer =
        shop.send("POST", "/v1/recommendations", "application/json", r#"{"profile_id":"new","profile":null}"#).await;
    assert_eq!(answer.json(), json!({"profile": {"profile_id": "new"}}), "nothing is stored of it");
    assert_eq!(shop.version("new"), 0);
}

#[tokio::test]
async fn an_erasure_takes_one_profile_or_all_that_are_linked_and_late_copies_stay_out() {
    let shop = shop();
    for profile_id in ["a", "b", "c"] {
        shop.post("/v1/events", event(profile_id, "e", 1)).await;
    }
    link(&shop, "a", "b", true, 10).await;
    for (profile_id, ids) in [("a", json!(["a", "b"])), ("b", json!(["a", "b"])), ("c", json!(["c"]))] {
        let found = shop.get(&format!("/v1/profiles/{profile_id}/component")).await;
        assert_eq!(found, json!({"profile_ids": ids, "unit_id": ids[0]}), "of {profile_id}");
    }
    for mistyped in ["scop=component", "scope=profile&scope=component", "component"] {
        let answer = shop.send("DELETE", &format!("/v1/profiles/b?{mistyped}"), "application/json", "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{mistyped}");
        assert_eq!(shop.get("/v1/profiles/b").await["events"], json!({"e": 1}), "{mistyped} erased something");
    }
    let answer = shop.send("DELETE", "/v1/profiles/c?scope=profile", "application/json", "").await.json();
    assert_eq!(answer["profile_ids"], json!(["c"]));
    assert_eq!(shop.get("/v1/profiles/c").await["erased_ms"], answer["erased_ms"]);
    assert_eq!(statuses(&shop.post("/v1/events", event("c", "late", 2)).await), ["withheld"]);
    let answer = shop.send("DELETE", "/v1/profiles/b?scope=component", "application/json", "").await.json();
    assert_eq!(answer["profile_ids"], json!(["b", "a"]));
    for profile_id in ["a", "b"] {
        let left = shop.get(&format!("/v1/profiles/{profile_id}")).await;
        assert_eq!((&left["events"], &left["links"]), (&json!({}), &json!({})));
    }
    let answer = shop.send("DELETE", "/v1/profiles/never%20seen", "application/json", "").await.json();
    assert_eq!(answer["profile_ids"], json!(["never seen"]));
    assert_eq!(statuses(&shop.post("/v1/events", event("never seen", "late", 2)).await), ["withheld"]);
    // Of a clock that ran ahead: whoever asked learns up to when all is gone.
    let ahead = unisono_host::profiles::now_ms() + 300_000;
    shop.post("/v1/events", event("d", "e", ahead)).await;
    let answer = shop.send("DELETE", "/v1/profiles/d", "application/json", "").await.json();
    assert_eq!(answer["erased_ms"], ahead);
    let answer = shop.send("DELETE", "/v1/profiles/%FF", "application/json", "").await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
    let answer = shop.send("DELETE", "/v1/profiles/a?scope=everything", "application/json", "").await;
    assert_eq!((answer.status, answer.json()["error"]["field"].as_str()), (StatusCode::BAD_REQUEST, Some("scope")));
}

#[tokio::test]
async fn an_export_is_for_one_purpose_if_asked() {
    let shop = shop();
    shop.post("/v1/events", event("käufer/1", "e", 1)).await;
    assert_eq!(shop.get("/v1/profiles/k%C3%A4ufer%2F1").await["events"], json!({"e": 1}));
    assert_eq!(shop.get("/v1/profiles/k%C3%A4ufer%2F1?purpose=training").await["events"], json!({}));
    let answer = shop.send("GET", "/v1/profiles/k%C3%A4ufer%2F1?purpos=training", "application/json", "").await;
    assert_eq!((answer.status, answer.json()["error"]["field"].as_str()), (StatusCode::BAD_REQUEST, Some("purpose")));
    let answer = shop.send("GET", "/v1/profiles/b", "application/json", "").await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (StatusCode::NOT_FOUND, Some("profile_unknown"))
    );
}

#[tokio::test]
async fn a_host_without_a_store_says_so() {
    let service = router(guests::host(), &HttpOptions::new()).unwrap();
    let request =
        Request::post("/v1/events").header("content-type", "application/json").body(Body::from("{}")).unwrap();
    let answer = send(service, request).await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(answer.json()["error"]["code"], "store_missing");
    // Neither is a customer who is meant to be known answered as a stranger.
    for body in [r#"{"profile_id":"a"}"#, r#"{"identity":{"kind":"email","key":"a@example.com"}}"#] {
        let service = router(guests::host(), &HttpOptions::new()).unwrap();
        let request = Request::post("/v1/recommendations").header("content-type", "application/json");
        let answer = send(service, request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
        assert_eq!(answer.json()["error"]["code"], "store_missing");
    }
}

#[test]
fn two_hosts_that_write_one_customer_at_once_converge() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ProfileStore> = Arc::new(EmbeddedStore::open(folder.path()).unwrap());
    let profiles = || Profiles::with_calls(Arc::new(PlainModule::new()), store.clone());
    let hosts = [profiles(), profiles()];
    std::thread::scope(|scope| {
        for writer in 0..6 {
            let host = &hosts[writer % 2];
            scope.spawn(move || {
                for at in 0..30 {
                    let event = event("one", &format!("{writer}-{at}"), at + 1);
                    let input = json_to_msgpack(event.to_string().as_bytes()).unwrap();
                    host.add_events(100, &input).unwrap();
                }
            });
        }
    });
    let export: Value =
        serde_json::from_slice(&msgpack_to_json(&hosts[0].export(0, "one", None).unwrap()).unwrap()).unwrap();
    assert_eq!(export["events"].as_object().unwrap().len(), 180);
    assert_eq!(hosts[0].export(0, "two", None).unwrap_err().kind(), HostErrorCode::ProfileUnknown);
}

#[tokio::test]
async fn a_pairing_code_links_two_profiles_once() {
    let shop = shop();
    let given = shop.post("/v1/pairings", json!({"profile_id": "app", "prefix": "https://shop.example/p#"})).await;
    assert!(given["expires_ms"].as_i64().unwrap() > 1_700_000_000_000);
    let code = given["code"].as_str().unwrap();
    assert!(code.starts_with("https://shop.example/p#") && code.len() <= 100 && !code.contains("app"));
    let redeem = json!({"code": code, "profile_id": "till"});
    assert_eq!(shop.post("/v1/pairings/redeem", redeem.clone()).await, json!({"profile_id": "app", "linked": true}));
    assert_eq!(shop.get("/v1/profiles/app").await["links"]["till"][1], true);
    assert_eq!(shop.get("/v1/profiles/till").await["links"]["app"][1], true);
    let again = shop.send("POST", "/v1/pairings/redeem", "application/json", redeem.to_string()).await;
    assert_eq!(
        (again.status, again.json()["error"]["code"].as_str()),
        (StatusCode::NOT_FOUND, Some("pairing_code_unknown"))
    );
    let code = shop.post("/v1/pairings", json!({"profile_id": "app"})).await["code"].clone();
    assert_eq!(
        shop.post("/v1/pairings/redeem", json!({"code": code})).await,
        json!({"profile_id": "app", "linked": false})
    );
    for (body, code) in [
        (json!({"code": "nonsense"}), "pairing_code_malformed"),
        (json!({"profile_id": "a"}), "invalid_request"),
        (json!({"code": "x", "profile_id": 7}), "invalid_request"),
    ] {
        let answer = shop.send("POST", "/v1/pairings/redeem", "application/json", body.to_string()).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some(code)),
            "{body}"
        );
    }
    let answer = shop.send("POST", "/v1/tokens", "application/json", r#"{"profile_id":"app"}"#).await;
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (StatusCode::NOT_IMPLEMENTED, Some("token_keys_missing"))
    );
}
