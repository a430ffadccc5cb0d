//! `cargo xtask demo`: from nothing to a page. Module and package, a real retailer's year, a model of it, the host.

mod data;

use crate::browser;
use crate::digest;
use crate::npm;
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
/// How often the page is looked at for the sign.
const LOOKS_MAX: u32 = 3;

/// Customers that the page offers.
const CUSTOMERS: &str = "24";

/// What the page takes of the npm packages that its lock file names, with the licence.
const QR_WRITER: [&str; 3] = ["lean-qr/index.mjs", "lean-qr/package.json", "lean-qr/LICENSE"];

pub(crate) fn command(tree: &Tree, arguments: &Arguments) -> Result<()> {
    // Whatever can be known to fail is told before minutes of building and fitting.
    let chromium = if arguments.check { Some(chromium()?) } else { None };
    prepare_npm(tree, arguments.check)?;
    let listen = if arguments.check { free_address()? } else { arguments.listen.clone() };
    check_free(&listen)?;
    wasm::build_package(tree)?;
    let models = tree.program("unisono-models")?;
    let tables = tables(tree, &models)?;
    let model = fit(tree, &models, &tables)?;
    let site = site(tree, &models, &tables, &model)?;
    let host = tree.program("unisono-host")?;
    let data = empty_store(tree, &listen)?;
    let mut running = serve(tree, &host, &model, &site, &data, &listen)?;
    wait_until_healthy(&mut running, &listen)?;
    if let Some(chromium) = chromium {
        journey(tree, &chromium, &listen)?;
        visit(tree, &chromium, &listen)?;
        drop(running);
        return tree::remove_folder(&data);
    }
    eprintln!("\nThe shop is at http://{listen}/ (Ctrl-C ends it)");
    running.wait()
}

/// Fits the model, unless this very trainer has done so from these very tables.
pub(crate) fn fit(tree: &Tree, models: &Path, tables: &Tables) -> Result<PathBuf> {
    let (model, made_by) = (tree.data()?.join("complete-journey").join("cj.unisono"), made_by(tree)?);
    let trainer = digest::sha256(format!("{} {}", digest::sha256_of(models)?, tables.digest()?).as_bytes());
    if model.is_file() && fs::read_to_string(&made_by).is_ok_and(|made_by| made_by == trainer) {
        eprintln!("the model is there: {}", model.display());
        return Ok(model);
    }
    tables.fit(models, &model).run()?;
    tree::write(&made_by, trainer)?;
    Ok(model)
}

/// The file that says which trainer made the model from which tables; without it the next demo fits anew.
pub(crate) fn made_by(tree: &Tree) -> Result<PathBuf> {
    Ok(tree.data()?.join("complete-journey").join("cj.made-by"))
}

/// The page with its customers: a folder of its own, because nothing generated goes into the tree.
fn site(tree: &Tree, models: &Path, tables: &Tables, model: &Path) -> Result<PathBuf> {
    let site = tree.target().join("demo-site");
    tree::remove_folder(&site)?;
    for file in tree.files()?.iter().filter(|file| file.starts_with("demo-site/")) {
        tree::copy(&tree.path(file), &site.join(file.trim_start_matches("demo-site/")))?;
    }
    ensure!(site.join("index.html").is_file(), "demo-site has no index.html");
    for file in QR_WRITER {
        let file = Path::new("node_modules").join(file);
        let installed = tree.path("demo-site").join(&file);
        if installed.is_file() {
            tree::copy(&installed, &site.join(&file))?;
        }
    }
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

/// The page's writer of QR codes, and for a check what steers the browser. Whoever only looks may do without npm: the page
/// then shows the pairing code as text.
fn prepare_npm(tree: &Tree, check: bool) -> Result<()> {
    let installed = npm::node_version().and_then(|_| npm::install(&tree.path("demo-site")));
    match installed {
        Ok(()) if check => npm::install(&tree.path("tests/js")),
        Ok(()) => Ok(()),
        Err(error) if check => Err(error),
        Err(error) => {
            eprintln!("the page goes without QR codes: {error:#}");
            Ok(())
        }
    }
}

/// A folder for the host's store, without what a demo before left there. Two demos at a time have one each.
fn empty_store(tree: &Tree, listen: &str) -> Result<PathBuf> {
    let data = tree.target().join("demo-data").join(listen.replace(':', "-"));
    tree::remove_folder(&data)?;
    Ok(data)
}

fn serve(tree: &Tree, host: &Path, model: &Path, site: &Path, data: &Path, listen: &str) -> Result<Running> {
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
        .arg("--data")
        .arg(data)
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
        "`{listen}` is no loopback address; the demo starts its host without keys, so that it serves this machine only"
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

/// Takes the steps that the page invites to: begin in the app, pair, withdraw, erase. Fails at the first that does not hold.
fn journey(tree: &Tree, chromium: &OsString, listen: &str) -> Result<()> {
    Run::new("node")
        .arg(tree.path("tests/js/journey.mjs"))
        .arg(format!("http://{listen}/"))
        .arg(tree.target())
        .arg(chromium)
        .run()
        .context("the page does not hold what it promises; look at journey-*.png in the target folder")
}

/// The second page: the sign that both answers are the same bytes.
fn visit(tree: &Tree, chromium: &OsString, listen: &str) -> Result<()> {
    let picture = tree.target().join("demo.png");
    let address = format!("http://{listen}/proof.html");
    // A page's own time can be over before a busy machine has decided; what is really wrong is wrong each time.
    for _ in 0..LOOKS_MAX {
        let document = browser::visit(chromium, &address, &picture, &tree.target().join("demo-chromium"))?;
        eprintln!("a picture of the page: {}", picture.display());
        if document.contains(SIGN) {
            eprintln!("the page says: {SIGN}");
            return Ok(());
        }
    }
    bail!("in {LOOKS_MAX} looks the page did not say `{SIGN}`; look at the picture")
}
