//! The simulated conference against a client nobody here wrote: Chromium's WebRTC, with the offer that Google's own web
//! client makes. What the browser reads as CSRCs and resources must be what the conference sent.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{Router, response::Html, routing::get};
use reframe_bots::sim::meet::{Conference, Guest, Plan, csrc};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

const CLIENT: &str = include_str!("client.html");

struct Browser {
    child: Child,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

fn browser(program: &Path, url: &str) -> Browser {
    let profile = tempfile::tempdir().unwrap();
    let child = Command::new(program)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--mute-audio"])
        .args(["--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"])
        .arg("--autoplay-policy=no-user-gesture-required")
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Browser { child, _profile: profile }
}

fn find() -> Option<PathBuf> {
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    places.iter().map(Path::new).find(|path| path.exists()).map(Path::to_owned)
}

fn speaker(name: &str, talks: &[(usize, usize)]) -> Guest {
    let mut samples = vec![0i16; 16 * 5_000];
    for &(from, to) in talks {
        for (n, sample) in samples[from * 16..to * 16].iter_mut().enumerate() {
            *sample = ((n as f32 * 0.1).sin() * 8_000.0) as i16;
        }
    }
    Guest::from_samples(name, &samples).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_hears_what_the_conference_says() {
    let Some(program) = find() else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CI needs Chromium for this test: install the package `chromium`"
        );
        println!("skipped: no Chromium on this machine");
        return;
    };
    let guests = vec![speaker("Ann", &[(1_000, 4_500)]), speaker("Bo", &[(2_000, 3_500)])];
    let plan = Plan { stats_interval_s: 9, seed: 5, ..Plan::new(guests) };
    let token = plan.token.clone();
    let conference = Conference::open("127.0.0.1:0".parse().unwrap(), plan).await.unwrap();

    let (results, mut result) = mpsc::channel::<Value>(1);
    let page = Router::new().route("/", get(|| async { Html(CLIENT) })).route(
        "/result",
        axum::routing::post(move |body: String| async move {
            results.send(serde_json::from_str(&body).unwrap()).await.unwrap();
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, page).await.unwrap() });

    let url = format!("http://{at}/?url={}&space={}&token={token}", conference.url(), conference.space());
    let _browser = browser(&program, &url);
    let seen = timeout(Duration::from_secs(90), result.recv()).await;
    let seen = seen.unwrap_or_else(|_| panic!("the browser did not finish: {:?}", conference.seen())).unwrap();

    assert_eq!(seen["error"], Value::Null, "{seen} {:?}", conference.seen());
    assert_eq!(seen["states"], json!(["STATE_JOINED", "STATE_DISCONNECTED"]));
    assert_eq!(seen["reason"], "REASON_CONFERENCE_ENDED");
    assert_eq!(seen["statistics"], 9);
    // Each speaker was on a stream under its own CSRC, and the loudest was marked.
    let (ann, bo) = (csrc(0, 0).to_string(), csrc(1, 0).to_string());
    for source in [&ann, &bo, "42"] {
        assert!(seen["csrcs"][source].as_array().is_some_and(|on| !on.is_empty()), "{source}: {seen}");
    }
    let both = |source: &str| seen["csrcs"][source].as_array().unwrap().clone();
    assert!(both(&ann).iter().all(|stream| !both(&bo).contains(stream)), "two people on one stream at once: {seen}");
    // From CSRC to name, as a client goes.
    for (source, name) in [(&ann, "Ann"), (&bo, "Bo")] {
        let key = seen["people"][source].as_str().unwrap();
        assert_eq!(seen["names"][key], *name);
    }
    let offers = conference.seen();
    assert_eq!((offers.offers.len(), offers.bad_offers.len(), offers.incomplete), (1, 0, 0), "{offers:?}");
}
