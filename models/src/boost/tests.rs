use super::forest::on_grain;
use super::*;
use linfa::ParamGuard;
use linfa::traits::Predict;
use proptest::prelude::*;

/// Numbers that look random, below `below`.
fn number(seed: usize, subject: usize, below: u64) -> u64 {
    choice(7, 99, seed, subject) % below
}

/// Cases of 20 rows and six columns, the last of one bin; rows are taken by an XOR of the first two columns, and a little
/// by the third.
fn planted(cases: usize) -> DatasetBase<Binned, Array1<bool>> {
    let rows = cases * 20;
    let mut columns: Vec<Vec<u8>> =
        (0..5).map(|column| (0..rows).map(|row| number(column, row, 12) as u8).collect()).collect();
    columns.push(vec![3; rows]);
    let label = |row: usize| {
        let high = |column: usize| columns[column][row] >= 6;
        let chance = if high(0) != high(1) { 60 } else { 10 } + u64::from(columns[2][row]);
        number(50, row, 100) < chance
    };
    let labels = (0..rows).map(label).collect();
    let cases = (0..=cases).map(|case| case * 20).collect();
    DatasetBase::new(Binned::new(columns, cases).unwrap(), labels)
}

fn params() -> BoostParams {
    Booster::params()
        .trees(12)
        .leaves_max(8)
        .learning_rate(0.2)
        .rows_min(20)
        .columns_share(0.9)
        .cases_share(1.0)
        .seed(3)
}

#[test]
fn threads_and_repetition_do_not_change_the_forest() {
    // Large enough that the search is really shared.
    let dataset = planted(1_500);
    for params in [params().trees(6), params().trees(6).objective(Objective::Logistic).cases_share(0.7)] {
        let one = params.clone().fit(&dataset).unwrap();
        for threads in [1, 2, 3, 16] {
            let other = params.clone().threads(threads).fit(&dataset).unwrap();
            assert_eq!(format!("{one:?}"), format!("{other:?}"), "{threads} threads");
        }
        assert!(one.trees.iter().all(|tree| tree.leaves.len() == 8));
    }
}

#[test]
fn the_bits_of_a_forest_are_pinned() {
    let dataset = planted(60);
    let digest = |params: BoostParams| {
        let forest = params.fit(&dataset).unwrap();
        let leaves = forest.trees.iter().flat_map(|tree| tree.leaves.iter().chain(&tree.value));
        leaves.fold(stir(forest.base.to_bits()), |state, value| stir(state ^ value.to_bits()))
    };
    assert_eq!(digest(params()), 0xec563c2a609b76a3);
    assert_eq!(digest(params().objective(Objective::Logistic).cases_share(0.7)), 0x7715dd93a10508c3);
}

#[test]
fn an_interaction_of_two_columns_is_learned() {
    let (dataset, fresh) = (planted(200), planted(400));
    for params in [params().trees(40), params().trees(40).objective(Objective::Logistic)] {
        let forest = params.fit(&dataset).unwrap();
        let scores = forest.predict(&fresh);
        // Rows of the second half were not learned from.
        let mean = |apart: bool| {
            let of = |column: usize, row: usize| fresh.records.columns()[column][row] >= 6;
            let rows: Vec<usize> = (4_000..8_000).filter(|row| (of(0, *row) != of(1, *row)) == apart).collect();
            rows.iter().map(|row| scores[*row]).sum::<f64>() / rows.len() as f64
        };
        assert!(mean(true) > mean(false) + 0.8, "{} {}", mean(true), mean(false));
    }
}

#[test]
fn a_truncated_forest_is_the_fit_of_so_many_trees() {
    let dataset = planted(60);
    let params = params().cases_share(0.8);
    let forest = params.clone().fit(&dataset).unwrap();
    for trees in [1, 5, 12] {
        assert_eq!(forest.truncated(trees), params.clone().trees(trees).fit(&dataset).unwrap());
    }
}

#[test]
fn parts_and_base_are_the_score_to_the_bit() {
    let dataset = planted(60);
    for objective in [Objective::LambdaRank, Objective::Logistic] {
        let forest = params().objective(objective).fit(&dataset).unwrap();
        let scores: Array1<f64> = forest.predict(&dataset.records);
        for row in 0..dataset.records.rows() {
            let bin_of = |feature: usize| dataset.records.columns()[feature][row];
            let told = forest.explain(6, bin_of);
            assert_eq!(told.base + told.parts.iter().sum::<f64>(), scores[row]);
            // In any order: every figure is a multiple of 2^-32.
            assert_eq!(told.parts.iter().rev().sum::<f64>() + told.base, scores[row]);
            assert_eq!(forest.score(bin_of), scores[row]);
            assert_eq!(told.parts[5], 0.0);
        }
    }
}

#[test]
fn covers_count_rows_and_values_lie_between_the_leaves() {
    let dataset = planted(60);
    let forest = params().fit(&dataset).unwrap();
    for tree in &forest.trees {
        assert_eq!(tree.leaf_cover.iter().sum::<u32>(), 1_200);
        assert_eq!(tree.cover[0], 1_200);
        assert!(tree.leaf_cover.iter().all(|cover| *cover >= 20));
        let mut found = vec![0; tree.leaves.len()];
        for row in 0..1_200 {
            found[tree.leaf(|feature| dataset.records.columns()[feature][row])] += 1;
        }
        assert_eq!(found, tree.leaf_cover);
        let mean: f64 =
            tree.leaves.iter().zip(&found).map(|(leaf, rows)| leaf * f64::from(*rows)).sum::<f64>() / 1_200.0;
        assert!((tree.value[0] - mean).abs() < 1e-8);
    }
}

