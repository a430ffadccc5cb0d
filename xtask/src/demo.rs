//! `cargo xtask demo`: from nothing to a page. Module and package, a real retailer's year, a model of it, the host.

mod data;

use crate::browser;
use crate::digest;
use crate::run::{Run, Running};
use crate::tree::{self, Tree};
use crate::wasm;
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use data::{Tables, raw, tables};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the host listens, on this machine
    #[arg(long, default_value = "127.0.0.1:8787")]
    listen: String,
    /// Visit the page once in a headless Chromium, which must be here, and end
    #[arg(long)]
    check: bool,
}

/// How long the host may take until it answers; it compiles the module and reads the model first.
const START_S_MAX: u64 = 120;

/// What the page says when the host's answer and its own are the same bytes.
const SIGN: &str = "Identical bytes";

/// Customers that the page offers.
const CUSTOMERS: &str = "24";

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    // Whatever can be known to fail is told before minutes of building and fitting.
    let chromium = if arguments.check { Some(chromium()?) } else { None };
    let listen = if arguments.check { free_address()? } else { arguments.listen.clone() };
    check_free(&listen)?;
    wasm::build_package(tree)?;
    let models = tree.program("unisono-models")?;
    let tables = tables(tree, &models)?;
    let model = fit(tree, &models, &tables)?;
    let site = site(tree, &models, &tables, &model)?;
    let host = tree.program("unisono-host")?;
    let mut running = serve(tree, &host, &model, &site, &listen)?;
    wait_until_healthy(&mut running, &listen)?;
    if let Some(chromium) = chromium {
        return visit(tree, &chromium, &listen);
    }
    eprintln!("\nThe shop is at http://{listen}/ (Ctrl-C ends it)");
    running.wait()
}

/// Fits the model, unless this very trainer has done so from these very tables.
pub(crate) fn fit(tree: &Tree, models: &Path, tables: &Tables) -> Result<PathBuf> {
    let folder = tree.data()?.join("complete-journey");
    let (model, made_by) = (folder.join("cj.unisono"), folder.join("cj.made-by"));
    let trainer = digest::sha256(format!("{} {}", digest::sha256_of(models)?, tables.digest()?).as_bytes());
    if model.is_file() && fs::read_to_string(&made_by).is_ok_and(|made_by| made_by == trainer) {
        eprintln!("the model is there: {}", model.display());
        return Ok(model);
    }
    tables.fit(models, &model).run()?;
    tree::write(&made_by, trainer)?;
    Ok(model)
}

/// The page with its customers: a folder of its own, because nothing generated goes into the tree.
fn site(tree: &Tree, models: &Path, tables: &Tables, model: &Path) -> Result<PathBuf> {
    let site = tree.target().join("demo-site");
    if site.exists() {
        fs::remove_dir_all(&site).with_context(|| format!("can't empty `{}`", site.display()))?;
    }
    for file in tree.files()?.iter().filter(|file| file.starts_with("demo-site/")) {
        tree::copy(&tree.path(file), &site.join(file.trim_start_matches("demo-site/")))?;
    }
    ensure!(site.join("index.html").is_file(), "demo-site has no index.html");
    Run::new(models)
        .arg("sample")
        .arg("--events")
        .arg(&tables.events)
        .arg("--catalog")
        .arg(&tables.catalog)
        .arg("--model")
        .arg(model)
        .args(["--customers", CUSTOMERS, "--out"])
        .arg(site.join("customers.json"))
        .run()?;
    Ok(site)
}

fn serve(tree: &Tree, host: &Path, model: &Path, site: &Path, listen: &str) -> Result<Running> {
    Run::new(host)
        .arg("serve")
        .arg("--model")
        .arg(model)
        .arg("--module")
        .arg(tree.package().join("unisono.wasm"))
        .arg("--static")
        .arg(site)
        .arg("--package")
        .arg(tree.package())
        .args(["--listen", listen, "--log-level", "warn"])
        .start()
}

/// An address that no one listens at; the next one to ask might get it too, but nobody else is asking.
fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free on this machine")?;
    Ok(listener.local_addr()?.to_string())
}

/// The host itself listens on loopback only, and where nobody else does.
fn check_free(listen: &str) -> Result<()> {
    let addresses: Vec<_> =
        listen.to_socket_addrs().with_context(|| format!("`{listen}` is no address such as 127.0.0.1:8787"))?.collect();
    ensure!(
        addresses.iter().all(|address| address.ip().is_loopback()),
        "`{listen}` is no loopback address; the host has no keys yet and serves this machine only"
    );
    TcpListener::bind(&*addresses)
        .with_context(|| format!("can't listen at {listen}; choose another port with --listen 127.0.0.1:PORT"))?;
    Ok(())
}

/// A page that nobody visited is not checked.
fn chromium() -> Result<OsString> {
    browser::find().context(
        "--check visits the page with Chromium, and none was found; install it (on Debian as root: apt-get install \
         --no-install-recommends chromium), or run without --check",
    )
}

fn wait_until_healthy(running: &mut Running, listen: &str) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(START_S_MAX);
    let health = format!("http://{listen}/health");
    while Instant::now() < end {
        ensure!(!running.has_ended()?, "the host ended before it answered");
        if let Ok(mut answer) = ureq::get(&health).call() {
            eprintln!("{health}: {} {}", answer.status(), answer.body_mut().read_to_string()?.trim());
            return Ok(());
        }
        thread::sleep(Duration::from_millis(200));
    }
    bail!("the host did not answer {health} within {START_S_MAX} seconds")
}

fn visit(tree: &Tree, chromium: &OsString, listen: &str) -> Result<()> {
    let picture = tree.target().join("demo.png");
    let address = format!("http://{listen}/");
    let document = browser::visit(chromium, &address, &picture, &tree.target().join("demo-chromium"))?;
    eprintln!("a picture of the page: {}", picture.display());
    ensure!(document.contains(SIGN), "the page does not say `{SIGN}`; look at the picture");
    eprintln!("the page says: {SIGN}");
    Ok(())
}
