//! Counts events by type. A batch is one statement, sorted by key. `host` may be copied into a plugin of your own.

mod abi;
mod host;

use abi::{Batch, Config, Error, Event, Host, Plugin, SettingList, SettingSpec, Status, Tx};
use host::{answer, bytes, identifier, number_array, setting, statement, text, text_array};
use host::{CurrentEvent, Failure, Outcome, Transaction};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_void};

/// One instance serves one partition, on one thread.
struct Counter {
    host: *const Host,
    text_only: bool,
    labels_table: Option<String>,
    find_labels: CString,
    create_table: CString,
    add: CString,
    clear: CString,
}

impl Counter {
    fn new(host: *const Host, projection: &str, text_only: bool, labels_table: Option<&str>) -> Counter {
        Counter {
            host,
            text_only,
            labels_table: labels_table.map(str::to_string),
            find_labels: statement(format!(
                "SELECT event_type, label FROM {} WHERE event_type = ANY ($1::text[]) AND label IS NOT NULL",
                identifier(labels_table.unwrap_or_default())
            )),
            create_table: statement(format!(
                "CREATE TABLE IF NOT EXISTS {projection}_counts \
                 (event_type text PRIMARY KEY, events bigint NOT NULL)"
            )),
            add: statement(format!(
                "INSERT INTO {projection}_counts AS stored (event_type, events) \
                 SELECT * FROM unnest($1::text[], $2::bigint[]) AS counted (event_type, events) \
                 ORDER BY counted.event_type \
                 ON CONFLICT (event_type) DO UPDATE SET events = stored.events + excluded.events"
            )),
            clear: statement(format!("DELETE FROM {projection}_counts")),
        }
    }

    fn handle(&self, transaction: &Transaction, events: &[&Event], current: &CurrentEvent) -> Outcome {
        let mut counts = BTreeMap::new();
        for (index, event) in events.iter().enumerate() {
            current.begin(index);
            *counts.entry(self.type_of(event, index)?).or_default() += 1;
        }
        current.end();
        let counts = match &self.labels_table {
            Some(table) => self.by_label(transaction, table, counts)?,
            None => counts.into_iter().map(|(event_type, events)| (event_type.to_string(), events)).collect(),
        };
        let names = text_array(counts.keys().map(String::as_str));
        transaction.exec(0, &self.add, &[&names, &number_array(counts.values().copied())])
    }

    /// REJECT: this event can never be handled; the others can.
    fn type_of<'a>(&self, event: &'a Event, index: usize) -> Outcome<&'a str> {
        // Safe: the event is the host's, in the call that is running.
        let (event_type, payload) = unsafe { (text(&event.event_type), bytes(&event.payload)) };
        if self.text_only {
            if let Err(error) = std::str::from_utf8(payload.unwrap_or_default()) {
                return Err(Failure::reject(index, format!("the payload is no text: {error}")));
            }
        }
        event_type.map_err(|error| Failure::reject(index, format!("the event type is no text: {error}")))
    }

    /// RETRY: another program fills the table of labels, and may be late.
    fn by_label(
        &self,
        transaction: &Transaction,
        table: &str,
        counts: BTreeMap<&str, i64>,
    ) -> Outcome<BTreeMap<String, i64>> {
        let rows = transaction.query(&self.find_labels, &[&text_array(counts.keys().copied())])?;
        let labels: BTreeMap<_, _> = (0..rows.len()).map(|row| (rows.text(row, 0), rows.text(row, 1))).collect();
        let mut by_label = BTreeMap::new();
        for (event_type, events) in counts {
            match labels.get(&Some(event_type)) {
                Some(Some(label)) => *by_label.entry(label.to_string()).or_default() += events,
                _ => return Err(Failure::retry(format!("{event_type} has no label in the table {table} yet"))),
            }
        }
        Ok(by_label)
    }
}

unsafe extern "C" fn create(
    host: *const Host,
    config: *const Config,
    instance: *mut *mut c_void,
    error: *mut Error,
) -> Status {
    answer(error, || {
        let config = &*config;
        let name = CStr::from_ptr(config.projection_name).to_str().expect("a projection name is ASCII");
        let text_only = setting(config, "text_only") == Some("true");
        let counter = Counter::new(host, name, text_only, setting(config, "labels_table"));
        *instance = Box::into_raw(Box::new(counter)).cast();
        Ok(())
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<Counter>()));
}

/// Runs one call with its instance and transaction.
unsafe fn call(
    instance: *mut c_void,
    tx: *mut Tx,
    error: *mut Error,
    function: impl FnOnce(&Counter, &Transaction) -> Outcome,
) -> Status {
    answer(error, || {
        let counter = &*instance.cast::<Counter>();
        function(counter, &Transaction { host: &*counter.host, tx, error })
    })
}

unsafe extern "C" fn setup(instance: *mut c_void, tx: *mut Tx, error: *mut Error) -> Status {
    call(instance, tx, error, |counter, transaction| transaction.exec(abi::SQL_ONCE, &counter.create_table, &[]))
}

unsafe extern "C" fn handle(instance: *mut c_void, tx: *mut Tx, batch: *const Batch, error: *mut Error) -> Status {
    call(instance, tx, error, |counter, transaction| {
        // A reference has the layout of a pointer.
        let events = std::slice::from_raw_parts((*batch).events.cast(), (*batch).n_events);
        counter.handle(transaction, events, &CurrentEvent::of(batch))
    })
}

unsafe extern "C" fn reset(instance: *mut c_void, tx: *mut Tx, error: *mut Error) -> Status {
    call(instance, tx, error, |counter, transaction| transaction.exec(abi::SQL_ONCE, &counter.clear, &[]))
}

const fn literal(text: &'static [u8]) -> *const c_char {
    text.as_ptr().cast()
}

static TEXT_ONLY: SettingSpec = SettingSpec {
    struct_size: std::mem::size_of::<SettingSpec>() as u32,
    kind: abi::SETTING_BOOLEAN,
    key: literal(b"text_only\0"),
    default_value: literal(b"false\0"),
    description: literal(b"Reject events whose payload is not UTF-8\0"),
    flags: 0,
    reserved: 0,
};

static LABELS_TABLE: SettingSpec = SettingSpec {
    struct_size: std::mem::size_of::<SettingSpec>() as u32,
    kind: abi::SETTING_STRING,
    key: literal(b"labels_table\0"),
    default_value: std::ptr::null(),
    description: literal(b"A table (event_type, label) of yours: count by label; a type that is not in it yet waits\0"),
    flags: abi::SETTING_OPTIONAL,
    reserved: 0,
};

static SETTINGS: SettingList<3> = SettingList([&TEXT_ONLY, &LABELS_TABLE, std::ptr::null()]);

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
    settings: SETTINGS.0.as_ptr(),
    create: Some(create),
    destroy: Some(destroy),
    setup: Some(setup),
    handle: Some(handle),
    finished: None,
    reset: Some(reset),
    get_extension: None,
};
