//! `POST /v1/recommendations`, `GET /health` and what is served nowhere, through the router.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;
use unisono_host::http::{HttpOptions, bind_loopback, loopback_address, router};
use unisono_host::{Host, HostErrorCode, sha256_hex};
use unisono_message::limits::REQUEST_BYTES_MAX;

use crate::guests::{self, LOOP, MODEL_A, NO_MSGPACK, REFUSE, SLOW, TRAP, builder, until_rebuilt};

pub(crate) fn service(host: &Host) -> Router {
    router(host.clone(), &HttpOptions::new()).unwrap()
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn error_code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn send(service: Router, request: Request<Body>) -> Answer {
    let response = service.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Answer { status: head.status, headers: head.headers, body: to_bytes(body, usize::MAX).await.unwrap().to_vec() }
}

fn post(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/v1/recommendations").header("content-type", content_type).body(body.into()).unwrap()
}

async fn post_json(host: &Host, body: impl Into<Body>) -> Answer {
    send(service(host), post("application/json", body)).await
}

#[tokio::test]
async fn decisions_are_compressed_only_for_who_accepts_it() {
    let host = guests::host();
    let json = format!(r#"{{"request_id":"r1","list":[{}]}}"#, vec!["8"; 200].join(","));
    let msgpack = unisono_host::transcode::json_to_msgpack(json.as_bytes()).unwrap();
    for (content_type, body) in [("application/json", json.into_bytes()), ("application/msgpack", msgpack)] {
        let plain = send(service(&host), post(content_type, body.clone())).await;
        assert_eq!((plain.header("content-encoding"), &plain.body), ("", &body));
        let mut request = post(content_type, body.clone());
        request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
        let packed = send(service(&host), request).await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert!(packed.body.starts_with(&[0x1f, 0x8b]) && packed.body.len() < body.len());
        assert_eq!(packed.header("x-unisono-response-sha256"), plain.header("x-unisono-response-sha256"));
    }
}

#[tokio::test]
async fn json_in_gives_json_out() {
    let host = guests::host();
    let json = r#"{"request_id":"r1","score":0.125,"k":20,"list":[1,null,"ü"]}"#;
    let answer = post_json(&host, json).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(String::from_utf8(answer.body.clone()).unwrap(), json);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-unisono-module-id"), host.module_id());
    assert_eq!(answer.header("x-unisono-model-id"), MODEL_A);
    assert_eq!(answer.header("cache-control"), "no-store");
    // The digest is that of the MessagePack, which the JSON was made from.
    let msgpack = unisono_host::transcode::json_to_msgpack(json.as_bytes()).unwrap();
    assert_eq!(answer.header("x-unisono-response-sha256"), sha256_hex(&msgpack));
}

#[tokio::test]
async fn msgpack_in_gives_the_modules_bytes_out() {
    let host = guests::host();
    // Not how this host's own writer would put it: a long form of 1, and a duplicate key.
    let bytes = b"\x83\xa1k\xd3\0\0\0\0\0\0\0\x01\xa1k\x02\xa1x\xca\x3f\x80\0\0".to_vec();
    for content_type in ["application/msgpack", "application/x-msgpack", "application/vnd.msgpack"] {
        let answer = send(service(&host), post(content_type, bytes.clone())).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body, bytes);
        assert_eq!(answer.header("content-type"), "application/msgpack");
        assert_eq!(answer.header("x-unisono-module-id"), host.module_id());
        assert_eq!(answer.header("x-unisono-model-id"), MODEL_A);
        assert_eq!(answer.header("x-unisono-response-sha256"), sha256_hex(&bytes));
    }
}

#[tokio::test]
async fn a_content_type_may_carry_parameters() {
    let answer = send(service(&guests::host()), post("Application/JSON; charset=utf-8", "{}")).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let host = guests::host();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""] {
        let answer = send(service(&host), post(content_type, "{}")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        assert_eq!(answer.error_code(), "unsupported_media_type");
    }
    let none = Request::post("/v1/recommendations").body(Body::from("{}")).unwrap();
    assert_eq!(send(service(&host), none).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mut compressed = post("application/json", "{}");
    compressed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(send(service(&host), compressed).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn malformed_json_is_a_typed_error() {
    let answer = post_json(&guests::host(), "{\"request_id\": nonsense").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let json = answer.json();
    assert_eq!(json["error"]["code"], "invalid_json");
    assert_eq!(json["error"]["field"], "");
    assert!(json["error"]["message"].as_str().unwrap().contains("at column"));
    assert!(json["request_id"].is_null());
}

#[tokio::test]
async fn an_error_of_the_module_goes_out_as_it_is() {
    let host = guests::host();
    let answer = post_json(&host, REFUSE.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.error_code(), "unknown_placement");
    assert_eq!(answer.json()["error"]["field"], "placements[0].kind");
    let answer = send(service(&host), post("application/msgpack", vec![REFUSE])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body, host.decide(&[REFUSE]).unwrap());
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_typed_error() {
    let host = guests::host();
    for bytes in [REQUEST_BYTES_MAX + 1, 10 * 1024 * 1024] {
        let answer = post_json(&host, vec![b' '; bytes]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.error_code(), "body_too_large");
        let answer = send(service(&host), post("application/msgpack", vec![0xc0; bytes])).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.header("content-type"), "application/msgpack");
        assert_eq!(unisono_host::transcode::error_code(&answer.body).as_deref(), Some("body_too_large"));
    }
}

#[tokio::test]
async fn who_asks_before_sending_too_much_is_told_at_once() {
    let mut request = post("application/json", Body::empty());
    request.headers_mut().insert("content-length", "10485760".parse().unwrap());
    request.headers_mut().insert("expect", "100-continue".parse().unwrap());
    let answer = send(service(&guests::host()), request).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn json_that_grows_over_the_limit_is_a_typed_error() {
    // Four bytes of JSON, nine of MessagePack.
    let json = format!("[{}1.5]", "1.5,".repeat(1_500_000));
    assert!(json.len() < REQUEST_BYTES_MAX);
    let answer = post_json(&guests::host(), json).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.error_code(), "limit_exceeded");
}

#[tokio::test]
async fn faults_of_the_module_have_a_status_and_a_code() {
    let host = guests::host();
    let answer = post_json(&host, TRAP.to_string()).await;
    assert_eq!((answer.status, answer.error_code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "guest_trapped"));
    assert_eq!(answer.header("retry-after"), "1");
    let answer = post_json(&host, LOOP.to_string()).await;
    assert_eq!((answer.status, answer.error_code().as_str()), (StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded"));
    let answer = post_json(&host, NO_MSGPACK.to_string()).await;
    assert_eq!((answer.status, answer.error_code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "guest_bad_result"));
    until_rebuilt(&host);
    assert_eq!(post_json(&host, "{}").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_error_of_the_host_names_the_request_it_is_about() {
    let host = builder().memory_bytes_max(4 * 65_536).build().unwrap();
    let json = format!("{{\"request_id\":\"r7\",\"x\":\"{}\"}}", "y".repeat(1 << 20));
    let answer = post_json(&host, json).await;
    assert_eq!(answer.error_code(), "guest_memory_limit");
    assert_eq!(answer.json()["request_id"], "r7");
}

#[tokio::test]
async fn more_requests_than_the_host_takes_are_refused() {
    let host = builder().instances(1).waiters_max(0).deadline_ms(60_000).build().unwrap();
    let service = service(&host);
    let slow = tokio::spawn(send(service.clone(), post("application/json", SLOW.to_string())));
    while host.health().busy == 0 && !slow.is_finished() {
        tokio::task::yield_now().await;
    }
    if !slow.is_finished() {
        let answer = send(service.clone(), post("application/json", "{}")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.error_code(), "host_overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(slow.await.unwrap().status, StatusCode::OK);
    assert_eq!(send(service, post("application/json", "{}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_told_so() {
    let options = HttpOptions::new().request_ms_max(20);
    let service = router(guests::host(), &options).unwrap();
    let answer = send(service, post("application/json", LOOP.to_string())).await;
    assert_eq!((answer.status, answer.error_code().as_str()), (StatusCode::REQUEST_TIMEOUT, "request_timeout"));
}

#[tokio::test]
async fn health_tells_how_the_host_fares() {
    let host = guests::host();
    let get = || Request::get("/health").body(Body::empty()).unwrap();
    let answer = send(service(&host), get()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    assert_eq!(json["status"], "ok");
    assert_eq!(json["module_id"], host.module_id());
    assert_eq!(json["model_id"], MODEL_A);
    assert_eq!(
        (json["instances"].as_u64(), json["idle"].as_u64(), json["faults"].as_u64()),
        (Some(2), Some(2), Some(0))
    );
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_taken_are_typed_errors() {
    let service = service(&guests::host());
    let answer = send(service.clone(), Request::get("/nothing").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.error_code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    let answer = send(service, Request::get("/v1/recommendations").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.error_code().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
    assert_eq!(answer.header("allow"), "POST");
}

#[test]
fn only_loopback_addresses_are_listened_at() {
    for address in ["127.0.0.1:8787", "127.8.9.1:0", "[::1]:80", "[::ffff:127.0.0.1]:80", "localhost:8787"] {
        assert!(loopback_address(address).unwrap().ip().to_canonical().is_loopback(), "{address}");
    }
    for address in ["0.0.0.0:8787", "192.168.1.2:80", "[::]:8787", "[2001:db8::1]:80", "[::ffff:10.0.0.1]:80"] {
        let error = loopback_address(address).unwrap_err();
        assert_eq!(error.kind(), HostErrorCode::ListenNotLoopback, "{address}");
        assert!(error.message().contains("no keys"), "{error}");
    }
    for address in ["", "8787", "example.com:80", "127.0.0.1", "localhost:", "127.0.0.1:99999"] {
        assert_eq!(loopback_address(address).unwrap_err().kind(), HostErrorCode::InvalidConfig, "{address}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_typed_error() {
    let first = bind_loopback("127.0.0.1:0").await.unwrap();
    let taken = first.local_addr().unwrap().to_string();
    assert_eq!(bind_loopback(&taken).await.unwrap_err().kind(), HostErrorCode::ListenFailed);
}
