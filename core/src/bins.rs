//! Bins: between which edges the value of a feature falls.

/// What `of_bin` gives for the bin of each of a feature's values: bin `b` holds what is from `edges[b - 1]` to below `edges[b]`.
/// Candidates that follow each other agree in most features, so that most searches are spared.
#[inline]
pub(crate) fn of_each<T: Copy>(
    edges: &[i64],
    values: impl Iterator<Item = i64>,
    of_bin: impl Fn(u8) -> T,
) -> impl Iterator<Item = T> {
    let mut last = None;
    values.map(move |value| match last {
        Some((before, found)) if before == value => found,
        _ => {
            let found = of_bin(bin_of(edges, value));
            last = Some((value, found));
            found
        }
    })
}

/// How many of the rising edges, at most 255, are at most the value. The standard search has no branch to mispredict, which
/// counts here and hardly elsewhere.
#[inline]
pub(crate) fn bin_of(edges: &[i64], value: i64) -> u8 {
    edges.partition_point(|edge| *edge <= value) as u8
}
