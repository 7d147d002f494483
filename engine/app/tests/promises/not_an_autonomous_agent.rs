//! Not an autonomous agent: it runs between the stages and drafts, and nothing that can be set, named in the environment or
//! written on a command line makes it decide.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};

use reframe_workflow::outbox::{Inbox as _, Standing};

use super::{
    landed::{changes, things},
    team::{REP, Team},
};
use crate::support::{Served, err, out, reframe, root, run};

/// Words that a setting, flag or variable which decides for a person would be named with.
const DECIDES: [&str; 14] = [
    "approv",
    "auto",
    "sync",
    "unattended",
    "autopilot",
    "trust",
    "skip",
    "force",
    "bypass",
    "confirm",
    "yes",
    "click",
    "consent_all",
    "no_review",
];
/// The one flag that approves, in the demo alone, whose data folder is its own and which says so as it does it.
const DEMO: &str = "demo --approve-as";

/// What a table of the settings may hold, asked of the program itself: names, and what each may read where that is a list.
#[derive(Default)]
struct Settings {
    /// Every name, with the tables it is in: `workflow.prep.calendar`.
    names: BTreeSet<String>,
    /// Those that are on or off.
    switches: BTreeSet<String>,
    /// Values of those that are one of a list.
    values: BTreeSet<String>,
}

impl Settings {
    /// Asked once: it takes a few hundred runs.
    fn all() -> &'static Self {
        static ALL: OnceLock<Settings> = OnceLock::new();
        ALL.get_or_init(|| Self::of(&Team::new()))
    }

    fn of(team: &Team) -> Self {
        let mut found = Self::default();
        let mut tables: Vec<(String, bool)> = vec![(String::new(), false)];
        while let Some((table, many)) = tables.pop() {
            let heading = |name: &str, many: bool| if many { format!("[[{name}]]") } else { format!("[{name}]") };
            let inside =
                if table.is_empty() { "zzz = 1".into() } else { format!("{}\nzzz = 1", heading(&table, many)) };
            let Some(names) = expected(&refusal(team, &inside), "unknown field `zzz`") else { panic!("{table}") };
            for name in names {
                let path = if table.is_empty() { name } else { format!("{table}.{name}") };
                if !found.names.insert(path.clone()) {
                    continue;
                }
                let says = refusal(team, &format!("{}\nzzz = 1", heading(&path, false)));
                if expected(&says, "unknown field `zzz`").is_some() {
                    tables.push((path, false));
                } else if let Some(values) = expected(&says, "unknown variant") {
                    found.values.extend(values);
                } else if says.contains("invalid type: map, expected a boolean") {
                    found.switches.insert(path);
                } else if says.contains("expected a sequence") {
                    let says = refusal(team, &format!("{}\nzzz = 1", heading(&path, true)));
                    if expected(&says, "unknown field `zzz`").is_some() {
                        tables.push((path, true));
                    }
                }
            }
        }
        found
    }
}

/// What the program says to these settings.
fn refusal(team: &Team, settings: &str) -> String {
    team.write("asked.toml", &format!("{settings}\n"));
    let said = team.run(&["check", "--config", "asked.toml"]);
    out(&said) + &err(&said)
}

