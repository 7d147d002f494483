//! Takes up a changed playbook without a restart: calls that begin from then on run with it, calls that run keep theirs.
//! One that cannot be used is refused, and the one before stays.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use reframe_call::playbook::Severity;
use serde_json::json;

use crate::{playbooks, sentences::Plan};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Problems shown in `/healthz`; the log has them all.
const SHOWN: usize = 5;

/// The plan that calls begin with.
#[derive(Debug)]
pub struct Shelf {
    plan: Mutex<Plan>,
    /// What is wrong with what lies in the folder now; empty if that is what calls begin with.
    refused: Mutex<Vec<String>>,
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    // Both hold whole values, put there in one go.
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// A shelf with the plan the server begins with.
    #[must_use]
    pub fn new(plan: Plan) -> Arc<Self> {
        Arc::new(Self { plan: Mutex::new(plan), refused: Mutex::default() })
    }

    /// What a call that begins now runs with.
    #[must_use]
    pub fn plan(&self) -> Plan {
        lock(&self.plan).clone()
    }

    /// What `/healthz` says of it: the playbook in force, and why a newer one is not, if there is one.
    #[must_use]
    pub fn health(&self) -> serde_json::Value {
        let refused = lock(&self.refused);
        let shown: Vec<&String> = refused.iter().take(SHOWN).collect();
        json!({ "id": self.plan().playbook.id(), "refused": shown })
    }
}

/// The files of a playbook as far as one sees without reading them.
type Look = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Looks at the folder of a playbook.
#[derive(Debug)]
pub struct Watch {
    dir: PathBuf,
    last: Option<Result<Look, String>>,
}

impl Watch {
    /// Of the playbook in `dir`.
    #[must_use]
    pub const fn new(dir: PathBuf) -> Self {
        Self { dir, last: None }
    }

    /// Puts the playbook that lies there now on the shelf, if it is another and can be used. Reads nothing if no file
    /// changed its time or length since the last look.
    pub fn look(&mut self, shelf: &Shelf) {
        let now = look_at(&self.dir).map_err(|error| format!("{error:#}"));
        if self.last.as_ref() == Some(&now) {
            return;
        }
        // First: a file that changes while it is read is read again.
        self.last = Some(now);
        let refused = self.take_up(shelf).err().unwrap_or_default();
        if !refused.is_empty() {
            for problem in &refused {
                tracing::error!("{problem}");
            }
            let kept = shelf.plan().playbook.id();
            tracing::error!(kept, "the playbook was changed and cannot be used; calls go on with the one before");
        }
        *lock(&shelf.refused) = refused;
    }

    fn take_up(&self, shelf: &Shelf) -> Result<(), Vec<String>> {
        let (playbook, problems) = playbooks::read(Some(&self.dir)).map_err(|error| vec![format!("{error:#}")])?;
        let Some(playbook) = playbook else {
            let errors = problems.iter().filter(|p| p.severity == Severity::Error);
            return Err(errors.map(ToString::to_string).collect());
        };
        let before = shelf.plan();
        if playbook.id() == before.playbook.id() {
            return Ok(());
        }
        for problem in &problems {
            tracing::warn!("{problem}");
        }
        let playbook = Arc::new(playbook).in_force();
        let encoder = before.meaning.as_ref().map(|meaning| meaning.encoder());
        let plan = Plan::new(playbook, encoder.as_ref());
        let (now, plays) = (plan.playbook.id(), plan.playbook.plays.len());
        *lock(&shelf.plan) = plan;
        tracing::info!(before = before.playbook.id(), now, plays, "the playbook was changed; new calls run with it");
        Ok(())
    }
}

fn look_at(dir: &Path) -> anyhow::Result<Look> {
    let file = playbooks::file_of(dir);
    let mut files = playbooks::card_files(&file)?;
    files.push(file);
    let seen = |path: PathBuf| {
        let seen = std::fs::metadata(&path)?;
        Ok((path, seen.len(), seen.modified().ok()))
    };
    files.into_iter().map(seen).collect()
}

