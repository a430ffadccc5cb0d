//! Any bytes as a model: refused, or a model that answers. Hashes keep nearly every change out, so that half of the inputs
//! are put into one section of the golden model instead, with hashes that fit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use unisono_core::model::Section;
use unisono_core::{Model, Policy, recommend};
use unisono_tests::plain_model::PlainModel;

const REQUEST: &[u8] = include_bytes!("../../golden/v1/request.msgpack");
static GOLDEN: LazyLock<PlainModel> = LazyLock::new(|| {
    PlainModel::read(include_bytes!("../../golden/v1/model.unisono")).expect("the golden model is read")
});

fuzz_target!(|bytes: &[u8]| {
    match bytes {
        [0..=127, file @ ..] => try_file(file),
        [_, section, content @ ..] => {
            let name = Section::ALL[*section as usize % Section::ALL.len()].name();
            let mut plain = GOLDEN.clone();
            let mut section = plain.bytes(name).to_vec();
            for (at, byte) in content.iter().enumerate().take(section.len()) {
                section[at] = *byte;
            }
            if !section.is_empty() {
                plain.overwrite(name, &section);
                try_file(&plain.write());
            }
        }
        _ => {}
    }
});

fn try_file(file: &[u8]) {
    if let Ok(model) = Model::load(file) {
        assert!(!recommend(&model, &Policy::default(), REQUEST).is_empty());
    }
}
