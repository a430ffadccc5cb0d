//! Generational handles: numbers that name an object of this instance and never a later one in the same place.

use alloc::vec::Vec;

/// Low bits of a handle that name its slot; the rest is the slot's generation.
const SLOT_BITS: u32 = 8;
/// Slots of one table: what the bits above can tell apart.
const SLOTS_MAX: usize = 1 << SLOT_BITS;
/// The last generation of a slot. A slot that has reached it is never used again, so that no handle ever returns.
const GENERATION_MAX: u32 = u32::MAX >> SLOT_BITS;

/// A bounded table of objects.
pub(crate) struct Table<T> {
    slots: Vec<Slot<T>>,
    slots_max: usize,
}

struct Slot<T> {
    /// Counts the objects that were put here, from 1, so that 0 is never a handle.
    generation: u32,
    object: Option<T>,
}

impl<T> Table<T> {
    /// An empty table for at most `slots_max` objects, 256 at most.
    pub(crate) const fn new(slots_max: usize) -> Self {
        let slots_max = if slots_max < SLOTS_MAX { slots_max } else { SLOTS_MAX };
        Table { slots: Vec::new(), slots_max }
    }

    /// Says whether [`Table::insert`] would succeed.
    pub(crate) fn has_room(&self) -> bool {
        self.slots.len() < self.slots_max || self.free_slot().is_some()
    }

    /// Keeps `object` and gives its handle; gives `object` back when the table is full.
    pub(crate) fn insert(&mut self, object: T) -> Result<u32, T> {
        let index = match self.free_slot() {
            Some(index) => index,
            None if self.slots.len() < self.slots_max => {
                self.slots.push(Slot { generation: 0, object: None });
                self.slots.len() - 1
            }
            None => return Err(object),
        };
        let Some(slot) = self.slots.get_mut(index) else { return Err(object) };
        slot.generation += 1;
        slot.object = Some(object);
        Ok((slot.generation << SLOT_BITS) | index as u32)
    }

    /// The object that `handle` names.
    pub(crate) fn get(&self, handle: u32) -> Option<&T> {
        let slot = self.slots.get(index_of(handle))?;
        if slot.generation == handle >> SLOT_BITS { slot.object.as_ref() } else { None }
    }

    /// Takes the object that `handle` names out of the table.
    pub(crate) fn remove(&mut self, handle: u32) -> Option<T> {
        let slot = self.slots.get_mut(index_of(handle))?;
        if slot.generation == handle >> SLOT_BITS { slot.object.take() } else { None }
    }

    fn free_slot(&self) -> Option<usize> {
        self.slots.iter().position(|slot| slot.object.is_none() && slot.generation < GENERATION_MAX)
    }
}

fn index_of(handle: u32) -> usize {
    handle as usize & (SLOTS_MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_its_object_until_it_is_removed() {
        let mut table = Table::new(4);
        let first = table.insert("first").unwrap();
        let second = table.insert("second").unwrap();
        assert_eq!(table.get(first), Some(&"first"));
        assert_eq!(table.get(second), Some(&"second"));
        assert_eq!(table.remove(first), Some("first"));
        assert_eq!(table.remove(first), None);
        assert_eq!(table.get(first), None);
        assert_eq!(table.get(second), Some(&"second"));
    }

    #[test]
    fn a_stale_handle_never_names_a_later_object() {
        let mut table = Table::new(1);
        let stale = table.insert(1).unwrap();
        table.remove(stale);
        let fresh = table.insert(2).unwrap();
        assert_ne!(stale, fresh);
        assert_eq!(table.get(stale), None);
        assert_eq!(table.remove(stale), None);
        assert_eq!(table.get(fresh), Some(&2));
    }

    #[test]
    fn a_full_table_gives_the_object_back() {
        let mut table = Table::new(2);
        table.insert(1).unwrap();
        let second = table.insert(2).unwrap();
        assert!(!table.has_room());
        assert_eq!(table.insert(3), Err(3));
        table.remove(second);
        assert!(table.has_room());
        assert!(table.insert(3).is_ok());
    }

    #[test]
    fn zero_and_numbers_that_were_never_given_name_nothing() {
        let mut table = Table::new(300);
        let handle = table.insert(()).unwrap();
        for other in [0, 1, handle + 1, handle ^ (1 << 31), u32::MAX] {
            assert_eq!(table.get(other), None, "{other}");
            assert_eq!(table.remove(other), None, "{other}");
        }
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_retired() {
        let mut table = Table::new(1);
        table.slots.push(Slot { generation: GENERATION_MAX - 1, object: None });
        let last = table.insert(1).unwrap();
        assert_eq!(last >> SLOT_BITS, GENERATION_MAX);
        assert_eq!(table.remove(last), Some(1));
        assert!(!table.has_room());
        assert_eq!(table.insert(2), Err(2));
    }
}
