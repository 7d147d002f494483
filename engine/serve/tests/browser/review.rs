//! The review page in a real browser.

use std::{path::Path, sync::Arc};

use reframe_serve::{
    AllowedHosts, Hub, HubOptions, Metrics, ServeOptions, Token, answer_only_to,
    review::{Progress, ReviewOptions, review_link, review_router},
    router, serve,
};
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Digest, Evidence},
    gate::{Action, Mail, Proposal, ProposalId},
    handoff::{CallTranscript, Commitment, HeardWord, Note, NoteProposal, Owner, Participant, Turn},
    outbox::Standing,
    system::{Receipt, RecordKind, RecordRef},
};
use serde_json::json;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    CONTRAST, browser,
    cdp::{Browser, Page},
    demo_call as call,
    desk::MemoryDesk,
};

pub const WIDE: (u32, u32) = (1280, 860);
pub const NARROW: (u32, u32) = (380, 720);

/// The page's server, which can be stopped and started again.
pub struct Review {
    port: u16,
    token: Token,
    desk: Arc<MemoryDesk>,
    running: Option<(oneshot::Sender<()>, JoinHandle<std::io::Result<()>>)>,
}

impl Review {
    async fn start(desk: MemoryDesk) -> Self {
        let mut review = Self { port: 0, token: Token::generate(), desk: Arc::new(desk), running: None };
        review.up().await;
        review
    }

    pub async fn of_the_demo() -> Self {
        let desk = MemoryDesk::default();
        desk.put_call(call::transcript(), call::note());
        desk.put(call::batch(), call::proposals());
        let (night, found) = call::night();
        desk.put(night, found);
        Self::start(desk).await
    }

    async fn up(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        self.port = addr.port();
        let metrics = Metrics::new();
        let hub = Hub::new(HubOptions::default(), &metrics);
        let options = ReviewOptions { token: self.token.clone(), allowed_origins: Vec::new() };
        let app = router(hub.clone(), ServeOptions::new(metrics)).merge(review_router(self.desk.clone(), options));
        let app = answer_only_to(AllowedHosts::new(addr, [""; 0]), app);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, hub, app, async {
            stopped.await.ok();
        }));
        self.running = Some((stop, task));
    }

    async fn down(&mut self) {
        let (stop, task) = self.running.take().unwrap();
        stop.send(()).unwrap();
        task.await.unwrap().unwrap();
    }

    pub async fn open(&self, browser: &mut Browser, size: (u32, u32), scheme: &str) -> Page {
        let page =
            browser.open(&review_link(&format!("http://127.0.0.1:{}", self.port), &self.token), size, scheme).await;
        browser.wait(&page, "document.querySelectorAll('.item').length > 0").await;
        page
    }

    /// Whether nobody has decided anything.
    pub fn clicks_none(&self) -> bool {
        self.desk.clicks().is_empty()
    }

    fn clicks(&self) -> Vec<(ProposalId, Digest)> {
        self.desk.clicks().into_iter().map(|(id, digest, _)| (id, digest)).collect()
    }
}

/// Says who decides, when the page asks.
pub async fn name(browser: &mut Browser, page: &Page, who: &str) {
    browser.wait(page, "document.querySelector('#name-dialog').open").await;
    browser.eval(page, &format!("document.querySelector('#name').value = {}", json!(who))).await;
    browser.enter(page).await;
    browser.wait(page, "!document.querySelector('#name-dialog').open").await;
}

/// Clicks where a person would, having scrolled there.
async fn click(browser: &mut Browser, page: &Page, selector: &str) {
    browser.wait(page, "document.querySelector('#side mark') && document.querySelector('.headline')").await;
    let there = format!("document.querySelector({}).scrollIntoView({{ block: 'center' }})", json!(selector));
    browser.eval(page, &there).await;
    browser.click(page, selector).await;
}

pub async fn escape(browser: &mut Browser, page: &Page) {
    browser.press(page, "Escape", 0).await;
}

fn card(id: &ProposalId) -> String {
    format!(".item[data-id=\"{id}\"]")
}

