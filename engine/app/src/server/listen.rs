//! Puts the server together, listens, and takes it down in order.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reframe_call::{recognize::Recognizer, session::SessionSettings};
use reframe_consent::Policy;
use reframe_ingest::{
    Access, Calls, CallsConfig,
    adapters::{self, io::AdaptersConfig},
    socket::io::{IngestConfig, IngestState},
    whip::WhipState,
};
use reframe_serve::{
    AllowedHosts, Hub, HubOptions, Metrics, ServeOptions, Token,
    accounts::{accounts_router, journey_link},
    answer_only_to,
    review::{ReviewDesk, ReviewOptions, review_link, review_router},
};
use reframe_store::{SqliteLog, SqliteOptions, Store};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{
    admission::{Rules, now_unix_ms},
    api,
    engine::{Engine, EngineParts, Host},
    erasures::{Eraser, Erasures},
    log_writer::LogWriter,
    people::People,
    playbook_reload::{self, Shelf},
    refine::{self, RefineHandle},
    signals,
    stats::EngineStats,
    tokens::{Secret, Tokens},
};
use crate::{
    config::Config,
    recognizers,
    sentences::Plan,
    workflow::{Accounts, Clerk, Desk, Office},
};

/// Screens and the log's writer get this long beyond the deadline of the calls, so that a stuck call does not cut them
/// off.
const SCREENS_LEAVE: Duration = Duration::from_secs(3);

/// A server that listens.
pub struct Server {
    /// Address it listens on.
    pub addr: SocketAddr,
    /// What bots must show.
    pub ingest_token: String,
    /// Where a person reviews what was drafted. It opens the review to whoever has it.
    pub review_url: String,
    base_url: String,
    review_token: Token,
    /// What there is to review.
    pub desk: Arc<dyn ReviewDesk>,
    /// The stages between calls.
    pub office: Arc<Office>,
    engine: Arc<Engine>,
    hub: Hub,
    writer: LogWriter,
    eraser: Eraser,
    clerk: Clerk,
    http: JoinHandle<std::io::Result<()>>,
    stop_http: oneshot::Sender<()>,
}

