//! The host as Rust sees it: calls give a Result, text is checked, rows are freed. Nothing in here knows what the plugin does.

use crate::abi;
use std::ffi::{CStr, CString};
use std::os::raw::c_char;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::str::Utf8Error;
use std::sync::atomic::{compiler_fence, AtomicU32, Ordering};

/// Why a call ends without OK.
#[derive(Debug)]
pub struct Failure {
    status: abi::Status,
    event_index: u32,
    /// None: a statement failed, and the host has filled in its error. It must get that back unchanged.
    text: Option<String>,
}

pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Something outside is not available now. The same events are passed again, up to `max_retries` times.
    pub fn retry(text: String) -> Failure {
        Failure { status: abi::RETRY, event_index: abi::NO_EVENT, text: Some(text) }
    }

    /// This event of the batch can never be handled.
    pub fn reject(event_index: usize, text: String) -> Failure {
        Failure { status: abi::REJECT, event_index: event_index as u32, text: Some(text) }
    }

    /// This instance cannot go on.
    pub fn fatal(text: String) -> Failure {
        Failure { status: abi::FATAL, event_index: abi::NO_EVENT, text: Some(text) }
    }

    fn verdict(status: abi::Status) -> Failure {
        Failure { status, event_index: abi::NO_EVENT, text: None }
    }

    /// Writes the failure's text into the caller's buffer.
    ///
    /// # Safety
    /// `error` is NULL or the host's.
    unsafe fn report(&self, error: *mut abi::Error) -> abi::Status {
        if let (Some(error), Some(text)) = (error.as_mut(), &self.text) {
            error.event_index = self.event_index;
            if !error.text.is_null() && error.text_size > 0 {
                let mut size = text.len().min(error.text_size - 1);
                while !text.is_char_boundary(size) {
                    size -= 1;
                }
                std::ptr::copy_nonoverlapping(text.as_ptr(), error.text.cast(), size);
                *error.text.add(size) = 0;
            }
        }
        self.status
    }
}

/// Every call from the host goes through here: no panic leaves it, and a failure becomes a status with its text.
///
/// # Safety
/// `error` is NULL or the host's.
pub unsafe fn answer(error: *mut abi::Error, call: impl FnOnce() -> Outcome) -> abi::Status {
    let outcome = catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| text.to_string())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_string());
        Err(Failure::fatal(format!("the plugin panicked: {message}")))
    });
    match outcome {
        Ok(()) => abi::OK,
        Err(failure) => failure.report(error),
    }
}

/// The bytes of a field; none if it is NULL.
///
/// # Safety
/// `field` is from the host, in the call that is running.
pub unsafe fn bytes(field: &abi::Str) -> Option<&[u8]> {
    (!field.data.is_null()).then(|| std::slice::from_raw_parts(field.data.cast(), field.size))
}

/// The text of a field, "" if it is NULL. A payload may be any bytes; the other fields are text in the database.
///
/// # Safety
/// Like `bytes`.
pub unsafe fn text(field: &abi::Str) -> Result<&str, Utf8Error> {
    std::str::from_utf8(bytes(field).unwrap_or_default())
}

/// Where the host reads which event of the batch is at hand, should the process end. A host of minor 0 does not ask for it.
pub struct CurrentEvent<'a>(Option<&'a AtomicU32>);

impl CurrentEvent<'_> {
    /// # Safety
    /// `batch` is from the host, in the call that is running.
    pub unsafe fn of(batch: *const abi::Batch) -> Self {
        if (*batch).struct_size < abi::BATCH_SIZE_WITH_CURRENT {
            return CurrentEvent(None);
        }
        CurrentEvent((*batch).current.cast::<AtomicU32>().as_ref())
    }

    /// What follows works on this event.
    pub fn begin(&self, index: usize) {
        self.write(index as u32);
    }

    /// What follows works on no event alone.
    pub fn end(&self) {
        self.write(abi::NO_EVENT);
    }

    fn write(&self, index: u32) {
        if let Some(current) = self.0 {
            // The fences keep the compiler from moving what may crash to the other side of the store.
            compiler_fence(Ordering::SeqCst);
            current.store(index, Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
        }
    }
}

