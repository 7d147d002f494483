//! The interface of the review page over real sockets: who gets in, what a decision does, what a refusal says.

#![allow(clippy::unwrap_used, missing_docs)]

#[allow(dead_code, reason = "the browser's tests and the demo use the rest")]
#[path = "../examples/review_demo/call.rs"]
mod call;
#[allow(dead_code, reason = "the browser's tests and the demo use the rest")]
#[path = "../examples/review_demo/desk.rs"]
mod desk;

use std::sync::Arc;

use desk::MemoryDesk;
use reframe_serve::{
    AllowedHosts, Hub, HubOptions, Metrics, ServeOptions, Token, answer_only_to,
    review::{ReviewOptions, review_link, review_router},
    router, serve,
};
use reframe_workflow::{gate::Action, outbox::Standing};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

struct Server {
    port: u16,
    desk: Arc<MemoryDesk>,
}

async fn start() -> Server {
    let desk = Arc::new(MemoryDesk::default());
    desk.put_call(call::transcript(), call::note());
    desk.put(call::batch(), call::proposals());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let metrics = Metrics::new();
    let hub = Hub::new(HubOptions::default(), &metrics);
    let options = ReviewOptions { token: Token::new(TOKEN), allowed_origins: vec!["https://crm.example".into()] };
    let app = router(hub.clone(), ServeOptions::new(metrics)).merge(review_router(desk.clone(), options));
    tokio::spawn(serve(listener, hub, answer_only_to(AllowedHosts::new(addr, [""; 0]), app), std::future::pending()));
    Server { port: addr.port(), desk }
}

impl Server {
    /// Sends a request with these headers (and those every request has) and gives status, headers and body.
    async fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, String) {
        let mut request = format!("{line} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            request += &format!("host: 127.0.0.1:{}\r\n", self.port);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // A server that refuses early may close before all is written.
        stream.write_all(body.as_bytes()).await.ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let bearer = format!("Bearer {TOKEN}");
        let (code, _, body) = self.send(&format!("GET /v1/review/{path}"), &[("authorization", &bearer)], "").await;
        (code, serde_json::from_str(&body).unwrap())
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let (code, _, body) = self.send(&format!("POST /v1/review/{path}"), &headers, &body.to_string()).await;
        (code, serde_json::from_str(&body).unwrap())
    }

    async fn items(&self) -> Vec<Value> {
        self.get("batch?batch=call-7").await.1["items"].as_array().unwrap().clone()
    }
}

fn seen(item: &Value) -> Value {
    json!({ "id": item["proposal"]["id"], "digest": item["digest"] })
}

/// The refusal says which and what to do, in a sentence.
fn refused((code, body): (u16, Value), expected: u16, word: &str, says: &str) {
    assert_eq!((code, body["error"].as_str()), (expected, Some(word)), "{body}");
    assert!(body["says"].as_str().unwrap().contains(says), "{body}");
}

#[tokio::test]
async fn nobody_gets_in_without_the_key_or_from_another_page() {
    let server = start().await;
    let own = format!("http://127.0.0.1:{}", server.port);
    let bearer = format!("Bearer {TOKEN}");
    let key = ("authorization", bearer.as_str());
    for (headers, code) in [
        (vec![key], 200),
        (vec![key, ("sec-fetch-site", "same-origin")], 200),
        (vec![key, ("origin", own.as_str())], 200),
        (vec![key, ("origin", "https://crm.example")], 200),
        (vec![], 401),
        (vec![("authorization", "Bearer 0123456789abcdef0123456789abcdeF")], 401),
        (vec![("authorization", "Bearer ")], 401),
        (vec![("authorization", TOKEN)], 401),
        (vec![key, key], 401),
        (vec![key, ("sec-fetch-site", "cross-site")], 403),
        (vec![key, ("sec-fetch-site", "none")], 403),
        (vec![key, ("origin", "https://evil.example")], 403),
        (vec![key, ("origin", "null")], 403),
        (vec![key, ("host", "evil.example")], 421),
    ] {
        let (got, head, body) = server.send("GET /v1/review/inbox", &headers, "").await;
        assert_eq!(got, code, "{headers:?}: {body}");
        assert!(!head.contains("access-control-"), "no other page may read answers: {head}");
        assert!(head.contains("cache-control: no-store") && head.contains("content-security-policy"), "{head}");
        assert!(code == 200 || !body.contains("Northwind"), "{body}");
    }
    // A decision must come from a page that says which it is, in a form no foreign page can send unasked.
    let body = json!({ "by": "Ada", "items": [seen(&server.items().await[0])] }).to_string();
    let json = ("content-type", "application/json");
    for (headers, code) in [
        (vec![key, json, ("sec-fetch-site", "same-origin")], 403),
        (vec![key, json, ("origin", "http://evil.example")], 403),
        (vec![key, json, ("origin", own.as_str()), ("host", "evil.example")], 421),
        (vec![key, ("origin", own.as_str())], 415),
        (vec![key, ("origin", own.as_str()), ("content-type", "text/plain")], 415),
        (vec![json, ("origin", own.as_str())], 401),
    ] {
        let (got, _, answer) = server.send("POST /v1/review/approve", &headers, &body).await;
        assert_eq!(got, code, "{headers:?}: {answer}");
    }
    assert_eq!(server.send("OPTIONS /v1/review/approve", &[key], "").await.0, 405);
    assert!(server.desk.clicks().is_empty());
}

