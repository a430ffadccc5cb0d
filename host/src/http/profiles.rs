//! Events, consents, traits and links in; profiles out, or erased.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Service;
use super::body::{format_of, is_lines, read_body};
use super::reply::{self, Format};
use crate::error::{HostError, HostErrorCode};
use crate::profiles::{Profiles, Registers, Scope, now_ms};
use crate::transcode;

/// `POST /v1/events`.
pub(super) async fn events(State(service): State<Service>, request: Request) -> Response {
    if !is_lines(request.headers()) {
        return posted(service, request, |profiles, input| profiles.add_events(now_ms(), input)).await;
    }
    let body = match read_body(request).await {
        Ok(body) => body,
        Err(e) => return reply::of_error(Format::Json, None, &e),
    };
    blocking(service, Format::Json, move |profiles| profiles.add_lines(now_ms(), &body)).await
}

/// `POST /v1/consents`; the header `Sec-GPC` of the request counts too.
pub(super) async fn consents(State(service): State<Service>, request: Request) -> Response {
    let gpc = request.headers().get("sec-gpc").and_then(|value| value.to_str().ok()).map(str::to_owned);
    posted(service, request, move |profiles, input| profiles.set_consents(now_ms(), gpc.as_deref(), input)).await
}

/// `POST /v1/traits`.
pub(super) async fn traits(State(service): State<Service>, request: Request) -> Response {
    posted(service, request, |profiles, input| profiles.set(now_ms(), Registers::Traits, input)).await
}

/// `POST /v1/links`.
pub(super) async fn links(State(service): State<Service>, request: Request) -> Response {
    posted(service, request, |profiles, input| profiles.set(now_ms(), Registers::Links, input)).await
}

/// `POST /v1/identities`.
pub(super) async fn identities(State(service): State<Service>, request: Request) -> Response {
    posted(service, request, |profiles, input| profiles.identify(input)).await
}

/// `POST /v1/tokens`.
pub(super) async fn tokens(State(service): State<Service>, request: Request) -> Response {
    posted(service, request, |profiles, input| profiles.write_token(now_ms(), input)).await
}

/// `POST /v1/tokens/redeem`.
pub(super) async fn redeem_token(State(service): State<Service>, request: Request) -> Response {
    posted(service, request, |profiles, input| profiles.redeem_token(now_ms(), input)).await
}

/// `POST /v1/pairings`.
pub(super) async fn pairings(State(service): State<Service>, request: Request) -> Response {
    posted(service, request, |profiles, input| profiles.pair(now_ms(), input)).await
}

/// `POST /v1/pairings/redeem`.
pub(super) async fn redeem_pairing(State(service): State<Service>, request: Request) -> Response {
    posted(service, request, |profiles, input| profiles.redeem_pairing(now_ms(), input)).await
}

/// `GET /v1/profiles/{id}`, with `?purpose=` only what that purpose may see.
pub(super) async fn export(
    State(service): State<Service>,
    profile_id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let parsed = id_in(profile_id).and_then(|id| Ok((id, parameter(query.as_deref(), "purpose")?)));
    let (profile_id, purpose) = match parsed {
        Ok(parsed) => parsed,
        Err(e) => return reply::of_error(Format::Json, None, &e),
    };
    blocking(service, Format::Json, move |profiles| profiles.export(now_ms(), &profile_id, purpose.as_deref())).await
}

/// `GET /v1/profiles/{id}/component`.
pub(super) async fn component(
    State(service): State<Service>,
    profile_id: Result<Path<String>, PathRejection>,
) -> Response {
    match id_in(profile_id) {
        Ok(profile_id) => blocking(service, Format::Json, move |profiles| profiles.component_of(&profile_id)).await,
        Err(e) => reply::of_error(Format::Json, None, &e),
    }
}

/// `DELETE /v1/profiles/{id}`, with `?scope=component` and all that are linked with it.
pub(super) async fn erase(
    State(service): State<Service>,
    profile_id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let scope = parameter(query.as_deref(), "scope").and_then(|scope| match scope.as_deref() {
        None | Some("profile") => Ok(Scope::Profile),
        Some("component") => Ok(Scope::Component),
        Some(_) => {
            let error = HostError::new(HostErrorCode::InvalidRequest, "`scope` is `profile` or `component`");
            Err(error.in_field("scope"))
        }
    });
    let (profile_id, scope) = match id_in(profile_id).and_then(|id| Ok((id, scope?))) {
        Ok(parsed) => parsed,
        Err(e) => return reply::of_error(Format::Json, None, &e),
    };
    blocking(service, Format::Json, move |profiles| profiles.erase(now_ms(), &profile_id, scope)).await
}

/// The id in an address, where it is UTF-8.
fn id_in(path: Result<Path<String>, PathRejection>) -> Result<String, HostError> {
    path.map(|Path(profile_id)| profile_id).map_err(|_| {
        HostError::new(HostErrorCode::InvalidRequest, "the id in the address is no UTF-8").in_field("profile_id")
    })
}

/// Reads a body and answers in its format.
async fn posted(
    service: Service,
    request: Request,
    work: impl FnOnce(&Profiles, &[u8]) -> Result<Vec<u8>, HostError> + Send + 'static,
) -> Response {
    let format = match format_of(request.headers()) {
        Ok(format) => format,
        Err(e) => return reply::of_error(Format::Json, None, &e),
    };
    let body = match read_body(request).await {
        Ok(body) => body,
        Err(e) => return reply::of_error(format, None, &e),
    };
    blocking(service, format, move |profiles| match format {
        Format::Json => work(profiles, &transcode::json_to_msgpack(&body)?),
        Format::Msgpack => work(profiles, &body),
    })
    .await
}

/// Does what blocks, the module and the store, not on a thread that serves connections.
async fn blocking(
    service: Service,
    format: Format,
    work: impl FnOnce(&Profiles) -> Result<Vec<u8>, HostError> + Send + 'static,
) -> Response {
    let done = tokio::task::spawn_blocking(move || answer(service.profiles().and_then(work), format)).await;
    done.unwrap_or_else(|e| {
        let error = HostError::new(HostErrorCode::Internal, "the request was not finished").with_source(e);
        reply::of_error(format, None, &error)
    })
}

fn answer(done: Result<Vec<u8>, HostError>, format: Format) -> Response {
    let written = done.and_then(|answer| {
        let code = transcode::error_code(&answer);
        let status = code.as_deref().map_or(StatusCode::OK, reply::status_of_module);
        let body = match format {
            Format::Json => transcode::msgpack_to_json(&answer)?,
            Format::Msgpack => answer,
        };
        Ok((status, body))
    });
    match written {
        Ok((status, body)) => {
            let mut answer = (status, body).into_response();
            answer.headers_mut().insert(header::CONTENT_TYPE, format.content_type());
            answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            answer
        }
        Err(e) => {
            // The code only: a message may repeat what was sent.
            tracing::warn!(code = e.code(), "not done");
            reply::of_error(format, None, &e)
        }
    }
}

/// A parameter whose value is a plain word.
fn parameter(query: Option<&str>, name: &str) -> Result<Option<String>, HostError> {
    let mut found = None;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        // To erase less than was meant, or to give out more, and say nothing, would be the worst of answers.
        if key != name || found.is_some() {
            let text = format!("`{name}` is the one parameter that this address takes, once");
            return Err(HostError::new(HostErrorCode::InvalidRequest, text).in_field(name));
        }
        found = Some(value.to_owned());
    }
    Ok(found)
}