fn standing(id: &ProposalId, standing: &str) -> String {
    format!("document.querySelector({}).dataset.standing === {}", json!(card(id)), json!(standing))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn review_in_a_browser() {
    let Some(mut browser) = browser().await else { return };
    shows_the_call_and_its_words(&mut browser).await;
    sends_exactly_what_was_shown(&mut browser).await;
    double_click_makes_one(&mut browser).await;
    keys_walk_and_decide(&mut browser).await;
    an_edit_voids(&mut browser).await;
    what_changes_under_the_eyes_is_not_approved(&mut browser).await;
    all_at_once_with_some_refused(&mut browser).await;
    crate::debrief::is_shown_to_the_seller_first(&mut browser).await;
    shows_markup_as_text(&mut browser).await;
    fits_and_can_be_read(&mut browser).await;
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
    says_when_the_server_is_gone(&mut browser).await;
}

async fn shows_the_call_and_its_words(browser: &mut Browser) {
    let review = Review::of_the_demo().await;
    let page = review.open(browser, WIDE, "light").await;
    assert_eq!(browser.eval(&page, "location.hash").await, "#batch=call-7", "the token leaves the address bar");
    assert_eq!(browser.text(&page, "#waiting").await, "9 to decide");
    browser.wait(&page, "document.querySelector('.headline')").await;
    assert!(browser.text(&page, ".headline").await.starts_with("Northwind starts with the EMEA team"));
    let first = browser.eval(&page, "[...document.querySelectorAll('#note > :not(.rest)')].map((each) => each.innerText).join(' ').split(/\\s+/).length").await;
    assert!(first.as_u64().unwrap() <= 120, "{first} words before the fold: too many for half a minute");
    assert_eq!(browser.text(&page, ".owed .due").await, "Sat 28 Nov", "what is due first");
    assert_eq!(
        browser
            .eval(
                &page,
                "[...document.querySelectorAll('.mark.warn')].some((each) => each.textContent.startsWith('unsure'))"
            )
            .await,
        true
    );
    assert_eq!(browser.eval(&page, "document.querySelector('.rest').open").await, false);
    // Every line of note and cards leads to its words.
    let bare = "[...document.querySelectorAll('#note .claim, .because .claim')].filter((each) => !each.querySelector('.cite')).length";
    assert_eq!(browser.eval(&page, bare).await, 0);
    browser.wait(&page, "document.querySelector('#side mark')").await;
    browser.eval(&page, "document.querySelector('[data-standing] .cite[title*=\"security pack\"]').click()").await;
    browser
        .wait(
            &page,
            "document.querySelector('#side mark')?.textContent === 'i will send you the security pack by wednesday'",
        )
        .await;
    assert_eq!(browser.eval(&page, "document.activeElement.id").await, "side-title");
    assert_eq!(browser.text(&page, ".turn[data-at] .turn-head").await, "Rae Linden 1:07");
    assert!(
        browser.eval(&page, "document.querySelectorAll('.turn').length").await.as_u64().unwrap() > 8,
        "with neighbours"
    );
    assert_eq!(browser.text(&page, ".faint").await, "thirty", "what was heard badly is marked");
    escape(browser, &page).await;
    browser.wait(&page, "document.querySelector('#side').hidden && document.activeElement.matches('.cite')").await;
    // What was said, found.
    browser.press(&page, "/", 0).await;
    browser.eval(&page, "document.activeElement.value = 'marcus'").await;
    browser.enter(&page).await;
    browser.wait(&page, "document.querySelectorAll('.hit').length === 1").await;
    browser.click(&page, ".hit").await;
    browser.wait(&page, "document.querySelector('.turn[data-at]')?.textContent.includes('marcus he signs')").await;
    browser.close(&page).await;
}

async fn sends_exactly_what_was_shown(browser: &mut Browser) {
    let review = Review::of_the_demo().await;
    let ids = review.desk.ids();
    let page = review.open(browser, WIDE, "light").await;
    let shown = browser.eval(&page, "(async () => { const bytes = new TextEncoder().encode(document.querySelector('.item .sent pre').textContent); return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((each) => each.toString(16).padStart(2, '0')).join('') })()").await;
    click(browser, &page, ".item [data-do=approve]").await;
    name(browser, &page, "Ada Marsh").await;
    browser.wait(&page, &standing(&ids[0], "approved")).await;
    let clicks = review.desk.clicks();
    assert_eq!(clicks.len(), 1);
    assert_eq!(clicks[0].1.as_str(), shown, "the digest is of the very bytes on the screen");
    assert_eq!((&clicks[0].0, clicks[0].2.as_str()), (&ids[0], "ada marsh"));
    let listed = review.desk.listed(&ids[0]);
    assert!(listed.shown_unix_ms.unwrap() <= listed.decided_unix_ms.unwrap());
    let next = format!("document.activeElement.dataset.id === {}", json!(ids[1]));
    browser.wait(&page, &next).await;
    // Asked once.
    browser.press(&page, "a", 0).await;
    browser.wait(&page, &standing(&ids[1], "approved")).await;
    review.desk.settle(&ids[0], Progress::Sending);
    browser
        .wait(&page, &format!("document.querySelector({}).textContent.includes('being written')", json!(card(&ids[0]))))
        .await;
    let record = RecordRef { system: "local".into(), kind: RecordKind::Note, id: "n-1".into() };
    let url = Some("javascript:alert(1)".into());
    review.desk.settle(&ids[0], Progress::Done { receipt: Receipt { record: record.clone(), version: None, url } });
    browser
        .wait(
            &page,
            &format!("document.querySelector({}).textContent.includes('local: note n-1')", json!(card(&ids[0]))),
        )
        .await;
    assert_eq!(
        browser.eval(&page, "document.querySelectorAll('.stands a').length").await,
        0,
        "no address but a web page's can be followed"
    );
    let url = Some("https://crm.example.com/notes/1".into());
    review.desk.settle(&ids[1], Progress::Done { receipt: Receipt { record, version: None, url } });
    browser.wait(&page, "document.querySelector('.stands a')?.href === 'https://crm.example.com/notes/1'").await;
    browser.close(&page).await;
}

async fn double_click_makes_one(browser: &mut Browser) {
    let review = Review::of_the_demo().await;
    let ids = review.desk.ids();
    let page = review.open(browser, WIDE, "light").await;
    browser.click(&page, "#who").await;
    name(browser, &page, "Ada").await;
    let twice = "(() => { const button = document.querySelector('.item [data-do=approve]'); button.click(); button.click(); document.querySelector('.item [data-do=approve]').click() })()";
    browser.eval(&page, twice).await;
    browser.wait(&page, &standing(&ids[0], "approved")).await;
    browser
        .eval(&page, "(() => { const all = document.querySelector('#approve-all'); all.click(); all.click() })()")
        .await;
    browser.wait(&page, "document.querySelector('#results-title').textContent === 'All 6 approved'").await;
    let clicks = review.clicks();
    assert_eq!(clicks.len(), 7, "{clicks:?}");
    assert!(ids[..7].iter().all(|id| clicks.iter().filter(|(clicked, _)| clicked == id).count() == 1));
    browser.close(&page).await;
}

async fn keys_walk_and_decide(browser: &mut Browser) {
    let review = Review::of_the_demo().await;
    let ids = review.desk.ids();
    let page = review.open(browser, WIDE, "light").await;
    let at = |id: &ProposalId| format!("document.activeElement.dataset.id === {}", json!(id));
    browser.press(&page, "j", 0).await;
    browser.wait(&page, &at(&ids[0])).await;
    let ring = "getComputedStyle(document.activeElement).outlineStyle !== 'none'";
    assert_eq!(browser.eval(&page, ring).await, true, "one sees where one is");
    browser.press(&page, "j", 0).await;
    browser.press(&page, "j", 0).await;
    browser.wait(&page, &at(&ids[2])).await;
    browser.press(&page, "k", 0).await;
    browser.wait(&page, &at(&ids[1])).await;
    browser.press(&page, "w", 0).await;
    browser.wait(&page, &format!("document.querySelector({}).querySelector('.sent').open", json!(card(&ids[1])))).await;
    browser.press(&page, "t", 0).await;
    browser.wait(&page, "document.activeElement.id === 'side-title'").await;
    escape(browser, &page).await;
    browser.press(&page, "r", 0).await;
    browser.wait(&page, "document.activeElement.matches('.edit input')").await;
    // Letters that are written decide nothing.
    for letter in ["a", "j", "A"] {
        browser.press(&page, letter, 0).await;
    }
    browser.enter(&page).await;
    name(browser, &page, "Ada").await;
    browser.wait(&page, &standing(&ids[1], "rejected")).await;
    let Standing::Rejected { reason, .. } = review.desk.listed(&ids[1]).standing else { panic!() };
    assert_eq!(reason, "ajA");
    browser.wait(&page, &at(&ids[2])).await;
    browser.press(&page, "?", 0).await;
    browser.wait(&page, "document.querySelector('#help').open").await;
    picture(browser, &page, "1280-light-7-help").await;
    browser.press(&page, "a", 0).await;
    assert!(review.clicks().is_empty(), "nothing behind an open window is decided");
    browser.eval(&page, "document.querySelector('#help').close()").await;
    browser.press(&page, "n", 0).await;
    browser
        .wait(&page, "window.__review.batch === 'night 2026-11-27' && document.querySelectorAll('.item').length === 2")
        .await;
    assert_eq!(browser.text(&page, ".cite.still").await, "Stage: negotiation");
    browser.press(&page, "w", 0).await;
    picture(browser, &page, "1280-light-8-night").await;
    browser.press(&page, "A", 0).await;
    browser.wait(&page, "document.querySelector('#results-title').textContent === 'All 2 approved'").await;
    assert_eq!(review.clicks().len(), 2);
    assert_eq!(browser.text(&page, "#announce").await, "2 proposals approved");
    browser.close(&page).await;
}

async fn an_edit_voids(browser: &mut Browser) {
    let review = Review::of_the_demo().await;
    let ids = review.desk.ids();
    let page = review.open(browser, WIDE, "light").await;
    browser.press(&page, "j", 0).await;
    browser.press(&page, "a", 0).await;
    name(browser, &page, "Ada").await;
    browser.wait(&page, &standing(&ids[0], "approved")).await;
    let old = review.clicks()[0].1.clone();
    browser.press(&page, "k", 0).await;
    browser.press(&page, "e", 0).await;
    browser.wait(&page, "document.activeElement.matches('.edit textarea')").await;
    browser.eval(&page, "document.activeElement.value += ' Off the record: they also look at two others.'").await;
    escape(browser, &page).await;
    browser.wait(&page, "document.querySelector('.edit .wrong').textContent.includes('Esc again')").await;
    browser.eval(&page, "document.querySelector('.edit').requestSubmit()").await;
    browser.wait(&page, &standing(&ids[0], "void")).await;
    let listed = review.desk.listed(&ids[0]);
    assert_ne!(listed.proposal.digest(), old);
    assert!(browser.text(&page, &card(&ids[0])).await.contains("it was edited after it was approved"));
    browser.press(&page, "a", 0).await;
    browser.wait(&page, &standing(&ids[0], "approved")).await;
    assert_eq!(review.clicks()[1].1, listed.proposal.digest());
    browser.close(&page).await;
}

async fn what_changes_under_the_eyes_is_not_approved(browser: &mut Browser) {
    let review = Review::of_the_demo().await;
    let ids = review.desk.ids();
    let page = review.open(browser, WIDE, "light").await;
    browser.click(&page, "#who").await;
    name(browser, &page, "Ada").await;
    let other = |subject: &str| {
        let Action::CreateTask { about, body, due, owner, .. } = review.desk.listed(&ids[1]).proposal.action else {
            panic!()
        };
        Action::CreateTask { about, subject: subject.into(), body, due, owner }
    };
    // In the moment between: the page does not know yet.
    review.desk.edit_elsewhere(&ids[1], other("Something else"));
    let button = format!("document.querySelector({}).querySelector('[data-do=approve]').click()", json!(card(&ids[1])));
    browser.eval(&page, &button).await;
    let told = format!(
        "document.querySelector({}).querySelector('.notice')?.textContent.includes('changed while you were looking') && document.querySelector({}).textContent.includes('Something else')",
        json!(card(&ids[1])),
        json!(card(&ids[1]))
    );
    browser.wait(&page, &told).await;
    assert!(matches!(review.desk.listed(&ids[1]).standing, Standing::Open));
    // What is being written is not lost when it changes underneath.
    browser
        .eval(
            &page,
            &format!("document.querySelector({}).querySelector('[data-do=edit]').click()", json!(card(&ids[1]))),
        )
        .await;
    browser.wait(&page, "document.activeElement.matches('.edit input')").await;
    browser.eval(&page, "document.activeElement.value = 'Mine'").await;
    review.desk.edit_elsewhere(&ids[1], other("A third one"));
    browser
        .wait(&page, "document.querySelector('.edit .wrong').textContent.includes('changed by somebody else')")
        .await;
    assert_eq!(browser.eval(&page, "document.querySelector('.edit input').value").await, "Mine");
    browser.close(&page).await;
}

async fn all_at_once_with_some_refused(browser: &mut Browser) {
    let review = Review::of_the_demo().await;
    let ids = review.desk.ids();
    review.desk.refuse(&ids[4], Some("the stage was changed this morning; look at the deal"));
    let page = review.open(browser, WIDE, "light").await;
    browser.click(&page, "#approve-all").await;
    name(browser, &page, "Ada").await;
    browser.wait(&page, "document.querySelector('#results-title').textContent === '6 of 7 approved, 1 not'").await;
    let worst = browser.text(&page, "#results-list li").await;
    assert!(worst.contains("Stage: discovery → proposal") && worst.contains("changed this morning"), "{worst}");
    assert_eq!(browser.eval(&page, "document.activeElement.id").await, "results");
    assert!(browser.text(&page, "#announce").await.starts_with("6 of 7 approved"));
    assert!(browser.text(&page, &card(&ids[4])).await.contains("Not approved: the stage was changed this morning"));
    assert_eq!(browser.text(&page, "#again").await, "Try that one again");
    review.desk.refuse(&ids[4], None);
    browser.click(&page, "#again").await;
    browser.wait(&page, "document.querySelector('#results-title').textContent === 'Approved'").await;
    let clicks = review.clicks();
    assert_eq!(clicks.len(), 8, "only that one again");
    assert_eq!(clicks[7].0, ids[4]);
    // One fails later, at its system.
    review.desk.settle(&ids[4], Progress::Failed { reason: "no such stage".into() });
    browser
        .wait(
            &page,
            &format!(
                "document.querySelector({}).textContent.includes('local refused it: no such stage')",
                json!(card(&ids[4]))
            ),
        )
        .await;
    browser.close(&page).await;
}

/// Markup in every place that text can come from.
fn hostile() -> MemoryDesk {
    const BAD: &str = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script><b>x</b>";
    let bad = || BAD.to_owned();
    let words = Evidence::Words { call: "c".into(), utterance: 0, from_ms: 0, to_ms: 9, quote: bad() };
    let record = RecordRef { system: bad(), kind: RecordKind::Deal, id: bad() };
    let field = Evidence::Field { record: record.clone(), field: bad(), value: Some(bad()), read_unix_ms: 0 };
    let claim = || Claim::new(BAD, vec![words.clone(), field.clone()], 0.3).unwrap();
    let mail = Mail {
        message_id: "<1@a>".into(),
        to: vec![bad()],
        cc: vec![bad()],
        subject: bad(),
        body: bad(),
        in_reply_to: Some(bad()),
        thread: Some(bad()),
        unsubscribe: None,
    };
    let about = record.clone();
    let actions = [
        Action::CreateNote { about: record.clone(), body: bad(), at_unix_ms: 0 },
        Action::CreateTask { about, subject: bad(), body: bad(), due: None, owner: Some(bad()) },
        Action::UpdateField { record, field: bad(), before: Some(bad()), after: Some("y".into()) },
        Action::CreateDraft { mail },
    ];
    let from = ArtifactId::of("note_proposal", b"x");
    let proposals = actions.map(|action| Proposal::new(BAD, action, None, claim(), from.clone(), "c", 0)).to_vec();
    let owner = Owner { side: "rep".into(), name: Some(bad()) };
    let commitment = Commitment { what: claim(), owner, due: None, due_words: Some(bad()), unsure: true };
    let note = Note {
        headline: Some(claim()),
        topics: vec![claim()],
        decisions: vec![claim()],
        next_steps: vec![claim()],
        fields: vec![(bad(), claim())],
    };
    let note = NoteProposal {
        call: "c".into(),
        note,
        summary: vec![claim()],
        commitments: vec![commitment],
        objections: vec![],
        absent: vec![claim()],
        risk: None,
        follow_up: None,
        tasks: vec![],
        caveats: vec![bad()],
    };
    let word = HeardWord { text: bad(), from_ms: 0, to_ms: 9, confidence: 0.2 };
    let transcript = CallTranscript {
        call: "c".into(),
        title: bad(),
        participants: vec![Participant { name: bad(), side: bad(), email: None }],
        turns: vec![Turn { utterance: 0, speaker: 0, words: vec![word] }],
        ..call::transcript()
    };
    let batch =
        reframe_serve::review::Batch { batch: "c".into(), title: bad(), call: Some("c".into()), ..call::batch() };
    let desk = MemoryDesk::default();
    desk.put_call(transcript, note);
    desk.put(batch, proposals);
    desk
}

async fn shows_markup_as_text(browser: &mut Browser) {
    let review = Review::start(hostile()).await;
    let ids = review.desk.ids();
    let page = review.open(browser, WIDE, "light").await;
    browser.click(&page, "#who").await;
    name(browser, &page, "<b>Ada</b>").await;
    browser.wait(&page, "document.querySelector('#side mark')").await;
    browser.eval(&page, "document.querySelectorAll('details').forEach((each) => { each.open = true })").await;
    review.desk.refuse(&ids[1], Some("<b>no</b>"));
    browser.click(&page, "#approve-all").await;
    browser.wait(&page, "!document.querySelector('#results').hidden").await;
    review.desk.settle(&ids[0], Progress::Failed { reason: "<img src=x onerror='window.hacked=1'>".into() });
    browser.wait(&page, "document.querySelector('.stands')?.textContent.includes('<img src=x')").await;
    for at in 0..4 {
        browser
            .eval(&page, &format!("document.querySelectorAll('.item')[{at}].querySelector('[data-do=edit]')?.click()"))
            .await;
        escape(browser, &page).await;
    }
    browser.eval(&page, "(() => { document.querySelector('#q').value = '<b>x'; document.querySelector('#search').requestSubmit() })()").await;
    browser.wait(&page, "document.querySelector('#side-title').textContent.includes('<b>x')").await;
    let made = "document.querySelectorAll('#app img, #app script, #app b').length";
    assert_eq!(browser.eval(&page, made).await, 0);
    assert_eq!(browser.eval(&page, "typeof window.hacked").await, "undefined");
    let wide = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.eval(&page, wide).await, true);
    browser.close(&page).await;
}

