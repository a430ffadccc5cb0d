//! What was acknowledged stays, whatever dies: the real module, the real binary, real disks and servers. The counts are
//! small here and large in `cargo xtask prove profile`, which sets these variables:
//!
//! | variable | what it counts | where it is absent |
//! |---|---|---|
//! | `UNISONO_PROOF_KILLS` | times that the host is killed, and that Redis is | 3 |
//! | `UNISONO_PROOF_CUSTOMERS` | customers of the two hosts on one Redis | 60 |
//! | `UNISONO_PROOF_EVENTS` | their events | 1,200 |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use unisono_host::profiles::Profiles;
use unisono_host::store::open;
use unisono_host::transcode::{json_to_msgpack, msgpack_to_json};
use unisono_host::{Host, HostBuilder};

use crate::redis_server::{RedisServer, not_made};
use crate::store::contents;

pub(crate) fn count_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/v1/model.unisono")
}

/// Whether there is a module to run.
fn has_module() -> bool {
    let has = unisono_host::embedded_module().is_some();
    if !has {
        not_made("durability with the real module: run `cargo xtask wasm` first");
    }
    has
}

fn real_host() -> Host {
    HostBuilder::new().model_path(model()).instances(2).deadline_ms(60_000).wait_ms_max(60_000).build().unwrap()
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// The same numbers in every run from the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A served store, killed and started again.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path, wrapper: &[&str]) -> Self {
        Server::start_logging(folder, wrapper, "warn")
    }

    fn start_logging(folder: &Path, wrapper: &[&str], level: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_unisono-host");
        let (first, rest) = wrapper.split_first().unwrap_or((&program, &[]));
        let mut command = Command::new(first);
        command.args(rest);
        if !wrapper.is_empty() {
            command.arg(program);
        }
        command.arg("serve").arg("--model").arg(model()).arg("--data").arg(folder.join("store"));
        command.args(["--listen", "127.0.0.1:0", "--instances", "2", "--log-level", level]);
        command.arg("--cache-dir").arg(folder.join("cache")).stdout(Stdio::piped());
        let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let mut child = command.stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_start_matches("listening on http://").split(' ').next().unwrap().to_owned();
        assert!(!address.is_empty(), "{}", fs::read_to_string(folder.join("log")).unwrap());
        Server { child, address }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A test that fails leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One request over a connection of its own; nothing when the server dies meanwhile.
fn ask(address: &str, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

fn event(profile_id: &str, event_id: &str, ts_ms: i64, kind: &str) -> Value {
    json!({"event_id": event_id, "profile_id": profile_id, "ts_ms": ts_ms, "type": kind, "channel": "web", "item_id": "p1"})
}

const KINDS: [&str; 4] = ["view", "cart_add", "purchase", "click"];

/// Sends events until told to stop; gives those that were acknowledged.
fn client(number: u64, address: &Mutex<String>, stopped: &AtomicBool, sent: &AtomicU64) -> Vec<(String, String)> {
    let mut chance = Chance(0x9e37_79b9 + number);
    let (mut acknowledged, mut next) = (Vec::new(), 0u64);
    while !stopped.load(Ordering::Relaxed) {
        // So many customers that none comes near the bound of what a profile keeps.
        let events: Vec<(String, String)> = (0..1 + chance.below(4))
            .map(|at| (format!("c{}", chance.below(2_000)), format!("{number}-{}", next + at)))
            .collect();
        next += 4;
        let body = events.iter().map(|(profile, id)| {
            let kind = KINDS[chance.below(4) as usize];
            event(profile, id, now_ms() - chance.below(1_000_000) as i64, kind)
        });
        let body = json!({"events": body.collect::<Vec<_>>()}).to_string();
        // Until there is an answer, as a client would.
        while !stopped.load(Ordering::Relaxed) {
            let address = address.lock().unwrap().clone();
            let Some((status, answer)) = ask(&address, "POST", "/v1/events", &body) else {
                sleep(Duration::from_millis(5));
                continue;
            };
            if status == 503 {
                continue;
            }
            assert_eq!(status, 200, "{answer}");
            for (result, event) in answer["results"].as_array().unwrap().iter().zip(events) {
                assert!(["accepted", "duplicate"].contains(&result["status"].as_str().unwrap()), "{answer}");
                acknowledged.push(event);
            }
            sent.fetch_add(1, Ordering::Relaxed);
            break;
        }
    }
    acknowledged
}

#[test]
fn no_acknowledged_event_is_lost_and_no_profile_broken_when_the_host_is_killed() {
    if !has_module() {
        return;
    }
    let kills = count_of("UNISONO_PROOF_KILLS", 3);
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let address = Mutex::new(server.address.clone());
    let (stopped, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut chance = Chance(now_ms() as u64);
    let acknowledged: Vec<(String, String)> = thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|number| {
                let (address, stopped, sent) = (&address, &stopped, &sent);
                scope.spawn(move || client(number, address, stopped, sent))
            })
            .collect();
        for _ in 0..kills {
            let before = sent.load(Ordering::Relaxed);
            while sent.load(Ordering::Relaxed) == before {
                sleep(Duration::from_millis(1));
            }
            sleep(Duration::from_millis(chance.below(250)));
            server.kill();
            server = Server::start(folder.path(), &[]);
            *address.lock().unwrap() = server.address.clone();
        }
        sleep(Duration::from_millis(200));
        stopped.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let mut by_profile: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (profile, id) in &acknowledged {
        by_profile.entry(profile).or_default().push(id);
    }
    let mut lost: Vec<&str> = Vec::new();
    for (profile, ids) in &by_profile {
        let (status, answer) = ask(&server.address, "GET", &format!("/v1/profiles/{profile}"), "").unwrap();
        assert_eq!(status, 200, "{profile}: {answer}");
        let kept: Vec<&str> =
            answer["events"].as_array().unwrap().iter().map(|event| event["event_id"].as_str().unwrap()).collect();
        lost.extend(ids.iter().filter(|id| !kept.contains(*id)));
    }
    server.kill();
    let (events, profiles) = (acknowledged.len(), by_profile.len());
    println!("killed {kills} times: {events} events of {profiles} profiles acknowledged, {} lost", lost.len());
    assert!(lost.is_empty() && events > 20, "{lost:?}");
    assert!(open(&folder.path().join("store").display().to_string()).unwrap().stat().unwrap().profiles > 0);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(acknowledged.iter().all(|(_, id)| !log.contains(id.as_str())), "the log names no event");
}

#[cfg(target_os = "linux")]
#[test]
fn the_disk_has_the_data_before_the_client_has_the_answer() {
    if !has_module() {
        return;
    }
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        return not_made("that data is synced before the answer: strace is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let calls = "trace=fsync,fdatasync,write,writev,sendto,sendmsg";
    let wrapper = ["strace", "-f", "-tt", "-s", "64", "-e", calls, "-o", trace.to_str().unwrap()];
    let mut server = Server::start(folder.path(), &wrapper);
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    let started = text(&trace).lines().count();
    let body = event("c1", "e1", now_ms(), "view").to_string();
    let (status, _) = ask(&server.address, "POST", "/v1/events", &body).unwrap();
    assert_eq!(status, 200);
    sleep(Duration::from_millis(200));
    let seen = text(&trace);
    let lines: Vec<&str> = seen.lines().skip(started).collect();
    let at = |what: &dyn Fn(&str) -> bool| lines.iter().position(|line| what(line));
    let synced = at(&|line| (line.contains("fdatasync") || line.contains("fsync")) && line.ends_with("= 0"));
    let answered = at(&|line| line.contains("HTTP/1.1 200"));
    let mut shown = String::new();
    for line in lines.iter().filter(|line| line.contains("sync") || line.contains("HTTP/1.1")) {
        writeln!(shown, "{line}").unwrap();
    }
    println!("{shown}");
    assert!(synced.unwrap() < answered.unwrap(), "{shown}");
    // Ends the host, and with it strace.
    let host = lines[0].split(' ').next().unwrap();
    let _ = Command::new("kill").args(["-TERM", host]).status();
    let _ = server.child.wait();
}

/// Random events of random customers, some of them several times, all of them before `now_ms`.
fn events_of(customers: u64, events: u64, now_ms: i64) -> Vec<Value> {
    let mut chance = Chance(20_260_101);
    (0..events)
        .map(|at| {
            let customer = chance.below(customers);
            // One in ten comes again, at times with another price: then the greater copy stays.
            let id = if chance.below(10) == 0 { at / 2 } else { at };
            let mut event =
                event(&format!("c{customer}"), &format!("e{id}"), now_ms - id as i64 * 1_000, KINDS[at as usize % 4]);
            event["price"] = json!(chance.below(100) as f64 / 4.0);
            event
        })
        .collect()
}

fn add(profiles: &Profiles, events: &[Value], now_ms: i64) {
    let input = json_to_msgpack(json!({"events": events}).to_string().as_bytes()).unwrap();
    let answer = profiles.add_events(now_ms, &input).unwrap();
    let answer: Value = serde_json::from_slice(&msgpack_to_json(&answer).unwrap()).unwrap();
    let results = answer["results"].as_array().unwrap();
    assert!(
        results.iter().all(|result| ["accepted", "duplicate"].contains(&result["status"].as_str().unwrap())),
        "{answer}"
    );
}

#[test]
fn two_hosts_on_one_redis_come_to_what_one_sequential_writer_comes_to() {
    if !has_module() {
        return;
    }
    let Some(server) = RedisServer::start() else { return };
    let (customers, count) = (count_of("UNISONO_PROOF_CUSTOMERS", 60), count_of("UNISONO_PROOF_EVENTS", 1_200));
    let now_ms = now_ms();
    let events = events_of(customers, count, now_ms);
    let hosts = [0, 1].map(|_| Profiles::new(real_host(), open(&server.url()).unwrap()));
    let next = Arc::new(AtomicU64::new(0));
    let started = std::time::Instant::now();
    thread::scope(|scope| {
        for writer in 0..8 {
            let (host, next, events) = (&hosts[writer % 2], next.clone(), &events);
            scope.spawn(move || {
                let mut chance = Chance(writer as u64 + 1);
                loop {
                    let size = 1 + chance.below(40);
                    let from = next.fetch_add(size, Ordering::Relaxed) as usize;
                    if from >= events.len() {
                        return;
                    }
                    add(host, &events[from..(from + size as usize).min(events.len())], now_ms);
                }
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let folder = tempfile::tempdir().unwrap();
    let alone = Profiles::new(real_host(), open(&folder.path().display().to_string()).unwrap());
    // Backwards, too: the order does not matter.
    for part in events.chunks(500).rev() {
        add(&alone, part, now_ms);
    }
    let (together, alone) = (contents(hosts[0].store()), contents(alone.store()));
    println!("{count} events of {} customers by 2 hosts and 8 writers in {seconds:.1} s", together.len());
    assert_eq!(together.len(), alone.len());
    assert!(together == alone, "some state differs");
}

#[test]
fn an_erased_customer_is_found_in_no_file_and_answered_as_one_never_seen() {
    if !has_module() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store").display().to_string()).unwrap();
    let profiles = Profiles::new(real_host(), store);
    let now_ms = now_ms();
    let marker = "planted-marker-8d1f";
    let planted: Vec<Value> =
        (0..50).map(|at| event("c1", &format!("{marker}-{at}"), now_ms - 60_000 - at, "purchase")).collect();
    add(&profiles, &planted, now_ms);
    add(&profiles, &[event("c2", "other", now_ms - 60_000, "view")], now_ms);
    let request = |profile_id: &str| {
        let request =
            json!({"now_ms": now_ms, "profile_id": profile_id, "placements": [{"id": "a", "kind": "for_you", "k": 5}]});
        let answer = profiles.decide(&json_to_msgpack(request.to_string().as_bytes()).unwrap()).unwrap();
        let mut answer: Value = serde_json::from_slice(&msgpack_to_json(&answer.response).unwrap()).unwrap();
        // Those name the profile, or depend on its name.
        answer.as_object_mut().unwrap().remove("decision_id");
        answer
    };
    assert!(request("c1")["error"].is_null(), "{}", request("c1"));
    // A clock that runs ahead.
    add(&profiles, &[event("c1", &format!("{marker}-ahead"), now_ms + 300_000, "view")], now_ms);
    profiles.erase(now_ms, "c1", unisono_host::profiles::Scope::Profile).unwrap();
    assert_eq!(request("c1"), request("never seen"));
    unisono_host::store::backup(profiles.store(), &folder.path().join("backup")).unwrap();
    profiles.store().compact().unwrap();
    drop(profiles);
    for file in [folder.path().join("store/profiles.redb"), folder.path().join("backup")] {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(marker.len()).any(|window| window == marker.as_bytes()), "{}", file.display());
    }
    let store = open(&folder.path().join("store").display().to_string()).unwrap();
    assert_eq!(store.stat().unwrap().profiles, 2);
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn an_erased_customer_is_found_in_no_log() {
    if !has_module() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start_logging(folder.path(), &[], "debug");
    let marker = "planted-marker-3f7a";
    let mut planted = event("c1", &format!("{marker}-event"), now_ms() - 60_000, "purchase");
    for field in ["item_id", "order_id", "query", "session_id", "nobody_knows"] {
        planted[field] = json!(format!("{marker}-{field}"));
    }
    let refused =
        json!({"event_id": format!("{marker}-refused"), "profile_id": "c1", "ts_ms": format!("{marker}-time")});
    let (status, answer) =
        ask(&server.address, "POST", "/v1/events", &json!({"events": [planted, refused]}).to_string()).unwrap();
    assert_eq!((status, &answer["results"][0]["status"]), (200, &json!("accepted")), "{answer}");
    let (_, stored) = ask(&server.address, "GET", "/v1/profiles/c1", "").unwrap();
    assert!(stored.to_string().contains(&format!("{marker}-item_id")), "{stored}");
    let (status, erased) = ask(&server.address, "DELETE", "/v1/profiles/c1", "").unwrap();
    assert_eq!(status, 200, "{erased}");
    server.kill();
    open(&folder.path().join("store").display().to_string()).unwrap().compact().unwrap();
    let files = files_below(folder.path());
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(log.contains("/v1/events"), "the log says nothing of requests: {log}");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(marker.len()).any(|window| window == marker.as_bytes()), "{}", file.display());
    }
}

#[test]
fn linked_profiles_are_one_unit_of_experiments() {
    if !has_module() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let unit_of = |profile_id: &str| {
        let (status, found) = ask(&server.address, "GET", &format!("/v1/profiles/{profile_id}/component"), "").unwrap();
        assert_eq!(status, 200, "{found}");
        found["unit_id"].as_str().unwrap().to_owned()
    };
    assert_eq!((unit_of("phone"), unit_of("card")), ("phone".to_owned(), "card".to_owned()));
    for (linked, ts_ms, unit) in [(true, now_ms() - 2, "card"), (false, now_ms() - 1, "phone")] {
        let links = json!({"profile_id": "phone", "links": [{"profile_id": "card", "linked": linked, "ts_ms": ts_ms}]});
        assert_eq!(ask(&server.address, "POST", "/v1/links", &links.to_string()).unwrap().0, 200);
        assert_eq!((unit_of("phone"), unit_of("card")), (unit.to_owned(), "card".to_owned()), "linked: {linked}");
    }
    server.kill();
}

#[test]
fn a_bag_of_a_megabyte_on_an_event_is_passed_over_or_refused_alone() {
    if !has_module() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let bag = |id: &str, keys: usize, letters: usize| {
        let mut event = event("c1", id, now_ms(), "view");
        event["properties"] = (0..keys).map(|at| (format!("property-{at}"), json!("x".repeat(letters)))).collect();
        assert!(event.to_string().len() > 1_000_000);
        event
    };
    let other = |id: &str| event("c1", id, now_ms(), "view");
    let events =
        [other("before"), bag("with-long-values", 4_000, 250), bag("with-many-keys", 20_000, 40), other("after")];
    let (status, answer) = ask(&server.address, "POST", "/v1/events", &json!({"events": events}).to_string()).unwrap();
    let results = answer["results"].as_array().unwrap();
    let statuses: Vec<&str> = results.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!((status, &statuses[..]), (200, &["accepted", "accepted", "refused", "accepted"][..]), "{answer}");
    assert_eq!((&results[2]["code"], &results[2]["field"]), (&json!("limit_exceeded"), &json!("properties")));
    let (_, stored) = ask(&server.address, "GET", "/v1/profiles/c1", "").unwrap();
    assert_eq!(stored["events"].as_array().unwrap().len(), 3);
    assert!(stored.to_string().len() < 2_000, "the bag is stored: {} bytes", stored.to_string().len());
    server.kill();
}

#[test]
fn what_the_policy_keeps_no_longer_is_swept_out_of_every_profile() {
    if !has_module() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().display().to_string()).unwrap();
    let now_ms = now_ms();
    let forever = Profiles::new(real_host(), store.clone());
    for (id, days) in [("old", 100), ("new", 1)] {
        let of = |customer| event(&format!("c{customer}"), id, now_ms - days * 86_400_000, "view");
        add(&forever, &(0..700).map(of).collect::<Vec<_>>(), now_ms);
    }
    let policy = unisono_host::PolicyFile::parse(br#"{"version":1,"retention_days":{"view":90},"host":{}}"#).unwrap();
    let host = HostBuilder::new().model_path(model()).policy_bytes(policy.module).deadline_ms(60_000).build().unwrap();
    assert_eq!(Profiles::new(host, store).sweep(now_ms).unwrap(), 700);
    let kept = forever.export(now_ms, "c7", None).unwrap();
    let kept: Value = serde_json::from_slice(&msgpack_to_json(&kept).unwrap()).unwrap();
    assert_eq!(kept["events"].as_array().unwrap().len(), 1, "{kept}");
    assert_eq!((&kept["events"][0]["event_id"], kept["marks"].as_array().unwrap().len()), (&json!("new"), 1));
}

#[test]
fn a_token_carries_a_profile_to_another_store() {
    if !has_module() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = |name: &str| open(&folder.path().join(name).display().to_string()).unwrap();
    let tills = store("till");
    let shop_on = |store, shop: &str| {
        let keys = r#"{"sign_with": "k1", "keys": [{"key_id": "k1", "seed": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "encryption_key": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}"#;
        let keys = unisono_host::token::TokenKeys::from_json(keys).unwrap();
        Profiles::new(real_host(), store).tokens(keys, shop)
    };
    let shop = |name: &str, shop: &str| shop_on(store(name), shop);
    let (app, till, stranger) = (shop("app", "corner"), shop_on(tills.clone(), "corner"), shop("stranger", "other"));
    let now_ms = now_ms();
    let events: Vec<Value> =
        (0..30).map(|at| event("c1", &format!("e{at}"), now_ms - 60_000 * (at + 1), "purchase")).collect();
    add(&app, &events, now_ms);
    let pack = |value: Value| json_to_msgpack(value.to_string().as_bytes()).unwrap();
    let unpack = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&msgpack_to_json(&bytes).unwrap()).unwrap();
    for encrypted in [false, true] {
        let written = app.write_token(now_ms, &pack(json!({"profile_id": "c1", "encrypted": encrypted}))).unwrap();
        let written = unpack(written);
        let token = written["token"].as_str().unwrap();
        assert!(token.len() <= 2_048, "{written}");
        let redeem = pack(json!({"profile_id": "c9", "token": token}));
        let redeemed = unpack(till.redeem_token(now_ms, &redeem).unwrap());
        assert!(redeemed["warnings"].is_array(), "{redeemed}");
        let foreign = stranger.redeem_token(now_ms, &redeem).unwrap_err();
        assert_eq!(foreign.kind(), unisono_host::HostErrorCode::TokenForeign);
        let late = till.redeem_token(now_ms + 8 * 86_400_000, &redeem).unwrap_err();
        assert_eq!(late.kind(), unisono_host::HostErrorCode::TokenExpired);
    }
    let carried = unpack(till.export(now_ms, "c9", None).unwrap());
    assert_eq!(carried["events"].as_array().unwrap().len(), 30, "once, though two tokens were read: {carried}");
    tills.flush_counts().unwrap();
    let counters = tills.stat().unwrap().counters;
    assert_eq!((counters["tokens_redeemed"], counters["tokens_refused"]), (2, 2));
    let unknown = app.write_token(now_ms, &pack(json!({"profile_id": "nobody"}))).unwrap_err();
    assert_eq!(unknown.kind(), unisono_host::HostErrorCode::ProfileUnknown);
}

#[test]
fn what_was_translated_is_refused_in_the_field_that_was_sent() {
    if !has_module() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shop = Profiles::new(real_host(), open(&folder.path().display().to_string()).unwrap());
    let now_ms = now_ms();
    add(&shop, &[event("c1", "e1", now_ms - 60_000, "purchase")], now_ms);
    shop.erase(now_ms, "c1", unisono_host::profiles::Scope::Profile).unwrap();
    let old = json!({"purpose": "offers", "granted": true, "ts_ms": now_ms - 1});
    let body = json!({"profile_id": "c1", "consents": [old], "google_consent": {"ad_storage": "granted"}, "gpc": true,
        "channel": "web", "ts_ms": now_ms - 1});
    let answer = shop.set_consents(now_ms, None, &json_to_msgpack(body.to_string().as_bytes()).unwrap()).unwrap();
    let answer: Value = serde_json::from_slice(&msgpack_to_json(&answer).unwrap()).unwrap();
    let fields: std::collections::BTreeSet<&str> =
        answer["refused"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["consents[0].ts_ms", "google_consent", "gpc"].into(), "{answer}");
}

#[test]
fn an_event_nested_too_deep_costs_its_batch_nothing() {
    if !has_module() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shop = Profiles::new(real_host(), open(&folder.path().display().to_string()).unwrap());
    let now_ms = now_ms();
    let packed = |id: &str| json_to_msgpack(event("c1", id, now_ms - 1, "view").to_string().as_bytes()).unwrap();
    let mut deep = packed("e2");
    // One key more in the map: a thousand arrays, each within the one before.
    deep[0] += 1;
    deep.extend([0xa1, b'x']);
    deep.extend(vec![0x91; 1_000]);
    deep.push(0xc0);
    let batch = [&[0x81, 0xa6][..], b"events", &[0x93], &packed("e1"), &deep, &packed("e3")].concat();
    let answer = shop.add_events(now_ms, &batch).unwrap();
    let answer: Value = serde_json::from_slice(&msgpack_to_json(&answer).unwrap()).unwrap();
    let results = answer["results"].as_array().unwrap();
    let statuses: Vec<&str> = results.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["accepted", "refused", "accepted"], "{answer}");
    assert_eq!(results[1]["code"], "limit_exceeded", "{answer}");
}
