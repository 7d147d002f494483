//! Both shapes of model interface against the stand-in: what is sent, and what each failure is told as.
#![allow(clippy::unwrap_used)]

use reframe_connect::{
    model::{Endpoint, HttpModel, Provider},
    secret::Secret,
    standin::model::{ModelStandIn, Play},
};
use reframe_workflow::drafting::{ModelError, Request, WritingModel};

const BOTH: [Provider; 2] = [Provider::Anthropic, Provider::Openai];

fn model(standin: &ModelStandIn, provider: Provider, key: Option<&str>) -> HttpModel {
    let key = key.map(|k| Secret::new(k).unwrap());
    HttpModel::new(Endpoint { provider, base_url: Some(standin.url()), model: "small-1".into(), key }).unwrap()
}

fn request() -> Request {
    Request { system: "be brief".into(), prompt: "PERSON_1 said".into(), max_tokens: 77, timeout_ms: 5_000 }
}

#[test]
fn each_provider_is_asked_in_its_own_shape() {
    for provider in BOTH {
        let standin = ModelStandIn::start([Play::Say("hello".into()), Play::Say("again".into())]).unwrap();
        let reply = model(&standin, provider, Some("sk-secret")).write(&request()).unwrap();
        assert_eq!(reply.text, "hello");
        assert!(reply.tokens_in.unwrap() > 20 && reply.tokens_out == Some(2), "{reply:?}");
        model(&standin, provider, None).write(&request()).unwrap();
        let asked = standin.asked();
        let heads = [&asked[0], &asked[1]].map(|a| String::from_utf8_lossy(&a.bytes).to_lowercase());
        let body = &asked[0].body;
        assert_eq!(body["model"], "small-1");
        assert_eq!(body["max_tokens"], 77);
        let (path, header, turns) = match provider {
            Provider::Anthropic => ("/v1/messages", "x-api-key: sk-secret", 1),
            Provider::Openai => ("/v1/chat/completions", "authorization: bearer sk-secret", 2),
        };
        assert_eq!(asked[0].path, path);
        assert_eq!(body["messages"].as_array().unwrap().len(), turns);
        assert_eq!(body["messages"][turns - 1]["content"], "PERSON_1 said");
        assert!(heads[0].contains(header), "{}", heads[0]);
        // A server without a key is sent none, not an empty one.
        assert!(!heads[1].contains("x-api-key") && !heads[1].contains("authorization"), "{}", heads[1]);
    }
}

#[test]
fn every_failure_is_told_as_what_it_is() {
    for provider in BOTH {
        for (play, kind) in [
            (Play::Status(429, Some(7)), "busy 7000"),
            (Play::Status(429, None), "busy 5000"),
            (Play::Status(503, None), "busy 5000"),
            (Play::Status(529, None), "busy 5000"),
            (Play::Status(500, None), "unreachable"),
            (Play::Status(401, None), "forbidden"),
            (Play::Status(400, None), "odd"),
            (Play::Status(302, None), "odd"),
            (Play::Hang, "timed out"),
            (Play::Drop, "unreachable"),
            (Play::CutBody("hello hello hello".into()), "unreachable"),
            (Play::CutText("hello".into()), "cut off"),
            (Play::Decline, "declined"),
            (Play::Say(String::new()), "empty text"),
        ] {
            let standin = ModelStandIn::start([play.clone()]).unwrap();
            let asked = Request { timeout_ms: 700, ..request() };
            let result = model(&standin, provider, Some("sk-secret")).write(&asked);
            let is = match &result {
                Ok(reply) if reply.text.is_empty() => "empty text".to_owned(),
                Ok(_) => "?".to_owned(),
                Err(ModelError::Busy { wait_ms }) => format!("busy {wait_ms}"),
                Err(ModelError::TimedOut) => "timed out".to_owned(),
                Err(ModelError::Unreachable { .. }) => "unreachable".to_owned(),
                Err(ModelError::Forbidden { .. }) => "forbidden".to_owned(),
                Err(ModelError::Odd { .. }) => "odd".to_owned(),
                Err(ModelError::Declined) => "declined".to_owned(),
                Err(ModelError::CutOff) => "cut off".to_owned(),
                Err(_) => "?".to_owned(),
            };
            assert_eq!(is, kind, "{provider:?} {play:?}: {result:?}");
            assert_eq!(standin.asked().len(), 1, "{play:?}: it is asked once");
            assert!(!format!("{result:?}").contains("secret"), "{result:?}");
        }
    }
}

#[test]
fn after_stop_nothing_goes_out_until_the_wait_is_over() {
    let standin = ModelStandIn::start([Play::Status(429, Some(60)), Play::Say("x".into())]).unwrap();
    let model = model(&standin, Provider::Anthropic, None);
    assert_eq!(model.write(&request()), Err(ModelError::Busy { wait_ms: 60_000 }));
    assert!(matches!(model.write(&request()), Err(ModelError::Busy { wait_ms: 50_000..=60_000 })));
    assert_eq!(standin.asked().len(), 1);
}

#[test]
fn questions_go_over_tls_or_nowhere() {
    for bad in
        ["http://models.example.com", "ftp://127.0.0.1", "http://10.0.0.7:8000", "https://u:p@models.example.com"]
    {
        let endpoint =
            Endpoint { provider: Provider::Openai, base_url: Some(bad.into()), model: "m".into(), key: None };
        assert!(HttpModel::new(endpoint).is_err(), "{bad}");
    }
}