impl Server {
    /// Starts to listen.
    ///
    /// # Errors
    /// If the port is taken, the data folder cannot be used, or a token is missing. Nothing runs then.
    pub async fn start(config: &Config, plan: Plan, recognizer: Arc<dyn Recognizer>) -> anyhow::Result<Self> {
        let ingest_token = ingest_token(config)?;
        let listener = bind(config.server.listen).await?;
        let addr = listener.local_addr().context("the address cannot be read back")?;
        let base_url = config.server.public_url.clone().unwrap_or_else(|| format!("http://{addr}"));
        let dir = &config.data.dir;
        private_folder(dir).with_context(|| {
            format!("the data folder {} cannot be made; set data.dir to one that can", dir.display())
        })?;
        let store = Arc::new(SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default())?);
        let log: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        let office = Arc::new(Office::open(&config.workflow, dir, store, now_unix_ms)?);
        let shelf = Shelf::new(plan);
        office.read_playbook(Box::new({
            let shelf = Arc::downgrade(&shelf);
            move || Some(shelf.upgrade()?.plan().playbook)
        }));
        let clerk = Clerk::start(Arc::clone(&office))?;
        let bell = clerk.bell();
        let writer = LogWriter::start(Arc::clone(&log), config.limits.log_queue_events)?;
        let eraser = Eraser::start(Arc::clone(&log), writer.handle(), dir.clone())?;
        let admin = admin_token(config)?;
        let tokens = Tokens::new(Secret::load(dir)?, Some(ingest_token.clone()), admin);
        let refine = match &config.recognizer.refine_dir {
            Some(model) if config.session.refine => Some(RefineHandle::start(refine::load(model)?)?),
            _ => None,
        };
        let metrics = Metrics::new();
        let hub = Hub::new(
            HubOptions {
                // Finished calls linger on their screens, so more can be watched than can run.
                max_calls: config.limits.max_calls * 8,
                max_clients_per_call: config.limits.max_screens_per_call,
                ..HubOptions::default()
            },
            &metrics,
        );
        if let Some(dir) = &config.playbook.dir {
            playbook_reload::watch(&shelf, dir.clone());
        }
        let engine = Engine::new(EngineParts {
            shelf: Arc::clone(&shelf),
            context: config.playbook.context.clone(),
            ears: recognizers::ears(recognizer),
            settings: SessionSettings { coaching: config.consent.mode, ..config.session },
            refine,
            log,
            writer: writer.handle(),
            erasures: eraser.handle(),
            rules: Arc::new(rules(config)),
            disclosure: Some(config.consent.disclosure.clone()).filter(|text| !text.trim().is_empty()),
            hub: hub.clone(),
            base_url: base_url.clone(),
            data_dir: dir.clone(),
            record_inputs: config.data.record_inputs,
            tokens: Arc::clone(&tokens),
            max_calls: config.limits.max_calls,
            queue_packets: config.limits.queue_packets,
            arms: Arc::new({
                let office = Arc::clone(&office);
                move |start| office.arm(start)
            }),
            call_over: Arc::new({
                let bell = bell.clone();
                move || bell.ring()
            }),
        });
        let calls = Calls::new(
            CallsConfig {
                resume_grace: Duration::from_secs(config.server.resume_grace_s),
                max_tracks: config.limits.max_tracks,
            },
            Arc::new(Host(Arc::clone(&engine))),
        );
        let access: Arc<dyn Access> = tokens;
        let ingest = IngestState::new(
            IngestConfig { allowed_origins: config.server.allowed_origins.clone(), ..IngestConfig::default() },
            Arc::clone(&calls),
            Arc::clone(&access),
        );
        let whip = if config.whip.enabled {
            let settings = config.whip.ingest(addr, config.limits.max_tracks, &config.server.allowed_origins)?;
            let whip = WhipState::new(settings, Arc::clone(&calls), Arc::clone(&access));
            crate::whip::export(&metrics, whip.counters());
            reframe_ingest::whip::router(whip)
        } else {
            axum::Router::new()
        };
        let adapters = adapters::io::router(AdaptersConfig::default(), Arc::clone(&calls), access);
        export_metrics(&metrics, &engine, &writer, &eraser.handle(), &calls);
        let stats = writer.shared_stats();
        let mut options = ServeOptions::new(metrics);
        options.allowed_origins.clone_from(&config.server.allowed_origins);
        options.health = Some(Arc::new(move || {
            if stats.failing.load(std::sync::atomic::Ordering::Relaxed) {
                return Err("events cannot be stored: see the log".to_owned());
            }
            Ok(())
        }));
        options.about = Some(("playbook", Arc::new(move || shelf.health())));
        let review_token = Token::generate();
        let review_url = review_link(&base_url, &review_token);
        let desk: Arc<dyn ReviewDesk> = Arc::new(Desk::new(Arc::clone(&office), Some(bell)));
        let let_in =
            ReviewOptions { token: review_token.clone(), allowed_origins: config.server.allowed_origins.clone() };
        let accounts = accounts_router(Arc::new(Accounts::new(Arc::clone(&office))), let_in.clone());
        let review = review_router(Arc::clone(&desk), let_in);
        let app = reframe_serve::router(hub.clone(), options)
            .merge(review)
            .merge(accounts)
            .merge(reframe_ingest::socket::io::router(ingest))
            .merge(adapters)
            .merge(whip)
            .merge(signals::router(Arc::clone(&office), config.workflow.signals.webhook_secret()?))
            .merge(api::router(Arc::clone(&engine), base_url.clone()));
        // Before the first screen can ask for one of them.
        let open = engine.wake_open_calls()?;
        // Around everything, so that no page of another site reaches any of it under a name of its own.
        let names = config.server.allowed_hosts.iter().chain(&config.server.public_url);
        let app = answer_only_to(AllowedHosts::new(addr, names), app);
        let (stop_http, stopped) = oneshot::channel::<()>();
        let http = tokio::spawn(reframe_serve::serve(listener, hub.clone(), app, async move {
            // A dropped sender stops it just as well.
            let _either_way = stopped.await;
        }));
        if open > 0 {
            tracing::info!(calls = open, "the last run left calls open; their bots may come back");
            let (engine, grace) = (Arc::downgrade(&engine), Duration::from_secs(config.server.resume_grace_s));
            tokio::spawn(async move {
                tokio::time::sleep(grace).await;
                if let Some(engine) = engine.upgrade() {
                    let _done = tokio::task::spawn_blocking(move || engine.abandon_dormant()).await;
                }
            });
        }
        Ok(Self {
            addr,
            ingest_token,
            review_url,
            base_url,
            review_token,
            desk,
            office,
            engine,
            hub,
            writer,
            eraser,
            clerk,
            http,
            stop_http,
        })
    }

    /// Address bots connect to.
    #[must_use]
    pub fn ingest_url(&self) -> String {
        format!("ws://{}/v1/ingest", self.addr)
    }

    /// Where the walks of an account are shown, stage by stage. As `review_url`, it opens to whoever has it.
    #[must_use]
    pub fn journey_url(&self, account: &str) -> String {
        journey_link(&self.base_url, &self.review_token, account)
    }

    /// Whether the HTTP side still runs; it stops by itself only when the listener fails.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        !self.http.is_finished()
    }

    /// Lets nobody in any more, ends the calls, writes out the log, closes the screens; within `limit`. What is stuck
    /// then is named in the log. True if nothing was.
    pub async fn stop(self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        self.hub.begin_shutdown();
        let engine = Arc::clone(&self.engine);
        let stuck = tokio::task::spawn_blocking(move || engine.stop(deadline)).await.unwrap_or_default();
        for call in &stuck {
            tracing::error!(call, "stuck at shutdown: this call is still running");
        }
        let sent = self.stop_http.send(());
        let http = tokio::time::timeout_at((deadline + SCREENS_LEAVE).into(), self.http).await;
        let served = sent.is_ok() && matches!(http, Ok(Ok(Ok(()))));
        if !served {
            tracing::error!("stuck at shutdown: the HTTP server");
        }
        drop(self.engine);
        let clerk = self.clerk;
        let rested = tokio::task::spawn_blocking(move || clerk.stop(deadline + SCREENS_LEAVE)).await;
        if !rested.unwrap_or(false) {
            tracing::error!("stuck at shutdown: what goes on between calls; the next start goes on with it");
        }
        let eraser = self.eraser;
        let erased = tokio::task::spawn_blocking(move || eraser.stop(deadline + SCREENS_LEAVE)).await;
        if !erased.unwrap_or(false) {
            tracing::error!("stuck at shutdown: words that have to be erased; the next start goes on with it");
        }
        let writer = self.writer;
        let written = tokio::task::spawn_blocking(move || writer.stop(deadline + SCREENS_LEAVE)).await;
        stuck.is_empty() && served && written.unwrap_or(false)
    }
}