/// A setting of the projection; none if it is OPTIONAL and absent.
///
/// # Safety
/// `config` is from the host.
pub unsafe fn setting<'a>(config: &'a abi::Config, key: &str) -> Option<&'a str> {
    let settings: &[abi::Setting] =
        if config.n_settings == 0 { &[] } else { std::slice::from_raw_parts(config.settings, config.n_settings) };
    let found = settings.iter().find(|setting| CStr::from_ptr(setting.key).to_bytes() == key.as_bytes())?;
    Some(CStr::from_ptr(found.value).to_str().expect("a TOML file is UTF-8"))
}

/// The transaction of the call that is running.
pub struct Transaction<'a> {
    pub host: &'a abi::Host,
    pub tx: *mut abi::Tx,
    pub error: *mut abi::Error,
}

impl Transaction<'_> {
    /// Queues a statement; it travels to the server together with the others.
    pub fn exec(&self, flags: u32, sql: &CStr, arguments: &[&str]) -> Outcome {
        let values = values_of(arguments);
        let host = self.host;
        // Safe: all pointers live as long as the call, which copies what it keeps.
        let status = unsafe {
            (host.exec)(
                host.ctx,
                self.tx,
                abi::NO_EVENT,
                flags,
                sql.as_ptr(),
                values.as_ptr(),
                values.len(),
                self.error,
            )
        };
        if status == abi::OK {
            Ok(())
        } else {
            Err(Failure::verdict(status))
        }
    }

    /// Runs a statement, and what was queued before it, and waits for the rows.
    pub fn query(&self, sql: &CStr, arguments: &[&str]) -> Outcome<Rows<'_>> {
        let values = values_of(arguments);
        let host = self.host;
        let mut rows = std::ptr::null_mut();
        // Safe: as in exec; `rows` is freed by its owner.
        let status = unsafe {
            (host.query)(
                host.ctx,
                self.tx,
                abi::NO_EVENT,
                0,
                sql.as_ptr(),
                values.as_ptr(),
                values.len(),
                &mut rows,
                self.error,
            )
        };
        if status == abi::OK {
            Ok(Rows { host, rows })
        } else {
            Err(Failure::verdict(status))
        }
    }
}

fn values_of(arguments: &[&str]) -> Vec<abi::Value> {
    arguments
        .iter()
        .map(|text| abi::Value { data: text.as_ptr().cast::<c_char>(), size: text.len(), oid: 0, binary: 0 })
        .collect()
}

/// What a query returned.
pub struct Rows<'a> {
    host: &'a abi::Host,
    rows: *mut abi::Rows,
}

impl Rows<'_> {
    pub fn len(&self) -> usize {
        // Safe: the rows exist until they are dropped.
        unsafe { (self.host.rows_count)(self.host.ctx, self.rows) }
    }

    /// A cell; none if it is NULL or does not exist. The session's encoding is UTF-8.
    pub fn text(&self, row: usize, column: usize) -> Option<&str> {
        let mut value = abi::Value { data: std::ptr::null(), size: 0, oid: 0, binary: 0 };
        // Safe: the cell's bytes live as long as the rows.
        unsafe {
            if (self.host.rows_get)(self.host.ctx, self.rows, row, column, &mut value) == 0 || value.data.is_null() {
                return None;
            }
            Some(
                std::str::from_utf8(std::slice::from_raw_parts(value.data.cast(), value.size))
                    .expect("the server sends UTF-8"),
            )
        }
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        // Safe: they are freed once.
        unsafe { (self.host.rows_free)(self.host.ctx, self.rows) }
    }
}

/// A statement's text. Panics if it has a NUL byte, which neither a projection's name nor a setting has.
pub fn statement(sql: String) -> CString {
    CString::new(sql).expect("a statement without a NUL byte")
}

