//! Runs the stand-in for HubSpot and Gmail on this machine.

use clap::Parser;
use reframe_connect::standin::{KEY, Options, REFRESH_TOKEN, StandIn};

/// A stand-in for HubSpot and Gmail, for trying Reframe without an account.
#[derive(Parser)]
struct Args {
    /// Port on this machine.
    #[arg(long, default_value_t = 7878)]
    port: u16,
    /// Of 100 requests, how many shall go wrong.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    faulty: u8,
    /// What the faults are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long the search does not know of what is new, in ms of the stand-in's clock.
    #[arg(long, default_value_t = 0)]
    search_lag_ms: u64,
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let options = Options {
        port: args.port,
        percent_faulty: args.faulty,
        seed: args.seed,
        search_lag_ms: args.search_lag_ms,
        ..Options::default()
    };
    let standin = StandIn::start(&options)?;
    standin.put(
        "deals",
        &[("dealname", "Example deal"), ("dealstage", "appointmentscheduled"), ("pipeline", "default")],
        &[],
    );
    println!("{}", standin.url());
    println!("key: {KEY}   refresh token: {REFRESH_TOKEN}   journal: {}/_journal", standin.url());
    standin.wait();
    Ok(())
}
