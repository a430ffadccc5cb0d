//! `unisono-host`: serves decisions over HTTP, decides a file of requests, or looks after a store of profiles.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs Unisono's one WebAssembly module: the same bytes in, the same bytes out, as in every browser.
///
/// Exit codes: 0 done; 1 a file, a folder or a store can't be read or written, or the port is taken; 2 a wrong command
/// line; 3 the module, the model, the store or a setting is unfit.
#[derive(Parser)]
#[command(name = "unisono-host", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(commands::serve::Serve),
    Batch(commands::batch::Batch),
    #[command(subcommand)]
    Store(commands::store::Store),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Batch(batch) => batch.run(),
        Command::Store(store) => store.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            commands::exit_code(&e)
        }
    }
}
