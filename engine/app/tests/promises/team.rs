//! A team with nine accounts, which the program takes through the stages as far as each is meant to come; and a person who
//! decides about what waits.

use std::{path::Path, process::Output};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use reframe_store::{SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::Digest,
    gate::{Proposal, ProposalId},
    outbox::{Inbox as _, Listed, Standing, Which},
};
use serde_json::{Value, json};

use crate::{
    feed::{Bot, http, runtime, start},
    support::{Served, err, out, outreach_settings, review, run, run_with_input, wait_until},
};

/// Companies and whom we know there; an account's id is its place, from 1.
pub const ACCOUNTS: [(&str, &str); 9] = [
    ("Alder", "Ann Abel"),
    ("Birch", "Bo Brand"),
    ("Cedar", "Cy Cole"),
    ("Dogwood", "Di Dunn"),
    ("Elm", "Ed East"),
    ("Fir", "Flo Farr"),
    ("Ginkgo", "Gus Gale"),
    ("Hazel", "Hal Hunt"),
    ("Iris", "Ida Imhof"),
];
/// Who decides.
pub const REP: &str = "Ada Byron";

const CONFIG: &str = r#"
[data]
dir = "data"
[workflow]
nightly_at = ""
from = "tom@try-us.example"
[workflow.signals]
icp = "icp.json"
[workflow.prep]
calendar = "team.ics"
"#;

/// What was said, our side first.
const TALK: [(u8, &str); 11] = [
    (0, "Thanks for the time today. Shall we look at where the pilot stands?"),
    (1, "Sure. Our stock lists stop matching the shelves every single week since the second warehouse opened."),
    (0, "Who decides about the budget on your side?"),
    (1, "Our finance director Paula Stone has to sign it, she could not join today."),
    (1, "Honestly it is far too expensive for us at the moment."),
    (0, "I understand. Teams of your size recover the fee in eleven weeks. Would a smaller first site help?"),
    (1, "Yes, that would help. We have a budget of forty thousand dollars for this year."),
    (0, "Great. I will send you the proposal with a smaller first site by Friday."),
    (1, "Good. I will talk to Paula and get back to you by Wednesday."),
    (0, "So we decided to start with the Leeds site and to meet again on Thursday at ten."),
    (1, "Agreed, Thursday at ten works for us."),
];

/// The address of whom we know at an account.
pub fn address(account: usize) -> String {
    let (company, person) = ACCOUNTS[account - 1];
    let first = person.split(' ').next().unwrap();
    format!("{}@{}.example", first.to_lowercase(), company.to_lowercase())
}

/// `YYYY-MM-DD`, so many days before today in UTC.
pub fn day(ago: i64) -> String {
    let at = Timestamp::now().to_zoned(TimeZone::UTC).checked_sub(ago.days()).unwrap();
    at.date().to_string()
}

/// The team's folder: settings, data, and a folder as CRM and mailbox.
pub struct Team {
    dir: tempfile::TempDir,
    config: String,
}

impl Team {
    /// Nothing has happened yet but what the CRM knows.
    pub fn new() -> Self {
        Self::with(("", ""))
    }

