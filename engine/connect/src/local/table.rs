//! A CSV file that people edit by hand: what we do not change stays byte for byte as it was.
//!
//! Rows we do not touch, comment lines (`#…`), blank lines, unknown columns and the kind of line ends are kept. A cell that
//! a spreadsheet would take for a formula is written with an apostrophe before it, which spreadsheets do not show, and read
//! without it; see [`guarded`].

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

/// The column every table must have.
pub const ID: &str = "id";

/// A CSV file we cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct BadTable {
    /// Name of the file.
    pub file: String,
    /// Line it is in, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub problem: String,
}

#[derive(Clone, Debug)]
enum Piece {
    /// A comment, a blank line, the heading: never changed.
    Kept(String),
    /// A row with its text as it stands in the file, and its cells as they are meant.
    Row { raw: String, cells: Vec<String> },
}

/// The rows of one file.
#[derive(Clone, Debug)]
pub struct Table {
    heading: Vec<String>,
    pieces: Vec<Piece>,
    line_end: &'static str,
    id: usize,
}

impl Table {
    /// An empty one with these columns; one of them must be [`ID`].
    #[must_use]
    pub fn with_heading(columns: &[&str]) -> Self {
        let heading: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
        let id = heading.iter().position(|c| c == ID).unwrap_or(0);
        Self { pieces: vec![Piece::Kept(format!("{}\n", columns.join(",")))], heading, line_end: "\n", id }
    }

    /// Reads `text`; `file` is its name for errors.
    ///
    /// # Errors
    /// [`BadTable`]: an open quote, too many or few cells, no or two columns of a name, no or two rows of an id.
    pub fn parse(file: &str, text: &str) -> Result<Self, BadTable> {
        let bad = |line, problem: String| BadTable { file: file.to_owned(), line, problem };
        let line_end =
            if text.split_inclusive('\n').next().is_some_and(|l| l.ends_with("\r\n")) { "\r\n" } else { "\n" };
        let mut pieces = Vec::new();
        let mut heading: Option<(Vec<String>, usize)> = None;
        let mut seen = std::collections::BTreeMap::new();
        for (line, raw) in records(text) {
            let raw_line = if line == 1 { raw.trim_start_matches('\u{feff}') } else { raw };
            if raw_line.starts_with('#') || raw_line.trim().is_empty() {
                pieces.push(Piece::Kept(raw.to_owned()));
                continue;
            }
            let cells = cells(raw_line).map_err(|problem| bad(line, problem))?;
            let Some((columns, id)) = &heading else {
                heading = Some(columns_of(cells).map_err(|problem| bad(line, problem))?);
                pieces.push(Piece::Kept(raw.to_owned()));
                continue;
            };
            if cells.len() != columns.len() {
                let problem = format!(
                    "has {} cells where the heading has {}; add or remove commas, and put text with commas in quotes",
                    cells.len(),
                    columns.len()
                );
                return Err(bad(line, problem));
            }
            let cells: Vec<String> = cells.iter().map(|c| unguarded(c).to_owned()).collect();
            let row_id = cells[*id].clone();
            if row_id.is_empty() {
                return Err(bad(line, "has no id; write one that no other row has".into()));
            }
            if let Some(first) = seen.insert(row_id.clone(), line) {
                return Err(bad(line, format!("has the id `{row_id}` of line {first}; write another")));
            }
            pieces.push(Piece::Row { raw: raw.to_owned(), cells });
        }
        let (heading, id) = heading
            .ok_or_else(|| bad(1, "has no heading; write the names of its columns, with `id` among them".into()))?;
        Ok(Self { heading, pieces, line_end, id })
    }

    /// Names of its columns.
    #[must_use]
    pub fn heading(&self) -> &[String] {
        &self.heading
    }

