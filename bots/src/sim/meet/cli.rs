//! `reframe-bot sim meet`: a simulated conference on an address of this machine.

use std::{net::SocketAddr, path::PathBuf};

use super::{Conference, DisconnectReason, Guest, Plan, Weather};

/// A Google Meet conference of the people of a fixture call; it begins when a bot joins, and ends with the call.
#[derive(clap::Args)]
pub struct Meet {
    /// Folder with a script.toml and its sound.
    folder: PathBuf,
    /// Where to listen for bots.
    #[arg(long, default_value = "127.0.0.1:7313", value_name = "HOST:PORT")]
    listen: SocketAddr,
    /// Decides streams, orders and losses.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The access token bots must show.
    #[arg(long, default_value = "sim-token")]
    token: String,
    /// Bots wait for so many seconds before they are let in.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Somebody stops the bot after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    stop_after: Option<u64>,
    /// The network breaks after so many seconds, once.
    #[arg(long, value_name = "SECONDS")]
    cut_after: Option<u64>,
    /// Refuse connections: somebody who has to consent is not there.
    #[arg(long)]
    refuse: bool,
    /// Once in so many packets somebody changes the stream in mid-sentence; 0 for never.
    #[arg(long, default_value_t = 150, value_name = "PACKETS")]
    restless: u64,
    /// Media packets lost on the way, in percent.
    #[arg(long, default_value_t = 0, value_name = "PERCENT")]
    loss: u32,
    /// Media packets that change places, in percent.
    #[arg(long, default_value_t = 0, value_name = "PERCENT")]
    swap: u32,
}

/// Runs until the conference is over or the program is interrupted.
///
/// # Errors
/// If the call cannot be read or the address cannot be had.
pub async fn run(arguments: Meet) -> anyhow::Result<()> {
    let refuse = arguments.refuse.then(|| {
        let message = "The person who has to consent is not in the meeting.";
        (403, "PERMISSION_DENIED".to_owned(), message.to_owned())
    });
    let plan = Plan {
        seed: arguments.seed,
        token: arguments.token.clone(),
        waiting_room: arguments.wait.is_some(),
        restless: arguments.restless,
        refuse,
        weather: Weather { loss_percent: arguments.loss, swap_percent: arguments.swap },
        ..Plan::new(Guest::of_fixture(&arguments.folder)?)
    };
    let conference = Conference::open(arguments.listen, plan).await?;
    let (url, space, token) = (conference.url(), conference.space(), arguments.token);
    println!("a simulated conference waits for a bot; to join it:");
    println!(
        "MEET_ACCESS_TOKEN={token} reframe-bot meet {space} --meet-url {url} --consent platform --disclosed-by-host"
    );
    let after = |seconds: Option<u64>| async move {
        match seconds {
            Some(seconds) => tokio::time::sleep(std::time::Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    // Everything counts from the first time a bot has joined, except its waiting.
    let orders = async {
        after(arguments.wait.or(Some(0))).await;
        conference.admit();
        while conference.begun().is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        println!("a bot has joined; the call begins");
        tokio::join!(
            async {
                after(arguments.stop_after).await;
                conference.end(DisconnectReason::UserStopped);
            },
            async {
                after(arguments.cut_after).await;
                conference.cut();
                std::future::pending::<()>().await
            }
        );
    };
    tokio::select! {
        () = orders => {}
        () = conference.over() => {}
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    conference.end(DisconnectReason::ConferenceEnded);
    // The bots hear of it before the program ends.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    println!("the conference is over: {:?}", conference.seen());
    Ok(())
}