#[test]
fn nothing_to_split_on_gives_trees_of_one_leaf() {
    let labels = Array1::from(vec![true, false, false, true]);
    let records = Binned::new(vec![vec![2; 4]], vec![0, 4]).unwrap();
    let dataset = DatasetBase::new(records, labels);
    for objective in [Objective::LambdaRank, Objective::Logistic] {
        let forest = params().objective(objective).fit(&dataset).unwrap();
        assert!(forest.trees.iter().all(|tree| tree.feature.is_empty() && tree.leaves == [0.0]));
        assert_eq!(forest.predict(&dataset), Array1::from(vec![0.0; 4]));
        assert_eq!(forest.explain(1, |_| 2).parts, [0.0]);
    }
}

#[test]
fn a_weight_of_two_is_a_row_given_twice() {
    // Powers of two scale the steps' sums exactly.
    let dataset = planted(40);
    let rows = dataset.records.rows();
    let twice = |values: &[u8]| [values, values].concat();
    let columns = dataset.records.columns().iter().map(|column| twice(column)).collect();
    let labels = [dataset.targets.to_vec(), dataset.targets.to_vec()].concat();
    let doubled = DatasetBase::new(Binned::new(columns, vec![0, rows, 2 * rows]).unwrap(), Array1::from(labels));
    let weighed = dataset.with_weights(Array1::from(vec![2.0; rows]));
    let params = params().objective(Objective::Logistic).rows_min(1);
    let (one, other) = (params.clone().fit(&weighed).unwrap(), params.fit(&doubled).unwrap());
    for (one, other) in one.trees.iter().zip(&other.trees) {
        assert_eq!((&one.feature, &one.bin, &one.leaves), (&other.feature, &other.bin, &other.leaves));
    }
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let refused = |params: BoostParams| params.check_ref().unwrap_err().to_string();
    let params = Booster::params;
    assert_eq!(refused(params().trees(0)), "`trees` is 0, it should be 1 to 4096");
    assert_eq!(refused(params().leaves_max(1)), "`leaves_max` is 1, it should be 2 to 1024");
    assert_eq!(refused(params().learning_rate(0.0)), "`learning_rate` is 0, it should be above 0 and at most 1");
    assert_eq!(refused(params().l2(f64::NAN)), "`l2` is NaN, it should be finite and not below 0");
    assert_eq!(refused(params().hessian_min(-1.0)), "`hessian_min` is -1, it should be finite and not below 0");
    assert_eq!(refused(params().columns_share(1.5)), "`columns_share` is 1.5, it should be above 0 and at most 1");
    assert_eq!(refused(params().cases_share(-0.1)), "`cases_share` is -0.1, it should be above 0 and at most 1");
    assert_eq!(refused(params().rows_min(0)), "`rows_min` is 0, it should be 1 or more");
    assert_eq!(refused(params().truncation(0)), "`truncation` is 0, it should be 1 or more");
    assert_eq!(refused(params().threads(0)), "`threads` is 0, it should be 1 to 256");
    assert!(params().check().is_ok());
}

#[test]
fn records_and_labels_that_do_not_fit_are_refused() {
    let binned = |columns: Vec<Vec<u8>>, cases: &[usize]| Binned::new(columns, cases.to_vec());
    assert!(matches!(binned(vec![vec![0, 1]], &[0, 3]), Err(BoostError::Length { found: 2, expected: 3, .. })));
    assert!(matches!(binned(vec![vec![0, 255]], &[0, 2]), Err(BoostError::TooManyBins { column: 0 })));
    assert!(matches!(binned(vec![vec![0, 1]], &[1, 2]), Err(BoostError::BadCases { at: 0 })));
    assert!(matches!(binned(vec![vec![0, 1]], &[0, 1, 1, 2]), Err(BoostError::BadCases { at: 2 })));
    assert!(matches!(binned(vec![], &[]), Err(BoostError::BadCases { at: 0 })));
    let dataset =
        |labels: &[bool]| DatasetBase::new(binned(vec![vec![0, 1]], &[0, 2]).unwrap(), Array1::from(labels.to_vec()));
    let refused = |dataset| params().fit(&dataset).unwrap_err();
    assert!(matches!(refused(dataset(&[true])), BoostError::Length { what: "labels", .. }));
    assert!(matches!(refused(dataset(&[true, true])), BoostError::OneLabel { rows: 2, taken: 2 }));
    let weights = Array1::from(vec![1.0, -1.0]);
    assert!(matches!(refused(dataset(&[true, false]).with_weights(weights)), BoostError::BadWeight { row: 1, .. }));
}

proptest! {
    #[test]
    fn figures_on_the_grain_add_in_any_order(values in prop::collection::vec(-300.0f64..300.0, 1..200)) {
        let values: Vec<f64> = values.into_iter().map(on_grain).collect();
        let back: f64 = values.iter().rev().sum();
        prop_assert_eq!(values.iter().sum::<f64>(), back);
        prop_assert!(values.iter().all(|value| value.abs() <= 256.0));
    }
}
