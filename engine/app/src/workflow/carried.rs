//! What a message carries of what a law may ask for, found in the very bytes that will go out.

use std::collections::BTreeSet;

use reframe_connect::message;
use reframe_outreach::{
    lint::Language,
    message::{helped_line, stop_line},
};
use reframe_policy::{
    ledger::domain_key,
    rules::{Channel, Need},
};
use reframe_workflow::gate::Mail;

use super::outreach_settings::{OutreachSettings, words};

/// Languages in which drafts say how to stop and that a program helped.
const LANGUAGES: [Language; 4] = [Language::English, Language::German, Language::French, Language::Japanese];

/// What a message carries, and the address it goes out from, if the bytes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// What was found.
    pub needs: BTreeSet<Need>,
    /// Domain of the sender's address.
    pub from_domain: Option<String>,
}

/// Looks through the bytes `mail` becomes; `from` and `approved_unix_ms` as the mailbox takes them. A mail that cannot be
/// written carries nothing.
pub fn carried(mail: &Mail, from: Option<&str>, approved_unix_ms: i64, ours: &OutreachSettings) -> Carried {
    let Ok(bytes) = message::write(mail, from, approved_unix_ms) else { return Carried::default() };
    let Some(read) = message::read(&bytes) else { return Carried::default() };
    let from_domain = read.from.as_deref().and_then(|from| from.rsplit_once('@')).and_then(|(_, d)| domain_key(d));
    let mut needs = in_text(&read.body, ours);
    let own = ours.sender.iter().flat_map(|s| [&s.domain, &s.company_domain]).filter_map(|d| domain_key(d));
    let own: BTreeSet<String> = own.collect();
    if from_domain.as_ref().is_some_and(|d| own.contains(d)) {
        needs.insert(Need::SenderIdentity);
    }
    if stops(&read.unsubscribe, &bytes, ours) {
        needs.insert(Need::UnsubscribeHeaders);
    }
    Carried { needs, from_domain }
}

/// What a message carries that a person sends by hand, or says.
pub fn carried_by_hand(text: &str, channel: Channel, ours: &OutreachSettings) -> BTreeSet<Need> {
    let mut needs = in_text(text, ours);
    // The profile it comes from says who sends it.
    if channel == Channel::Linkedin {
        needs.insert(Need::SenderIdentity);
    }
    needs
}

/// What the words say.
fn in_text(body: &str, ours: &OutreachSettings) -> BTreeSet<Need> {
    // What they wrote, quoted beneath an answer, says nothing for us.
    let text: Vec<&str> = body.lines().filter(|line| !line.trim_start().starts_with('>')).collect();
    let (text, said) = (text.join("\n"), words(&text.join(" ")));
    let says = |sentence: &str| {
        let wanted = words(sentence);
        !wanted.is_empty() && said.windows(wanted.len()).any(|w| w == wanted)
    };
    let any = |sentences: &[String]| sentences.iter().any(|s| says(s));
    let stop = |at: &str| text.to_lowercase().contains(&at.to_lowercase());

    let mut needs = BTreeSet::new();
    let mut found = |need, there: bool| {
        if there {
            needs.insert(need);
        }
    };
    found(Need::SenderIdentity, says(&ours.company));
    found(Need::PostalAddress, says(&ours.postal_address));
    let addresses = [&ours.unsubscribe_mail, &ours.unsubscribe_url];
    let drafts = LANGUAGES.into_iter().any(|language| says(stop_line(language)));
    let line = any(&ours.sentences.unsubscribe) || drafts || addresses.into_iter().flatten().any(|at| stop(at));
    found(Need::UnsubscribeLine, line);
    found(Need::SourceOfData, any(&ours.sentences.source_of_data));
    found(Need::ObjectionNotice, any(&ours.sentences.objection));
    let helped = LANGUAGES.into_iter().any(|language| says(helped_line(language)));
    found(Need::AiDisclosure, any(&ours.sentences.ai_disclosure) || helped);
    needs
}

/// Whether the headers name our addresses, and say that a POST is enough (RFC 8058).
fn stops(listed: &[String], bytes: &[u8], ours: &OutreachSettings) -> bool {
    let (Some(mail), Some(url)) = (&ours.unsubscribe_mail, &ours.unsubscribe_url) else { return false };
    let head = String::from_utf8_lossy(bytes);
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    let one_click = head.lines().any(|l| l == "List-Unsubscribe-Post: List-Unsubscribe=One-Click");
    let mailto = listed.iter().any(|at| at.strip_prefix("mailto:").is_some_and(|a| a.eq_ignore_ascii_case(mail)));
    one_click && mailto && listed.iter().any(|at| at.starts_with(url.as_str()))
}

