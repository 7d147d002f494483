//! A fixture call as a Zoom meeting: our bot as a process of its own, and the stand-in for Zoom's servers in this one.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use reframe_bots::{
    play::Call,
    sim::zoom::{Credentials, Meeting},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::played::Sent;
use crate::{process, serving::Connection};

/// What bot and stand-in share; both run here and nowhere else.
const CLIENT: [(&str, &str); 3] = [
    ("ZOOM_CLIENT_ID", "bench"),
    ("ZOOM_CLIENT_SECRET", "client secret of a measurement"),
    ("ZOOM_WEBHOOK_SECRET", "webhook secret of a measurement"),
];
/// Links that may wait to be watched; when it is full the bot's output is not read, and there is one meeting at a time.
const LINKS: usize = 16;
/// How long the bot may take from the first webhook to having its call in the engine.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the stand-in says as the first sample is spoken.
const BEGINS: &str = "the conversation begins";

/// A running `reframe-bot zoom`; killed when dropped.
pub struct Bot {
    child: Child,
    webhook: String,
    links: mpsc::Receiver<String>,
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

impl Bot {
    /// Starts one that brings meetings to this server.
    ///
    /// # Errors
    /// If the program is missing or does not start.
    pub fn start(server: &Connection, playbook: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(process::reframe_bot()?)
            .args(["zoom", "--listen", "127.0.0.1:0", "--consent", "platform", "--disclosed-by-host"])
            .args(["--playbook", playbook, "--engine", &server.ingest()])
            .envs(CLIENT)
            .env("REFRAME_TOKEN", server.token())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the bot cannot be started")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (tell, links) = mpsc::channel(LINKS);
        let mut this = Self { child, webhook: String::new(), links };
        while this.webhook.is_empty() {
            let Some(line) = lines.next() else { bail!("the bot did not start") };
            if let Some(url) = line?.strip_prefix("waiting for Zoom's webhooks on ") {
                this.webhook = format!("{}/", url.trim());
            }
        }
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let link = line.strip_prefix("overlay ").map(str::to_owned);
                if link.is_some_and(|link| tell.blocking_send(link).is_err()) {
                    return;
                }
            }
        });
        Ok(this)
    }

    /// Plays a call as a meeting, to its end. `zero` becomes the time of its first sample; `tell` is given the link to the
    /// rep's screen.
    ///
    /// # Errors
    /// If the bot does not come, or hears nothing.
    pub async fn play(
        &mut self,
        call: Call,
        id: &str,
        zero: Arc<OnceLock<Instant>>,
        tell: oneshot::Sender<String>,
    ) -> anyhow::Result<Sent> {
        let [(_, client), (_, secret), (_, webhook)] = CLIENT;
        let begins = move |line: &str| {
            if line.ends_with(BEGINS) {
                let _told_before = zero.set(Instant::now());
            }
        };
        let meeting = Meeting::new(call, Credentials::new(client, secret, webhook))
            .ids(format!("{id}=="), format!("{id}-stream"))
            .webhook(self.webhook.clone())
            .without_transcripts()
            .watch(begins)
            .start()
            .await?;
        let link = timeout(PATIENCE, self.links.recv()).await.context("the bot did not come to the meeting")?;
        let _nobody_watches = tell.send(link.context("the bot is gone")?);
        let report = meeting.finished().await;
        ensure!(report.audio_sent > 0, "the bot heard nothing of the meeting");
        // Sound that nobody took is lost; what waits in a socket is late, and counts as what it is.
        Ok(Sent { late_ms: None, lost: report.audio_missed, dropped: 0 })
    }
}
