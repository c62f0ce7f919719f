//! Counts events by type. A batch is one statement, sorted by key. Panics end in FATAL at the door of each call.

mod abi;

use abi::{Batch, Config, Error, Host, Plugin, Status, Tx, Value};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

struct Counter {
    host: *const Host,
    create_table: CString,
    add: CString,
    clear: CString,
}

impl Counter {
    fn new(host: *const Host, projection: &str) -> Counter {
        let sql = |text: String| CString::new(text).expect("a projection name has no NUL byte");
        Counter {
            host,
            create_table: sql(format!(
                "CREATE TABLE IF NOT EXISTS {projection}_counts \
                 (event_type text PRIMARY KEY, events bigint NOT NULL)"
            )),
            add: sql(format!(
                "INSERT INTO {projection}_counts AS stored (event_type, events) \
                 SELECT * FROM unnest($1::text[], $2::bigint[]) AS counted (event_type, events) \
                 ORDER BY counted.event_type \
                 ON CONFLICT (event_type) DO UPDATE SET events = stored.events + excluded.events"
            )),
            clear: sql(format!("DELETE FROM {projection}_counts")),
        }
    }

    unsafe fn exec(&self, tx: *mut Tx, flags: u32, sql: &CStr, arguments: &[String], error: *mut Error) -> Status {
        let values: Vec<Value> = arguments
            .iter()
            .map(|text| Value { data: text.as_ptr().cast(), size: text.len(), oid: 0, binary: 0 })
            .collect();
        let host = &*self.host;
        (host.exec)(host.ctx, tx, abi::NO_EVENT, flags, sql.as_ptr(), values.as_ptr(), values.len(), error)
    }
}

/// An SQL array of texts.
fn text_array<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> =
        texts.map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

/// An SQL array of whole numbers.
fn number_array(numbers: impl Iterator<Item = i64>) -> String {
    let texts: Vec<String> = numbers.map(|number| number.to_string()).collect();
    format!("{{{}}}", texts.join(","))
}

/// The door: what panics inside becomes FATAL, with its message.
unsafe fn guarded(error: *mut Error, call: impl FnOnce() -> Status) -> Status {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| text.to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_string());
        // Safe: the error is the caller's and lives as long as this call.
        unsafe { abi::fail(error, abi::FATAL, &format!("the plugin panicked: {message}")) }
    })
}

unsafe extern "C" fn create(
    host: *const Host,
    config: *const Config,
    instance: *mut *mut c_void,
    error: *mut Error,
) -> Status {
    guarded(error, || {
        let name = CStr::from_ptr((*config).projection_name).to_str().expect("a projection name is ASCII");
        *instance = Box::into_raw(Box::new(Counter::new(host, name))).cast();
        abi::OK
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<Counter>()));
}

unsafe extern "C" fn setup(instance: *mut c_void, tx: *mut Tx, error: *mut Error) -> Status {
    guarded(error, || {
        let counter = &*instance.cast::<Counter>();
        counter.exec(tx, abi::SQL_ONCE, &counter.create_table, &[], error)
    })
}

unsafe extern "C" fn handle(instance: *mut c_void, tx: *mut Tx, batch: *const Batch, error: *mut Error) -> Status {
    guarded(error, || {
        let counter = &*instance.cast::<Counter>();
        let events = std::slice::from_raw_parts((*batch).events, (*batch).n_events);
        let mut counts = BTreeMap::<&str, i64>::new();
        for &event in events {
            *counts.entry(abi::text(&(*event).event_type)).or_default() += 1;
        }
        let arguments = [text_array(counts.keys().copied()), number_array(counts.values().copied())];
        counter.exec(tx, 0, &counter.add, &arguments, error)
    })
}

unsafe extern "C" fn reset(instance: *mut c_void, tx: *mut Tx, error: *mut Error) -> Status {
    guarded(error, || {
        let counter = &*instance.cast::<Counter>();
        counter.exec(tx, abi::SQL_ONCE, &counter.clear, &[], error)
    })
}

const fn literal(text: &'static [u8]) -> *const c_char {
    text.as_ptr().cast()
}

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static projector_plugin_v1: Plugin = Plugin {
    struct_size: std::mem::size_of::<Plugin>() as u32,
    abi_minor: abi::ABI_MINOR,
    min_host_minor: 0,
    flags: abi::TABLES_BY_PROJECTION,
    read_model_version: 1,
    reserved: 0,
    name: literal(b"rust_sample\0"),
    version: literal(b"1.0.0\0"),
    description: literal(b"Counts events by type\0"),
    event_types: std::ptr::null(),
    aggregate_types: std::ptr::null(),
    bounded_contexts: std::ptr::null(),
    settings: std::ptr::null(),
    create: Some(create),
    destroy: Some(destroy),
    setup: Some(setup),
    handle: Some(handle),
    finished: None,
    reset: Some(reset),
    get_extension: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_an_array_would_misread() {
        assert_eq!(text_array(["a", "", "x\"y\\z", "NULL,{}"].into_iter()), r#"{"a","","x\"y\\z","NULL,{}"}"#);
        assert_eq!(number_array([1, -2].into_iter()), "{1,-2}");
    }

    #[test]
    fn a_panic_becomes_fatal_with_its_message() {
        let mut text = [0u8; 64];
        let mut error =
            Error { struct_size: 24, event_index: 7, text: text.as_mut_ptr().cast(), text_size: text.len() };
        let status = unsafe { guarded(&mut error, || panic!("no {}", "luck")) };
        assert_eq!(status, abi::FATAL);
        assert_eq!(error.event_index, abi::NO_EVENT);
        assert_eq!(unsafe { CStr::from_ptr(text.as_ptr().cast()) }.to_str(), Ok("the plugin panicked: no luck"));
    }
}
