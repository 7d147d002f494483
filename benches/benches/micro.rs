//! `cargo bench -p reframe-benches`: the pieces of `reframe-benches micro` under criterion, with criterion's own options.

#[path = "../src/micro/bodies.rs"]
mod bodies;

fn main() -> anyhow::Result<()> {
    const THREADS: &str = "RAYON_NUM_THREADS";
    // The tensor library reads it once, from the environment; the server runs on one thread as well.
    if std::env::var_os(THREADS).is_none() {
        let mut again = std::process::Command::new(std::env::current_exe()?);
        let status = again.args(std::env::args_os().skip(1)).env(THREADS, "1").status()?;
        std::process::exit(status.code().unwrap_or(1));
    }
    let mut criterion = criterion::Criterion::default().without_plots().configure_from_args();
    for name in bodies::NAMES {
        let mut body = bodies::make(name)?;
        criterion.bench_function(name, |b| b.iter(&mut body));
    }
    criterion.final_summary();
    Ok(())
}
