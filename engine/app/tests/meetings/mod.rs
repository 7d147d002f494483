//! What tests of meetings share: the demo call as what was said before, and a calendar file that says who is met when.

use std::path::Path;

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::support::{err, out, run};

/// The settings, without their version.
pub const CONFIG: &str = "[data]\nrecord_inputs = true\n[workflow]\nnightly_at = \"\"\n\
                          zone = \"Europe/Berlin\"\n[workflow.prep]\ncalendar = \"team.ics\"\n";

/// The demo call with Marcus Bell of Northline, written up; and a configuration with a calendar.
pub fn world(dir: &Path) {
    let demo = run(dir, &["demo", "--call-only", "--pace", "max", "--json", "--name", "one"]);
    assert!(demo.status.success(), "{}{}", out(&demo), err(&demo));
    std::fs::write(dir.join("reframe.toml"), format!("version = 1\n{CONFIG}")).unwrap();
}

/// A meeting with Marcus in so many minutes.
pub fn meeting_in(dir: &Path, minutes: i64, more: &str) {
    meeting_called(dir, "Northline proposal", minutes, more);
}

/// The same under another name.
pub fn meeting_called(dir: &Path, title: &str, minutes: i64, more: &str) {
    let at = Timestamp::now().checked_add(minutes.minutes()).unwrap();
    let stamp = |at: Timestamp| at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
    let ends = at.checked_add(30.minutes()).unwrap();
    let text = format!(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:m1\nSUMMARY:{title}\nORGANIZER:mailto:dana@reframe.example\n\
         ATTENDEE:mailto:Marcus.Bell@northline.example\nDTSTART:{}\nDTEND:{}\n{more}END:VEVENT\nEND:VCALENDAR\n",
        stamp(at),
        stamp(ends)
    );
    std::fs::write(dir.join("team.ics"), text).unwrap();
}

/// What `reframe run prep` says.
pub fn prep(dir: &Path) -> String {
    let output = run(dir, &["run", "prep"]);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    out(&output)
}
