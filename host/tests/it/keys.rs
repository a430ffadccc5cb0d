//! Keys: who may ask for what.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use unisono_host::http::{HttpOptions, Keys, listen_address, router};
use unisono_host::{HostErrorCode, sha256_hex};

use crate::guests;
use crate::http::{Answer, send};

fn file() -> String {
    let key = |id: &str, roles: &str| {
        format!(
            "[[keys]]\nid = \"{id}\"\nsha256 = \"{}\"\nroles = [{roles}]\n",
            sha256_hex(format!("{id} secret").as_bytes())
        )
    };
    [key("site", "\"events\", \"decide\""), key("desk", "\"profiles\""), key("boss", "\"admin\""), key("none", "")]
        .concat()
}

fn service() -> Router {
    router(guests::host(), &HttpOptions::new().keys(Keys::parse(&file()).unwrap())).unwrap()
}

async fn ask(method: &str, address: &str, key: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(address).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    send(service(), request.body(Body::from("{}")).unwrap()).await
}

#[tokio::test]
async fn a_role_opens_its_addresses_and_no_others() {
    const ADDRESSES: [(&str, &str); 12] = [
        ("POST", "/v1/recommendations"),
        ("POST", "/v1/events"),
        ("POST", "/v1/consents"),
        ("POST", "/v1/traits"),
        ("POST", "/v1/links"),
        ("GET", "/v1/profiles/a"),
        ("GET", "/v1/profiles/a/component"),
        ("DELETE", "/v1/profiles/a"),
        ("POST", "/v1/tokens"),
        ("POST", "/v1/tokens/redeem"),
        ("POST", "/v1/pairings"),
        ("POST", "/v1/pairings/redeem"),
    ];
    let open = [
        ("site secret", 0b000_1111),
        ("desk secret", 0b1111_1111_0000),
        ("boss secret", 0b1111_1111_1111),
        ("none secret", 0),
    ];
    for (at, (method, address)) in ADDRESSES.into_iter().enumerate() {
        for (secret, addresses) in open {
            let answer = ask(method, address, Some(secret)).await;
            let opened = answer.status != StatusCode::FORBIDDEN;
            assert_eq!(opened, addresses >> at & 1 == 1, "{method} {address} {secret}: {}", answer.status);
            assert!(opened || answer.json()["error"]["code"] == "forbidden");
        }
        for secret in [None, Some(""), Some("site secre"), Some("site secret "), Some("unknown")] {
            let answer = ask(method, address, secret).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {address} {secret:?}");
            assert_eq!(answer.json()["error"]["code"], "unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    for address in ["/health", "/v1/module", "/v1/model"] {
        assert_eq!(ask("GET", address, None).await.status, StatusCode::OK, "{address} is everyone's");
    }
}

#[test]
fn a_file_of_keys_that_is_unfit_is_a_typed_error() {
    let sound = file();
    let cases = [
        (String::new(), "missing field `keys`"),
        ("keys = []".to_owned(), "holds none"),
        (sound.replace("\"admin\"", "\"emperor\""), "line 12"),
        (sound.replace("sha256 = \"", "sha256 = \"0"), "not 64"),
        (sound.replace("sha256", "secret"), "unknown field"),
        (sound.replace("\"desk\"", "\"site\""), "stands twice"),
        (sound.replace("\"desk\"", "\"\""), "`id`"),
    ];
    for (text, what) in cases {
        let error = Keys::parse(&text).unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::KeysInvalid, "{text}");
        assert!(error.message().contains(what), "{error} should say {what}");
    }
    assert_eq!(Keys::read("no/such/file".as_ref()).unwrap_err().kind(), HostErrorCode::KeysUnreadable);
    assert!(!format!("{:?}", Keys::parse(&sound).unwrap()).contains(&sha256_hex(b"site secret")));
}

#[test]
fn with_keys_any_address_may_be_listened_at() {
    assert!(listen_address("0.0.0.0:8787").is_ok());
    assert_eq!(listen_address("example.com:80").unwrap_err().kind(), HostErrorCode::InvalidConfig);
}
