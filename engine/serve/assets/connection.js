// The socket to the server: hello, resume, keep-alive, and coming back after a break.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

const OVER = 4410;
const BAD_TOKEN = 4401;
const TOO_MANY = 4429;

export class Connection {
  /// `target` is { call, token }; `lastSeq()` is the last card message seen; `onMessage(message)` and
  /// `onLink({ kind: "connecting" | "online" | "offline" | "stopped", text, inS })` are told what happens.
  constructor(target, { lastSeq, onMessage, onLink }) {
    this.target = target;
    this.lastSeq = lastSeq;
    this.onMessage = onMessage;
    this.onLink = onLink;
    this.attempt = 0;
    this.socket = null;
    this.retryAt = 0;
    this.timer = null;
    this.silence = null;
    this.silenceMs = 25_000;
    this.everOnline = false;
    this.stopped = false;
    window.addEventListener("online", () => this.retryNow());
    window.addEventListener("offline", () => this.socket?.close());
  }

  open() {
    this.clearTimer();
    if (!this.everOnline) this.onLink({ kind: "connecting" });
    else this.onLink({ kind: "offline", text: "", inS: 0 });
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/v1/calls/${encodeURIComponent(this.target.call)}/screen`);
    this.socket = socket;
    this.listenFor(socket);
    socket.addEventListener("open", () => {
      const hello = { v: 1, type: "hello", token: this.target.token };
      const seq = this.lastSeq();
      if (seq !== null) hello.resume_from = seq;
      socket.send(JSON.stringify(hello));
    });
    socket.addEventListener("message", (event) => {
      if (socket !== this.socket) return;
      this.listenFor(socket);
      let message;
      try {
        message = JSON.parse(event.data);
      } catch {
        return;
      }
      if (message.type === "ping") {
        socket.send(JSON.stringify({ type: "pong", n: message.n }));
        return;
      }
      if (message.type === "hello_ack") {
        this.attempt = 0;
        this.everOnline = true;
        this.silenceMs = message.ping_ms * 2.5;
        this.onMessage(message);
        this.onLink({ kind: "online" });
        return;
      }
      this.onMessage(message);
    });
    socket.addEventListener("close", (event) => this.closed(socket, event.code));
  }

  /// Sends an action; false if there is no connection to send it on.
  act(action) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ type: "action", ...action }));
    return true;
  }

  retryNow() {
    if (this.timer !== null) this.open();
  }

  stop() {
    this.stopped = true;
    this.clearTimer();
    this.socket?.close();
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    clearTimeout(this.silence);
    this.socket = null;
    if (this.stopped) return;
    if (code === OVER) {
      this.stopped = true;
      this.onLink({ kind: "stopped", text: "This call is over" });
      return;
    }
    let text = "";
    if (code === BAD_TOKEN && !this.everOnline) text = "This link does not work. Ask for a new one";
    if (code === TOO_MANY) text = "This call is open on too many screens. Close one";
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.attempt);
    this.attempt = Math.min(this.attempt + 1, 10);
    // Half fixed, half by chance: many pages that lost one server must not all come back in the same instant.
    const delay = longest / 2 + (Math.random() * longest) / 2;
    this.retryAt = Date.now() + delay;
    const tick = () => {
      const left = this.retryAt - Date.now();
      if (left <= 0) {
        this.open();
        return;
      }
      this.onLink({ kind: "offline", text, inS: Math.ceil(left / 1000) });
      this.timer = setTimeout(tick, Math.min(left, 1000));
    };
    tick();
  }

  /// A connection that says nothing, not even ping, is dead although nobody said so.
  listenFor(socket) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      if (socket !== this.socket) return;
      socket.close();
      this.closed(socket, 0);
    }, this.silenceMs);
  }

  clearTimer() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}
