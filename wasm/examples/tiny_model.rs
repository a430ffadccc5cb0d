//! Writes a model of four items, for the tests of the npm package: `cargo run -p unisono-wasm --example tiny_model OUT`.
//!
//! Hand-made and tiny, so that a test can name every figure; real models come from `unisono-models fit`.

use std::env;
use std::error::Error;
use std::fs;
use unisono_core::model::{ItemParts, ModelParts, PopularityParts, encode};

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::args().nth(1).ok_or("give the file to write")?;
    fs::write(&out, encode(&tiny())?)?;
    Ok(())
}

/// Bread, coffee, milk and tea; coffee is the most popular, then milk.
fn tiny() -> ModelParts {
    let items = ItemParts {
        ids: ["bread", "coffee", "milk", "tea"].map(String::from).to_vec(),
        category: vec![1, 0, 1, 0],
        flags: vec![0; 4],
        categories: ["drinks", "food"].map(String::from).to_vec(),
        ..Default::default()
    };
    let popularity = PopularityParts {
        all: vec![10, 40, 30, 20],
        recent: vec![5, 20, 15, 10],
        week: vec![1, 4, 3, 2],
        repeat: vec![0, 100, 200, 50],
        channels: Vec::new(),
    };
    ModelParts { items, popularity, ..Default::default() }
}
