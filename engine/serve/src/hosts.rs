//! Which names this server answers to: a page of another site must not reach it under a name of its own that it made
//! point here (DNS rebinding).

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use crate::page;

/// What a request under a foreign name is told.
const REFUSAL: &str =
    "this server does not go by that name: use its own address, or add the name to server.allowed_hosts";

/// The names a server answers to: loopback addresses and `localhost` always, the address it listens on, and those it was
/// given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts {
    listen: IpAddr,
    names: Vec<String>,
}

impl AllowedHosts {
    /// For a server that listens on `listen` and can also be reached under `names`: host names, or whole addresses
    /// (`https://reframe.example.com`), of which only the host counts. What is no name is left out.
    pub fn new(listen: SocketAddr, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let bare = |name: &str| {
            let rest = name.split_once("://").map_or(name, |(_, rest)| rest);
            let authority: Authority = rest.split('/').next()?.parse().ok()?;
            Some(plain(authority.host()))
        };
        Self { listen: listen.ip(), names: names.into_iter().filter_map(|name| bare(name.as_ref())).collect() }
    }

    /// Whether a request that names `host` (with or without a port) is meant for this server.
    #[must_use]
    pub fn allow(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let name = plain(authority.host());
        if name == "localhost" || name.ends_with(".localhost") || self.names.contains(&name) {
            return true;
        }
        let Ok(ip) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() else { return false };
        // Who listens everywhere can be reached under every address of the machine; and what is written as an address
        // cannot have been made to point here.
        ip.is_loopback() || ip == self.listen || self.listen.is_unspecified()
    }
}

/// Lower case, without the dot that may end a full name.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// `app`, with every request under a name that is not in `hosts` answered by 421.
pub fn answer_only_to(hosts: AllowedHosts, app: Router) -> Router {
    let hosts = Arc::new(hosts);
    app.layer(middleware::from_fn(move |request, next| {
        let hosts = Arc::clone(&hosts);
        async move { check(&hosts, request, next).await }
    }))
}

async fn check(hosts: &AllowedHosts, request: Request, next: Next) -> Response {
    let mut named = request.headers().get_all(header::HOST).iter();
    let allowed = match (request.uri().authority(), named.next(), named.next()) {
        (_, _, Some(_)) => false,
        (Some(authority), _, None) => hosts.allow(authority.as_str()),
        (None, Some(host), None) => host.to_str().is_ok_and(|host| hosts.allow(host)),
        // Browsers always name the host; only they can be led here by a foreign page.
        (None, None, None) => true,
    };
    if allowed {
        next.run(request).await
    } else {
        page::secure((StatusCode::MISDIRECTED_REQUEST, REFUSAL).into_response()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str, names: &[&str]) -> AllowedHosts {
        AllowedHosts::new(listen.parse().unwrap(), names)
    }

    #[test]
    fn own_names_are_answered() {
        let own = hosts("127.0.0.1:7311", &["https://Reframe.example.com/x", "cards.example:8443", "lan-box"]);
        for host in [
            "127.0.0.1:7311",
            "127.0.0.1",
            "127.8.8.8:1",
            "localhost:7311",
            "LOCALHOST",
            "localhost.",
            "me.localhost:7311",
            "[::1]:7311",
            "reframe.example.com",
            "reframe.example.com:443",
            "cards.example",
            "lan-box:7311",
        ] {
            assert!(own.allow(host), "{host}");
        }
    }

    #[test]
    fn foreign_names_are_not() {
        let own = hosts("127.0.0.1:7311", &["https://reframe.example.com"]);
        for host in [
            "evil.example",
            "evil.example:7311",
            "127.0.0.1.evil.example:7311",
            "localhost.evil.example",
            "notlocalhost",
            "reframe.example.com.evil.example",
            "192.168.1.5:7311",
            "10.0.0.1",
            "[fe80::1]",
            "",
            " ",
            "localhost@evil.example",
            "evil.example@localhost",
            "a b",
        ] {
            assert!(!own.allow(host), "{host}");
        }
    }

    #[test]
    fn who_listens_everywhere_answers_to_addresses_but_not_to_names() {
        for listen in ["0.0.0.0:7311", "[::]:7311"] {
            let everywhere = hosts(listen, &[]);
            assert!(everywhere.allow("192.168.1.5:7311") && everywhere.allow("[fe80::1]:7311"), "{listen}");
            assert!(!everywhere.allow("evil.example:7311"), "{listen}");
        }
        let one = hosts("192.168.1.5:7311", &[]);
        assert!(one.allow("192.168.1.5:7311") && !one.allow("192.168.1.6:7311"));
    }
}