/// The names in backquotes after `refused … expected`, if that is what it says.
fn expected(says: &str, refused: &str) -> Option<Vec<String>> {
    let (_, rest) = says.split_once(refused)?;
    let line = rest.lines().next()?;
    let (_, names) = line.split_once("expected")?;
    Some(names.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// All commands, each with its switches, its other flags and its arguments, as its own help names them.
struct Command {
    words: Vec<String>,
    /// Flags without a value.
    switches: Vec<String>,
    /// Flags with one, and what it stands for.
    flags: Vec<(String, String)>,
    /// Those of them it does not run without.
    needed: Vec<String>,
    arguments: Vec<String>,
}

impl Command {
    fn all(team: &Team) -> Vec<Self> {
        let (mut found, mut ahead) = (Vec::new(), vec![Vec::new()]);
        while let Some(words) = ahead.pop() {
            let args: Vec<&str> = words.iter().map(String::as_str).chain(["-h"]).collect();
            let help = team.says(&args);
            let under: Vec<&str> = help.split_once("\nCommands:\n").map_or(vec![], |(_, rest)| {
                let names = rest.split("\n\n").next().unwrap_or_default().lines();
                names
                    .filter(|l| l.starts_with("  ") && !l.starts_with("   "))
                    .filter_map(|l| l.split_whitespace().next())
                    .collect()
            });
            // Some do something by themselves too.
            if under.is_empty() || help.contains("[COMMAND]") {
                found.push(Self::of(words.clone(), &help));
            }
            let next = |name: &&str| words.iter().cloned().chain([(*name).to_owned()]).collect::<Vec<_>>();
            ahead.extend(under.iter().filter(|name| **name != "help").map(next));
        }
        found.sort_by(|a, b| a.words.cmp(&b.words));
        found
    }

    fn of(words: Vec<String>, help: &str) -> Self {
        let usage = help.lines().find(|l| l.starts_with("Usage:")).unwrap_or_default();
        let holder = |text: &str| text.trim_matches(['<', '>', '[', ']', '.']).to_owned();
        let given: Vec<&str> = usage.split_whitespace().skip(2 + words.len()).collect();
        let mut arguments = Vec::new();
        for (n, word) in given.iter().enumerate() {
            let of_a_flag = n > 0 && given[n - 1].starts_with("--");
            if !of_a_flag
                && !["[OPTIONS]", "[COMMAND]"].contains(word)
                && (word.starts_with('<') || word.starts_with('['))
            {
                arguments.push(holder(word));
            }
        }
        let needed = given.iter().filter(|word| word.starts_with("--")).map(|word| (*word).to_owned()).collect();
        let (mut switches, mut flags) = (Vec::new(), Vec::new());
        for line in help.lines().map(str::trim).filter(|line| line.starts_with('-')) {
            let Some(at) = line.find("--") else { continue };
            let mut parts = line[at..].split_whitespace();
            let name = parts.next().unwrap_or_default().split(['[', '=']).next().unwrap_or_default().to_owned();
            match parts.next().filter(|next| next.starts_with('<') || next.starts_with("[=<")) {
                Some(value) => flags.push((name, holder(value))),
                None if name != "--help" && name != "--version" => switches.push(name),
                None => {}
            }
        }
        Self { words, switches, flags, needed, arguments }
    }

    fn name(&self) -> String {
        self.words.join(" ")
    }

    /// The command with what it must be given, these flags and these switches.
    fn with(&self, flag: impl Fn(&String) -> bool, switches: &[String]) -> Vec<String> {
        let mut line = self.words.clone();
        line.extend_from_slice(switches);
        for (name, holder) in self.flags.iter().filter(|(name, _)| flag(name)) {
            line.extend([name.clone(), value(holder)]);
        }
        line.extend(self.arguments.iter().map(|holder| value(holder)));
        line
    }

    /// Every way it is run: bare, with all its flags, with each of its switches, with all of both.
    fn lines(&self) -> Vec<Vec<String>> {
        let elsewhere = ["--config", "--data", "--server", "--listen"];
        let all = |name: &String| !elsewhere.contains(&name.as_str());
        let needed = |name: &String| self.needed.contains(name);
        let mut lines = vec![self.with(needed, &[]), self.with(all, &[]), self.with(all, &self.switches)];
        lines.extend(self.switches.iter().map(|switch| self.with(needed, std::slice::from_ref(switch))));
        lines
    }
}

/// Something that fits where the help has this word.
fn value(holder: &str) -> String {
    let fits = match holder {
        "NAME" => REP,
        "PERSON" | "EMAIL" => "ann@alder.example",
        "FILE" | "FILES" => "events.csv",
        "PATH" => "data/calls",
        "DIR" | "FOLDER" => "new-folder",
        "CALL" | "CALLS" => "call-1",
        "MEETING" => "m1",
        "DATE" | "DAY" => "2026-01-05",
        "QUERY" => "budget",
        "STAGE" => "signal",
        "CHANNEL" | "CHANNELS" => "email",
        "PURPOSE" | "PURPOSES" => "outreach",
        "REGIONS" => "US-NY",
        "GROUND" => "express",
        "REASON" => "own",
        "METHOD" | "PROOF" => "form",
        "LANGUAGE" => "en",
        "SIDE" => "buyer",
        "BY" => "week",
        "FORM" => "csv",
        "SHELL" => "bash",
        _ => "1",
    };
    fits.to_owned()
}

/// Names that the sources read from the environment, tests' own aside.
fn environment() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders: Vec<_> =
        std::fs::read_dir(root().join("engine")).unwrap().map(|e| e.unwrap().path().join("src")).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let own = text.split("#[cfg(test)]").next().unwrap_or_default();
                let own = own.split("#[test]").next().unwrap_or_default();
                for rest in own.split("env::var").skip(1) {
                    let inside = rest.split_once('(').map_or("", |(_, inside)| inside);
                    let literal = inside.strip_prefix('"').and_then(|text| text.split_once('"'));
                    found.extend(literal.map(|(name, _)| name.to_owned()));
                }
            }
        }
    }
    found
}

