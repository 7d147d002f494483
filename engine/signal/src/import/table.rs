//! CSV with a header line, and JSON Lines: one event a row.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Imported, Origin,
    row::{event, field_name},
    utf8,
};

/// Reads CSV (RFC 4180; comma, semicolon or tab, whichever the header has most of). Columns are found by the names in
/// [`super::FIELDS`]; others are not read, which is said once.
#[must_use]
pub fn csv(bytes: &[u8], origin: Origin<'_>) -> Imported {
    let mut out = Imported::default();
    if let Err(problem) = utf8(bytes.get(..bytes.len().min(super::MOST_BYTES + 1)).unwrap_or(bytes))
        && problem.line == 0
    {
        out.problems.push(problem);
        return out;
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let count = |c: u8| first.iter().filter(|b| **b == c).count();
    let delimiter = [b',', b';', b'\t'].into_iter().rev().max_by_key(|c| count(*c)).unwrap_or(b',');
    let mut reader =
        ::csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(true).from_reader(bytes);
    let Ok(header) = reader.byte_headers().cloned() else {
        out.problem(1, "the header line cannot be read: write the names of the columns in the first line");
        return out;
    };
    let names: Vec<Option<&'static str>> =
        header.iter().map(|h| std::str::from_utf8(h).ok().and_then(field_name)).collect();
    if names.iter().all(Option::is_none) {
        let known = super::FIELDS.map(|(name, _)| name).join(",");
        out.problem(1, format!("no column has a name that is known: write a first line like {known}"));
        return out;
    }
    let unread: Vec<String> = header
        .iter()
        .zip(&names)
        .filter(|(_, name)| name.is_none())
        .map(|(h, _)| String::from_utf8_lossy(h).trim().chars().take(40).collect())
        .filter(|h: &String| !h.is_empty())
        .take(20)
        .collect();
    if !unread.is_empty() {
        out.problem(1, format!("columns that are not read: {}", unread.join(", ")));
        out.notes += 1;
    }
    let mut record = ::csv::ByteRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => {
                // With `flexible` and bytes there is nothing left that could be wrong but reading itself.
                out.problem(line, format!("this line cannot be read: {e}"));
                break;
            }
        }
        let line = record.position().map_or(line, ::csv::Position::line);
        let taken = match row(&record, &names) {
            Ok(row) if row.is_empty() => continue,
            Ok(row) => event(&row, origin),
            Err(what) => Err(what),
        };
        if !out.take(line, taken) {
            break;
        }
    }
    out
}

fn row(record: &::csv::ByteRecord, names: &[Option<&'static str>]) -> Result<BTreeMap<&'static str, String>, String> {
    let extra = record.len().saturating_sub(names.len());
    if extra > 0 {
        return Err(format!("{extra} more cells than the header has: put texts with the separator into \"quotes\""));
    }
    let mut row = BTreeMap::new();
    for (cell, name) in record.iter().zip(names) {
        let Some(name) = name else { continue };
        let cell = std::str::from_utf8(cell).map_err(|_| "this line is no UTF-8: save the file as UTF-8")?;
        if !cell.trim().is_empty() {
            row.entry(*name).or_insert_with(|| cell.to_owned());
        }
    }
    Ok(row)
}

/// Reads JSON Lines: one object a line, members named as in [`super::FIELDS`], texts or numbers.
#[must_use]
pub fn json_lines(bytes: &[u8], origin: Origin<'_>) -> Imported {
    let mut out = Imported::default();
    if bytes.len() > super::MOST_BYTES {
        out.problem(0, format!("{} bytes are more than {}: split the file", bytes.len(), super::MOST_BYTES));
        return out;
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    for (line, text) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let taken = match serde_json::from_slice::<Value>(text) {
            Ok(value) => object(&value, origin),
            Err(e) => Err(format!("this is no JSON ({e}): write one object a line")),
        };
        if !out.take(line, taken) {
            break;
        }
    }
    out
}

/// The event of a JSON object.
pub(super) fn object(value: &Value, origin: Origin<'_>) -> Result<crate::event::SignalEvent, String> {
    let Value::Object(members) = value else {
        return Err("this is no object: write {\"kind\": …, \"domain\": …, \"at\": …, \"title\": …}".into());
    };
    let mut row = BTreeMap::new();
    for (key, value) in members {
        let Some(name) = field_name(key) else { continue };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(n) => n.to_string(),
            Value::Null => continue,
            _ => return Err(format!("`{name}` is no text: write it in \"quotes\"")),
        };
        if name == key.as_str() {
            // Our own name wins over an alias in the same object.
            row.insert(name, text);
        } else {
            row.entry(name).or_insert(text);
        }
    }
    event(&row, origin)
}