#[tokio::test]
async fn the_key_stays_in_the_fragment_and_the_page_has_its_headers() {
    let server = start().await;
    assert_eq!(
        review_link("http://127.0.0.1:1/", &Token::new(TOKEN)),
        format!("http://127.0.0.1:1/review#token={TOKEN}")
    );
    for path in ["/review", "/assets/review/review.js", "/assets/review/review.css", "/assets/base.css"] {
        let (code, head, body) = server.send(&format!("GET {path}"), &[], "").await;
        assert_eq!(code, 200, "{path}");
        assert!(head.contains("default-src 'none'") && head.contains("x-frame-options: deny"), "{head}");
        assert!(!body.contains(TOKEN));
    }
    assert_eq!(server.send("GET /assets/review/..%2fbase.css", &[], "").await.0, 404);
    refused(server.get("elsewhere").await, 404, "unknown", "docs/REVIEW.md");
    refused(server.get("approve").await, 405, "method", "POST");
}

#[tokio::test]
async fn a_yes_counts_for_the_bytes_that_were_shown_and_once() {
    let server = start().await;
    let items = server.items().await;
    assert_eq!(items.len(), 7);
    let (first, second) = (&items[0], &items[1]);
    let ids = server.desk.ids();
    let bytes = first["bytes"].as_str().unwrap();
    assert_eq!(first["digest"], reframe_workflow::artifact::Digest::of(bytes.as_bytes()).as_str());
    assert!(bytes.contains(first["marker"].as_str().unwrap()), "the reference mark is part of what is approved");
    let mut foreign = seen(second);
    foreign["digest"] = first["digest"].clone();
    let (code, body) = server.post("approve", &json!({ "by": "Ada", "items": [seen(first), foreign] })).await;
    assert_eq!((code, &body["approved"], &body["not_approved"]), (200, &json!(1), &json!(1)), "{body}");
    assert_eq!(body["results"][0]["result"], "approved");
    assert_eq!(body["results"][1]["result"], "changed");
    assert_eq!(body["results"][1]["now"]["digest"], second["digest"], "what it is now comes along");
    // Somebody else, a moment later.
    let (_, body) = server.post("approve", &json!({ "by": "Grace", "items": [seen(first)] })).await;
    assert_eq!(body["results"][0], json!({ "id": first["proposal"]["id"], "result": "already", "by": "ada" }));
    let (_, inbox) = server.get("inbox").await;
    assert_eq!(inbox["outbox"].as_array().unwrap().len(), 1, "{inbox}");
    assert_eq!(inbox["batches"][0]["waiting"], 6);
    assert!(matches!(server.desk.listed(&ids[1]).standing, Standing::Open));
    for by in ["reframe", "", "  ", "service@reframe.example"] {
        refused(
            server.post("approve", &json!({ "by": by, "items": [seen(second)] })).await,
            422,
            "who",
            "name the person",
        );
    }
    refused(server.post("approve", &json!({ "by": "Ada", "items": [] })).await, 400, "bad_request", "send 1 to");
    let twice = json!({ "by": "Ada", "items": [seen(second), seen(second)] });
    refused(server.post("approve", &twice).await, 400, "bad_request", "once");
    assert!(matches!(server.desk.listed(&ids[1]).standing, Standing::Open));
}

