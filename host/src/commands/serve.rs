//! `unisono-host serve`.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;
use unisono_host::http::{self, HttpOptions, Keys};
use unisono_host::limits::{DEADLINE_MS_DEFAULT, WAIT_MS_DEFAULT};
use unisono_host::profiles::{Profiles, now_ms};
use unisono_host::token::TokenKeys;
use unisono_host::{Host, HostError, store};

use super::{HostArguments, IdentityArguments};

/// Serve decisions over HTTP: without keys on this machine only, with a file of keys wherever it may be reached.
///
/// POST /v1/recommendations takes JSON or MessagePack. GET /v1/module and /v1/model give the files that browsers run
/// themselves. With a store, POST /v1/events, /v1/consents, /v1/traits and /v1/links keep profiles, GET and DELETE
/// /v1/profiles/ID give them out and erase them, and a recommendation may name a `profile_id` in place of a profile. GET
/// /health tells how the host fares. Ctrl-C or SIGTERM lets running requests finish.
///
/// Example: unisono-host serve --model shop.unisono --static demo-site --package wasm/pkg
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    host: HostArguments,
    /// Where to listen: without keys a loopback address. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    listen: String,
    /// The store of profiles: a folder, or redis://HOST:PORT/ (also valkey, redis+unix, and
    /// redis+cluster://HOST:PORT,HOST:PORT).
    #[arg(long, value_name = "DIR|URL")]
    data: Option<String>,
    /// A file of keys (TOML: for each [[keys]] an id, the sha256 of its secret, and its roles of events, profiles, decide,
    /// admin).
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// A file of the keys of portable tokens (JSON: `sign_with`, and `keys` with a `key_id` and a `seed` or `public_key` each).
    #[arg(long, value_name = "FILE", requires_all = ["shop", "data"])]
    token_keys: Option<PathBuf>,
    /// The shop whose tokens they are.
    #[arg(long, value_name = "NAME")]
    shop: Option<String>,
    #[command(flatten)]
    identities: IdentityArguments,
    /// A folder of files to serve at /, as the demo site.
    #[arg(long = "static", value_name = "DIR")]
    static_dir: Option<PathBuf>,
    /// The folder of the npm package, to serve at /pkg/.
    #[arg(long = "package", value_name = "DIR")]
    package_dir: Option<PathBuf>,
    /// Milliseconds that one decision may take.
    #[arg(long, value_name = "MS", default_value_t = DEADLINE_MS_DEFAULT)]
    deadline_ms: u64,
    /// What is logged, on stderr.
    #[arg(long, value_enum, default_value_t = LogLevel::Info)]
    log_level: LogLevel,
    /// How it is logged.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// A line of text for people.
    Text,
    /// A line of JSON for programs.
    Json,
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), HostError> {
        // The address is checked first: nobody should wait for a model to learn that it is refused.
        let keys = self.keys.as_deref().map(Keys::read).transpose()?;
        let identities = self.identities.hasher()?;
        let token_keys = self.token_keys.as_deref().map(TokenKeys::from_file).transpose()?;
        let address = match keys {
            Some(_) => http::listen_address(&self.listen)?,
            None => http::loopback_address(&self.listen)?,
        };
        let mapping = self.host.consent_mapping()?;
        self.start_log();
        let store = self.data.as_deref().map(store::open).transpose()?;
        let host = self.host.build(self.deadline_ms, WAIT_MS_DEFAULT)?;
        let mut options = HttpOptions::new();
        if let Some(folder) = &self.static_dir {
            options = options.static_dir(folder);
        }
        if let Some(folder) = &self.package_dir {
            options = options.package_dir(folder);
        }
        if let Some(store) = store {
            let mut profiles = Profiles::new(host.clone(), store).consent_mapping(mapping);
            if let (Some(keys), Some(shop)) = (token_keys, &self.shop) {
                profiles = profiles.tokens(keys, shop);
            }
            if let Some(identities) = identities {
                profiles = profiles.identities(identities);
            }
            if self.host.has_policy() {
                sweep_daily(profiles.clone())?;
            }
            options = options.profiles(profiles);
        }
        let has_keys = keys.is_some();
        if let Some(keys) = keys {
            options = options.keys(keys);
        }
        let router = http::router(host.clone(), &options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| HostError::internal("the runtime does not start", e))?;
        runtime.block_on(async move {
            let listener = http::bind(address).await?;
            let address = listener.local_addr().map_err(|e| HostError::internal("the port is unknown", e))?;
            announce(&host, address, has_keys);
            http::serve(listener, router, stop_signal()).await
        })
    }

    fn start_log(&self) {
        let level = match self.log_level {
            LogLevel::Off => LevelFilter::OFF,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
        };
        let log = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_target(false);
        match self.log_format {
            LogFormat::Text => log.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init(),
            LogFormat::Json => log.json().init(),
        }
    }
}

/// Drops what the policy keeps no longer, now and once a day, until the process ends.
fn sweep_daily(profiles: Profiles) -> Result<(), HostError> {
    let sweep = move || {
        loop {
            match profiles.sweep(now_ms()) {
                Ok(swept) => tracing::info!(profiles = swept, "swept"),
                // No message of a sweep names a profile.
                Err(e) => tracing::error!(code = e.code(), "not all profiles were swept: {e}"),
            }
            thread::sleep(Duration::from_secs(24 * 60 * 60));
        }
    };
    let started = thread::Builder::new().name("unisono-sweep".into()).spawn(sweep);
    started.map(|_| ()).map_err(|e| HostError::internal("the sweeping thread does not start", e))
}

/// One line on stdout, so that a script can wait for it and read the address.
fn announce(host: &Host, address: std::net::SocketAddr, has_keys: bool) {
    let whom = if has_keys { "with keys" } else { "loopback only, because there are no keys" };
    println!("listening on http://{address} ({whom})");
    let health = host.health();
    let code = health.code_origin.as_str();
    let (module_id, model_id) = (&*health.module_id, &*health.model_id);
    tracing::info!(%address, instances = health.instances, module_id, model_id, code, "serving, {whom}");
}

/// Done when the process is asked to stop.
async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the system ends the process on its own.
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
    tracing::info!("stopping: no new connections, running requests finish");
}