    /// The same, with a text of the settings put in place of another.
    pub fn with(change: (&str, &str)) -> Self {
        let config = CONFIG.to_owned() + &outreach_settings("quiet_file = \"quiet.toml\"", "zone_file = \"zone\"");
        assert!(config.contains(change.0), "{}", change.0);
        let team = Self { dir: tempfile::tempdir().unwrap(), config: config.replacen(change.0, change.1, 1) };
        team.write("reframe.toml", &format!("version = 1\n{}", team.config));
        std::fs::create_dir_all(team.path().join("data/crm")).unwrap();
        let (mut companies, mut contacts) = (String::new(), String::new());
        let updated = format!("{}T09:00:00Z", day(20));
        for (n, (company, person)) in (1..).zip(ACCOUNTS) {
            let (domain, email) = (company.to_lowercase(), address(n));
            companies += &format!("{n},{updated},{company} Foods,{domain}.example,US,software,400\n");
            contacts += &format!("{},{updated},{person},{email},VP Sales,United States,NY,,{n}\n", n + 10);
        }
        team.crm("companies.csv", &format!("id,updated,name,domain,country,industry,employees\n{companies}"));
        team.crm("contacts.csv", &format!("id,updated,name,email,title,country,state,deal_ids,company_id\n{contacts}"));
        team.crm("tasks.csv", "id,updated,subject,body,due,owner,status,deal_id,contact_id\n");
        team.deals(&[]);
        let icp = format!(
            r#"{{"name": "Software with sellers", "version": 1, "valid_from": "{}", "refresh_by": "{}",
                "fit": [{{"id": "industry", "weight": 2, "when": {{"is": "one_of", "field": "industry", "values": ["software"]}}}}]}}"#,
            day(10),
            day(-60)
        );
        team.write("icp.json", &icp);
        team.write("voice.toml", "tone = \"plain\"\n");
        // No quiet period of the program's examples may hold on the day of the test.
        team.write("quiet.toml", "");
        team.write("team.ics", "BEGIN:VCALENDAR\nEND:VCALENDAR\n");
        let zone = format!(
            "@ IN TXT \"v=spf1 include:_spf.mail.example -all\"\ns1._domainkey IN TXT \"v=DKIM1; p={}\"\n\
             _dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@us.example\"\n",
            "A".repeat(392)
        );
        team.write("zone", &zone);
        let launch = |(company, person): (&str, &str), n: usize| {
            let (domain, email) = (company.to_lowercase(), address(n));
            format!(
                "launch,{domain}.example,{company} Foods,{person},VP Sales,{email},{},https://{domain}.example/news/1,\
                 {company} Foods opened a second warehouse in Leeds\n",
                day(2)
            )
        };
        let events: String = ACCOUNTS.into_iter().zip(1..).map(|(account, n)| launch(account, n)).collect();
        team.write("events.csv", &format!("kind,domain,company,person,person_title,email,at,url,title\n{events}"));
        team
    }

    /// Each account as far as the table says, and nothing decided since the calls: proposals of every kind wait.
    ///
    /// | account | came to |
    /// |---|---|
    /// | 1, 2 | message sent, meeting, brief, call, note; night's review |
    /// | 3 | message sent, meeting, brief; night's review |
    /// | 4 | message sent, meeting in three days; night's review |
    /// | 5 | message sent, answered |
    /// | 6 | message refused |
    /// | 7 | message waits |
    /// | 8 | message among the drafts of the mailbox waits |
    /// | 9 | on the feed |
    pub fn walked() -> Self {
        let team = Self::new();
        team.reached_out();
        team.met();
        team.talked();
        team.says(&["run", "hygiene"]);
        team.answered(5, "Yes, happy to talk. How does Tuesday at 10 work for a call?");
        team.says(&["outreach", "draft", "8", "--mailbox-draft"]);
        team
    }

    /// The week's events, their feed, seven messages; five of them are approved, one is refused.
    pub fn reached_out(&self) {
        self.says(&["signal", "import", "events.csv"]);
        self.says(&["signal", "feed"]);
        for account in ["1", "2", "3", "4", "5", "6", "7"] {
            self.says(&["outreach", "draft", account]);
        }
        self.review(|line| match (1..=7).find(|n| line.contains(&address(*n))) {
            Some(1..=5) => "a",
            Some(6) => "r\nno fit",
            _ => "n",
        });
        assert_eq!(self.sent(), 5);
    }

    /// Deals of the first four accounts, their meetings, and the briefs that are due.
    pub fn met(&self) {
        self.deals(&[(1, "discovery"), (2, "discovery"), (3, "discovery"), (4, "discovery")]);
        let mut calendar = "BEGIN:VCALENDAR\n".to_owned();
        for (account, minutes) in [(1, 25_i64), (2, 25), (3, 25), (4, 3 * 24 * 60)] {
            let at = Timestamp::now().checked_add(minutes.minutes()).unwrap();
            let stamp = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
            calendar += &format!(
                "BEGIN:VEVENT\nUID:m{account}\nSUMMARY:{} talk\nORGANIZER:mailto:tom@try-us.example\n\
                 ATTENDEE:mailto:{}\nDTSTART:{}\nDTEND:{}\nEND:VEVENT\n",
                ACCOUNTS[account - 1].0,
                address(account),
                stamp(at),
                stamp(at.checked_add(30.minutes()).unwrap())
            );
        }
        self.write("team.ics", &format!("{calendar}END:VCALENDAR\n"));
        let made = self.says(&["run", "prep"]);
        assert!(made.starts_with("4 meetings ahead, 3 briefs made"), "{made}");
    }

    /// Calls with the first two accounts, written up.
    pub fn talked(&self) {
        let mut server = self.serve();
        for account in [1, 2] {
            self.talk(&server, account);
        }
        assert_eq!(server.terminate(), Some(0), "{}", server.log());
    }

    /// One call, whole.
    pub fn talk(&self, server: &Served, account: usize) {
        let call = format!("call-{account}");
        runtime().block_on(async {
            let mut bot = self.join(server, account).await;
            for n in 0..TALK.len() {
                say(&mut bot, n).await;
            }
            bot.stop().await;
        });
        wait_until("the call is written up", || !self.batch(&format!("call {call}")).is_empty());
    }

    /// A bot in the call of an account; nobody has spoken yet.
    pub async fn join(&self, server: &Served, account: usize) -> Bot {
        let track = |n: u8, name: &str, party: &str, email: &str| {
            json!({"track": n, "name": name, "party": party, "codec": "text", "rate_hz": 16_000,
                   "consent": {"basis": "platform", "reference": "a test"}, "email": email})
        };
        let (company, person) = ACCOUNTS[account - 1];
        let tracks =
            [track(0, "Tom Miller", "rep", "tom@try-us.example"), track(1, person, "buyer", &address(account))];
        let mut opening = start(&format!("call-{account}"), "recorded", &tracks);
        opening["title"] = json!(format!("{company} talk"));
        Bot::connect(server, &server.token, &opening, "cold-call").await
    }

    /// A mail from whom we know at an account.
    pub fn answered(&self, account: usize, text: &str) -> String {
        let at = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
        let mail = format!(
            "From: {0}\r\nTo: tom@try-us.example\r\nSubject: Re: Stock\r\nMessage-ID: <a{account}@x.example>\r\n\
             Date: {at}\r\n\r\n{text}\r\n",
            address(account)
        );
        let taken = run_with_input(self.path(), &["outreach", "reply", "-"], &mail);
        assert!(taken.status.success(), "{}{}", out(&taken), err(&taken));
        out(&taken)
    }

    /// The CRM's deals: account and stage; a deal's id is its account's.
    pub fn deals(&self, deals: &[(usize, &str)]) {
        let heading = "id,updated,name,stage,amount,close_date,owner,next_step,next_step_date,company_id,contact_ids\n";
        let (updated, closes) = (format!("{}T09:00:00Z", day(20)), day(-40));
        let row = |(n, stage): &(usize, &str)| {
            format!("{n},{updated},Deal {n},{stage},,{closes},tom@try-us.example,,,{n},{}\n", n + 10)
        };
        self.crm("deals.csv", &(heading.to_owned() + &deals.iter().map(row).collect::<String>()));
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Its settings, without the version.
    pub fn config(&self) -> &str {
        &self.config
    }

    /// Writes a file of the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// Writes a file of the CRM, as a person does.
    pub fn crm(&self, name: &str, text: &str) {
        self.write(&format!("data/crm/{name}"), text);
    }

    /// A run of the program.
    pub fn run(&self, args: &[&str]) -> Output {
        run(self.path(), args)
    }

    /// What a run that went well said.
    pub fn says(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}{}", out(&output), err(&output));
        out(&output)
    }

    /// The JSON document a run printed.
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.says(&[args, &["--json"]].concat())).unwrap()
    }

    /// The server.
    pub fn serve(&self) -> Served {
        Served::start(self.path(), &self.config)
    }

    /// The store.
    pub fn store(&self) -> SqliteLog {
        SqliteLog::open(self.path().join("data/reframe.db"), SqliteOptions::default()).unwrap()
    }

    /// Everything that was ever proposed.
    pub fn proposals(&self) -> Vec<Listed> {
        self.store().proposals(&Which::default(), 1_000).unwrap()
    }

    /// What waits for a person.
    pub fn waiting(&self) -> Vec<Proposal> {
        let waits = Which { waiting: true, ..Which::default() };
        self.store().proposals(&waits, 1_000).unwrap().into_iter().map(|l| l.proposal).collect()
    }

    /// What was proposed in a batch.
    pub fn batch(&self, name: &str) -> Vec<Listed> {
        let which = Which { batch: Some(name.to_owned()), ..Which::default() };
        self.store().proposals(&which, 1_000).unwrap()
    }

    /// How a proposal stands.
    pub fn standing(&self, id: &ProposalId) -> Standing {
        self.store().proposal(id).unwrap().unwrap().standing
    }

    /// A person goes through the inbox at a terminal; `keys` says what they type at each line of it.
    pub fn review<'a>(&self, keys: impl Fn(&str) -> &'a str) -> String {
        let typed: String = self.says(&["review", "--list"]).lines().map(|line| format!("{}\n", keys(line))).collect();
        let output = review(self.path(), REP, &typed);
        assert!(output.status.success(), "{}", err(&output));
        out(&output)
    }

    /// Messages that went out.
    pub fn sent(&self) -> usize {
        std::fs::read_dir(self.path().join("data/crm/mail/sent")).map_or(0, Iterator::count)
    }
}

/// Says one line of the talk.
pub async fn say(bot: &mut Bot, n: usize) {
    let (track, text) = TALK[n];
    let at = n as u64 * 8_000_000;
    let words = json!({"type": "words", "track": track, "start_us": at + 1_000_000, "end_us": at + 6_000_000,
                       "text": text, "final": true});
    bot.say(&words).await;
}

/// A click on the review page: yes of `by` to a screen that showed these bytes.
pub fn click(server: &Served, key: &str, by: &str, id: &ProposalId, shown: &Digest) -> (u16, Value) {
    let body = json!({"by": by, "items": [{"id": id, "digest": shown}]}).to_string();
    let (status, text) = http(server, "POST", "/v1/review/approve", key, &body);
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// One yes that has to be taken, and its write to its end.
pub fn approve(team: &Team, server: &Served, id: &ProposalId) -> Standing {
    let shown = team.store().proposal(id).unwrap().unwrap().proposal.digest();
    let (status, answer) = click(server, &server.key, REP, id, &shown);
    assert_eq!((status, &answer["results"][0]["result"]), (200, &json!("approved")), "{answer}");
    wait_until("the write is over", || !matches!(team.standing(id), Standing::Approved { .. }));
    team.standing(id)
}
