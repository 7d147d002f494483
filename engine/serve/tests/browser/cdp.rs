//! A small client of the Chrome DevTools Protocol: enough to open a page, press keys and read what is there.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::sleep};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// How long anything may take before a test fails; generous, since machines that run tests are busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// A headless browser with an empty profile of its own; gone when dropped.
pub struct Browser {
    child: Child,
    _profile: tempfile::TempDir,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
    /// Uncaught errors and messages of level error of all pages so far.
    pub complaints: Vec<String>,
}

/// A tab.
#[derive(Clone)]
pub struct Page {
    session: String,
    target: Value,
}

impl Browser {
    /// Where Chromium is, if this machine has it.
    pub fn find() -> Option<PathBuf> {
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
            .iter()
            .map(Path::new)
            .find(|path| path.exists())
            .map(Path::to_owned)
    }

    pub async fn start(program: &Path) -> Self {
        Self::start_with(program, &[]).await
    }

    /// The same, with more flags.
    pub async fn start_with(program: &Path, flags: &[&str]) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let child = Command::new(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-sync",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"])
            .args(flags)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port_file = profile.path().join("DevToolsActivePort");
        let address = tokio::time::timeout(PATIENCE, async {
            loop {
                let text = std::fs::read_to_string(&port_file).unwrap_or_default();
                if let Some((port, path)) = text.split_once('\n')
                    && path.starts_with('/')
                {
                    return format!("ws://127.0.0.1:{port}{}", path.trim());
                }
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await
        .expect("the browser starts");
        let socket = connect_async(address).await.unwrap().0;
        Self { child, _profile: profile, socket, last_id: 0, complaints: Vec::new() }
    }

    /// Calls a method and waits for its result.
    pub async fn call(&mut self, page: Option<&Page>, method: &str, params: Value) -> Value {
        self.ask(page, method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Calls a method and waits for its result, or for what the browser has against it.
    async fn ask(&mut self, page: Option<&Page>, method: &str, params: Value) -> Result<Value, Value> {
        self.last_id += 1;
        let mut request = json!({"id": self.last_id, "method": method, "params": params});
        if let Some(page) = page {
            request["sessionId"] = page.session.clone().into();
        }
        self.socket.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("the browser answers")
                .unwrap()
                .unwrap();
            let Message::Text(text) = message else { continue };
            let mut answer: Value = serde_json::from_str(text.as_str()).unwrap();
            if answer["id"] == self.last_id {
                return if answer["error"].is_null() {
                    Ok(answer["result"].take())
                } else {
                    Err(answer["error"].take())
                };
            }
            match answer["method"].as_str() {
                Some("Runtime.exceptionThrown") => {
                    self.complaints.push(answer["params"]["exceptionDetails"].to_string())
                }
                Some("Log.entryAdded") if answer["params"]["entry"]["level"] == "error" => {
                    self.complaints.push(answer["params"]["entry"]["text"].to_string());
                }
                _ => {}
            }
        }
    }

    /// Opens `url` in a new tab of `width` x `height` pixels that prefers the colour scheme `scheme`.
    pub async fn open(&mut self, url: &str, (width, height): (u32, u32), scheme: &str) -> Page {
        let target = self.call(None, "Target.createTarget", json!({"url": "about:blank"})).await["targetId"].clone();
        let attached = self.call(None, "Target.attachToTarget", json!({"targetId": target, "flatten": true})).await;
        let page = Page { session: attached["sessionId"].as_str().unwrap().to_owned(), target };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            self.call(Some(&page), domain, json!({})).await;
        }
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call(Some(&page), "Emulation.setDeviceMetricsOverride", size).await;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call(Some(&page), "Emulation.setEmulatedMedia", media).await;
        self.call(Some(&page), "Page.navigate", json!({"url": url})).await;
        page
    }

    /// Closes a tab.
    pub async fn close(&mut self, page: &Page) {
        self.call(None, "Target.closeTarget", json!({"targetId": page.target})).await;
    }

    /// The value of a JavaScript expression.
    pub async fn eval(&mut self, page: &Page, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call(Some(page), "Runtime.evaluate", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// The text of the first element that matches `selector`; empty if there is none.
    pub async fn text(&mut self, page: &Page, selector: &str) -> String {
        let found = self.eval(page, &format!("document.querySelector({})?.textContent ?? ''", json!(selector))).await;
        found.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a JavaScript expression is true.
    pub async fn wait(&mut self, page: &Page, expression: &str) {
        let wrapped = format!("(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()");
        let params = json!({"expression": wrapped, "returnByValue": true});
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.ask(Some(page), "Runtime.evaluate", params.clone()).await {
                Ok(answer) if answer["result"]["value"] == true => return,
                Ok(_) => {}
                // A page that is being loaded anew: its next document will say.
                Err(error) if ["navigated", "context"].iter().any(|why| error.to_string().contains(why)) => {}
                Err(error) => panic!("{expression}: {error}"),
            }
            if tokio::time::Instant::now() > end {
                let seen = self.text(page, "body").await;
                panic!("never true: {expression}\non the page: {seen}\ncomplaints: {:?}", self.complaints);
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// Presses and lets go of a key, with the modifiers of the protocol (2 is Ctrl).
    pub async fn press(&mut self, page: &Page, key: &str, modifiers: u32) {
        let mut down = json!({"type": "keyDown", "key": key, "modifiers": modifiers});
        if modifiers == 0 && key.chars().count() == 1 {
            down["text"] = key.into();
        }
        self.call(Some(page), "Input.dispatchKeyEvent", down).await;
        self.call(Some(page), "Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key, "modifiers": modifiers}))
            .await;
    }

    /// Presses Enter.
    pub async fn enter(&mut self, page: &Page) {
        for (kind, text) in [("keyDown", "\r"), ("keyUp", "")] {
            let event =
                json!({"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": text});
            self.call(Some(page), "Input.dispatchKeyEvent", event).await;
        }
    }

    /// Clicks the middle of the first element that matches `selector`.
    pub async fn click(&mut self, page: &Page, selector: &str) {
        let script = format!(
            "(() => {{ const box = document.querySelector({}).getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] }})()",
            json!(selector)
        );
        let at = self.eval(page, &script).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.call(Some(page), "Input.dispatchMouseEvent", event).await;
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Nothing can be done about a browser that is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