#[cfg(test)]
mod tests {
    use reframe_outreach::message::Footer;
    use reframe_workflow::gate::Unsubscribe;

    use super::*;

    fn ours() -> OutreachSettings {
        toml::from_str(
            r#"
            company = "Seller Ltd"
            postal_address = "1 Main Street, 12345 Springfield"
            unsubscribe_mail = "stop@try-seller.example"
            unsubscribe_url = "https://try-seller.example/u/"
            [sentences]
            source_of_data = ["Your address is from your company's website."]
            objection = ["You may object at any time."]
            "#,
        )
        .unwrap()
    }

    fn mail(body: &str) -> Mail {
        let stop = Unsubscribe {
            mailto: "stop@try-seller.example".into(),
            https: Some("https://try-seller.example/u/1".into()),
        };
        Mail {
            message_id: "<rf-1@try-seller.example>".into(),
            to: vec!["dana@acme.example".into()],
            cc: vec![],
            subject: "your launch".into(),
            body: body.into(),
            in_reply_to: None,
            thread: None,
            unsubscribe: Some(stop),
        }
    }

    #[test]
    fn only_what_stands_in_the_bytes_is_carried() {
        let footer = Footer {
            company: "Seller Ltd".into(),
            postal_address: "1 Main Street, 12345 Springfield".into(),
            discloses_ai: true,
        };
        let text = format!("Hi Dana\n\n-- \n{}", footer.text(Language::German).unwrap());
        let whole = carried(&mail(&text), Some("ada@try-seller.example"), 0, &ours());
        let drafted = [
            Need::SenderIdentity,
            Need::PostalAddress,
            Need::UnsubscribeLine,
            Need::UnsubscribeHeaders,
            Need::AiDisclosure,
        ];
        assert_eq!(whole.needs, drafted.into());
        assert_eq!(whole.from_domain.as_deref(), Some("try-seller.example"));
        for (body, carries) in [
            ("Hi", vec![]),
            ("Seller Ltd\n1 Main Street\n12345  Springfield", vec![Need::SenderIdentity, Need::PostalAddress]),
            ("> Seller Ltd, 1 Main Street, 12345 Springfield", vec![]),
            ("21 Main Street, 12345 Springfieldville", vec![]),
            ("no more: https://try-seller.example/u/1", vec![Need::UnsubscribeLine]),
            ("no more: STOP@try-seller.example", vec![Need::UnsubscribeLine]),
            (
                "Your address is from your company's\nwebsite. You may object at any time!",
                vec![Need::SourceOfData, Need::ObjectionNotice],
            ),
        ] {
            let mut found = carried(&mail(body), None, 0, &ours()).needs;
            assert!(found.remove(&Need::UnsubscribeHeaders), "{body}");
            assert_eq!(found, carries.into_iter().collect(), "{body}");
        }
        let bare = Mail { unsubscribe: None, ..mail("Hi") };
        let mailto = Unsubscribe { mailto: "stop@try-seller.example".into(), https: None };
        let no_post = Mail { unsubscribe: Some(mailto), ..mail("Hi") };
        let other = Unsubscribe { mailto: "stop@other.example".into(), https: Some("https://other.example/u".into()) };
        let theirs = Mail { unsubscribe: Some(other), ..mail("Hi") };
        for mail in [bare, no_post, theirs] {
            assert!(carried(&mail, None, 0, &ours()).needs.is_empty(), "{:?}", mail.unsubscribe);
        }
        // By hand nothing but the words counts; on LinkedIn the profile says who it is.
        let text = "Hi Dana\n\nTom\n\nSeller Ltd";
        for (channel, text, carries) in [
            (Channel::Linkedin, "Hi Dana", vec![Need::SenderIdentity]),
            (Channel::Sms, "Hi Dana", vec![]),
            (Channel::Sms, text, vec![Need::SenderIdentity]),
            (Channel::Call, text, vec![Need::SenderIdentity]),
        ] {
            assert_eq!(carried_by_hand(text, channel, &ours()), carries.into_iter().collect(), "{channel:?} {text}");
        }
        let nobody = OutreachSettings::default();
        assert!(!carried(&mail("1 Main Street"), None, 0, &nobody).needs.contains(&Need::PostalAddress));
    }
}
