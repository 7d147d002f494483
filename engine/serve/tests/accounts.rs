//! The documents of the account pages over real sockets: who gets them, what they hold, what a refusal says.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../examples/review_demo/accounts.rs"]
mod accounts;

use std::sync::Arc;

use accounts::DemoAccounts;
use reframe_serve::{
    AllowedHosts, Hub, HubOptions, Metrics, ServeOptions, Token, accounts::accounts_router, answer_only_to,
    review::ReviewOptions, router, serve,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const DOCUMENTS: [&str; 8] = [
    "accounts",
    "account?id=local:company/7",
    "journey?id=local:company/7",
    "funnel",
    "huddle",
    "briefs",
    "brief?id=northwind-next",
    "nothing/of/this",
];

async fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let metrics = Metrics::new();
    let hub = Hub::new(HubOptions::default(), &metrics);
    let options = ReviewOptions { token: Token::new(TOKEN), allowed_origins: vec!["https://crm.example".into()] };
    let pages = accounts_router(Arc::new(DemoAccounts::default()), options);
    let app = router(hub.clone(), ServeOptions::new(metrics)).merge(pages);
    tokio::spawn(serve(listener, hub, answer_only_to(AllowedHosts::new(addr, [""; 0]), app), std::future::pending()));
    addr.port()
}