/// Where pictures of the page go, if somebody wants to look at them.
async fn picture(browser: &mut Browser, page: &Page, name: &str) {
    let Ok(folder) = std::env::var("REFRAME_PICTURES") else { return };
    let taken = browser
        .call(Some(page), "Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": false }))
        .await;
    std::fs::write(Path::new(&folder).join(format!("{name}.b64")), taken["data"].as_str().unwrap()).unwrap();
}

async fn fits_and_can_be_read(browser: &mut Browser) {
    for (size, scheme) in [(WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark")] {
        let review = Review::of_the_demo().await;
        let ids = review.desk.ids();
        review.desk.refuse(&ids[4], Some("the stage was changed this morning; look at the deal"));
        let page = review.open(browser, size, scheme).await;
        let shot = |what: &str| format!("{}-{scheme}-{what}", size.0);
        browser.wait(&page, "document.querySelector('.headline')").await;
        if size == WIDE {
            browser.wait(&page, "document.querySelector('#side mark')").await;
        }
        picture(browser, &page, &shot("1-note")).await;
        browser.eval(&page, "document.querySelectorAll('.item')[1].scrollIntoView()").await;
        picture(browser, &page, &shot("2-cards")).await;
        browser.eval(&page, "document.querySelectorAll('.item')[6].scrollIntoView()").await;
        picture(browser, &page, &shot("3-mail")).await;
        readable(browser, &page, &shot("plain")).await;
        browser.click(&page, "#who").await;
        browser.wait(&page, "document.querySelector('#name-dialog').open").await;
        picture(browser, &page, &shot("0-name")).await;
        name(browser, &page, "Ada Marsh").await;
        browser.eval(&page, "document.querySelector('#approve-all').click()").await;
        browser.wait(&page, "!document.querySelector('#results').hidden").await;
        review.desk.settle(&ids[0], Progress::Failed { reason: "no such deal".into() });
        browser.wait(&page, &standing(&ids[0], "failed")).await;
        picture(browser, &page, &shot("4-results")).await;
        browser.eval(&page, "document.querySelector('.item [data-do=edit]').click()").await;
        browser.wait(&page, "document.activeElement.matches('.edit textarea')").await;
        picture(browser, &page, &shot("5-edit")).await;
        readable(browser, &page, &shot("edit")).await;
        escape(browser, &page).await;
        browser.eval(&page, "document.querySelector('.item .cite').click()").await;
        browser.wait(&page, "document.querySelector('#side mark') && !document.querySelector('#side').hidden").await;
        picture(browser, &page, &shot("6-words")).await;
        readable(browser, &page, &shot("words")).await;
        browser.close(&page).await;
    }
}

async fn readable(browser: &mut Browser, page: &Page, what: &str) {
    let wide = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.eval(page, wide).await, true, "{what}: no sideways scrolling");
    let worst = browser.eval(page, CONTRAST).await;
    assert!(worst[0].as_f64().unwrap() >= 4.5, "{what}: {worst}");
    let nameless = "[...document.querySelectorAll('button, input, textarea')].filter((each) => each.checkVisibility() && !(each.textContent.trim() || each.getAttribute('aria-label') || each.labels?.length)).length";
    assert_eq!(browser.eval(page, nameless).await, 0, "{what}: everything one can use has a name");
    let cut = "[...document.querySelectorAll('.act')].filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.textContent)";
    assert_eq!(browser.eval(page, cut).await, json!([]), "{what}: every button has room for its word");
}

