//! The part of projector/plugin.h that this plugin uses, field by field.

use std::os::raw::{c_char, c_void};

pub type Status = i32;
pub const OK: Status = 0;
pub const RETRY: Status = 1;
pub const REJECT: Status = 2;
pub const FATAL: Status = 3;
pub const ABI_MINOR: u32 = 1;
pub const SQL_ONCE: u32 = 1;
pub const TABLES_BY_PROJECTION: u32 = 2;
pub const SETTING_STRING: i32 = 1;
pub const SETTING_BOOLEAN: i32 = 4;
pub const SETTING_OPTIONAL: u32 = 1;
pub const NO_EVENT: u32 = u32::MAX;

/// The host's open transaction. It is opaque.
#[repr(C)]
pub struct Tx {
    _private: [u8; 0],
}

/// The rows that a query returned. They are opaque, too.
#[repr(C)]
pub struct Rows {
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
pub struct Setting {
    pub key: *const c_char,
    pub value: *const c_char,
}

#[repr(C)]
pub struct SettingSpec {
    pub struct_size: u32,
    pub kind: i32,
    pub key: *const c_char,
    pub default_value: *const c_char,
    pub description: *const c_char,
    pub flags: u32,
    pub reserved: u32,
}

// Constant data: nobody writes through its pointers.
unsafe impl Sync for SettingSpec {}

/// A list of settings, with NULL at its end.
#[repr(transparent)]
pub struct SettingList<const N: usize>(pub [*const SettingSpec; N]);
unsafe impl<const N: usize> Sync for SettingList<N> {}

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
    pub current: *mut u32,
}

/// The `struct_size` from which on a batch has `current`. A host of minor 0 has no memory there, so a batch is never read
/// as a whole.
pub const BATCH_SIZE_WITH_CURRENT: u32 = 48;

#[repr(C)]
pub struct Config {
    pub struct_size: u32,
    pub partition_key: u32,
    pub total_partitions: u32,
    pub reserved: u32,
    pub projection_name: *const c_char,
    pub settings: *const Setting,
    pub n_settings: usize,
    pub state_directory: *const c_char,
}

type Statement<T> =
    unsafe extern "C" fn(*mut c_void, *mut Tx, u32, u32, *const c_char, *const Value, usize, T, *mut Error) -> Status;

/// The functions up to rows_free; the host's struct has more.
#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub ctx: *mut c_void,
    pub log: unsafe extern "C" fn(*mut c_void, i32, Str),
    pub stopping: unsafe extern "C" fn(*mut c_void) -> i32,
    pub exec:
        unsafe extern "C" fn(*mut c_void, *mut Tx, u32, u32, *const c_char, *const Value, usize, *mut Error) -> Status,
    pub query: Statement<*mut *mut Rows>,
    pub rows_count: unsafe extern "C" fn(*mut c_void, *const Rows) -> usize,
    pub rows_columns: unsafe extern "C" fn(*mut c_void, *const Rows) -> usize,
    pub rows_affected: unsafe extern "C" fn(*mut c_void, *const Rows) -> i64,
    pub rows_get: unsafe extern "C" fn(*mut c_void, *const Rows, usize, usize, *mut Value) -> i32,
    pub rows_free: unsafe extern "C" fn(*mut c_void, *mut Rows),
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
    pub settings: *const *const SettingSpec,
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

// The same values as in tests/abi/layout.c.
const _: () = assert!(std::mem::size_of::<Value>() == 24);
const _: () = assert!(std::mem::size_of::<SettingSpec>() == 40);
const _: () = assert!(std::mem::size_of::<Error>() == 24);
const _: () = assert!(std::mem::size_of::<Event>() == 192);
const _: () = assert!(std::mem::size_of::<Batch>() == 48);
const _: () = assert!(std::mem::size_of::<Config>() == 48);
const _: () = assert!(std::mem::size_of::<Host>() == 88);
const _: () = assert!(std::mem::size_of::<Plugin>() == 136);
