//! `unisono-host store`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use unisono_host::profiles::{Profiles, now_ms};
use unisono_host::{HostError, store};

use super::HostArguments;

/// Milliseconds that one profile may take: nobody waits for it.
const SWEEP_DEADLINE_MS: u64 = 60_000;

/// Look after a store of profiles.
#[derive(Subcommand)]
pub(crate) enum Store {
    /// Write all profiles into one file, which any store can take back.
    ///
    /// Of a folder the host must be stopped; Redis and Valkey may be in use.
    ///
    /// Example: unisono-host store backup --data profiles --to profiles.backup
    Backup {
        #[command(flatten)]
        store: StoreArguments,
        /// The file to write; it appears under its name when it is complete.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Put the profiles of a backup into an empty store.
    ///
    /// Example: unisono-host store restore --data redis://127.0.0.1:6379/ --from profiles.backup
    Restore {
        #[command(flatten)]
        store: StoreArguments,
        /// The file to read.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Rewrite the store's files, so that no byte of what was erased or overwritten is left in them.
    ///
    /// For a while a folder takes the space twice. Redis and Valkey are asked to rewrite their logs, and go on with that
    /// after the command has ended.
    Compact {
        #[command(flatten)]
        store: StoreArguments,
    },
    /// Drop what the policy keeps no longer, of every profile. A host that serves with a policy does it once a day.
    ///
    /// Example: unisono-host store sweep --data redis://127.0.0.1:6379/ --model shop.unisono --policy policy.json
    Sweep {
        #[command(flatten)]
        store: StoreArguments,
        #[command(flatten)]
        host: HostArguments,
    },
    /// Print what the store holds, as one line of JSON.
    Stat {
        #[command(flatten)]
        store: StoreArguments,
    },
}

#[derive(Args)]
pub(crate) struct StoreArguments {
    /// A folder, or redis://HOST:PORT/ (also valkey, redis+unix, and redis+cluster://HOST:PORT,HOST:PORT).
    #[arg(long, value_name = "DIR|URL")]
    data: String,
}

impl Store {
    pub(crate) fn run(self) -> Result<(), HostError> {
        match self {
            Store::Backup { store, to } => {
                let profiles = store::backup(&*store::open(&store.data)?, &to)?;
                eprintln!("{profiles} profiles written to {}", to.display());
            }
            Store::Restore { store, from } => {
                let profiles = store::restore(&*store::open(&store.data)?, &from)?;
                eprintln!("{profiles} profiles restored from {}", from.display());
            }
            Store::Compact { store } => store::open(&store.data)?.compact()?,
            Store::Sweep { store, host } => {
                let store = store::open(&store.data)?;
                let profiles = Profiles::new(host.build(SWEEP_DEADLINE_MS, SWEEP_DEADLINE_MS)?, store);
                let swept = profiles.sweep(now_ms())?;
                eprintln!("{swept} profiles swept");
            }
            Store::Stat { store } => {
                let stat = store::open(&store.data)?.stat()?;
                println!("{}", serde_json::to_string(&stat).unwrap_or_default());
            }
        }
        Ok(())
    }
}
