//! `play --to rtms://…`: a recording becomes a Zoom meeting, and the bot that is called brings it to the ingest. Both are
//! the program itself, as a person would run it.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use crate::support::{PATIENCE, TOKEN, fixture, serve, until};
use reframe_ingest::What;

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _already_waited = self.0.wait();
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reframe-bot"));
    command.env("ZOOM_CLIENT_ID", "id").env("ZOOM_CLIENT_SECRET", "a client secret");
    command.env("ZOOM_WEBHOOK_SECRET", "a webhook secret").env("REFRAME_TOKEN", TOKEN);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_a_meeting_for_the_zoom_bot() {
    let server = serve();
    let folder = tempfile::tempdir().unwrap();
    fixture(folder.path(), "");
    // Free a moment ago; nobody else on this machine takes ports by number.
    let addr: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bot = program()
        .args(["zoom", "--consent", "platform", "--listen", &addr.to_string(), "--engine", &server.url()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _bot = Killed(bot);
    until("the bot to listen", || TcpStream::connect(addr).ok()).await;

    let mut play = program();
    play.arg("play").arg(folder.path()).args(["--to", &format!("rtms://{addr}")]);
    let played = tokio::task::spawn_blocking(move || play.output());
    let played = tokio::time::timeout(PATIENCE * 2, played).await.unwrap().unwrap().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&played.stdout), String::from_utf8_lossy(&played.stderr));
    assert!(played.status.success(), "{said}");
    assert!(said.contains("played") && !said.contains("secret"), "{said}");

    let call = server.host.last();
    until("the end of the call", || call.what().contains(&What::End).then_some(())).await;
    let mut names: Vec<String> = call
        .what()
        .iter()
        .filter_map(|w| if let What::Track { info, .. } = w { Some(info.name.clone()) } else { None })
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names, ["Bo", "Rae"]);
    let packets = call.what().iter().filter(|w| matches!(w, What::Packet(_))).count();
    assert!(packets > 80, "{packets} packets of 110");
}
