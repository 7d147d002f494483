//! Rows as JSON objects, and back.

use rusqlite::{
    Connection, Row,
    types::{Value, ValueRef},
};
use serde_json::{Map, Value as Json};

use crate::sqlite::unreadable;

/// Names of a table's columns.
pub(super) fn columns(conn: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    conn.prepare_cached("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

/// A row as one line of JSON. Blobs are not used by the store; one would be an error.
pub(super) fn line(row: &Row<'_>, columns: &[String]) -> rusqlite::Result<String> {
    let mut object = Map::new();
    for (at, name) in columns.iter().enumerate() {
        let value = match row.get_ref(at)? {
            ValueRef::Null => Json::Null,
            ValueRef::Integer(n) => n.into(),
            ValueRef::Real(x) => x.into(),
            ValueRef::Text(text) => std::str::from_utf8(text).map_err(|e| unreadable(at, e.into()))?.into(),
            ValueRef::Blob(_) => {
                return Err(rusqlite::Error::InvalidColumnType(at, name.clone(), rusqlite::types::Type::Blob));
            }
        };
        object.insert(name.clone(), value);
    }
    Ok(Json::Object(object).to_string())
}

/// The values of a line in the order of the columns.
pub(super) fn values(line: &str, columns: &[String]) -> Result<Vec<Value>, String> {
    let Json::Object(mut object) = serde_json::from_str(line).map_err(|e| format!("it is no JSON ({e})"))? else {
        return Err("it is no JSON object".to_owned());
    };
    let mut values = Vec::with_capacity(columns.len());
    for name in columns {
        let value = object.remove(name).ok_or_else(|| format!("`{name}` is missing"))?;
        values.push(match value {
            Json::Null => Value::Null,
            Json::String(text) => Value::Text(text),
            Json::Number(n) if n.is_i64() => Value::Integer(n.as_i64().unwrap_or_default()),
            Json::Number(n) => Value::Real(n.as_f64().ok_or_else(|| format!("`{name}` is no number we can keep"))?),
            _ => return Err(format!("`{name}` is neither text nor number")),
        });
    }
    match object.keys().next() {
        None => Ok(values),
        Some(unknown) => Err(format!("`{unknown}` is no column we know")),
    }
}