fn export_metrics(metrics: &Metrics, engine: &Engine, writer: &LogWriter, erasures: &Erasures, calls: &Arc<Calls>) {
    let (stats, log, calls) = (Arc::clone(engine.stats()), writer.shared_stats(), Arc::clone(calls));
    let erased = erasures.shared_stats();
    metrics.source(move |text| {
        stats.write(text);
        EngineStats::write_others(text, &log, calls.counters());
        EngineStats::write_erasures(text, &erased);
    });
}

/// Makes a folder that only its owner may look into: it will hold what was said in calls. One that is there is left as it
/// is.
///
/// # Errors
/// If it cannot be made.
pub fn private_folder(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// The token of `server.ingest_token_env`, or a new one.
///
/// # Errors
/// If the variable is not set, or its token too short.
pub fn ingest_token(config: &Config) -> anyhow::Result<String> {
    let chosen = env_token(config.server.ingest_token_env.as_deref(), "server.ingest_token_env")?;
    Ok(chosen.unwrap_or_else(|| Token::generate().reveal().to_owned()))
}

/// The token of `server.admin_token_env`, if there is one.
///
/// # Errors
/// If the variable is not set, or its token too short.
pub fn admin_token(config: &Config) -> anyhow::Result<Option<String>> {
    env_token(config.server.admin_token_env.as_deref(), "server.admin_token_env")
}

/// The token in the environment variable that `setting` names, if it names one.
fn env_token(name: Option<&str>, setting: &str) -> anyhow::Result<Option<String>> {
    let Some(name) = name else { return Ok(None) };
    match std::env::var(name) {
        Ok(token) if token.len() >= reframe_serve::MIN_TOKEN_BYTES => Ok(Some(token)),
        Ok(token) => {
            bail!("the token in {name} has {} characters; use at least {}", token.len(), reframe_serve::MIN_TOKEN_BYTES)
        }
        Err(_) => bail!("{setting} names {name}, and that is not set; set it to the token to be used"),
    }
}

/// Who is who, and whose consent it takes, by the settings.
fn rules(config: &Config) -> Rules {
    Rules {
        people: People::new(&config.people),
        policy: Policy::shipped(),
        setting: config.consent.rule,
        require_disclosure: config.consent.require_disclosure,
    }
}

async fn bind(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| {
        format!("cannot listen on {addr}; if another program has the port, stop it or choose another with --listen")
    })
}
