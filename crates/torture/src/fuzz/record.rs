//! A record as a file: headers a line each, an empty line, the value. A header `@key` is the record's key, and one
//! that is named `@tombstone` says that there is no value.

use aisle_contract::{Incoming, Outgoing};
use aisle_domain::Timestamp;

/// The file of a record.
pub(crate) fn written(record: &Outgoing) -> Vec<u8> {
    let mut file = Vec::new();
    let mut header = |name: &[u8], value: &[u8]| {
        file.extend_from_slice(name);
        file.push(b'=');
        file.extend_from_slice(value);
        file.push(b'\n');
    };
    header(b"@key", &record.key);
    for (name, value) in &record.headers {
        header(name.as_bytes(), value);
    }
    if record.value.is_none() {
        header(b"@tombstone", b"");
    }
    file.push(b'\n');
    file.extend_from_slice(record.value.as_deref().unwrap_or_default());
    file
}

/// The record of a file, whatever the file is.
pub(crate) fn read(file: &[u8], topic: &str, partition: i32, offset: i64) -> Incoming {
    let end = file.windows(2).position(|two| two == b"\n\n");
    let (head, value) = end.map_or((file, &[][..]), |end| (&file[..end], &file[end + 2..]));
    let mut record = Incoming {
        topic: topic.into(),
        partition,
        offset,
        written_at: Timestamp::from_millis(1_790_000_000_000),
        key: None,
        headers: Vec::new(),
        value: Some(value.to_vec()),
    };
    for line in head.split(|byte| *byte == b'\n') {
        let at = line.iter().position(|byte| *byte == b'=').unwrap_or(line.len());
        let (name, value) = (&line[..at], line.get(at + 1..).unwrap_or_default());
        match name {
            b"@key" => record.key = Some(value.to_vec()),
            b"@tombstone" => record.value = None,
            // A header's name is text in every client.
            _ => record.headers.push((String::from_utf8_lossy(name).into_owned(), value.to_vec())),
        }
    }
    record
}

/// As another program would send it.
pub(crate) fn outgoing(record: Incoming) -> Outgoing {
    Outgoing {
        topic: record.topic,
        partition: record.partition,
        key: record.key.unwrap_or_default(),
        headers: record.headers,
        value: record.value,
    }
}