/// An SQL array of texts.
pub fn text_array<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> =
        texts.map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

/// An SQL array of whole numbers.
pub fn number_array(numbers: impl Iterator<Item = i64>) -> String {
    let texts: Vec<String> = numbers.map(|number| number.to_string()).collect();
    format!("{{{}}}", texts.join(","))
}

/// A table's name from a setting, as an SQL identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_an_array_would_misread() {
        assert_eq!(text_array(["a", "", "x\"y\\z", "NULL,{}"].into_iter()), r#"{"a","","x\"y\\z","NULL,{}"}"#);
        assert_eq!(number_array([1, -2].into_iter()), "{1,-2}");
        assert_eq!(identifier("my \"labels\""), r#""my ""labels""""#);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_no_text() {
        let field = |bytes: &'static [u8]| abi::Str { data: bytes.as_ptr().cast(), size: bytes.len() };
        let null = abi::Str { data: std::ptr::null(), size: 0 };
        unsafe {
            assert_eq!(text(&field("ä".as_bytes())), Ok("ä"));
            assert_eq!(text(&null), Ok(""));
            assert!(text(&field(b"a\xFFb")).is_err());
            assert_eq!(bytes(&field(b"a\xFFb")), Some(&b"a\xFFb"[..]));
            assert_eq!(bytes(&null), None);
        }
    }

    #[test]
    fn the_event_at_hand_is_written_where_the_host_reads_it() {
        let mut current = 7;
        let event: *const abi::Event = std::ptr::null();
        let mut batch = abi::Batch {
            struct_size: std::mem::size_of::<abi::Batch>() as u32,
            flags: 0,
            attempt: 1,
            reserved: 0,
            events: &event,
            n_events: 1,
            head_position: 1,
            current: &mut current,
        };
        unsafe {
            CurrentEvent::of(&batch).begin(3);
            assert_eq!(*batch.current, 3);
            CurrentEvent::of(&batch).end();
            assert_eq!(*batch.current, abi::NO_EVENT);
        }
        batch.struct_size = 40;
        unsafe { CurrentEvent::of(&batch).begin(4) };
        batch.struct_size = 48;
        batch.current = std::ptr::null_mut();
        unsafe { CurrentEvent::of(&batch).begin(5) };
        assert_eq!(current, abi::NO_EVENT);
    }

    fn answered(size: usize, call: impl FnOnce() -> Outcome) -> (abi::Status, u32, String) {
        let mut text = [0u8; 64];
        let mut error = abi::Error { struct_size: 24, event_index: 7, text: text.as_mut_ptr().cast(), text_size: size };
        let status = unsafe { answer(&mut error, call) };
        let end = text.iter().position(|&byte| byte == 0).unwrap();
        (status, error.event_index, String::from_utf8(text[..end].to_vec()).unwrap())
    }

    #[test]
    fn a_failure_becomes_a_status_with_its_text() {
        assert_eq!(answered(64, || Ok(())), (abi::OK, 7, String::new()));
        assert_eq!(answered(64, || Err(Failure::reject(3, "odd".into()))), (abi::REJECT, 3, "odd".into()));
        assert_eq!(answered(64, || Err(Failure::retry("later".into()))), (abi::RETRY, abi::NO_EVENT, "later".into()));
        assert_eq!(answered(3, || Err(Failure::fatal("aäb".into()))), (abi::FATAL, abi::NO_EVENT, "a".into()));
    }

    #[test]
    fn the_hosts_verdict_goes_back_unchanged() {
        assert_eq!(answered(64, || Err(Failure::verdict(abi::RETRY))), (abi::RETRY, 7, String::new()));
    }

    #[test]
    fn a_panic_becomes_fatal_with_its_message() {
        assert_eq!(
            answered(64, || panic!("no {}", "luck")),
            (abi::FATAL, abi::NO_EVENT, "the plugin panicked: no luck".into())
        );
    }
}
