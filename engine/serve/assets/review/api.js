// The interface of the server: JSON both ways, the token in a header. No DOM.

/// Longest wait for an answer, in ms.
const PATIENCE_MS = 20_000;

/// Something the server said no to, or did not answer (`status` 0).
export class Refused extends Error {
  constructor(status, word, says, now = null) {
    super(says);
    this.status = status;
    this.word = word;
    this.says = says;
    this.now = now;
  }

  /// Whether nobody knows if the server did it.
  get unanswered() {
    return this.status === 0;
  }
}

export class Api {
  constructor(token) {
    this.token = token;
  }

  get(path, query = {}) {
    const text = new URLSearchParams(query).toString();
    return this.ask(text ? `${path}?${text}` : path, { method: "GET" });
  }

  post(path, body) {
    return this.ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  }

  async ask(path, { headers = {}, ...options }) {
    let answer;
    let text;
    try {
      answer = await fetch(`/v1/review/${path}`, {
        ...options,
        headers: { ...headers, authorization: `Bearer ${this.token}` },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      text = await answer.text();
    } catch {
      throw new Refused(0, "offline", "The server does not answer");
    }
    let json = null;
    try {
      json = JSON.parse(text);
    } catch {
      throw new Refused(answer.ok ? 0 : answer.status, "odd", "The server gave an answer this page does not understand; load the page again");
    }
    if (!answer.ok) throw new Refused(answer.status, json.error ?? "odd", json.says ?? "The server refused", json.now ?? null);
    return json;
  }
}