    /// Number of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.heading.iter().position(|c| c == name)
    }

    /// Its rows, in the file's order.
    pub fn rows(&self) -> impl Iterator<Item = &[String]> {
        self.pieces.iter().filter_map(|p| if let Piece::Row { cells, .. } = p { Some(cells.as_slice()) } else { None })
    }

    /// Id of a row of this table.
    #[must_use]
    pub fn id<'a>(&self, row: &'a [String]) -> &'a str {
        &row[self.id]
    }

    /// The row with this id.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<&[String]> {
        self.rows().find(|cells| cells[self.id] == id)
    }

    /// Writes cells of the row `id`; nothing happens if there is none.
    pub fn set(&mut self, id: &str, changes: &[(usize, &str)]) {
        for piece in &mut self.pieces {
            let Piece::Row { raw, cells } = piece else { continue };
            if cells[self.id] != id {
                continue;
            }
            for (column, value) in changes {
                (*value).clone_into(&mut cells[*column]);
            }
            *raw = line(cells, self.line_end);
        }
    }

    /// Adds a row; columns not named stay empty, names without a column are left out.
    pub fn push(&mut self, values: &[(&str, &str)]) {
        let value = |column: &String| values.iter().find(|(name, _)| name == column).map_or("", |(_, v)| *v);
        let cells: Vec<String> = self.heading.iter().map(|c| value(c).to_owned()).collect();
        let last = self.pieces.last_mut().map(|p| match p {
            Piece::Kept(raw) | Piece::Row { raw, .. } => raw,
        });
        if let Some(last) = last.filter(|raw| !raw.ends_with('\n')) {
            last.push_str(self.line_end);
        }
        self.pieces.push(Piece::Row { raw: line(&cells, self.line_end), cells });
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.pieces.iter().try_for_each(|p| match p {
            Piece::Kept(raw) | Piece::Row { raw, .. } => f.write_str(raw),
        })
    }
}

/// What a row is called in this state: another text means that somebody changed it.
#[must_use]
pub fn version(row: &[String]) -> String {
    let mut digest = Sha256::new();
    for cell in row {
        digest.update(cell.len().to_le_bytes());
        digest.update(cell.as_bytes());
    }
    digest.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect()
}

/// Records with the number of their first line: a line break inside quotes does not end one.
fn records(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    let mut line = 1;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let comment = if line == 1 { rest.trim_start_matches('\u{feff}') } else { rest }.starts_with('#');
        let mut quoted = false;
        let end = rest.bytes().position(|b| {
            quoted ^= b == b'"' && !comment;
            b == b'\n' && !quoted
        });
        let (record, after) = rest.split_at(end.map_or(rest.len(), |e| e + 1));
        let began = line;
        line += record.matches('\n').count();
        rest = after;
        Some((began, record))
    })
}

