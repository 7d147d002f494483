//! `reframe serve`: the server, until it is told to stop.

use std::{io::Write, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;

use crate::{
    config::Config,
    exit::Exit,
    playbooks, progress, recognizers,
    sentences::{self, Plan},
    server::listen::Server,
};

/// Run the server: bots send audio in, reps watch cards in a browser
///
/// Stops in order on Ctrl-C or SIGTERM: no new calls, running calls are ended and their logs written. A second Ctrl-C
/// stops at once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Configuration file (default: reframe.toml in this folder, if there is one)
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port, instead of server.listen
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

/// Runs it.
///
/// # Errors
/// If it cannot start.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut config = Config::load(args.config.as_deref())?;
    if let Some(listen) = args.listen {
        config.server.listen = listen;
        config.check()?;
    }
    crate::logging::start(&config.log)?;
    let encoder = sentences::load(&config.encoder)?;
    let plan = Plan::new(playbooks::load(config.playbook.dir.as_deref())?, encoder.as_ref());
    let recognizer = progress::loading(|progress| recognizers::load(&config.recognizer, progress))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the network threads cannot be started")?;
    let exit = runtime.block_on(async {
        let server = Server::start(&config, plan, recognizer).await?;
        say(format_args!("listening on http://{}", server.addr));
        say(format_args!("bots:    {}", server.ingest_url()));
        match &config.server.ingest_token_env {
            Some(name) => say(format_args!("token:   the one in {name}")),
            None => say(format_args!("token:   {}", server.ingest_token)),
        }
        say(format_args!("health:  http://{}/healthz    metrics: http://{}/metrics", server.addr, server.addr));
        say(format_args!("review:  {}", server.review_url));
        say(format_args!("Each call's screen link is in the answer its bot gets. Ctrl-C stops."));
        wait_for_stop(&server).await?;
        say(format_args!("stopping: calls get {} s to finish", config.server.shutdown_deadline_s));
        let clean = tokio::select! {
            clean = server.stop(Duration::from_secs(config.server.shutdown_deadline_s)) => clean,
            _ = tokio::signal::ctrl_c() => false,
        };
        Ok(if clean { Exit::Success } else { Exit::Failure })
    });
    // Dropping it would wait for what is stuck, and a second Ctrl-C means that nobody wants to wait.
    runtime.shutdown_background();
    exit
}

/// Prints a line. Whoever read the first ones may have gone, and the server runs on without.
fn say(line: std::fmt::Arguments<'_>) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}

async fn wait_for_stop(server: &Server) -> anyhow::Result<()> {
    let failed = async {
        while server.is_listening() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .context("SIGTERM cannot be listened for")?;
        signal.recv().await;
        anyhow::Ok(())
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<anyhow::Result<()>>();
    tokio::select! {
        ctrl_c = tokio::signal::ctrl_c() => ctrl_c.context("Ctrl-C cannot be listened for"),
        terminated = terminated => terminated,
        () = failed => anyhow::bail!("the listener failed; see the log"),
    }
}
