//! The module's buffers and its plain exports: with memory.rs the only file of this crate with unsafe code.
//!
//! What crosses here are pointers that the other side must have from `alloc`; everything behind works on slices.
#![allow(unsafe_code)]

use alloc::alloc::{alloc, alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::hint::spin_loop;
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::{AtomicBool, Ordering};
use unisono_core::Model;
use unisono_message::{Error, limits};

/// Every buffer starts at a multiple of this, so that a model's arrays, which start at multiples of 16 from the file's
/// start, can be read in place.
const BUFFER_ALIGN: usize = 16;

/// An owned buffer of fixed length, aligned to 16 bytes.
pub struct Buffer {
    ptr: NonNull<u8>,
    len: usize,
}

// SAFETY: a `Buffer` owns its bytes alone, like a `Box<[u8]>`.
unsafe impl Send for Buffer {}

impl Buffer {
    /// A buffer of `len` bytes, or none over [`limits::ALLOC_BYTES_MAX`] or when there is no memory.
    ///
    /// The bytes are zero, so that a caller that writes too few never makes an undefined byte readable.
    pub fn zeroed(len: usize) -> Option<Buffer> {
        Buffer::allocate(len, alloc_zeroed)
    }

    /// A buffer that holds a copy of `bytes`; none under the same conditions.
    pub fn copy_of(bytes: &[u8]) -> Option<Buffer> {
        let buffer = Buffer::allocate(bytes.len(), alloc)?;
        // SAFETY: the buffer owns as many writable bytes as `bytes` has, and is new, so that they do not overlap.
        unsafe { buffer.ptr.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Some(buffer)
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the buffer owns `len` initialised bytes from `ptr` on, and lends them for as long as itself.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }

    /// The bytes, for writing.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as above, and the borrow of `self` is exclusive.
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }

    /// A buffer from one of the two allocation functions; after `alloc` the caller initialises every byte.
    fn allocate(len: usize, allocate: unsafe fn(Layout) -> *mut u8) -> Option<Buffer> {
        if len > limits::ALLOC_BYTES_MAX {
            return None;
        }
        let layout = layout_of(len)?;
        let ptr = if len == 0 {
            // Nothing to point at; the address only has to be aligned and not null.
            NonNull::new(core::ptr::without_provenance_mut(BUFFER_ALIGN))
        } else {
            // SAFETY: the layout is not empty, which is all that either function asks for.
            NonNull::new(unsafe { allocate(layout) })
        };
        ptr.map(|ptr| Buffer { ptr, len })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let (1.., Some(layout)) = (self.len, layout_of(self.len)) {
            // SAFETY: `ptr` came from `alloc` with this very layout, and a buffer is dropped once.
            unsafe { dealloc(self.ptr.as_ptr(), layout) };
        }
    }
}

fn layout_of(len: usize) -> Option<Layout> {
    Layout::from_size_align(len, BUFFER_ALIGN).ok()
}

/// A model and the file that it reads in place.
pub(crate) struct LoadedModel {
    // Declared before the file, hence dropped before it: fields are dropped in the order of their declaration.
    model: Model<'static>,
    _file: Buffer,
}

impl LoadedModel {
    /// Loads the model that `file` holds, and keeps both together.
    pub(crate) fn load(file: Buffer) -> Result<LoadedModel, Error> {
        // SAFETY: the bytes neither move nor change while `_file` lives (a move of the struct moves the pointer only),
        // `_file` outlives `model` by the order of the fields, and `model()` lends the model with the lifetime of
        // `self`, so that nothing keeps the made-up 'static.
        let bytes: &'static [u8] = unsafe { slice::from_raw_parts(file.ptr.as_ptr(), file.len) };
        let model = Model::load(bytes)?;
        Ok(LoadedModel { model, _file: file })
    }

    pub(crate) fn model<'s>(&'s self) -> &'s Model<'s> {
        &self.model
    }
}

/// A value of the whole instance, lent to one caller at a time.
///
/// In Wasm without threads no one ever waits; natively, where tests call from many threads, the lock is real.
pub(crate) struct Single<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `with` hands the value to one thread at a time, so that sharing a `Single` is sending its value around.
unsafe impl<T: Send> Sync for Single<T> {}

impl<T> Single<T> {
    pub(crate) const fn new(value: T) -> Self {
        Single { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Calls `use_it` with the value; must not be called from within itself.
    pub(crate) fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        while self.taken.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        let _given_back = GiveBack(&self.taken);
        // SAFETY: `taken` was false and is ours now: no other reference to the value exists until it is given back.
        use_it(unsafe { &mut *self.value.get() })
    }
}

/// Gives the value back also when a native caller unwinds.
struct GiveBack<'a>(&'a AtomicBool);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The exports; pointers are `u32`, so they exist in 32-bit Wasm alone.
#[cfg(target_arch = "wasm32")]
mod exports {
    use super::{Buffer, NonNull, slice};
    use alloc::vec::Vec;
    use core::mem;

