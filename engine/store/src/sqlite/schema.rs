//! The format of the file: its tables, its version, and the steps from one version to the next.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::{error::StoreError, sqlite::faults::Faults};

/// `RFRM` in ASCII, in the file's header: tells our files from those of other programs.
const APPLICATION_ID: i64 = 0x5246_524d;

/// Step `n` makes format `n + 1` from format `n`; format 0 is an empty file. Steps that have been released are never
/// changed, only followed by others.
const STEPS: &[&str] = &[
    "
    CREATE TABLE calls (
        no              INTEGER PRIMARY KEY,
        id              TEXT    NOT NULL UNIQUE,
        title           TEXT    NOT NULL,
        playbook        TEXT    NOT NULL,
        started_unix_ms INTEGER NOT NULL,
        token_hash      TEXT    NOT NULL,
        state           TEXT    NOT NULL CHECK (state IN ('open', 'ended', 'failed')),
        participants    TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX calls_by_start ON calls (started_unix_ms);
    CREATE TABLE events (
        call INTEGER NOT NULL REFERENCES calls (no) ON DELETE CASCADE,
        seq  INTEGER NOT NULL CHECK (seq >= 0),
        line TEXT    NOT NULL,
        PRIMARY KEY (call, seq)
    ) STRICT, WITHOUT ROWID;
",
    // Number of the last event that asked for an erasure which is not carried out yet; and who agreed to what, in a
    // table that only grows.
    "
    ALTER TABLE calls ADD COLUMN erase_due INTEGER;
    CREATE INDEX calls_to_erase ON calls (erase_due) WHERE erase_due IS NOT NULL;
    CREATE TABLE consents (
        id                INTEGER PRIMARY KEY AUTOINCREMENT,
        person            TEXT    NOT NULL,
        scope             TEXT    NOT NULL,
        jurisdiction      TEXT,
        method            TEXT    NOT NULL,
        proof             TEXT    NOT NULL,
        given_unix_ms     INTEGER NOT NULL,
        withdrawn_unix_ms INTEGER
    ) STRICT;
    CREATE INDEX consents_by_person ON consents (person, id);
    CREATE TRIGGER consents_are_not_changed BEFORE UPDATE ON consents
        BEGIN SELECT RAISE(ABORT, 'consent records are only ever added'); END;
    CREATE TRIGGER consents_are_not_removed BEFORE DELETE ON consents
        BEGIN SELECT RAISE(ABORT, 'consent records are only ever added'); END;
",
    // Between calls: what the stages made, what people decided, what is on its way, and the audit log, which only grows.
    // `due_unix_ms` of a claimed entry is the end of its lease. One live or done entry per proposal: however often
    // somebody clicks, a second one cannot be entered.
    "
    CREATE TABLE artifacts (
        id           TEXT    PRIMARY KEY,
        kind         TEXT    NOT NULL,
        body         TEXT    NOT NULL,
        made_unix_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX artifacts_by_kind ON artifacts (kind, made_unix_ms);
    CREATE TABLE proposals (
        no              INTEGER PRIMARY KEY,
        id              TEXT    NOT NULL UNIQUE,
        revision        INTEGER NOT NULL,
        standing        TEXT    NOT NULL CHECK (standing IN
            ('open', 'approved', 'rejected', 'superseded', 'done', 'failed', 'void')),
        detail          TEXT    NOT NULL,
        slot            TEXT,
        batch           TEXT    NOT NULL,
        made_unix_ms    INTEGER NOT NULL,
        shown_unix_ms   INTEGER,
        shown_revision  INTEGER NOT NULL DEFAULT 0,
        decided_unix_ms INTEGER
    ) STRICT;
    CREATE INDEX proposals_waiting ON proposals (no) WHERE standing IN ('open', 'failed', 'void');
    CREATE INDEX proposals_by_standing ON proposals (standing, no);
    CREATE INDEX proposals_by_batch ON proposals (batch, no);
    CREATE INDEX proposals_by_slot ON proposals (slot) WHERE slot IS NOT NULL AND standing IN ('open', 'failed', 'void');
    CREATE TABLE revisions (
        proposal INTEGER NOT NULL REFERENCES proposals (no) ON DELETE CASCADE,
        revision INTEGER NOT NULL,
        body     TEXT    NOT NULL,
        PRIMARY KEY (proposal, revision)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE approvals (
        no              INTEGER PRIMARY KEY,
        proposal        INTEGER NOT NULL REFERENCES proposals (no) ON DELETE CASCADE,
        revision        INTEGER NOT NULL,
        digest          TEXT    NOT NULL,
        person          TEXT    NOT NULL,
        at_unix_ms      INTEGER NOT NULL,
        expires_unix_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX approvals_by_proposal ON approvals (proposal);
    CREATE TABLE outbox (
        no          INTEGER PRIMARY KEY AUTOINCREMENT,
        proposal    INTEGER NOT NULL REFERENCES proposals (no) ON DELETE CASCADE,
        approval    INTEGER NOT NULL UNIQUE REFERENCES approvals (no) ON DELETE CASCADE,
        state       TEXT    NOT NULL CHECK (state IN ('pending', 'claimed', 'done', 'failed', 'void')),
        due_unix_ms INTEGER NOT NULL,
        body        TEXT    NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX outbox_once ON outbox (proposal) WHERE state IN ('pending', 'claimed', 'done');
    CREATE INDEX outbox_of ON outbox (proposal);
    CREATE INDEX outbox_pending ON outbox (due_unix_ms, no) WHERE state = 'pending';
    CREATE INDEX outbox_claimed ON outbox (due_unix_ms, no) WHERE state = 'claimed';
    CREATE TABLE services (
        name TEXT PRIMARY KEY,
        body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE audit (
        seq    INTEGER PRIMARY KEY,
        body   TEXT NOT NULL,
        digest TEXT NOT NULL
    ) STRICT;
    CREATE TABLE audit_subjects (
        subject TEXT    NOT NULL,
        seq     INTEGER NOT NULL REFERENCES audit (seq),
        PRIMARY KEY (subject, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
        BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added'); END;
    CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
        BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added'); END;
    CREATE TRIGGER audit_has_no_holes BEFORE INSERT ON audit
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM audit)
        BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added at the end'); END;
    CREATE TRIGGER audit_subjects_are_not_changed BEFORE UPDATE ON audit_subjects
        BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added'); END;
    CREATE TRIGGER audit_subjects_are_not_removed BEFORE DELETE ON audit_subjects
        BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added'); END;
    CREATE TRIGGER audit_subjects_are_those_of_the_end BEFORE INSERT ON audit_subjects
        WHEN NEW.seq IS NOT (SELECT max(seq) FROM audit)
        BEGIN SELECT RAISE(ABORT, 'audit entries are only ever added at the end'); END;
",
    // The index of what was said: derived from the events, dropped and made again at will, left out of exports. A row's
    // number is `call * 2^20 + utterance`, so that newer calls have larger ones. Triggers keep it honest whoever writes:
    // what is appended is due to be read, what is rewritten or deleted is out of the index in the same transaction, and
    // `secure-delete` takes it out of the index's own pages.
    // Then, who asked to be forgotten: `who` is there only until it is done, the digest is salted and stays.
    "
    CREATE TABLE said (
        no       INTEGER PRIMARY KEY,
        track    INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        words    INTEGER NOT NULL,
        text     TEXT    NOT NULL
    ) STRICT;
    CREATE VIRTUAL TABLE said_index USING fts5
        (text, content = 'said', content_rowid = 'no', tokenize = 'porter unicode61 remove_diacritics 2', columnsize = 0);
    INSERT INTO said_index (said_index, rank) VALUES ('secure-delete', 1);
    CREATE TRIGGER said_added AFTER INSERT ON said
        BEGIN INSERT INTO said_index (rowid, text) VALUES (NEW.no, NEW.text); END;
    CREATE TRIGGER said_removed AFTER DELETE ON said
        BEGIN INSERT INTO said_index (said_index, rowid, text) VALUES ('delete', OLD.no, OLD.text); END;
    CREATE TRIGGER said_changed AFTER UPDATE ON said
        BEGIN
            INSERT INTO said_index (said_index, rowid, text) VALUES ('delete', OLD.no, OLD.text);
            INSERT INTO said_index (rowid, text) VALUES (NEW.no, NEW.text);
        END;
    CREATE TABLE said_by (
        call    INTEGER NOT NULL,
        track   INTEGER NOT NULL,
        name    TEXT    NOT NULL,
        spelled TEXT    NOT NULL,
        side    TEXT    NOT NULL,
        PRIMARY KEY (call, track)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE said_upto (
        call     INTEGER PRIMARY KEY,
        next_seq INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE said_due (call INTEGER PRIMARY KEY) STRICT;
    INSERT INTO said_due SELECT no FROM calls;
    CREATE TRIGGER events_are_due_for_the_index AFTER INSERT ON events
        BEGIN INSERT OR IGNORE INTO said_due (call) VALUES (NEW.call); END;
    CREATE TRIGGER rewritten_events_leave_the_index AFTER UPDATE OF line ON events
        BEGIN
            DELETE FROM said WHERE no BETWEEN NEW.call * 1048576 AND NEW.call * 1048576 + 1048575;
            DELETE FROM said_by WHERE call = NEW.call;
            DELETE FROM said_upto WHERE call = NEW.call;
            INSERT OR IGNORE INTO said_due (call) VALUES (NEW.call);
        END;
    CREATE TRIGGER deleted_calls_leave_the_index AFTER DELETE ON calls
        BEGIN
            DELETE FROM said WHERE no BETWEEN OLD.no * 1048576 AND OLD.no * 1048576 + 1048575;
            DELETE FROM said_by WHERE call = OLD.no;
            DELETE FROM said_upto WHERE call = OLD.no;
            DELETE FROM said_due WHERE call = OLD.no;
        END;
    CREATE TABLE forgotten (
        no            INTEGER PRIMARY KEY,
        digest        TEXT    NOT NULL,
        asked_unix_ms INTEGER NOT NULL,
        who           TEXT,
        stage         TEXT    NOT NULL CHECK (stage IN ('asked', 'rewritten', 'done')),
        calls         TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX forgotten_due ON forgotten (stage) WHERE stage <> 'done';
    CREATE TABLE words_gone (
        call       INTEGER PRIMARY KEY REFERENCES calls (no) ON DELETE CASCADE,
        at_unix_ms INTEGER NOT NULL
    ) STRICT;
",
    // Consent that was taken back and is not carried out yet in calls that are over; every one so far is looked at once.
    // Then, calls the stage after a call has looked at: most leave proposals, and those that leave none are known by this.
    // And which debriefs a seller has opened to others. And what the list of batches counts, without reading proposals.
    "
    CREATE TABLE withdrawals_due (
        consent INTEGER PRIMARY KEY,
        stage   TEXT NOT NULL DEFAULT 'asked' CHECK (stage IN ('asked', 'rewritten')),
        calls   TEXT NOT NULL DEFAULT '[]'
    ) STRICT;
    CREATE INDEX withdrawals_by_stage ON withdrawals_due (stage);
    INSERT INTO withdrawals_due (consent) SELECT id FROM consents WHERE withdrawn_unix_ms IS NOT NULL;
    CREATE TRIGGER withdrawals_are_due AFTER INSERT ON consents WHEN NEW.withdrawn_unix_ms IS NOT NULL
        BEGIN INSERT INTO withdrawals_due (consent) VALUES (NEW.id); END;
    CREATE TABLE looked_at (
        call       INTEGER PRIMARY KEY REFERENCES calls (no) ON DELETE CASCADE,
        at_unix_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX debriefs_by_call ON artifacts (body ->> '$.body.call') WHERE kind = '\"debrief\"';
    CREATE TABLE debriefs_released (
        call       INTEGER PRIMARY KEY REFERENCES calls (no) ON DELETE CASCADE,
        by         TEXT    NOT NULL,
        at_unix_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX batches_counted ON proposals (batch, standing, made_unix_ms);
",
    // A withdrawal that waits keeps how the person is spelled (`who`), for by then the calls are masked, and what it waits
    // for; `unclean` counts its rewritings whose words may still be in pages of the file. `erasures_cleaned` says the same
    // of erasures that a call's log asks for: up to which event the pages are clean. Rewriting is due for every withdrawal
    // that was not over: its spellings may be lost, its pages are cleaned once more.
    // Notes that were taken are looked through for names without reading every event.
    // Then, digests of calls for the nightly review, derived from the events and a note: whatever rewrites either takes
    // them along in the same transaction, and `rewritten` tells one that was made of words from before.
    r#"
    ALTER TABLE withdrawals_due ADD COLUMN who TEXT;
    ALTER TABLE withdrawals_due ADD COLUMN waits TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE withdrawals_due ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE withdrawals_due ADD COLUMN due_unix_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE withdrawals_due ADD COLUMN unclean INTEGER NOT NULL DEFAULT 0;
    UPDATE withdrawals_due SET unclean = 1;
    CREATE TABLE erasures_cleaned (
        call INTEGER PRIMARY KEY REFERENCES calls (no) ON DELETE CASCADE,
        upto INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX notes_taken ON events (call, seq) WHERE instr(line, '"note_taken"') > 0;
    CREATE TABLE rewritten (
        call  INTEGER PRIMARY KEY REFERENCES calls (no) ON DELETE CASCADE,
        times INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE call_digests (
        note    TEXT    PRIMARY KEY,
        call    INTEGER NOT NULL REFERENCES calls (no) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        body    TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX call_digests_by_call ON call_digests (call);
    CREATE TRIGGER rewritten_events_take_digests_along AFTER UPDATE OF line ON events
        BEGIN
            DELETE FROM call_digests WHERE call = NEW.call;
            INSERT INTO rewritten (call, times) VALUES (NEW.call, 1)
                ON CONFLICT (call) DO UPDATE SET times = times + 1;
        END;
    CREATE TRIGGER rewritten_notes_take_digests_along AFTER UPDATE OF body ON artifacts
        BEGIN DELETE FROM call_digests WHERE note = NEW.id; END;
"#,
    // Before a call: what happened at accounts, mails, meetings, sequences; and the contact ledger, whose rows do not change.
    "
    CREATE TABLE items (
        kind       TEXT    NOT NULL,
        id         TEXT    NOT NULL,
        account    TEXT,
        at_unix_ms INTEGER NOT NULL,
        body       TEXT    NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT;
    CREATE INDEX items_by_account ON items (kind, account, at_unix_ms);
    CREATE INDEX items_by_time ON items (kind, at_unix_ms);
    CREATE TABLE contact_ledger (
        seq        INTEGER PRIMARY KEY AUTOINCREMENT,
        at_unix_ms INTEGER NOT NULL,
        about      TEXT    NOT NULL,
        what       TEXT    NOT NULL,
        by         TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX contact_ledger_by_subject ON contact_ledger (about, seq);
    CREATE TRIGGER contact_entries_are_not_changed BEFORE UPDATE ON contact_ledger
        BEGIN SELECT RAISE(ABORT, 'entries of the contact ledger are only ever added'); END;
",
];

/// Newest format this program knows.
pub(crate) const FORMAT: i64 = STEPS.len() as i64;

/// Refuses a file that is not ours or too new, before anything in it is touched. Returns its format.
pub(crate) fn check(conn: &Connection, path: &Path, faults: &Faults) -> Result<i64, StoreError> {
    let number = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| faults.name(e));
    let application = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let empty = application == 0 && format == 0 && tables == 0;
    if application != APPLICATION_ID && !empty {
        return Err(StoreError::NotOurs { path: path.to_owned() });
    }
    if format > FORMAT {
        return Err(StoreError::NewerFormat { path: path.to_owned(), found: format, known: FORMAT });
    }
    Ok(format)
}

/// Brings a checked file to the newest format, whole or not at all.
pub(crate) fn migrate(conn: &mut Connection, path: &Path, faults: &Faults) -> Result<(), StoreError> {
    if check(conn, path, faults)? == FORMAT {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| faults.name(e))?;
    // Again, now that no other program can be at it.
    let format = check(&tx, path, faults)?;
    let from = usize::try_from(format).unwrap_or(0);
    let apply = || -> rusqlite::Result<()> {
        for step in &STEPS[from..] {
            tx.execute_batch(step)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", FORMAT)
    };
    apply().map_err(|e| faults.name(e))?;
    tx.commit().map_err(|e| faults.name(e))
}
