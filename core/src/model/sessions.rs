//! Anonymous sessions, and which of them hold an item.

use super::arrays::{Rows, U32s};
use alloc::vec;
use alloc::vec::Vec;

/// Sessions of visitors whom nobody can find again, newest first.
#[derive(Clone, Debug, Default)]
pub struct Sessions<'a> {
    /// A row per session.
    pub rows: Rows<'a>,
    /// Distinct items, the one looked at last first.
    pub items: U32s<'a>,
    /// Start of each item's sessions, and the end.
    starts: Vec<u32>,
    /// Sessions of each item, newest first.
    of_item: Vec<u32>,
}

impl<'a> Sessions<'a> {
    /// Gathers for each of `n` items the sessions that hold it: not in the file, which they would make twice as large.
    pub(super) fn new(rows: Rows<'a>, items: U32s<'a>, n: usize) -> Self {
        let mut starts = vec![0u32; n + 2];
        for item in items.iter() {
            if let Some(count) = starts.get_mut(item as usize + 2) {
                *count += 1;
            }
        }
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut of_item = vec![0u32; items.len()];
        for session in 0..rows.len() as u32 {
            let (start, end) = rows.range(session);
            for item in items.slice(start, end).iter() {
                if let Some(next) = starts.get_mut(item as usize + 1) {
                    if let Some(place) = of_item.get_mut(*next as usize) {
                        *place = session;
                    }
                    *next += 1;
                }
            }
        }
        Sessions { rows, items, starts, of_item }
    }

    /// The items of a session, the one looked at last first.
    #[inline]
    pub fn of(&self, session: u32) -> U32s<'a> {
        let (start, end) = self.rows.range(session);
        self.items.slice(start, end)
    }

    /// The sessions that hold an item, newest first.
    #[inline]
    pub fn with(&self, item: u32) -> &[u32] {
        let at = item as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => self.of_item.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}
