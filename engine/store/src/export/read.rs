//! Import: an export into an empty store, whole or not at all.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::Path,
};

use reframe_workflow::audit::{self, verify_chain};
use rusqlite::{Transaction, TransactionBehavior, params, params_from_iter};
use sha2::{Digest as _, Sha256};

use super::{
    ExportError, FileEntry, LAYOUT, Manifest, manifest, rows,
    tables::{Kept, TABLES, unlisted},
    write::hex,
};
use crate::sqlite::{SqliteLog, schema};

impl SqliteLog {
    /// Reads an export into this store, which must be empty. Every file's digest is checked before anything counts. The
    /// index of what was said is due afterwards ([`SqliteLog::index`]).
    ///
    /// # Errors
    /// [`ExportError`] with the file and, where it is one, the line; then the store is as empty as before.
    pub fn import(&self, from: &Path) -> Result<Manifest, ExportError> {
        let name = |e| ExportError::from(self.faults().name(e));
        let manifest = read_manifest(from)?;
        let mut writer = self.writer();
        let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(name)?;
        if let Some(table) = unlisted(&tx).map_err(name)? {
            return Err(ExportError::UnknownTable { table });
        }
        for (table, kept) in TABLES {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {table})");
            if !matches!(kept, Kept::Derived) && tx.query_row(&sql, [], |row| row.get(0)).map_err(name)? {
                return Err(ExportError::StoreNotEmpty { table: (*table).to_owned() });
            }
        }
        let reader = Reader { root: from, manifest: &manifest };
        for (table, kept) in TABLES {
            let count = match kept {
                Kept::Derived => continue,
                Kept::Rows(_) => reader.table(&tx, table, |_, _| Ok(()))?,
                Kept::Audit => reader.audit(&tx, table)?,
                Kept::Lines => reader.events(&tx)?,
            };
            let said = manifest.rows.get(*table).copied();
            if said != Some(count) {
                let problem = format!("it has {count} rows of `{table}` and the manifest says {said:?}");
                return Err(ExportError::Damaged { file: manifest::FILE.to_owned(), problem });
            }
        }
        tx.commit().map_err(name)?;
        Ok(manifest)
    }
}

fn read_manifest(from: &Path) -> Result<Manifest, ExportError> {
    let path = from.join(manifest::FILE);
    let text = fs::read_to_string(&path).map_err(|e| ExportError::File { path, reason: e.to_string() })?;
    let damaged = |problem: String| ExportError::Damaged { file: manifest::FILE.to_owned(), problem };
    // The version first: another one may have other members.
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| damaged(format!("it is no JSON ({e})")))?;
    let found = format!("{} {} of store {}", value["format"], value["layout"], value["store_format"]);
    let known = format!("\"{}\" {LAYOUT} of store {}", manifest::FORMAT, schema::FORMAT);
    if found != known {
        return Err(ExportError::Version { found, known });
    }
    serde_json::from_value(value).map_err(|e| damaged(e.to_string()))
}

struct Reader<'a> {
    root: &'a Path,
    manifest: &'a Manifest,
}