#[tokio::test]
async fn an_edit_voids_and_cannot_point_elsewhere() {
    let server = start().await;
    let item = server.items().await.swap_remove(1);
    server.post("approve", &json!({ "by": "Ada", "items": [seen(&item)] })).await;
    let mut action = item["proposal"]["action"].clone();
    action["subject"] = json!("Send only the agreement");
    let edit = |item: &Value, action: &Value| json!({ "by": "Ada", "id": item["proposal"]["id"], "digest": item["digest"], "action": action });
    let (code, edited) = server.post("edit", &edit(&item, &action)).await;
    assert_eq!(
        (code, edited["standing"].as_str(), edited["proposal"]["revision"].as_u64()),
        (200, Some("void"), Some(2))
    );
    assert_ne!(edited["digest"], item["digest"]);
    assert_eq!(edited["marker"], item["marker"], "it is the same piece of work");
    // The old click is worth nothing any more, and an edit of the old text gets the new one back.
    let (_, body) = server.post("approve", &json!({ "by": "Ada", "items": [seen(&item)] })).await;
    assert_eq!(body["results"][0]["result"], "changed");
    let (code, stale) = server.post("edit", &edit(&item, &action)).await;
    assert_eq!((code, &stale["error"], &stale["now"]["digest"]), (409, &json!("changed"), &edited["digest"]));
    let mut elsewhere = action.clone();
    elsewhere["about"]["id"] = json!("another-deal");
    refused(server.post("edit", &edit(&edited, &elsewhere)).await, 422, "impossible", "cannot change the record");
    let mut empty = action.clone();
    empty["subject"] = json!(" ");
    refused(server.post("edit", &edit(&edited, &empty)).await, 422, "impossible", "subject: is empty");
    let mut odd = action.clone();
    odd["also"] = json!(1);
    refused(server.post("edit", &edit(&edited, &odd)).await, 400, "bad_request", "unknown field");
}

#[tokio::test]
async fn a_no_needs_a_reason() {
    let server = start().await;
    let item = server.items().await.swap_remove(2);
    let no =
        |reason: &str| json!({ "by": "Ada", "id": item["proposal"]["id"], "digest": item["digest"], "reason": reason });
    for bad in ["", "  ", "a\nb", &"x".repeat(501)] {
        refused(server.post("reject", &no(bad)).await, 422, "reason", "say why");
    }
    let (code, rejected) = server.post("reject", &no(" already done ")).await;
    assert_eq!(
        (code, rejected["standing"].as_str(), rejected["reason"].as_str()),
        (200, Some("rejected"), Some("already done"))
    );
    let (code, again) = server.post("reject", &no("again")).await;
    assert_eq!((code, again["error"].as_str()), (409, Some("decided")), "{again}");
    let (_, body) = server.post("approve", &json!({ "by": "Ada", "items": [seen(&item)] })).await;
    assert_eq!(
        body["results"][0],
        json!({ "id": item["proposal"]["id"], "result": "refused", "reason": "already rejected by ada" })
    );
}

#[tokio::test]
async fn what_was_shown_when_is_kept() {
    let server = start().await;
    let ids = server.desk.ids();
    let before = server.desk.listed(&ids[0]).shown_unix_ms;
    let body = json!({ "by": "Ada", "ids": [ids[0], ids[1]], "ago_ms": 30_000 });
    assert_eq!((before, server.post("shown", &body).await.0), (None, 200));
    server.post("shown", &json!({ "by": "Grace", "ids": [ids[0]], "ago_ms": 0 })).await;
    server.post("approve", &json!({ "by": "Ada", "items": [seen(&server.items().await[0])] })).await;
    let listed = server.desk.listed(&ids[0]);
    let took = listed.decided_unix_ms.unwrap() - listed.shown_unix_ms.unwrap();
    assert!((30_000..60_000).contains(&took), "{took}: the first time counts, from when it came on the screen");
}

