//! Identities in the place of profile ids: hashed before anything is stored, the same customer however they are written.

use axum::http::StatusCode;
use serde_json::{Value, json};
use unisono_host::identity::{IdentityHasher, IdentityKind};
use unisono_host::profiles::Profiles;

use crate::profiles::{Shop, shop_with, statuses};

fn hasher() -> IdentityHasher {
    IdentityHasher::new(&[7; 32]).unwrap().region("BR").unwrap()
}

fn shop() -> Shop {
    shop_with(|profiles: Profiles| profiles.identities(hasher()))
}

fn email(key: &str) -> Value {
    json!({"kind": "email", "key": key})
}

fn id(kind: IdentityKind, key: &str) -> String {
    hasher().id(kind, key, None).unwrap()
}

fn event(event_id: &str, identity: Value) -> Value {
    json!({"event_id": event_id, "identity": identity, "ts_ms": 5, "type": "view", "channel": "web"})
}

#[tokio::test]
async fn an_identity_stands_wherever_a_profile_id_may() {
    let shop = shop();
    let ana = id(IdentityKind::Email, "ana@example.com");
    let phone = id(IdentityKind::Phone, "+5511987654321");
    let batch = json!({"events": [
        event("e1", email(" Ana@Example.com")), event("e2", email("ana@example.com")),
        event("e3", json!({"kind": "phone", "key": "(11) 98765-4321"})),
    ]});
    assert_eq!(statuses(&shop.post("/v1/events", batch).await), ["accepted"; 3]);
    assert_eq!((shop.version(&ana), shop.version(&phone)), (1, 1));
    assert_eq!(statuses(&shop.post("/v1/events", event("e4", email("ANA@example.com"))).await), ["accepted"]);
    let lines = event("e5", email("ana@example.com")).to_string();
    shop.send("POST", "/v1/events", "application/x-ndjson", lines).await;
    assert_eq!(shop.version(&ana), 3);

    let link = json!({"identity": {"kind": "phone", "key": "+5511987654321"}, "linked": true, "ts_ms": 6});
    shop.post("/v1/links", json!({"identity": email("ana@example.com"), "links": [link]})).await;
    assert_eq!((shop.version(&ana), shop.version(&phone)), (4, 2));
    let consent = json!({"purpose": "offers", "granted": false, "ts_ms": 7});
    shop.post("/v1/consents", json!({"identity": email("ana@example.com"), "consents": [consent]})).await;
    assert_eq!(shop.version(&ana), 5);
    let code = shop.post("/v1/pairings", json!({"identity": email("ana@example.com")})).await;
    let taken = shop.post("/v1/pairings/redeem", json!({"code": code["code"]})).await;
    assert_eq!(taken["profile_id"], ana.as_str());

    let by_id = shop.post("/v1/recommendations", json!({"profile_id": ana})).await;
    let by_identity = shop.post("/v1/recommendations", json!({"identity": email("ana@example.com")})).await;
    assert_eq!(by_id, by_identity);
    let stranger = shop.post("/v1/recommendations", json!({"identity": email("bob@example.com")})).await;
    assert_ne!(stranger, by_id);
}

#[tokio::test]
async fn identities_are_answered_in_their_order_and_nothing_is_stored() {
    let shop = shop();
    let cpf = json!({"kind": "cpf", "key": "529.982.247-25"});
    let number = json!({"kind": "phone", "key": "(212) 555-0187", "region": "US"});
    let wrong = [json!({"kind": "cpf", "key": "52998224726"}), json!({"kind": "face", "key": "x"}), json!(7)];
    let answer = shop.post("/v1/identities", json!({"identities": [cpf, wrong[0], wrong[1], wrong[2], number]})).await;
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results[0]["profile_id"], id(IdentityKind::Cpf, "52998224725").as_str());
    let code_and_field = |at: usize| (results[at]["code"].as_str().unwrap(), results[at]["field"].as_str().unwrap());
    assert_eq!(code_and_field(1), ("identity_key_invalid", "key"));
    assert_eq!(code_and_field(2), ("invalid_request", "kind"));
    assert_eq!(code_and_field(3), ("invalid_request", ""));
    assert_eq!(results[4]["profile_id"], id(IdentityKind::Phone, "+12125550187").as_str());
    assert_eq!(shop.version(&id(IdentityKind::Cpf, "52998224725")), 0);
    let many: Vec<Value> = (0..1_001).map(|at| email(&format!("a{at}@example.com"))).collect();
    let answer = shop.send("POST", "/v1/identities", "application/json", json!({"identities": many}).to_string()).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("limit_exceeded"))
    );
}

#[tokio::test]
async fn what_is_no_identity_is_told_without_being_repeated() {
    let shop = shop();
    let secret = "nobody at secret.example";
    let answer = shop.post("/v1/events", json!({"events": [event("e1", email(secret)), event("e2", json!(7))]})).await;
    assert_eq!(
        statuses(&answer),
        ["refused identity_key_invalid at identity.key", "refused invalid_request at identity"]
    );
    let link = json!({"identity": email(secret), "linked": true, "ts_ms": 6});
    let request = json!({"profile_id": "a", "links": [{"profile_id": "b", "linked": true, "ts_ms": 6}, link]});
    let refused = shop.send("POST", "/v1/links", "application/json", request.to_string()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let error = &refused.json()["error"];
    assert_eq!((&error["code"], &error["field"]), (&json!("identity_key_invalid"), &json!("links[1].identity.key")));
    assert_eq!((shop.version("a"), shop.version("b")), (0, 0));
    assert!(!format!("{answer}{}", refused.json()).contains("secret"));
}

#[tokio::test]
async fn an_identity_stands_beside_no_id_and_no_profile() {
    let shop = shop();
    let mut both = event("e1", email("ana@example.com"));
    both["profile_id"] = json!("a");
    assert_eq!(statuses(&shop.post("/v1/events", both).await), ["refused invalid_request at identity"]);
    let profile = json!({"identity": email("ana@example.com"), "profile": {"profile_id": "a"}});
    let answer = shop.send("POST", "/v1/recommendations", "application/json", profile.to_string()).await;
    assert_eq!((answer.status, &answer.json()["error"]["field"]), (StatusCode::BAD_REQUEST, &json!("identity")));
    let nothing = json!({"profile_id": "a", "identity": null, "consents": []});
    assert_eq!(shop.post("/v1/consents", nothing).await["refused"], json!([]));
    let phone = json!({"kind": "phone", "key": "11 98765-4321", "region": "Brazil"});
    assert_eq!(
        statuses(&shop.post("/v1/events", event("e1", phone)).await),
        ["refused identity_key_invalid at identity.region"]
    );
}

#[tokio::test]
async fn a_host_without_a_key_of_identities_says_so() {
    let shop = shop_with(|profiles| profiles);
    for (address, body) in [
        ("/v1/identities", json!({"identities": [email("ana@example.com")]})),
        ("/v1/consents", json!({"identity": email("ana@example.com"), "consents": []})),
        ("/v1/recommendations", json!({"identity": email("ana@example.com")})),
    ] {
        let answer = shop.send("POST", address, "application/json", body.to_string()).await;
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED, "{address}");
        assert_eq!(answer.json()["error"]["code"], "identity_hash_key_missing", "{address}");
    }
    let answer = shop.post("/v1/events", event("e1", email("ana@example.com"))).await;
    assert_eq!(statuses(&answer), ["refused identity_hash_key_missing at identity"]);
}
