//! Export: one state of the store, streamed into files.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest as _, Sha256};

use super::{
    ExportError, FileEntry, LAYOUT, Manifest, manifest, rows, schemas,
    tables::{Kept, TABLES, unlisted},
};
use crate::{
    id::CallId,
    sqlite::{SqliteLog, schema, unreadable},
};

impl SqliteLog {
    /// Writes everything into a new folder `to`. It is made under the name `.NAME.partial` beside it and renamed when it
    /// is whole; what an export that was killed left under that name is thrown away first.
    ///
    /// # Errors
    /// [`ExportError::NotEmpty`] if there is something at `to`; [`ExportError::UnknownTable`]; errors of files and store.
    pub fn export(&self, to: &Path) -> Result<Manifest, ExportError> {
        let failed = |path: &Path, e: io::Error| ExportError::File { path: path.to_owned(), reason: e.to_string() };
        let empty = match fs::read_dir(to) {
            Ok(mut entries) => entries.next().is_none(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => true,
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => false,
            Err(e) => return Err(failed(to, e)),
        };
        if !empty {
            return Err(ExportError::NotEmpty { path: to.to_owned() });
        }
        let part = beside(to);
        if part.exists() {
            fs::remove_dir_all(&part).map_err(|e| failed(&part, e))?;
        }
        make_private(&part).map_err(|e| failed(&part, e))?;
        let written = self.with_snapshot(|conn| Writer::new(&part).everything(conn));
        let manifest = written.inspect_err(|_| drop(fs::remove_dir_all(&part)))?;
        // An empty folder in the way is replaced; elsewhere than on Unix that needs its removal first.
        if to.exists() {
            fs::remove_dir(to).map_err(|e| failed(to, e))?;
        }
        fs::rename(&part, to).map_err(|e| failed(to, e))?;
        Ok(manifest)
    }

    /// Runs `body` on one state of the file. A connection of its own, so that nobody waits for a long export; in memory
    /// there is only the one.
    fn with_snapshot<T>(&self, body: impl FnOnce(&Connection) -> Result<T, ExportError>) -> Result<T, ExportError> {
        let name = |e| ExportError::from(self.faults().name(e));
        let begin = |conn: &Connection| conn.execute_batch("BEGIN").map_err(name);
        if self.path() == Path::new(":memory:") {
            let conn = self.writer();
            begin(&conn)?;
            let done = body(&conn);
            conn.execute_batch("COMMIT").map_err(name)?;
            return done;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(self.path(), flags).map_err(name)?;
        begin(&conn)?;
        body(&conn)
    }
}

/// Where an export to `to` grows.
fn beside(to: &Path) -> PathBuf {
    let name = to.file_name().map_or_else(|| "export".into(), |n| n.to_string_lossy().into_owned());
    to.with_file_name(format!(".{name}.partial"))
}

/// A folder for its owner alone: what was said lies in it.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

struct Writer<'a> {
    root: &'a Path,
    rows: BTreeMap<String, u64>,
    files: BTreeMap<String, FileEntry>,
}

impl<'a> Writer<'a> {
    fn new(root: &'a Path) -> Self {
        Self { root, rows: BTreeMap::new(), files: BTreeMap::new() }
    }

    fn everything(mut self, conn: &Connection) -> Result<Manifest, ExportError> {
        let name = |e| self_name(conn, e);
        if let Some(table) = unlisted(conn).map_err(name)? {
            return Err(ExportError::UnknownTable { table });
        }
        for folder in ["calls", "schemas"] {
            let path = self.root.join(folder);
            make_private(&path).map_err(|e| ExportError::File { path, reason: e.to_string() })?;
        }
        for (table, kept) in TABLES {
            let count = match kept {
                Kept::Derived => continue,
                Kept::Lines => self.events(conn)?,
                Kept::Rows(order) => self.table(conn, table, order)?,
                Kept::Audit => self.table(conn, table, "seq")?,
            };
            self.rows.insert((*table).to_owned(), count);
        }
        for (file, text) in schemas::all(conn).map_err(name)? {
            self.file(&format!("schemas/{file}"), |out| Ok(out.lines(&text)?))?;
        }
        let manifest = Manifest {
            format: manifest::FORMAT.to_owned(),
            layout: LAYOUT,
            store_format: schema::FORMAT,
            rows: std::mem::take(&mut self.rows),
            files: std::mem::take(&mut self.files),
        };
        let text = serde_json::to_string_pretty(&manifest).expect("strings and numbers always become JSON") + "\n";
        let path = self.root.join(manifest::FILE);
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|e: io::Error| ExportError::File { path: path.clone(), reason: e.to_string() })?;
        Ok(manifest)
    }

