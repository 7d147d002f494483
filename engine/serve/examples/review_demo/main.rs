//! Serves the review page with an invented call, and the account pages with invented accounts, to look at them without a model, a meeting or an account:
//! `cargo run -p reframe-serve --example review_demo -- 7312`.

mod accounts;
mod call;
#[allow(dead_code, reason = "tests use the rest")]
mod desk;

use std::sync::Arc;

use reframe_serve::{
    AllowedHosts, Hub, HubOptions, Metrics, ServeOptions, Token,
    accounts::accounts_router,
    answer_only_to,
    review::{ReviewOptions, review_link, review_router},
    router, serve,
};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let addr = listener.local_addr()?;
    let desk = Arc::new(desk::MemoryDesk::that_lands());
    desk.put_call(call::transcript(), call::note());
    desk.put(call::batch(), call::proposals());
    let (night, found) = call::night();
    desk.put(night, found);
    let token = Token::generate();
    println!("{}", review_link(&format!("http://{addr}"), &token));
    let metrics = Metrics::new();
    let hub = Hub::new(HubOptions::default(), &metrics);
    let let_in = ReviewOptions { token, allowed_origins: Vec::new() };
    let accounts = accounts_router(Arc::new(accounts::DemoAccounts::default()), let_in.clone());
    let app = router(hub.clone(), ServeOptions::new(metrics)).merge(review_router(desk, let_in)).merge(accounts);
    let app = answer_only_to(AllowedHosts::new(addr, [""; 0]), app);
    serve(listener, hub, app, async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await
}
