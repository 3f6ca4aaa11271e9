//! How values cross the border: text views, option structs and objects in, outputs and getters out.
//!
//! The unsafe code of this crate relies on promises that the host makes in the contract at the top of the header. Each
//! `# Safety` section and each `SAFETY` comment names the section that it relies on: 'the caller keeps "Objects"'.

use std::ffi::c_char;
use std::ptr;
use std::str::FromStr;

use hellojohn_core::Error;

/// Text that the caller gives: `len` bytes of UTF-8 at `ptr`, without a closing NUL. A call reads it only until it
/// returns. A NULL `ptr` (with a `len` of 0) means that the text is not given, which is not the same as an empty text.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hj_str {
    /// The first byte, or NULL.
    pub ptr: *const c_char,
    /// How many bytes.
    pub len: usize,
}

impl hj_str {
    /// A text that is not given.
    pub(crate) const NONE: hj_str = hj_str { ptr: ptr::null(), len: 0 };

    /// The bytes, if any are given: for what need not be text.
    ///
    /// # Safety
    /// Section "Strings" of the contract: `ptr` is NULL or good for reading `len` bytes until the call returns.
    pub(crate) unsafe fn read_bytes<'a>(self, field: &str) -> Result<Option<&'a [u8]>, Error> {
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
    /// As [`read_bytes`](Self::read_bytes).
    pub(crate) unsafe fn read_text<'a>(self, field: &str) -> Result<Option<&'a str>, Error> {
        // SAFETY: passed on to the caller.
        let bytes = unsafe { self.read_bytes(field) }?;
        bytes.map(str::from_utf8).transpose().map_err(|_| Error::validation(field, "must be UTF-8"))
    }

    /// The text; it must be given.
    ///
    /// # Safety
    /// As [`read_bytes`](Self::read_bytes).
    pub(crate) unsafe fn require_text<'a>(self, field: &str) -> Result<&'a str, Error> {
        // SAFETY: passed on to the caller.
        unsafe { self.read_text(field) }?.ok_or_else(|| Error::validation(field, "is required"))
    }

    /// The value that the text spells, if one is given.
    ///
    /// # Safety
    /// As [`read_bytes`](Self::read_bytes).
    pub(crate) unsafe fn parse<T: FromStr<Err = Error>>(self, field: &str) -> Result<Option<T>, Error> {
        // SAFETY: passed on to the caller.
        unsafe { self.read_text(field) }?.map(str::parse).transpose()
    }

    /// The value that the text spells; it must be given.
    ///
    /// # Safety
    /// As [`read_bytes`](Self::read_bytes).
    pub(crate) unsafe fn require<T: FromStr<Err = Error>>(self, field: &str) -> Result<T, Error> {
        // SAFETY: passed on to the caller.
        unsafe { self.require_text(field) }?.parse()
    }

    /// A token. One that is not given is empty, so that the engine answers `missing_token`.
    ///
    /// # Safety
    /// As [`read_bytes`](Self::read_bytes).
    pub(crate) unsafe fn read_token<'a>(self, field: &str) -> Result<&'a str, Error> {
        // SAFETY: passed on to the caller.
        Ok(unsafe { self.read_text(field) }?.unwrap_or_default())
    }
}

/// A struct of options as hosts pass it: its first member is its size as the host was compiled, and all bytes zero mean
/// "everything at its default".
///
/// # Safety
/// The type is `repr(C)`, starts with `struct_size: usize`, and is valid when all its bytes are zero.
pub(crate) unsafe trait OptionStruct: Copy {
    /// What errors call it.
    const NAME: &'static str = "options";
    /// Its size in the first release that had it.
    const FIRST_SIZE: usize;

    /// The options that the host gave. Members that the host's release did not know yet are at their default.
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
        // Every release's struct is padded to its alignment, so another size would cut a member in two.
        if size < Self::FIRST_SIZE || size > size_of::<Self>() || !size.is_multiple_of(align_of::<Self>()) {
            let problem = format_args!(
                "has a struct_size of {size}, which this library does not know; the _init() of its type sets it"
            );
            return Err(Error::validation(Self::NAME, problem));
        }
        // SAFETY: `size` bytes are readable as the caller promises and fit into `read`, as checked above.
        unsafe {
            ptr::copy_nonoverlapping(options.cast::<u8>(), ptr::from_mut(&mut read).cast::<u8>(), size)
        };
        Ok(read)
    }
}

/// The object that a call works on.
///
/// # Safety
/// Section "Objects" of the contract: `object` is NULL, or this library handed it out and no thread frees it before the
/// call returns.
pub(crate) unsafe fn require_object<'a, T>(object: *const T, name: &str) -> Result<&'a T, Error> {
    // SAFETY: passed on to the caller.
    unsafe { object.as_ref() }.ok_or_else(|| Error::validation(name, "must not be NULL"))
}

/// What a getter answers: what `read` finds in the object, the empty value for NULL. `read` must not panic: a getter
/// has no guard, because it has no status to report a panic with.
///
/// # Safety
/// As [`require_object`].
pub(crate) unsafe fn get<T, R: Empty>(object: *const T, read: impl FnOnce(&T) -> R) -> R {
    // SAFETY: passed on to the caller.
    unsafe { object.as_ref() }.map_or(R::EMPTY, read)
}

/// What an output holds after a failure, and what a getter answers for NULL.
pub(crate) trait Empty {
    const EMPTY: Self;
}

impl<T> Empty for *mut T {
    const EMPTY: Self = ptr::null_mut();
}

impl<T> Empty for *const T {
    const EMPTY: Self = ptr::null();
}

impl Empty for bool {
    const EMPTY: Self = false;
}

impl Empty for i32 {
    const EMPTY: Self = 0;
}

impl Empty for i64 {
    const EMPTY: Self = 0;
}

impl Empty for u64 {
    const EMPTY: Self = 0;
}

impl Empty for usize {
    const EMPTY: Self = 0;
}

impl Empty for () {
    const EMPTY: Self = ();
}

/// Where a call writes one of its answers; nowhere if the host passed NULL.
#[derive(Clone, Copy)]
pub(crate) struct Output<T>(*mut T);

impl<T: Empty> Output<T> {
    /// Empties the host's variable, so that a call that fails leaves nothing in it.
    ///
    /// # Safety
    /// Section "Outputs" of the contract: `variable` is NULL or good for writing until the call returns, and the
    /// `Output` does not outlive the call.
    pub(crate) unsafe fn clear(variable: *mut T) -> Self {
        let output = Output(variable);
        output.put(T::EMPTY);
        output
    }

    /// The output; the host must have passed one.
    pub(crate) fn require(self, name: &str) -> Result<Self, Error> {
        if self.is_wanted() { Ok(self) } else { Err(Error::validation(name, "must not be NULL")) }
    }

    /// Whether the host passed a variable for this answer.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.is_null()
    }

    /// Writes a value.
    pub(crate) fn put(&self, value: T) {
        if self.is_wanted() {
            // SAFETY: not NULL; writable, as the caller of `clear` promised.
            unsafe { self.0.write(value) };
        }
    }
}

impl<T> Output<*mut T> {
    /// Hands out an object, which the host frees.
    pub(crate) fn give(&self, object: T) {
        if self.is_wanted() {
            self.put(Box::into_raw(Box::new(object)));
        }
    }
}
