//! The module, the model and the folders that the service gives out.

use std::fs;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use unisono_host::http::{HttpOptions, router};
use unisono_host::{HostErrorCode, sha256_hex};

use crate::guests::{self, ECHO, MODEL_A, MODEL_B, wasm};
use crate::http::{Answer, send, service};

async fn get(service: &Router, address: &str) -> Answer {
    send(service.clone(), Request::get(address).body(Body::empty()).unwrap()).await
}

async fn get_if_none_match(service: &Router, address: &str, etag: &str) -> Answer {
    let request = Request::get(address).header("if-none-match", etag).body(Body::empty()).unwrap();
    send(service.clone(), request).await
}

#[tokio::test]
async fn the_module_that_runs_is_the_module_that_is_given_out() {
    let host = guests::host();
    let answer = get(&service(&host), "/v1/module").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, wasm(ECHO));
    assert_eq!(sha256_hex(&answer.body), host.module_id());
    assert_eq!(answer.header("content-type"), "application/wasm");
    assert_eq!(answer.header("etag"), format!("\"{}\"", host.module_id()));
    assert_eq!(answer.header("cache-control"), "public, no-cache");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_model_is_given_out_with_its_own_digest() {
    let answer = get(&service(&guests::host()), "/v1/model").await;
    assert_eq!(answer.body, MODEL_A.as_bytes());
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    assert_eq!(answer.header("etag"), format!("\"{}\"", sha256_hex(MODEL_A.as_bytes())));
    assert_eq!(answer.header("x-unisono-model-id"), MODEL_A);
}

#[tokio::test]
async fn what_the_caller_has_is_not_sent_again() {
    let service = service(&guests::host());
    for address in ["/v1/module", "/v1/model"] {
        let etag = get(&service, address).await.header("etag").to_owned();
        for condition in [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
            let answer = get_if_none_match(&service, address, &condition).await;
            assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{condition}");
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("etag"), etag);
        }
        let answer = get_if_none_match(&service, address, "\"other\"").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.body.is_empty());
    }
}

#[tokio::test]
async fn an_address_with_an_id_never_changes() {
    let host = guests::host();
    let service = service(&host);
    for address in [format!("/v1/module/{}", host.module_id()), format!("/v1/model/{MODEL_A}")] {
        let answer = get(&service, &address).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    }
    assert_eq!(get(&service, &format!("/v1/model/{MODEL_B}")).await.status, StatusCode::NOT_FOUND);
    host.swap_model(MODEL_B).unwrap();
    assert_eq!(get(&service, &format!("/v1/model/{MODEL_A}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&service, &format!("/v1/model/{MODEL_B}")).await.body, MODEL_B.as_bytes());
}

#[tokio::test]
async fn a_swap_changes_the_models_tag() {
    let host = guests::host();
    let service = service(&host);
    let old = get(&service, "/v1/model").await.header("etag").to_owned();
    host.swap_model(MODEL_B).unwrap();
    let answer = get_if_none_match(&service, "/v1/model", &old).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body, MODEL_B.as_bytes());
}

#[tokio::test]
async fn a_head_request_gets_the_head() {
    let request = Request::head("/v1/module").body(Body::empty()).unwrap();
    let answer = send(service(&guests::host()), request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("content-length"), wasm(ECHO).len().to_string());
}

#[tokio::test]
async fn files_are_compressed_for_who_accepts_it_and_for_nobody_else() {
    let service = service(&guests::host());
    let get_as = async |accepted: &str| {
        let request = Request::get("/v1/module").header("accept-encoding", accepted).body(Body::empty()).unwrap();
        send(service.clone(), request).await
    };
    for encoding in ["br", "gzip"] {
        let answer = get_as(encoding).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (StatusCode::OK, encoding));
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert!(answer.body.len() < wasm(ECHO).len(), "{encoding}: {} bytes", answer.body.len());
        // The same tag as without: what the caller has in any encoding is not sent again.
        let etag = get(&service, "/v1/module").await.header("etag").to_owned();
        assert_eq!(answer.header("etag").trim_start_matches("W/"), etag);
    }
    let plain = get_as("identity").await;
    assert_eq!((plain.header("content-encoding"), &plain.body), ("", &wasm(ECHO)));
}

#[tokio::test]
async fn folders_are_served_where_they_belong() {
    let folder = tempfile::tempdir().unwrap();
    let (site, package) = (folder.path().join("site"), folder.path().join("package"));
    fs::create_dir_all(site.join("sub")).unwrap();
    fs::create_dir(&package).unwrap();
    fs::write(site.join("index.html"), "<p>shop</p>").unwrap();
    fs::write(site.join("sub/page.html"), "<p>page</p>").unwrap();
    fs::write(package.join("index.js"), "export {}").unwrap();
    fs::write(package.join("unisono.wasm"), b"\0asm").unwrap();
    fs::write(folder.path().join("secret"), "secret").unwrap();
    let options = HttpOptions::new().static_dir(&site).package_dir(&package);
    let service = router(guests::host(), &options).unwrap();

    let answer = get(&service, "/").await;
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, &b"<p>shop</p>"[..]));
    assert_eq!(answer.header("content-type"), "text/html");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(get(&service, "/sub/page.html").await.body, b"<p>page</p>");
    let answer = get(&service, "/pkg/index.js").await;
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, &b"export {}"[..]));
    assert!(answer.header("content-type").contains("javascript"));
    assert_eq!(get(&service, "/pkg/unisono.wasm").await.header("content-type"), "application/wasm");
    assert_eq!(get(&service, "/health").await.status, StatusCode::OK);
    for outside in ["/../secret", "/..%2fsecret", "/%2e%2e/secret", "/pkg/../../secret", "/absent", "/pkg/absent"] {
        let answer = get(&service, outside).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{outside}");
        assert_eq!(answer.json()["error"]["code"], "not_found", "{outside}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let options = HttpOptions::new().static_dir("/does/not/exist");
    let error = router(guests::host(), &options).unwrap_err();
    assert_eq!(error.kind(), HostErrorCode::FolderUnreadable);
    assert!(error.message().contains("/does/not/exist"), "{error}");
}