fn cells(raw: &str) -> Result<Vec<String>, String> {
    if raw.matches('"').count() % 2 == 1 {
        return Err("opens a quote that is never closed; close it, and double every quote inside".into());
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(raw.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut more = csv::StringRecord::new();
    let mut next = |record: &mut csv::StringRecord| reader.read_record(record).map_err(|e| format!("is no CSV: {e}"));
    next(&mut record)?;
    if next(&mut more)? {
        return Err("holds a quote or a line break in a cell that is not in quotes; put the cell in quotes".into());
    }
    Ok(record.iter().map(str::to_owned).collect())
}

fn columns_of(cells: Vec<String>) -> Result<(Vec<String>, usize), String> {
    let columns: Vec<String> = cells.iter().map(|c| c.trim().to_owned()).collect();
    for (i, name) in columns.iter().enumerate() {
        if columns[..i].contains(name) {
            return Err(format!("has two columns named `{name}`; rename one"));
        }
    }
    let id = columns.iter().position(|c| c == ID);
    let id = id.ok_or("has no column `id`; the first line must name the columns, one of them `id`")?;
    Ok((columns, id))
}

fn line(cells: &[String], line_end: &str) -> String {
    // A first cell that begins like a comment would be taken for one: `comment` puts it in quotes.
    let mut writer = csv::WriterBuilder::new().comment(Some(b'#')).from_writer(Vec::new());
    let guarded: Vec<Cow<'_, str>> = cells.iter().map(|c| guarded(c)).collect();
    writer.write_record(guarded.iter().map(|c| c.as_bytes())).expect("a Vec takes all");
    let bytes = writer.into_inner().expect("a Vec takes all");
    let text = String::from_utf8(bytes).expect("cells are text");
    format!("{}{line_end}", text.strip_suffix('\n').unwrap_or(&text))
}

/// The cell as it is written. What a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, a tab or a
/// carriage return, perhaps after apostrophes, and is no number) gets one apostrophe before it.
#[must_use]
pub fn guarded(value: &str) -> Cow<'_, str> {
    if is_formula(value) { Cow::Owned(format!("'{value}")) } else { Cow::Borrowed(value) }
}

/// The cell as it is meant: the reverse of [`guarded`]; a formula that a person typed stays as they typed it.
#[must_use]
pub fn unguarded(value: &str) -> &str {
    value.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(value)
}

fn is_formula(value: &str) -> bool {
    let inner = value.trim_start_matches('\'');
    let number = inner.len() == value.len() && inner.parse::<f64>().is_ok_and(f64::is_finite);
    inner.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEALS: &str = "\u{feff}# our deals, best first\r\nid,stage,amount,how we met\r\n\r\n7,discovery,-5,\"at, a \"\"fair\"\"\nin May\"\r\n# stale:\r\n8,demo,\"90\",x";

    #[test]
    fn what_is_not_changed_stays_byte_for_byte() {
        let mut table = Table::parse("deals.csv", DEALS).unwrap();
        assert_eq!(table.to_string(), DEALS);
        assert_eq!(table.row("7").unwrap()[3], "at, a \"fair\"\nin May");
        table.set("8", &[(1, "closed, won")]);
        let expected = DEALS.replace("8,demo,\"90\",x", "8,\"closed, won\",90,x\r\n");
        assert_eq!(table.to_string(), expected);
        table.push(&[("id", "9"), ("amount", "=1+1"), ("nothing", "x")]);
        assert_eq!(table.to_string(), format!("{expected}9,,'=1+1,\r\n"));
        assert_eq!(Table::parse("d", &table.to_string()).unwrap().row("9").unwrap()[2], "=1+1");
    }

    #[test]
    fn errors_name_file_and_line() {
        for (text, line, words) in [
            ("", 1, "no heading"),
            ("name,stage\n1,2\n", 1, "no column `id`"),
            ("id,a,a\n", 1, "two columns named `a`"),
            ("id,a\n1,2\n\n2,3,4\n", 4, "has 3 cells where the heading has 2"),
            ("id,a\n1,\"x\ny\"\n2\n", 4, "has 1 cells"),
            ("id,a\n1,\"x\n2,y\n", 2, "never closed"),
            ("id,a\n1,x\n1,y\n", 3, "id `1` of line 2"),
            ("id,a\n,x\n", 2, "no id"),
        ] {
            let error = Table::parse("deals.csv", text).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.to_string().starts_with("deals.csv:"));
        }
    }

    #[test]
    fn formulas_are_kept_as_text_and_numbers_as_numbers() {
        for (value, written) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-x", "'-x"),
            ("-500.25", "-500.25"),
            ("+4", "+4"),
            ("+49 30 1234", "'+49 30 1234"),
            ("'=1", "''=1"),
            ("'-5", "''-5"),
            ("'tis", "'tis"),
            ("-inf", "'-inf"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(guarded(value), written);
            assert_eq!(unguarded(written), value);
        }
        assert_eq!(unguarded("=1+1"), "=1+1");
    }

    proptest! {
        #[test]
        fn any_cells_are_read_back(
            rows in prop::collection::vec(("\\PC{0,9}", "[=+@'\t\r\n\",;# a-]{0,6}", ".{0,9}"), 1..6),
            crlf: bool,
        ) {
            let text = if crlf { "a,id,b,c\r\n" } else { "a,id,b,c\n" };
            let mut table = Table::parse("t", text).unwrap();
            for (i, (a, b, c)) in rows.iter().enumerate() {
                let id = format!("i{i}");
                table.push(&[("id", &id), ("a", a), ("b", b), ("c", c)]);
            }
            let written = table.to_string();
            let back = Table::parse("t", &written).unwrap();
            prop_assert_eq!(back.rows().count(), rows.len());
            for (i, (a, b, c)) in rows.iter().enumerate() {
                let row = back.row(&format!("i{i}")).unwrap();
                prop_assert_eq!([&row[0], &row[2], &row[3]], [a, b, c], "{}", &written);
            }
            prop_assert_eq!(back.to_string(), written);
        }

        #[test]
        fn any_text_is_read_without_panic_and_kept(text in "(id,a\n)?[\"\n\r,#a ]{0,40}") {
            if let Ok(table) = Table::parse("t", &text) {
                prop_assert_eq!(table.to_string(), text);
            }
        }
    }
}
