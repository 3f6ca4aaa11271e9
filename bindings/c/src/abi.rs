//! How values cross the border: text views, option structs, handles in; slots out. Every promise that the unsafe code of
//! this crate relies on is made by the caller in the contract at the top of the header; the sections are named here.

use std::ffi::c_char;
use std::ptr;
use std::str::FromStr;

use engine::Error;

/// Text that the caller gives: `len` bytes of UTF-8 at `ptr`, without a closing NUL. It is read during the call only. A
/// NULL `ptr` (with a `len` of 0) means that the text is not given, which is not the same as an empty text.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_str {
    /// The first byte, or NULL.
    pub ptr: *const c_char,
    /// How many bytes.
    pub len: usize,
}

impl hj_str {
    /// The bytes, if any are given: what need not be text.
    ///
    /// # Safety
    /// Section "Strings" of the contract: `ptr` is NULL or good for reading `len` bytes while the call lasts.
    pub(crate) unsafe fn bytes<'a>(self, field: &str) -> Result<Option<&'a [u8]>, Error> {
        if self.ptr.is_null() {
            return match self.len {
                0 => Ok(None),
                _ => Err(Error::validation(field, "has a length but no pointer")),
            };
        }
        if isize::try_from(self.len).is_err() {
            return Err(Error::validation(field, "is longer than memory can be"));
        }
        // SAFETY: not NULL, no longer than an allocation can be; readable as the caller promises ("Strings").
        Ok(Some(unsafe { std::slice::from_raw_parts(self.ptr.cast(), self.len) }))
    }

    /// The text, if one is given.
    ///
    /// # Safety
    /// As [`bytes`](Self::bytes).
    pub(crate) unsafe fn text<'a>(self, field: &str) -> Result<Option<&'a str>, Error> {
        // SAFETY: passed on to the caller.
        let bytes = unsafe { self.bytes(field) }?;
        bytes.map(str::from_utf8).transpose().map_err(|_| Error::validation(field, "must be UTF-8"))
    }

    /// The value that the text spells, if one is given.
    ///
    /// # Safety
    /// As [`text`](Self::text).
    pub(crate) unsafe fn parse<T: FromStr<Err = Error>>(self, field: &str) -> Result<Option<T>, Error> {
        // SAFETY: passed on to the caller.
        unsafe { self.text(field) }?.map(str::parse).transpose()
    }

    /// The value that the text spells.
    ///
    /// # Safety
    /// As [`text`](Self::text).
    pub(crate) unsafe fn required<T: FromStr<Err = Error>>(self, field: &str) -> Result<T, Error> {
        // SAFETY: passed on to the caller.
        unsafe { self.parse(field) }?.ok_or_else(|| Error::validation(field, "is required"))
    }

    /// A token; one that is not given is empty, for the engine to say `missing_token`.
    ///
    /// # Safety
    /// As [`text`](Self::text).
    pub(crate) unsafe fn token<'a>(self, field: &str) -> Result<&'a str, Error> {
        // SAFETY: passed on to the caller.
        Ok(unsafe { self.text(field) }?.unwrap_or_default())
    }
}

/// A struct of options as hosts pass it: its first member is its size as the host was compiled, and all bytes zero mean
/// "everything at its default".
///
/// # Safety
/// The type is `repr(C)`, starts with `struct_size: usize`, and is valid when all its bytes are zero.
pub(crate) unsafe trait Options: Copy {
    /// What errors call it.
    const NAME: &'static str;
    /// Its size in the first release that had it.
    const FIRST_SIZE: usize;

    /// The options that the host gave, those that its release did not know at their default.
    ///
    /// # Safety
    /// Section "Option structs" of the contract: `options` is NULL or points to at least `struct_size` readable bytes.
    unsafe fn read(options: *const Self) -> Result<Self, Error> {
        // SAFETY: all bytes zero are valid, as the implementor says.
        let mut read: Self = unsafe { std::mem::zeroed() };
        if options.is_null() {
            return Ok(read);
        }
        // SAFETY: the caller promises ("Option structs") a struct that starts with its size.
        let size = unsafe { options.cast::<usize>().read() };
        if size < Self::FIRST_SIZE || size > size_of::<Self>() {
            let problem = format_args!("has a struct_size of {size}, which this library does not know");
            return Err(Error::validation(Self::NAME, problem));
        }
        // SAFETY: `size` bytes are readable as the caller promises and fit into `read`, as checked above.
        unsafe {
            ptr::copy_nonoverlapping(options.cast::<u8>(), ptr::from_mut(&mut read).cast::<u8>(), size)
        };
        Ok(read)
    }
}

/// The object behind a handle.
///
/// # Safety
/// Section "Objects" of the contract: `object` is NULL or was given out by this library and is not freed before the call
/// returns.
pub(crate) unsafe fn object<'a, T>(object: *const T, name: &str) -> Result<&'a T, Error> {
    // SAFETY: passed on to the caller.
    unsafe { object.as_ref() }.ok_or_else(|| Error::validation(name, "must not be NULL"))
}

/// What a getter reads from an object, `absent` for a NULL one. `read` must not panic: getters have no guard because
/// they have nothing to answer a panic with.
///
/// # Safety
/// As [`object`].
pub(crate) unsafe fn look<T, R>(object: *const T, absent: R, read: impl FnOnce(&T) -> R) -> R {
    // SAFETY: passed on to the caller.
    unsafe { object.as_ref() }.map_or(absent, read)
}

/// What an output holds when there is nothing to hand out.
pub(crate) trait Blank {
    const BLANK: Self;
}

impl<T> Blank for *mut T {
    const BLANK: Self = ptr::null_mut();
}

impl Blank for u64 {
    const BLANK: Self = 0;
}

/// Where an answer goes, if the caller wants it.
#[derive(Clone, Copy)]
pub(crate) struct Slot<T>(*mut T);

impl<T: Blank> Slot<T> {
    /// The slot, blank from now on, so that a call that fails leaves nothing in it.
    ///
    /// # Safety
    /// Section "Outputs" of the contract: `out` is NULL or good for writing until the call returns, which the slot does
    /// not outlive.
    pub(crate) unsafe fn clear(out: *mut T) -> Self {
        let slot = Slot(out);
        slot.put(T::BLANK);
        slot
    }

    /// The slot, if there is one.
    pub(crate) fn required(self, name: &str) -> Result<Self, Error> {
        if self.is_wanted() { Ok(self) } else { Err(Error::validation(name, "must not be NULL")) }
    }

    /// Whether the caller wants the answer.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.is_null()
    }

    /// Hands the value out.
    pub(crate) fn put(&self, value: T) {
        if self.is_wanted() {
            // SAFETY: not NULL; good for writing as was promised when the slot was made.
            unsafe { self.0.write(value) };
        }
    }
}

impl<T> Slot<*mut T> {
    /// Hands out an object, which the caller frees.
    pub(crate) fn give(&self, object: T) {
        if self.is_wanted() {
            self.put(Box::into_raw(Box::new(object)));
        }
    }
}