    #[unsafe(no_mangle)]
    extern "C" fn abi_version() -> u32 {
        crate::ABI_VERSION
    }

    #[unsafe(no_mangle)]
    extern "C" fn alloc(len: u32) -> u32 {
        Buffer::zeroed(len as usize).map_or(0, |buffer| give(buffer).0)
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer of `alloc` or of a result, and no one uses it any more.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(ptr: u32, len: u32) {
        // SAFETY: the caller's promise is the one that `take` asks for.
        drop(unsafe { take(ptr, len) });
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer of `alloc`, which the caller no longer uses.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn load_model(ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `take` asks for.
        match unsafe { take(ptr, len) } {
            Some(file) => answer(crate::load(file)),
            None => 0,
        }
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn load_policy(ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::load_policy(unsafe { lend(ptr, len) }))
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn recommend(model: u32, policy: u32, ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::recommend(model, policy, unsafe { lend(ptr, len) }))
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn profile_apply(policy: u32, ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::profile_apply(policy, unsafe { lend(ptr, len) }))
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn profile_merge(ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::profile_merge(unsafe { lend(ptr, len) }))
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn profile_erase(ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::profile_erase(unsafe { lend(ptr, len) }))
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn profile_export(policy: u32, ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::profile_export(policy, unsafe { lend(ptr, len) }))
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn profile_component(ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::profile_component(unsafe { lend(ptr, len) }))
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn token_write(policy: u32, ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::token_write(policy, unsafe { lend(ptr, len) }))
    }

    /// # Safety
    /// `ptr` and `len` are those of a buffer that no one writes to during the call.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn token_apply(policy: u32, ptr: u32, len: u32) -> u64 {
        // SAFETY: the caller's promise is the one that `lend` asks for.
        answer(crate::token_apply(policy, unsafe { lend(ptr, len) }))
    }

    #[unsafe(no_mangle)]
    extern "C" fn drop_handle(handle: u32) -> u32 {
        crate::drop_handle(handle).into()
    }

    /// A result in a buffer of its own: results and `alloc` share one layout, so that one `free` serves both. The copy
    /// is of an answer, a few kilobytes; models are never copied.
    fn answer(bytes: Vec<u8>) -> u64 {
        match Buffer::copy_of(&bytes) {
            Some(buffer) => {
                let (ptr, len) = give(buffer);
                (u64::from(ptr) << 32) | u64::from(len)
            }
            None => 0,
        }
    }

    /// Hands a buffer to the caller of the module.
    fn give(buffer: Buffer) -> (u32, u32) {
        let given = (buffer.ptr.as_ptr() as usize as u32, buffer.len as u32);
        mem::forget(buffer);
        given
    }

    /// Takes a buffer back from the caller of the module; none for a null pointer.
    ///
    /// # Safety
    /// The pair came from `give`, and this is its last use.
    unsafe fn take(ptr: u32, len: u32) -> Option<Buffer> {
        let ptr = NonNull::new(ptr as usize as *mut u8)?;
        Some(Buffer { ptr, len: len as usize })
    }

    /// The caller's bytes, for the length of one call.
    ///
    /// # Safety
    /// `ptr` points to `len` initialised bytes that no one writes to during the call; null stands for no bytes.
    unsafe fn lend<'a>(ptr: u32, len: u32) -> &'a [u8] {
        match NonNull::new(ptr as usize as *mut u8) {
            // SAFETY: the caller's promise.
            Some(ptr) => unsafe { slice::from_raw_parts(ptr.as_ptr(), len as usize) },
            None => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn a_buffer_is_aligned_zeroed_and_writable() {
        for len in [0, 1, 15, 16, 17, 4096] {
            let mut buffer = Buffer::zeroed(len).unwrap();
            assert_eq!(buffer.ptr.as_ptr().align_offset(BUFFER_ALIGN), 0);
            assert!(buffer.as_slice().iter().all(|byte| *byte == 0) && buffer.as_slice().len() == len);
            buffer.as_mut_slice().fill(7);
            assert!(buffer.as_slice().iter().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn a_buffer_over_the_limit_is_refused() {
        assert!(Buffer::zeroed(limits::ALLOC_BYTES_MAX + 1).is_none());
        assert!(Buffer::zeroed(usize::MAX).is_none());
    }

    #[test]
    fn a_single_serves_one_caller_at_a_time() {
        let single = Arc::new(Single::new(0u64));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let single = Arc::clone(&single);
                thread::spawn(move || (0..1_000).for_each(|_| single.with(|count| *count += 1)))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(single.with(|count| *count), 4_000);
    }

    #[test]
    fn bytes_that_are_no_model_give_the_buffer_back() {
        assert!(LoadedModel::load(Buffer::copy_of(b"no model at all").unwrap()).is_err());
        assert!(LoadedModel::load(Buffer::zeroed(0).unwrap()).is_err());
    }
}
