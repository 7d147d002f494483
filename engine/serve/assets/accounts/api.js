// One JSON document for each view. No DOM.

/// Longest wait for an answer, in ms.
const PATIENCE_MS = 20_000;

/// Something the server said no to, or did not answer (`status` 0).
export class Refused extends Error {
  constructor(status, says) {
    super(says);
    this.status = status;
    this.says = says;
  }
}

export class Api {
  constructor(token) {
    this.token = token;
  }

  /// The document of a view: `accounts`, `account`, `journey`, `funnel`, `huddle`, `briefs`, `brief`.
  async get(view, query = {}) {
    const text = new URLSearchParams(query).toString();
    let answer;
    try {
      answer = await fetch(`/v1/accounts/${view}${text ? `?${text}` : ""}`, {
        headers: { authorization: `Bearer ${this.token}` },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
    } catch {
      throw new Refused(0, "The server does not answer");
    }
    let json = null;
    try {
      json = await answer.json();
    } catch {
      throw new Refused(answer.ok ? 0 : answer.status, "The server gave an answer this page does not understand; load the page again");
    }
    if (!answer.ok) throw new Refused(answer.status, json.says ?? "The server refused");
    return json;
  }
}
