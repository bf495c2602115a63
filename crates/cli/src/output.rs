//! Results on stdout, messages and errors on stderr; as JSON or for people.

use std::io::{IsTerminal, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{args::Global, exit::Failure};

/// Where a command's answer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        Self { json: global.json, quiet: global.quiet }
    }

    /// The command's result: one JSON document, or lines for people.
    pub(crate) fn result(self, result: &impl Serialize) -> Result<(), Failure> {
        let value = to_value(result)?;
        let text = if self.json { pretty(&value)? } else { render(&value) };
        write(&mut std::io::stdout().lock(), &text)
    }

    /// The result of a long-running command: its last line.
    pub(crate) fn last(self, result: &impl Serialize) -> Result<(), Failure> {
        let value = to_value(result)?;
        let text = if self.json { value.to_string() } else { render(&value) };
        write(&mut std::io::stdout().lock(), &text)
    }

    /// One event of a long-running command: a JSON object a line, or a line on stderr.
    pub(crate) fn event(self, at: &str, event: &str, facts: &impl Serialize) -> Result<(), Failure> {
        let Value::Object(facts) = to_value(facts)? else { return Ok(()) };
        if self.json {
            let mut object = Map::from_iter([("at".to_owned(), json!(at)), ("event".to_owned(), json!(event))]);
            object.extend(facts);
            return write(&mut std::io::stdout().lock(), &Value::Object(object).to_string());
        }
        let facts: Vec<_> = facts.iter().map(|(name, value)| format!("{name}={}", scalar(value))).collect();
        self.message(&format!("{event} {}", facts.join(" ")))
    }

    /// A message for people.
    pub(crate) fn message(self, text: &str) -> Result<(), Failure> {
        if self.quiet { Ok(()) } else { write(&mut std::io::stderr().lock(), text) }
    }

    /// Asks a person before what cannot be taken back; without one the flag has to say so.
    pub(crate) fn confirm(self, question: &str, yes: bool, global: &Global) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if global.no_input || !std::io::stdin().is_terminal() {
            return Err(
                Failure::new("usage", "this cannot be taken back, so it wants to be meant").with_hint("say --yes")
            );
        }
        self.message(&format!("{question} [y/N]"))?;
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        if read.is_err() || !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(Failure::new("interrupted", "nothing was changed"));
        }
        Ok(())
    }

    /// The error that ends the command.
    pub(crate) fn failure(self, failure: &Failure) {
        let error = &failure.0;
        let text = if self.json {
            json!({ "error": error }).to_string()
        } else {
            let hint = error.hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default();
            format!("aisle: {}{hint}", error.message)
        };
        // Nobody is left to tell when stderr is gone.
        drop(write(&mut std::io::stderr().lock(), &text));
    }
}

fn to_value(result: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(result)
        .map_err(|e| Failure::new("unexpected", format!("the answer could not be written: {e}")))
}

fn pretty(value: &Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|e| Failure::new("unexpected", e.to_string()))
}

fn write(to: &mut impl Write, text: &str) -> Result<(), Failure> {
    match writeln!(to, "{text}") {
        // `aisle order list | head` is no fault.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new("io_error", format!("the answer could not be printed: {error}")))
        }
        _ => Ok(()),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(values) => format!("[{}]", values.iter().map(scalar).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name} {}", scalar(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A list as a table of its plain columns, an object as its fields, anything else as it is.
fn render(value: &Value) -> String {
    match value {
        Value::Array(rows) if rows.iter().all(Value::is_object) => table(rows),
        Value::Object(fields) => match fields.get("items") {
            Some(Value::Array(rows)) if fields.len() <= 2 => table(rows),
            _ => fields.iter().map(|(name, value)| field(name, value)).collect::<Vec<_>>().join("\n"),
        },
        other => scalar(other),
    }
}

fn field(name: &str, value: &Value) -> String {
    match value {
        Value::Array(rows) if !rows.is_empty() && rows.iter().all(Value::is_object) => {
            let indented = table(rows).lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
            format!("{name}\n{indented}")
        }
        other => format!("{name:<18} {}", scalar(other)),
    }
}

fn table(rows: &[Value]) -> String {
    let objects: Vec<&Map<String, Value>> = rows.iter().filter_map(Value::as_object).collect();
    let Some(first) = objects.first() else { return "nothing".into() };
    let plain = |name: &&String| {
        objects.iter().all(|row| row.get(*name).is_none_or(|value| !value.is_array() && !value.is_object()))
    };
    let columns: Vec<&String> = first.keys().filter(plain).collect();
    let cells: Vec<Vec<String>> = std::iter::once(columns.iter().map(|name| (*name).clone()).collect())
        .chain(objects.iter().map(|row| {
            columns.iter().map(|name| row.get(*name).map_or_else(|| "-".into(), scalar)).collect::<Vec<_>>()
        }))
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let lines = cells.iter().map(|row| {
        let padded: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A result that people read as it stands in a file too.
pub(crate) fn document(result: &impl Serialize) -> Result<(), Failure> {
    write(&mut std::io::stdout().lock(), &pretty(&to_value(result)?)?)
}

/// Logs go to stderr, for whoever asks with `RUST_LOG`; warnings and worse otherwise.
pub(crate) fn init_logs(global: &Global) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(if global.quiet { "error" } else { "warn" }));
    let color = !global.no_color && std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal();
    let started =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(color).with_writer(std::io::stderr).try_init();
    if let Err(error) = started {
        Output { json: false, quiet: false }.failure(&Failure::new("unexpected", format!("no logs: {error}")));
    }
}

/// The exit code of a check: 7 when it found problems.
pub(crate) const fn check_code(ok: bool) -> u8 {
    if ok { crate::exit::OK } else { crate::exit::PROBLEMS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_table_of_its_plain_columns() {
        let rows = json!([{ "id": "1", "name": "a", "lines": [1] }, { "id": "22", "name": null, "lines": [] }]);
        assert_eq!(render(&rows), "id  name\n1   a\n22  -");
    }
}