/// No name of a setting, value, flag or variable says that it decides; and what would be one is refused wherever it is put.
#[test]
fn no_setting_flag_or_variable_is_there_to_decide() {
    let team = Team::new();
    let settings = Settings::all();
    assert!(settings.names.len() > 100 && settings.switches.len() >= 8, "{:?}", settings.names);
    for name in ["workflow.outreach.sender.daily_cap", "workflow.messages.pains.clause", "workflow.after_calls"] {
        assert!(settings.names.contains(name), "{name}: {:?}", settings.names);
    }
    let decides = |name: &str| DECIDES.iter().any(|word| name.to_lowercase().contains(word));
    let own = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let named: Vec<&String> = settings
        .names
        .iter()
        .filter(|path| decides(&own(path)))
        .chain(settings.values.iter().filter(|v| decides(v)))
        .collect();
    assert!(named.is_empty(), "settings that decide: {named:?}");
    let tables: BTreeSet<&str> =
        settings.names.iter().filter_map(|path| path.rsplit_once('.')).map(|(table, _)| table).collect();
    // Tables of which there are several are written otherwise, and are refused above by the same rule.
    let several = [
        "whip.turn",
        "workflow.messages.pains",
        "workflow.messages.plan",
        "workflow.outreach.disputes",
        "workflow.outreach.sender.records",
    ];
    for table in tables.into_iter().filter(|table| !several.contains(table)) {
        let says = refusal(&team, &format!("version = 1\n[{table}]\nauto_approve = true"));
        assert!(says.contains("unknown field `auto_approve`"), "[{table}]: {says}");
    }

    let commands = Command::all(&team);
    assert!(commands.len() > 50, "{} commands", commands.len());
    for command in &commands {
        let flags = command.switches.iter().chain(command.flags.iter().map(|(flag, _)| flag));
        for flag in flags.filter(|flag| decides(flag)) {
            assert_eq!(format!("{} {flag}", command.name()), DEMO, "a flag that decides");
        }
    }
    let read: Vec<String> = environment().into_iter().collect();
    let known = ["COLUMNS", "NO_COLOR", "REFRAME_REVIEW_FROM_PIPE", "TZ"].map(str::to_owned);
    assert_eq!(read, known, "say here what a variable is for: none may decide");
}

/// Everything is waiting, everything that is on or off is switched on, then off, every variable is set; every command runs
/// bare, with each of its switches and with all its flags; the server runs beside it. Nothing is decided and nothing lands.
#[test]
fn nothing_is_decided_whatever_is_set_and_whatever_runs() {
    let team = Team::walked();
    let crm = team.path().join("data/crm");
    let before = things(&crm);
    let open: Vec<_> = team.waiting().into_iter().map(|p| p.id).collect();
    assert!(open.len() > 15);
    let held = |what: &str, may_go: bool| {
        for id in &open {
            let now = team.store().proposal(id).unwrap().map(|listed| listed.standing);
            let gone = may_go && matches!(now, None | Some(Standing::Rejected { .. } | Standing::Superseded { .. }));
            assert!(gone || now == Some(Standing::Open), "after {what}: {now:?}");
        }
        assert_eq!(changes(&before, &things(&crm)), BTreeMap::new(), "after {what}");
    };
    let variables: Vec<(String, &str)> = environment().into_iter().map(|name| (name, "1")).collect();
    let env: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), *value)).collect();

    let settings = Settings::all();
    for on in [true, false] {
        let mut config: toml::Table = team.config().parse().unwrap();
        // One of them needs the folder of a model, which is not there.
        for path in settings.switches.iter().filter(|path| *path != "session.refine") {
            let (tables, name) = path.rsplit_once('.').unwrap();
            let empty = || toml::Value::Table(toml::Table::new());
            let table = tables
                .split('.')
                .fold(&mut config, |at, table| at.entry(table).or_insert_with(empty).as_table_mut().unwrap());
            table.insert(name.to_owned(), toml::Value::Boolean(on));
            if name == "us_federal" {
                // Working hours have to say where and when.
                let rest = "zone = \"UTC\"\nhours = { mon = [\"09:00\", \"17:00\"] }";
                table.extend(rest.parse::<toml::Table>().unwrap());
            }
        }
        // A night is due at once, and the calendar, the folder of signals and the calls are looked at.
        let text = toml::to_string(&config).unwrap();
        let mut server = Served::start_with(team.path(), &text, &env);
        team.answered(if on { 3 } else { 4 }, "Sounds good, let us go ahead with everything you propose. Approved!");
        // Longer than the server rests between two rounds.
        std::thread::sleep(Duration::from_secs(6));
        assert_eq!(server.terminate(), Some(0), "{}", server.log());
        held(if on { "all switched on" } else { "all switched off" }, false);
    }
    team.write("reframe.toml", &format!("version = 1\n{}", team.config()));

    // What takes away may come last, and takes nothing but proposals away.
    let takes_away = |c: &Command| {
        ["erase", "retention", "withdraw", "revoke", "suppress"].iter().any(|word| c.words.iter().any(|w| w == word))
    };
    let elsewhere = ["serve", "demo", "replay", "transcribe", "models fetch"];
    let (last, first): (Vec<_>, Vec<_>) =
        Command::all(&team).into_iter().filter(|c| !elsewhere.contains(&c.name().as_str())).partition(takes_away);
    let mut went_well = 0;
    for (commands, may_go) in [(first, false), (last, true)] {
        for command in &commands {
            for line in command.lines() {
                let mut program = reframe(team.path());
                program.args(&line).envs(env.iter().copied()).stdin(Stdio::null());
                went_well += usize::from(program.output().unwrap().status.success());
            }
            held(&command.name(), may_go);
        }
    }
    assert!(went_well > 60, "{went_well} runs went well: the test does not reach the commands");
    // The terminal takes a person's keys; without a person there are none, and the program is none.
    let itself = run(team.path(), &["review", "--as", "reframe"]);
    assert!(!itself.status.success(), "{}", out(&itself));
}