/// Status, headers and body of a request.
async fn send(port: u16, line: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut request = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += &format!("host: 127.0.0.1:{port}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += "\r\n";
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

async fn get(port: u16, document: &str) -> (u16, Value) {
    let bearer = format!("Bearer {TOKEN}");
    let (code, _, body) = send(port, &format!("GET /v1/accounts/{document}"), &[("authorization", &bearer)]).await;
    (code, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn nobody_without_the_key_or_from_another_page_sees_anything() {
    let port = start().await;
    let own = format!("http://127.0.0.1:{port}");
    let bearer = format!("Bearer {TOKEN}");
    let key = ("authorization", bearer.as_str());
    for (headers, code) in [
        (vec![key], 200),
        (vec![key, ("sec-fetch-site", "same-origin")], 200),
        (vec![key, ("origin", own.as_str())], 200),
        (vec![key, ("origin", "https://crm.example")], 200),
        (vec![], 401),
        (vec![("authorization", "Bearer 0123456789abcdef0123456789abcdeF")], 401),
        (vec![("authorization", TOKEN)], 401),
        (vec![key, key], 401),
        (vec![key, ("sec-fetch-site", "cross-site")], 403),
        (vec![key, ("origin", "https://evil.example")], 403),
        (vec![key, ("origin", "null")], 403),
        (vec![key, ("host", "evil.example")], 421),
    ] {
        for document in DOCUMENTS {
            let code = if code == 200 && document.starts_with("nothing") { 404 } else { code };
            let (got, head, body) = send(port, &format!("GET /v1/accounts/{document}"), &headers).await;
            assert_eq!(got, code, "{document} {headers:?}: {body}");
            assert!(!head.contains("access-control-"), "no other page may read answers: {head}");
            assert!(head.contains("cache-control: no-store") && head.contains("content-security-policy"), "{head}");
            let tells = ["Northwind", "Contoso", "company/7", "call-7"].iter().any(|word| body.contains(word));
            assert!(code == 200 || !tells, "{document} {headers:?}: {body}");
        }
    }
    // The page itself holds nothing of anybody.
    for path in ["/accounts", "/assets/accounts/accounts.js", "/assets/accounts/accounts.css"] {
        let (code, head, body) = send(port, &format!("GET {path}"), &[]).await;
        assert_eq!(code, 200, "{path}");
        assert!(head.contains("default-src 'none'") && head.contains("x-frame-options: deny"), "{head}");
        assert!(!body.contains(TOKEN) && !body.contains("Northwind"));
    }
    assert_eq!(send(port, "GET /assets/accounts/..%2fbase.css", &[]).await.0, 404);
    for method in ["POST", "PUT", "DELETE"] {
        let (code, _, body) = send(
            port,
            &format!("{method} /v1/accounts/accounts"),
            &[key, ("content-length", "0"), ("origin", own.as_str())],
        )
        .await;
        assert_eq!(code, 405, "{method}: {body}");
    }
}

#[tokio::test]
async fn every_id_of_an_account_finds_it() {
    let port = start().await;
    let (_, list) = get(port, "accounts").await;
    assert_eq!(list["accounts"].as_array().unwrap().len(), 3);
    let (_, page) = get(port, "account?id=local:company/7").await;
    assert_eq!(
        (page["gaps"].as_array().unwrap().len(), &page["walks"][0]["stages"][5]["approval"]),
        (0, &"done".into())
    );
    let mut found = 0;
    for stage in page["walks"][0]["stages"].as_array().unwrap() {
        for item in stage["items"].as_array().unwrap() {
            let id = item["id"].as_str().or(item["call"].as_str()).unwrap();
            assert_eq!(get(port, &format!("account?id={id}")).await.1["name"], "Northwind", "{id}");
            found += 1;
        }
    }
    assert_eq!(found, 12, "seven hand-offs, a call, four proposals");
    // Stage by stage: the six and what came of them, from any id of it.
    let (_, walk) = get(port, "journey?id=call-7").await;
    let rows: Vec<&str> = walk["rows"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), rows[0], rows[6], &walk["gap"]), (7, "Signal", "New signal", &Value::Null));
    assert!(get(port, "account?id=local:company/8").await.1["gaps"][0].as_str().unwrap().contains("which draft"));
}

#[tokio::test]
async fn the_funnel_is_asked_for_between_any_two_points() {
    let port = start().await;
    let (_, steps) = get(port, "funnel?by=month").await;
    assert_eq!(
        (&steps["steps"][0]["all"]["entered"], &steps["asked"], &steps["by"]),
        (&3.into(), &Value::Null, &"month".into())
    );
    let (_, page) = get(port, "funnel?from=outreach&to=live_call&by=week").await;
    let all = &page["asked"]["all"];
    assert_eq!((&all["advanced"], &all["dropped"], &all["open"]), (&1.into(), &1.into(), &1.into()), "{all}");
    let (_, day) = get(port, "huddle?date=2026-03-03").await;
    assert_eq!((&day["huddle"]["window"]["first"], &day["huddle"]["lines"][0]["n"]), (&"2026-03-02".into(), &1.into()));
    for (document, code, says) in [
        ("funnel?from=outreach", 400, "both"),
        ("funnel?from=demo&to=signal", 400, "call_prep"),
        ("funnel?by=day", 400, "docs/FUNNEL.md"),
        ("huddle?date=yesterday", 400, "2026-03-30"),
        ("account", 400, "docs/FUNNEL.md"),
        ("account?id=%20", 400, "name an account"),
        ("account?id=elsewhere", 404, "elsewhere"),
        ("brief", 400, "docs/FUNNEL.md"),
        ("brief?id=%20", 400, "name a meeting"),
        ("brief?id=elsewhere", 404, "elsewhere"),
        ("journey", 400, "docs/FUNNEL.md"),
        ("journey?id=elsewhere", 404, "elsewhere"),
        ("journey?id=local:company/7&walk=9", 404, "such walk"),
        ("elsewhere", 404, "docs/FUNNEL.md"),
    ] {
        let (got, body) = get(port, document).await;
        assert_eq!(got, code, "{document}: {body}");
        assert!(body["says"].as_str().unwrap().contains(says), "{document}: {body}");
    }
    let (_, brief) = get(port, "brief?id=later%2F20261204T100000Z").await;
    assert_eq!((&brief["kept"], &brief["meeting"]["made_unix_ms"]), (&false.into(), &Value::Null));
    let long = "x".repeat(401);
    assert_eq!(get(port, &format!("brief?id={long}")).await.0, 400);
    assert_eq!(get(port, &format!("account?id={long}")).await.0, 400);
}
