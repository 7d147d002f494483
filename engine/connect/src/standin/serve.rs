//! One connection: read a request, let it meet its fault, answer, write it down.

use std::{
    io::BufReader,
    net::{Shutdown, TcpStream},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;

use super::{
    Rule,
    faults::{Fault, SLOW_MS},
    journal::{Change, Entry},
    wire::{Reply, Request},
    world::World,
};

/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves one connection. What goes wrong with it is the client's to notice.
pub fn connection(stream: &TcpStream, world: &Mutex<World>) {
    stream.set_read_timeout(Some(PATIENCE)).ok();
    let Ok(Some(request)) = Request::read(BufReader::new(stream), stream) else { return };
    let (reply, wait) = answer(&request, &mut world.lock().unwrap_or_else(PoisonError::into_inner));
    std::thread::sleep(wait);
    match reply {
        Some(reply) => {
            reply.send(stream).ok();
        }
        None => {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

/// The answer, or none for a connection that is dropped; and how long to wait before it.
fn answer(request: &Request, world: &mut World) -> (Option<Reply>, Duration) {
    let at_once = |reply| (Some(reply), Duration::ZERO);
    if let Some(reply) = control(request, world) {
        return at_once(reply);
    }
    let google = is_google(request);
    let fault = world.script.pick(request);
    let (mut reply, change) = match fault.filter(|f| !f.commits()) {
        Some(fault) => {
            if fault == Fault::TokenExpired {
                world.tokens.refuse(request.bearer());
            }
            (before(fault, google), None)
        }
        None => world.handle(request, google),
    };
    let mut wait = Duration::ZERO;
    match fault {
        Some(Fault::DropAfter) => reply = None,
        Some(Fault::ErrorAfter) => reply = Some(error(google, 500, "INTERNAL_ERROR", "internal error")),
        Some(Fault::GatewayAfter) => reply = Some(Reply::page(502)),
        Some(Fault::SlowAfter) => wait = Duration::from_millis(SLOW_MS),
        Some(Fault::Malformed) => {
            if let Some(reply) = &mut reply {
                reply.body.truncate(reply.body.len() / 2);
            }
        }
        _ => {}
    }
    record(world, request, reply.as_ref(), fault, change);
    (reply, wait)
}

fn record(world: &mut World, request: &Request, reply: Option<&Reply>, fault: Option<Fault>, change: Option<Change>) {
    let entry = Entry {
        no: world.journal.len() + 1,
        at_ms: world.now_ms,
        method: request.method.clone(),
        path: request.path.clone(),
        body: Some(request.json()).filter(|b| !b.is_null()),
        status: reply.map_or(0, |r| r.status),
        fault: fault.map(|f| json!(f).as_str().unwrap_or_default().to_owned()),
        change,
    };
    world.journal.push(entry);
}

fn is_google(request: &Request) -> bool {
    request.path.starts_with("/gmail/") || request.path == "/token"
}

/// What is for the tests and not for the connectors.
fn control(request: &Request, world: &mut World) -> Option<Reply> {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_journal") => Some(Reply::json(200, &json!(world.journal))),
        ("POST", "/_clock/advance") => {
            world.advance(request.json()["ms"].as_u64().unwrap_or(0));
            Some(Reply::json(200, &json!({ "now_ms": world.now_ms })))
        }
        ("POST", "/_faults") => Some(match serde_json::from_slice::<Vec<Rule>>(&request.body) {
            Ok(rules) => {
                world.script.add(rules);
                Reply::empty(204)
            }
            Err(e) => Reply::json(400, &json!({ "message": e.to_string() })),
        }),
        _ => None,
    }
}

/// An error in the vendor's form.
pub fn error(google: bool, status: u16, category: &str, message: &str) -> Reply {
    let body = if google {
        let reason = category;
        json!({ "error": {
            "code": status,
            "message": message,
            "errors": [{ "message": message, "domain": if status == 429 { "usageLimits" } else { "global" }, "reason": reason }],
            "status": google_status(status),
        }})
    } else {
        json!({
            "status": "error",
            "message": message,
            "correlationId": "00000000-0000-4000-8000-000000000000",
            "category": category,
        })
    };
    Reply::json(status, &body)
}

const fn google_status(status: u16) -> &'static str {
    match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}

fn before(fault: Fault, google: bool) -> Option<Reply> {
    Some(match fault {
        Fault::TokenExpired if google => error(google, 401, "authError", "Invalid Credentials"),
        Fault::TokenExpired => {
            error(google, 401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
        }
        Fault::RateShort if google => error(google, 429, "rateLimitExceeded", "Rate limit exceeded"),
        Fault::RateDaily if google => error(google, 403, "dailyLimitExceeded", "Daily limit exceeded"),
        Fault::RateShort => super::hubspot::rate_limited("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"),
        Fault::RateDaily => super::hubspot::rate_limited("DAILY", "daily"),
        Fault::Locked => error(google, 423, "LOCKED", "the record is locked; try again"),
        Fault::Moving => {
            error(google, 477, "MIGRATION_IN_PROGRESS", "the account is being moved").with("Retry-After", "60")
        }
        Fault::GatewayBefore => Reply::page(502),
        Fault::Unavailable => error(google, 503, "SERVICE_UNAVAILABLE", "try again later"),
        Fault::Page => Reply::page(403),
        Fault::DropBefore => return None,
        _ => error(google, 500, "INTERNAL_ERROR", "internal error"),
    })
}
