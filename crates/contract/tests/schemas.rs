//! The committed schemas are those of the Rust types.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::{collections::BTreeMap, path::Path};

use aisle_contract::{
    Heartbeat,
    down::down_schemas,
    up::{change_schemas, type_name},
};
use serde_json::{Value, json};

fn schemas() -> BTreeMap<String, Value> {
    let heartbeat = ("desk.heartbeat", schemars::schema_for!(Heartbeat));
    let all = change_schemas().into_iter().chain(down_schemas()).chain(std::iter::once(heartbeat));
    all.map(|(word, schema)| {
        let mut schema = serde_json::to_value(schema).unwrap();
        let object = schema.as_object_mut().unwrap();
        object.insert("$id".into(), json!(type_name(word)));
        (format!("{}.json", type_name(word)), schema)
    })
    .collect()
}

/// Channels, messages and their headers, for stores with other software.
fn asyncapi() -> Value {
    let message = |word: &str| {
        let name = type_name(word);
        (
            name.clone(),
            json!({ "name": name, "contentType": "application/json", "payload": { "$ref": format!("schemas/{name}.json") } }),
        )
    };
    let words = |pairs: Vec<(&'static str, schemars::Schema)>| -> Vec<&'static str> {
        pairs.into_iter().map(|(word, _)| word).collect()
    };
    let (mut up, down) = (words(change_schemas()), words(down_schemas()));
    up.push("desk.heartbeat");
    let messages = |words: &[&str]| -> Value {
        words.iter().map(|word| message(word)).collect::<serde_json::Map<_, _>>().into()
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Aisle", "version": "1",
            "description": "CloudEvents 1.0 over Kafka: attributes in headers with the prefix ce_, data as JSON. Schemas only ever grow."
        },
        "channels": {
            "changes": {
                "address": "aisle.changes", "messages": messages(&up),
                "description": "All stores' changes and heartbeats. The partition is (murmur2(store id) & 0x7fffffff) mod partitions. \
                    Once a store has a key, every message carries the attributes keyid and signature: the first 128 bits \
                    of HMAC-SHA256 under the key, as 32 lower-case hexadecimal digits, over every attribute but signature \
                    as name=value and a line feed, sorted by name, then a line feed, then the bytes of the data; in \
                    structured mode these are what data_base64 stands for. No attribute has a control character in it."
            },
            "orders": {
                "address": "aisle.store.{store}.orders", "parameters": { "store": {} }, "messages": messages(&down),
                "description": "A store's orders and its own row, acknowledgements and refusals; compacted by key."
            },
            "catalog": {
                "address": "aisle.store.{store}.catalog", "parameters": { "store": {} }, "messages": messages(&down),
                "description": "A store's items, acknowledgements and refusals; compacted by key."
            }
        },
        "operations": {
            "push": { "action": "send", "channel": { "$ref": "#/channels/changes" } },
            "readOrders": { "action": "receive", "channel": { "$ref": "#/channels/orders" } },
            "readCatalog": { "action": "receive", "channel": { "$ref": "#/channels/catalog" } }
        }
    })
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let mut files: BTreeMap<_, _> =
        schemas().into_iter().map(|(name, schema)| (docs.join("schemas").join(name), schema)).collect();
    files.insert(docs.join("asyncapi.json"), asyncapi());
    for (file, value) in &files {
        let generated = format!("{}\n", serde_json::to_string_pretty(value).unwrap());
        if std::env::var_os("AISLE_REGENERATE").is_some() {
            std::fs::write(file, &generated).unwrap();
        }
        let committed = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            committed == generated,
            "{} differs: run AISLE_REGENERATE=1 cargo test -p aisle-contract --test schemas, and commit it",
            file.display()
        );
    }
    let committed = std::fs::read_dir(docs.join("schemas")).unwrap().count();
    assert_eq!(committed, files.len() - 1, "every schema belongs to a type");
}