#[tokio::test]
async fn words_come_with_their_neighbours() {
    let server = start().await;
    let (code, stretch) = server.get("transcript?call=call-7&utterance=5&around=2").await;
    assert_eq!((code, &stretch["before"], &stretch["after"]), (200, &json!(3), &json!(14)));
    let turns = stretch["transcript"]["turns"].as_array().unwrap();
    assert_eq!(turns.iter().map(|t| t["utterance"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
    refused(server.get("transcript?call=call-7&utterance=999").await, 404, "unknown", "erased");
    refused(server.get("transcript?call=other").await, 404, "unknown", "load the page again");
    refused(server.get("transcript?utterance=5").await, 400, "bad_request", "docs/REVIEW.md");
    let (_, found) = server.get("search?q=security%20PACK").await;
    assert_eq!(found["hits"][0]["speaker"], "Priya Raman", "{found}");
    refused(server.get("search?q=%20").await, 400, "bad_request", "search for");
    assert_eq!(server.get("note?call=call-7").await.1["commitments"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn changes_come_once() {
    let server = start().await;
    let upto = server.get("inbox").await.1["upto"].as_u64().unwrap();
    let (_, none) = server.get(&format!("changes?since={upto}")).await;
    assert_eq!(none, json!({ "upto": upto, "items": [] }));
    let ids = server.desk.ids();
    let Action::CreateNote { about, at_unix_ms, .. } = server.desk.listed(&ids[0]).proposal.action else { panic!() };
    server.desk.edit_elsewhere(&ids[0], Action::CreateNote { about, at_unix_ms, body: "other".into() });
    let (_, news) = server.get(&format!("changes?since={upto}")).await;
    assert_eq!(news["items"].as_array().unwrap().len(), 1);
    assert_eq!(news["items"][0]["proposal"]["action"]["body"], "other");
    assert_eq!(server.get(&format!("changes?since={}", news["upto"])).await.1["items"], json!([]));
}

#[tokio::test]
async fn nonsense_is_answered_in_words() {
    let server = start().await;
    refused(server.post("approve", &json!({ "by": "Ada" })).await, 400, "bad_request", "missing field `items`");
    refused(
        server.post("approve", &json!({ "by": "Ada", "items": [{ "id": "x", "digest": "y" }] })).await,
        400,
        "bad_request",
        "is no id",
    );
    let long = json!({ "by": "Ada", "items": [], "more": "x".repeat(600 * 1024) });
    refused(server.post("approve", &long).await, 413, "too_long", "512 KiB");
    refused(server.get("item?id=nonsense").await, 400, "bad_request", "is no id");
    refused(server.get("item?id=proposal-0123456789abcdef01234567").await, 404, "unknown", "load the page again");
    server.desk.set_down(true);
    refused(server.get("inbox").await, 503, "down", "try again");
}

#[tokio::test]
async fn a_debrief_is_for_the_seller_who_alone_can_open_it() {
    let server = start().await;
    let ask = |by: &str, call: &str| json!({ "by": by, "call": call });
    let (code, open) = server.post("debrief", &ask("rae linden", "call-7")).await;
    assert_eq!((code, open["state"].as_str(), open["own"].as_bool()), (200, Some("open"), Some(true)), "{open}");
    assert!(
        open["debrief"]["scores"]
            .as_array()
            .unwrap()
            .iter()
            .all(|s| !s["because"]["evidence"].as_array().unwrap().is_empty())
    );
    assert_eq!(open["released_unix_ms"], Value::Null);
    let (code, closed) = server.post("debrief", &ask("Dana Whitfield", "call-7")).await;
    assert_eq!((code, closed["state"].as_str()), (200, Some("closed")));
    assert!(closed.get("debrief").is_none() && closed.get("trends").is_none(), "{closed}");
    refused(server.post("debrief", &ask("Rae Linden", "call-8")).await, 404, "unknown", "debrief of call call-8");
    refused(server.post("debrief", &ask("reframe", "call-7")).await, 422, "who", "");
    refused(
        server.post("debrief/release", &ask("Dana Whitfield", "call-7")).await,
        422,
        "impossible",
        "only the seller",
    );
    let (code, open) = server.post("debrief/release", &ask("Rae Linden", "call-7")).await;
    assert!(code == 200 && open["released_unix_ms"].is_i64(), "{open}");
    // A name is in no address, which proxies write down.
    assert_eq!(server.get("debrief?by=Rae&call=call-7").await.0, 405);
}