impl Reader<'_> {
    /// Reads a file line by line and compares it with the manifest. Gives its lines.
    fn file(&self, path: &str, mut take: impl FnMut(u64, &str) -> Result<(), String>) -> Result<u64, ExportError> {
        let damaged = |problem: String| ExportError::Damaged { file: path.to_owned(), problem };
        let FileEntry { lines, bytes, sha256 } =
            self.manifest.files.get(path).ok_or_else(|| damaged("the manifest does not name it".to_owned()))?;
        let full = self.root.join(path);
        let failed = |e: std::io::Error| ExportError::File { path: full.clone(), reason: e.to_string() };
        // One byte more than it may have, so that a file that has grown is told from one that has not.
        let mut from = BufReader::new(File::open(&full).map_err(failed)?).take(bytes + 1);
        let (mut hash, mut count, mut size) = (Sha256::new(), 0, 0);
        let mut line = Vec::new();
        loop {
            line.clear();
            let n = from.read_until(b'\n', &mut line).map_err(failed)?;
            if n == 0 {
                break;
            }
            hash.update(&line);
            size += n as u64;
            count += 1;
            let bad = |problem: String| ExportError::Line { file: path.to_owned(), line: count, problem };
            let text = line.strip_suffix(b"\n").ok_or_else(|| bad("it is cut off".to_owned()))?;
            let text = std::str::from_utf8(text).map_err(|e| bad(format!("it is no UTF-8 ({e})")))?;
            take(count, text).map_err(bad)?;
        }
        if (count, size) != (*lines, *bytes) {
            return Err(damaged(format!("it has {count} lines ({size} bytes), the manifest says {lines} ({bytes})")));
        }
        let is = hex(hash);
        if is != *sha256 {
            return Err(damaged(format!("its digest is {is}, the manifest says {sha256}")));
        }
        Ok(count)
    }

    fn table(
        &self,
        tx: &Transaction<'_>,
        table: &str,
        mut after: impl FnMut(&str, &[String]) -> Result<(), String>,
    ) -> Result<u64, ExportError> {
        let file = format!("{table}.jsonl");
        let failed = |e: rusqlite::Error| ExportError::Damaged { file: file.clone(), problem: e.to_string() };
        let columns = rows::columns(tx, table).map_err(failed)?;
        let places = vec!["?"; columns.len()].join(", ");
        let sql = format!("INSERT INTO {table} ({}) VALUES ({places})", columns.join(", "));
        let mut insert = tx.prepare(&sql).map_err(failed)?;
        self.file(&file, |_, line| {
            let values = rows::values(line, &columns)?;
            insert.execute(params_from_iter(values)).map_err(|e| format!("the store does not take it ({e})"))?;
            after(line, &columns)
        })
    }

    /// Entries one after the other, each with its subjects, which the store takes only then; and the chain is checked.
    fn audit(&self, tx: &Transaction<'_>, table: &str) -> Result<u64, ExportError> {
        let mut head = audit::Head::default();
        self.table(tx, table, |line, _| {
            let row: serde_json::Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
            let entry: audit::Entry =
                serde_json::from_str(row["body"].as_str().unwrap_or_default()).map_err(|e| format!("body: {e}"))?;
            head = verify_chain([&entry], head.clone()).map_err(|e| e.to_string())?;
            if row["digest"] != head.digest.as_str() || row["seq"] != entry.seq {
                return Err("number or digest is not that of its body".to_owned());
            }
            let mut insert = tx
                .prepare_cached("INSERT INTO audit_subjects (subject, seq) VALUES (?1, ?2)")
                .map_err(|e| e.to_string())?;
            for subject in &entry.subjects {
                insert.execute(params![subject, entry.seq.cast_signed()]).map_err(|e| e.to_string())?;
            }
            Ok(())
        })
    }

    fn events(&self, tx: &Transaction<'_>) -> Result<u64, ExportError> {
        let calls: Vec<(i64, String)> = tx
            .prepare("SELECT no, id FROM calls ORDER BY no")
            .and_then(|mut s| s.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(|e| ExportError::Damaged { file: "calls.jsonl".to_owned(), problem: e.to_string() })?;
        let mut count = 0;
        for (no, id) in calls {
            // The name comes from outside and becomes a path.
            let id = crate::id::CallId::new(id)?;
            count += self.file(&format!("calls/{id}.jsonl"), |line, text| {
                let event: serde_json::Value =
                    serde_json::from_str(text).map_err(|e| format!("it is no JSON ({e})"))?;
                let seq = line - 1;
                if event["seq"] != seq {
                    return Err(format!("it is event {}, and event {seq} belongs here", event["seq"]));
                }
                tx.prepare_cached("INSERT INTO events (call, seq, line) VALUES (?1, ?2, ?3)")
                    .and_then(|mut s| s.execute(params![no, seq.cast_signed(), text]))
                    .map(drop)
                    .map_err(|e| format!("the store does not take it ({e})"))
            })?;
        }
        Ok(count)
    }
}
