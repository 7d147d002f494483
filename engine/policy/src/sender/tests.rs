//! Zones with one thing wrong each, and the days of a warm-up.

use super::*;

fn zone() -> SetUp {
    let txt = |name: &str, text: &str| TxtRecord { name: name.into(), text: text.into() };
    SetUp {
        domain: "try-acme.example".into(),
        company_domain: "acme.example".into(),
        spf_mechanism: "include:_spf.mail.example".into(),
        dkim_selector: "s1".into(),
        report_to: "dmarc@acme.example".into(),
        records: vec![
            txt("try-acme.example.", "v=spf1 include:_spf.mail.example -all"),
            txt("try-acme.example", "some-verification=1"),
            txt("S1._domainkey.try-acme.example", &format!("v=DKIM1; k=rsa; p={}", "A".repeat(392))),
            txt("_dmarc.try-acme.example", "v=DMARC1; p=quarantine; rua=mailto:dmarc@acme.example"),
            txt("default._bimi.try-acme.example", "v=BIMI1; l=https://acme.example/logo.svg"),
        ],
    }
}

#[test]
fn a_good_zone_is_ready_and_each_fault_is_named_with_what_to_write() {
    assert_eq!(zone().check(), []);
    let with = |at: usize, text: &str| {
        let mut zone = zone();
        text.clone_into(&mut zone.records[at].text);
        zone
    };
    let more = |name: &str, text: &str| {
        let mut zone = zone();
        zone.records.push(TxtRecord { name: name.into(), text: text.into() });
        zone
    };
    let many = format!("v=spf1 include:_spf.mail.example {} -all", "include:x.example ".repeat(10));
    for (check, blocks, written, bad) in [
        (Check::Separate, true, "", SetUp { company_domain: "TRY-acme.example.".into(), ..zone() }),
        (Check::Separate, true, "", SetUp { company_domain: "acme".into(), ..zone() }),
        (Check::Spf, true, "v=spf1 include:_spf.mail.example -all", with(0, "x")),
        (Check::Spf, true, "v=spf1 include:_spf.mail.example mx ~all", with(0, "v=spf1 mx ~all")),
        (Check::Spf, true, "-all", with(0, "v=spf1 include:_spf.mail.example")),
        (Check::Spf, true, "-all", with(0, "v=spf1 include:_spf.mail.example +all")),
        (Check::Spf, true, "-all", with(0, &many)),
        (Check::Spf, true, "-all", more("try-acme.example", "v=spf1 mx -all")),
        (Check::Dkim, true, "v=DKIM1", with(2, "v=DKIM1; p=")),
        (Check::Dkim, true, "v=DKIM1", with(2, "v=DKIM1; k=rsa; p=AAAA")),
        (Check::Dkim, true, "v=DKIM1", SetUp { dkim_selector: "s2".into(), ..zone() }),
        (Check::Dmarc, true, "p=quarantine; rua=mailto:dmarc@acme.example", with(3, "x")),
        (Check::Dmarc, true, "p=quarantine", with(3, "v=DMARC1; rua=mailto:a@acme.example")),
        (Check::Dmarc, false, "p=quarantine", with(3, "v=DMARC1; p=none; rua=mailto:a@acme.example")),
        (Check::Dmarc, false, "rua=", with(3, "v=DMARC1; p=reject")),
        (Check::Dmarc, true, "p=quarantine", more("_dmarc.try-acme.example", "v=DMARC1; p=reject")),
        (Check::Bimi, false, "v=BIMI1", with(4, "x")),
    ] {
        let found = bad.check();
        assert_eq!(found.iter().map(|f| (f.check, f.blocks)).collect::<Vec<_>>(), [(check, blocks)], "{bad:?}");
        assert_eq!(bad.is_ready(), !blocks);
        let text = found[0].write.as_ref().map_or("", |w| &w.text);
        assert!(text.contains(written), "{found:?}");
    }
    // An elliptic key is short and good.
    assert_eq!(with(2, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").check(), []);
    // What is to be written mends it.
    let mut empty = SetUp { records: vec![], ..zone() };
    let written: Vec<TxtRecord> = empty.check().into_iter().filter_map(|f| f.write).collect();
    assert_eq!(written.len(), 4);
    empty.records = written;
    assert_eq!(
        empty.check().iter().map(|f| f.check).collect::<Vec<_>>(),
        [Check::Dkim],
        "its key only the provider knows"
    );
}

fn warm_up() -> WarmUp {
    let began: jiff::Zoned = "2026-03-02T15:00[America/New_York]".parse().unwrap();
    WarmUp {
        began_unix_ms: began.timestamp().as_millisecond(),
        zone: "America/New_York".into(),
        ladder: Ladder::default(),
        daily_cap: 100,
    }
}

#[test]
fn day_27_is_refused_and_day_28_allowed_also_over_a_change_of_clocks() {
    let at = |text: &str| text.parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond();
    // Clocks change on the eighth of March.
    let opens = at("2026-03-30T00:00[America/New_York]");
    let refused = warm_up().allowance(opens - 1).unwrap_err();
    assert_eq!((refused.day, refused.of, refused.until_unix_ms), (27, 28, opens));
    for (day, messages) in [
        ("2026-03-30", 20),
        ("2026-04-05", 20),
        ("2026-04-06", 40),
        ("2026-04-13", 60),
        ("2026-04-20", 90),
        ("2026-04-27", 100),
        ("2027-04-27", 100),
    ] {
        assert_eq!(warm_up().allowance(at(&format!("{day}T00:00[America/New_York]"))), Ok(messages), "{day}");
    }
    let before = warm_up().allowance(at("2026-02-01T00:00[America/New_York]")).unwrap_err();
    assert!(before.day < 0);
    let none = WarmUp { ladder: Ladder { steps: vec![] }, ..warm_up() };
    assert!(none.allowance(i64::MAX).is_err());
}

#[test]
fn what_counts_against_today_is_what_went_out_on_it() {
    let at = |text: &str| text.parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond();
    let midnight = at("2026-11-01T00:00[America/New_York]");
    let next = at("2026-11-02T00:00[America/New_York]");
    assert_eq!(next - midnight, 25 * 60 * 60 * 1_000);
    let sent = [midnight - 1, midnight, next - 1, next];
    assert_eq!(warm_up().sent_today(&sent, next - 1), (2, next));
    assert_eq!(warm_up().sent_today(&sent, next), (1, at("2026-11-03T00:00[America/New_York]")));
}
