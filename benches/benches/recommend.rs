//! `recommend`, native and in wasmtime, on synthetic models and, where `UNISONO_BENCH_MODEL` and `UNISONO_BENCH_REQUESTS`
//! name files, on a fitted one.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::Path;
use unisono_benches::{Subject, fitted_subject, host, synthetic_subject};
use unisono_core::{Model, Policy, recommend};

fn measure(criterion: &mut Criterion, subject: &Subject) {
    let model = Model::load(&subject.model).expect("a sound model");
    let host = host(&subject.model);
    assert_eq!(
        recommend(&model, &Policy::default(), &subject.request),
        host.decide(&subject.request).expect("an answer")
    );
    let mut group = criterion.benchmark_group(&subject.name);
    group.bench_function("native", |bencher| {
        bencher.iter(|| recommend(black_box(&model), &Policy::default(), black_box(&subject.request)))
    });
    group.bench_function("wasmtime", |bencher| bencher.iter(|| host.decide(black_box(&subject.request))));
    group.finish();
}

fn benches(criterion: &mut Criterion) {
    if let (Ok(model), Ok(requests)) = (std::env::var("UNISONO_BENCH_MODEL"), std::env::var("UNISONO_BENCH_REQUESTS")) {
        measure(criterion, &fitted_subject(Path::new(&model), Path::new(&requests)));
    }
    for items in [10_000, 100_000, 1_000_000] {
        measure(criterion, &synthetic_subject(items));
    }
}

criterion_group!(all, benches);
criterion_main!(all);