    fn table(&mut self, conn: &Connection, table: &str, order: &str) -> Result<u64, ExportError> {
        let columns = rows::columns(conn, table).map_err(|e| self_name(conn, e))?;
        let sql = format!("SELECT {} FROM {table} ORDER BY {order}", columns.join(", "));
        self.file(&format!("{table}.jsonl"), |out| {
            let mut select = conn.prepare(&sql)?;
            let mut found = select.query([])?;
            while let Some(row) = found.next()? {
                out.line(&rows::line(row, &columns)?)?;
            }
            Ok(())
        })
    }

    fn events(&mut self, conn: &Connection) -> Result<u64, ExportError> {
        let name = |e| self_name(conn, e);
        let mut calls = conn.prepare("SELECT no, id FROM calls ORDER BY no").map_err(name)?;
        let mut found = calls.query([]).map_err(name)?;
        let mut count = 0;
        while let Some(call) = found.next().map_err(name)? {
            let (no, id): (i64, String) = call.get(0).and_then(|no| Ok((no, call.get(1)?))).map_err(name)?;
            // It becomes a file name.
            let id = CallId::new(id)?;
            count += self.file(&format!("calls/{id}.jsonl"), |out| {
                let mut select = conn.prepare_cached("SELECT line FROM events WHERE call = ?1 ORDER BY seq")?;
                let mut lines = select.query([no])?;
                while let Some(row) = lines.next()? {
                    out.line(row.get_ref(0)?.as_str().map_err(|e| unreadable(0, e.into()))?)?;
                }
                Ok(())
            })?;
        }
        Ok(count)
    }

    /// Writes a file of the export and enters it into the manifest. Gives its lines.
    fn file(&mut self, path: &str, body: impl FnOnce(&mut Out) -> Result<(), Fault>) -> Result<u64, ExportError> {
        let full = self.root.join(path);
        let failed = |e: io::Error| ExportError::File { path: full.clone(), reason: e.to_string() };
        let file = File::create(&full).map_err(failed)?;
        let mut out = Out { to: BufWriter::new(file), hash: Sha256::new(), lines: 0, bytes: 0 };
        body(&mut out).map_err(|fault| match fault {
            Fault::File(e) => failed(e),
            Fault::Row(e) => {
                ExportError::Damaged { file: path.to_owned(), problem: format!("the store cannot be read there ({e})") }
            }
        })?;
        out.to.flush().map_err(failed)?;
        let sha256 = hex(out.hash);
        self.files.insert(path.to_owned(), FileEntry { lines: out.lines, bytes: out.bytes, sha256 });
        Ok(out.lines)
    }
}

fn self_name(conn: &Connection, e: rusqlite::Error) -> ExportError {
    let path = conn.path().unwrap_or_default().into();
    crate::sqlite::faults::Faults { path, busy_ms: 0 }.name(e).into()
}

pub(super) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

enum Fault {
    File(io::Error),
    Row(rusqlite::Error),
}

impl From<io::Error> for Fault {
    fn from(e: io::Error) -> Self {
        Self::File(e)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(e: rusqlite::Error) -> Self {
        Self::Row(e)
    }
}

/// A file that is counted and hashed as it is written.
struct Out {
    to: BufWriter<File>,
    hash: Sha256,
    lines: u64,
    bytes: u64,
}

impl Out {
    fn line(&mut self, line: &str) -> io::Result<()> {
        self.lines += 1;
        self.put(line.as_bytes())?;
        self.put(b"\n")
    }

    /// A text of lines that are ended already.
    fn lines(&mut self, text: &str) -> io::Result<()> {
        self.lines += text.lines().count() as u64;
        self.put(text.as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.to.write_all(bytes)
    }
}
