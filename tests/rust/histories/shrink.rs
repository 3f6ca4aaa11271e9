//! Making a list small that fails.

/// A list that fails, without what it can do without: first large parts are left out, then smaller ones, at last single items, until none
/// can go ("delta debugging", Zeller and Hildebrandt 2002). `fails` is asked `tries_max` times at most.
///
/// ```
/// let numbers: Vec<u32> = (0..1_000).collect();
/// let small = hellojohn_tests::histories::shrink(&numbers, 500, |some| some.contains(&7) && some.contains(&640));
/// assert_eq!(small, [7, 640]);
/// ```
pub fn shrink<T: Clone>(items: &[T], tries_max: usize, mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut small = items.to_vec();
    let mut tries = 0;
    let mut part = small.len().div_ceil(2);
    while part > 0 {
        let mut has_shrunk = false;
        let mut from = 0;
        while from < small.len() {
            if tries == tries_max {
                return small;
            }
            tries += 1;
            let to = small.len().min(from + part);
            let rest = [&small[..from], &small[to..]].concat();
            if fails(&rest) {
                small = rest;
                has_shrunk = true;
            } else {
                from = to;
            }
        }
        // What went may have been what kept another part in place.
        if !(part == 1 && has_shrunk) {
            part = if part == 1 { 0 } else { part.div_ceil(2) };
        }
    }
    small
}
