//! The part of projector/plugin.h that this plugin uses, field by field.

use std::os::raw::{c_char, c_void};

pub type Status = i32;
pub const OK: Status = 0;
pub const FATAL: Status = 3;
pub const ABI_MINOR: u32 = 0;
pub const SQL_ONCE: u32 = 1;
pub const TABLES_BY_PROJECTION: u32 = 2;
pub const NO_EVENT: u32 = u32::MAX;

/// The host's open transaction; never looked into.
#[repr(C)]
pub struct Tx {
    _private: [u8; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub data: *const c_char,
    pub size: usize,
}

#[repr(C)]
pub struct Value {
    pub data: *const c_char,
    pub size: usize,
    pub oid: u32,
    pub binary: i32,
}

#[repr(C)]
pub struct Error {
    pub struct_size: u32,
    pub event_index: u32,
    pub text: *mut c_char,
    pub text_size: usize,
}

#[repr(C)]
pub struct Event {
    pub struct_size: u32,
    pub event_version: i32,
    pub global_position: i64,
    pub aggregate_version: i64,
    pub created_at_us: i64,
    pub event_id: [u8; 16],
    pub bounded_context: Str,
    pub aggregate_type: Str,
    pub aggregate_id: Str,
    pub event_type: Str,
    pub payload: Str,
    pub metadata: Str,
    pub trace_id: Str,
    pub correlation_id: Str,
    pub causation_id: Str,
}

#[repr(C)]
pub struct Batch {
    pub struct_size: u32,
    pub flags: u32,
    pub attempt: u32,
    pub reserved: u32,
    pub events: *const *const Event,
    pub n_events: usize,
    pub head_position: i64,
}

#[repr(C)]
pub struct Config {
    pub struct_size: u32,
    pub partition_key: u32,
    pub total_partitions: u32,
    pub reserved: u32,
    pub projection_name: *const c_char,
    pub settings: *const c_void,
    pub n_settings: usize,
    pub state_directory: *const c_char,
}

/// The functions up to exec; the host's struct goes on.
#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub ctx: *mut c_void,
    pub log: unsafe extern "C" fn(*mut c_void, i32, Str),
    pub stopping: unsafe extern "C" fn(*mut c_void) -> i32,
    pub exec:
        unsafe extern "C" fn(*mut c_void, *mut Tx, u32, u32, *const c_char, *const Value, usize, *mut Error) -> Status,
}

type Change = unsafe extern "C" fn(*mut c_void, *mut Tx, *mut Error) -> Status;

#[repr(C)]
pub struct Plugin {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub min_host_minor: u32,
    pub flags: u32,
    pub read_model_version: u32,
    pub reserved: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub description: *const c_char,
    pub event_types: *const *const c_char,
    pub aggregate_types: *const *const c_char,
    pub bounded_contexts: *const *const c_char,
    pub settings: *const c_void,
    pub create: Option<unsafe extern "C" fn(*const Host, *const Config, *mut *mut c_void, *mut Error) -> Status>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub setup: Option<Change>,
    pub handle: Option<unsafe extern "C" fn(*mut c_void, *mut Tx, *const Batch, *mut Error) -> Status>,
    pub finished: Option<unsafe extern "C" fn(*mut c_void, i32)>,
    pub reset: Option<Change>,
    pub get_extension: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> *const c_void>,
}

// Constant data: nobody writes through its pointers.
unsafe impl Sync for Plugin {}

/// The text of a field; empty for NULL, and for what is not UTF-8, which the host does not hand out.
///
/// # Safety
/// `text` is from the host, in the call that is running.
pub unsafe fn text(text: &Str) -> &str {
    if text.data.is_null() {
        return "";
    }
    std::str::from_utf8(std::slice::from_raw_parts(text.data.cast(), text.size)).unwrap_or("")
}

/// Fills in the error for its caller and returns the status.
///
/// # Safety
/// `error` is NULL or the host's.
pub unsafe fn fail(error: *mut Error, status: Status, message: &str) -> Status {
    if let Some(error) = error.as_mut() {
        error.event_index = NO_EVENT;
        if !error.text.is_null() && error.text_size > 0 {
            let mut size = message.len().min(error.text_size - 1);
            while !message.is_char_boundary(size) {
                size -= 1;
            }
            std::ptr::copy_nonoverlapping(message.as_ptr(), error.text.cast(), size);
            *error.text.add(size) = 0;
        }
    }
    status
}