async fn says_when_the_server_is_gone(browser: &mut Browser) {
    let mut review = Review::of_the_demo().await;
    let ids = review.desk.ids();
    let page = review.open(browser, NARROW, "light").await;
    browser.click(&page, "#who").await;
    name(browser, &page, "Ada").await;
    review.down().await;
    browser.eval(&page, "document.querySelector('.item [data-do=approve]').click()").await;
    browser
        .wait(
            &page,
            "document.querySelector('.item .notice')?.textContent.includes('not known whether it went through')",
        )
        .await;
    browser.wait(&page, "!document.querySelector('#trouble').hidden && document.querySelector('#trouble').textContent.includes('does not answer')").await;
    assert!(review.clicks().is_empty());
    review.up().await;
    browser.wait(&page, "document.querySelector('#trouble').hidden").await;
    browser.eval(&page, "document.querySelector('.item [data-do=approve]').click()").await;
    browser.wait(&page, &standing(&ids[0], "approved")).await;
    // A key that is no longer good.
    browser.eval(&page, "sessionStorage.setItem('reframe:review', 'another-key-altogether')").await;
    browser.call(Some(&page), "Page.reload", json!({})).await;
    browser.wait(&page, "document.querySelector('#trouble')?.textContent.includes('this link does not work')").await;
    browser.close(&page).await;
}
