//! Any bytes as a model: refused, or a model that answers. Hashes keep nearly every change out, so that half of the inputs
//! are put into one section of a golden model instead (of all kinds, one with trees, one with sessions), with hashes that fit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use unisono_core::model::Section;
use unisono_core::{Model, Policy, recommend};
use unisono_tests::plain_model::PlainModel;

const REQUEST: &[u8] = include_bytes!("../../golden/v1/request.msgpack");
static GOLDEN: LazyLock<[PlainModel; 3]> = LazyLock::new(|| {
    let files: [&[u8]; 3] = [
        include_bytes!("../../golden/v1/model.unisono"),
        include_bytes!("../../golden/v1/model-with-trees.unisono"),
        include_bytes!("../../golden/v1/model-with-sessions.unisono"),
    ];
    files.map(|file| PlainModel::read(file).expect("the golden models are read"))
});

fuzz_target!(|bytes: &[u8]| {
    match bytes {
        [0..=127, file @ ..] => try_file(file),
        [model, section, content @ ..] => {
            let name = Section::ALL[*section as usize % Section::ALL.len()].name();
            let mut plain = GOLDEN[*model as usize % GOLDEN.len()].clone();
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