/// Looks at `dir` every two seconds, as long as somebody holds the shelf.
pub fn watch(shelf: &Arc<Shelf>, dir: PathBuf) {
    let shelf = Arc::downgrade(shelf);
    tokio::spawn(async move {
        let mut watch = Watch::new(dir);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(shelf) = shelf.upgrade() else { return };
            let looked = tokio::task::spawn_blocking(move || {
                watch.look(&shelf);
                watch
            });
            match looked.await {
                Ok(back) => watch = back,
                Err(error) => return tracing::error!(%error, "the playbook's folder is not looked at any more"),
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = "version = 1\nname = \"x\"\n[[play]]\nid = \"a\"\nlabel = \"a\"\nphrases = [\"some phrase\"]\n\
        card = \"cards/a.md\"\n[[test]]\nsay = \"x\"\nexpect = \"none\"\n";
    const CARD: &str = "+++\ntitle = \"t\"\n+++\n- Say this.\n";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("cards")).unwrap();
            let folder = Self(dir);
            folder.write("playbook.toml", BOOK);
            folder.write("cards/a.md", CARD);
            folder
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.0.path().join(name), text).unwrap();
        }

        fn on_shelf(&self) -> (Arc<Shelf>, Watch) {
            let playbook = playbooks::load(Some(self.0.path())).unwrap();
            (Shelf::new(Plan::new(playbook, None)), Watch::new(self.0.path().to_owned()))
        }
    }

    fn says(shelf: &Shelf) -> String {
        shelf.plan().playbook.plays[0].card.say[0].clone()
    }

    fn refused(shelf: &Shelf) -> Vec<String> {
        serde_json::from_value(shelf.health()["refused"].clone()).unwrap()
    }

    #[test]
    fn a_change_to_any_file_is_taken_up() {
        let folder = Folder::new();
        let (shelf, mut watch) = folder.on_shelf();
        let first = shelf.plan();
        watch.look(&shelf);
        assert!(Arc::ptr_eq(&first.playbook, &shelf.plan().playbook), "nothing changed");
        folder.write("cards/a.md", &CARD.replace("this", "that instead"));
        watch.look(&shelf);
        assert_eq!(says(&shelf), "Say that instead.");
        assert_eq!(first.playbook.plays[0].card.say[0], "Say this.", "who has it keeps it");
        folder.write("playbook.toml", &BOOK.replace("some phrase", "another phrase"));
        watch.look(&shelf);
        assert_eq!(shelf.plan().playbook.plays[0].phrases, ["another phrase"]);
        assert_eq!(shelf.health()["id"], shelf.plan().playbook.id());
    }

    #[test]
    fn a_broken_one_is_refused_and_the_one_before_stays() {
        let folder = Folder::new();
        let (shelf, mut watch) = folder.on_shelf();
        let before = shelf.plan().playbook.id();
        folder.write("playbook.toml", &BOOK.replace("label", "lable"));
        watch.look(&shelf);
        assert_eq!(shelf.plan().playbook.id(), before);
        let told = refused(&shelf);
        assert!(told[0].contains("playbook.toml:5: error: unknown key `lable`; did you mean `label`?"), "{told:?}");
        folder.write("playbook.toml", BOOK);
        std::fs::remove_file(folder.0.path().join("cards/a.md")).unwrap();
        watch.look(&shelf);
        assert!(refused(&shelf)[0].contains("there is no card file `cards/a.md`"), "{:?}", refused(&shelf));
        std::fs::remove_file(folder.0.path().join("playbook.toml")).unwrap();
        watch.look(&shelf);
        assert!(refused(&shelf)[0].contains("playbook.toml"), "{:?}", refused(&shelf));
        folder.write("playbook.toml", BOOK);
        folder.write("cards/a.md", CARD);
        watch.look(&shelf);
        assert!(refused(&shelf).is_empty());
        assert_eq!(shelf.plan().playbook.id(), before, "the same as ever");
    }

    #[test]
    fn drafts_stay_out() {
        let folder = Folder::new();
        let (shelf, mut watch) = folder.on_shelf();
        folder.write("playbook.toml", &BOOK.replace("label", "enabled = false\nlabel"));
        watch.look(&shelf);
        assert_eq!(shelf.plan().playbook.plays.len(), 0);
    }
}
