// What to say about the call: each trouble with what is wrong and what to do. No DOM, no socket.

/// How the connection to the meeting can be, as its bot tells it. Nothing is said about `joined`.
const SOURCES = {
  connecting: { kind: "wait", what: "Joining the meeting", todo: "One moment." },
  waiting_room: { kind: "warn", what: "In the waiting room", todo: "Let Reframe in from the meeting’s list of participants." },
  paused: { kind: "warn", what: "The meeting paused the sound", todo: "Resume it in the meeting when you want cards again." },
  keep_alive_lost: { kind: "bad", what: "The meeting stopped answering", todo: "Reframe tries again by itself. If this stays, restart its bot." },
  reconnecting: { kind: "bad", what: "Lost the meeting, reconnecting", todo: "Nothing to do: Reframe comes back by itself." },
  token_expired: { kind: "bad", what: "Reframe’s access to the meeting ran out", todo: "Renew the bot’s sign-in, then start the bot again." },
  consent_refused: { kind: "bad", what: "Consent was refused", todo: "Nobody is listened to. Ask again, or take notes." },
  disconnected: { kind: "bad", what: "Out of the meeting", todo: "Start the bot again to go on." },
};

/// Connections over which no sound can come: that there is none needs no line of its own.
const SOUNDLESS = new Set(["connecting", "waiting_room", "paused", "keep_alive_lost", "reconnecting", "token_expired", "consent_refused", "disconnected"]);

/// What to say, most pressing first: [{ id, kind, what, when, todo }]. Never empty. `kind` is good, wait, warn, bad or over;
/// `when` is how long it has been so and is not for screen readers, as it changes every second.
export function notices(model, link, nowMs) {
  if (link.kind === "stopped") return [say("stopped", "over", link.text, link.detail ?? "You can close this page.")];
  if (model.ended) return [say("ended", "over", model.ended === "failed" ? "The call stopped because of a fault" : "Call ended")];
  if (link.kind === "offline") {
    const when = link.inS > 0 ? `, trying again in ${link.inS} s` : ", trying again…";
    return [{ ...say("offline", "bad", link.text || "Offline", "Cards come back by themselves."), when }];
  }
  const status = model.status;
  if (link.kind === "connecting" || !status) return [say("link", "wait", "Connecting…")];
  if (status.coaching === "off") return [say("off", "wait", "Stopped: nobody is listened to", "No cards, no notes, until you go on.")];
  const list = [];
  const source = SOURCES[status.source?.state];
  if (source) {
    // What the bot says comes first. Unless it also says what to do (after a semicolon), so do we.
    const detail = status.source.detail.trim();
    const todo = detail.includes(";") ? sentence(detail) : `${sentence(detail)} ${source.todo}`.trim();
    list.push(say(`source-${status.source.state}`, source.kind, source.what, todo));
  }
  if (status.coaching === "notes_only") {
    list.push(say("notes", "wait", "Notes only: nobody is listened to", "Cards start again when you let Reframe listen."));
    return worstFirst(list);
  }
  if (status.consent_awaited.length > 0) {
    list.push(say("awaited", "bad", `Waiting for consent of ${names(status.consent_awaited)}`, "Nobody is being listened to. Ask for it, or take notes only."));
  } else if (status.consent_missing.length > 0) {
    const nobody = status.audio === "waiting";
    list.push(
      nobody
        ? say("missing", "bad", `No consent from ${names(status.consent_missing)}`, "Nobody is being listened to. Ask for it, or take notes only.")
        : say("missing", "warn", `Not listening to ${names(status.consent_missing)}`, "No consent on record: ask for it."),
    );
  }
  if (status.audio === "no_audio" && !SOUNDLESS.has(status.source?.state)) {
    const forS = silentS(model, nowMs);
    const when = forS === null ? "" : ` for ${duration(forS)}`;
    list.push({ ...say("silent", "bad", "No sound", "Check that people are not muted and that the bot is in the meeting."), when });
  }
  if (status.load === "high") list.push(say("load", "warn", "Machine is behind", "Cards on key phrases only. Close other programs."));
  if (status.speaker_unknown) {
    list.push(
      oneMicrophone(status)
        ? say("mixed", "warn", "One microphone for all: speakers unknown", "A card may be about your own words.")
        : say("unknown", "warn", "Speaker unknown", "A card may be about your own words. Say whose side they are on:"),
    );
  }
  if (status.audio === "waiting" && list.length === 0) {
    list.push(say("waiting", "wait", "Waiting for people to join", "Cards start when people with consent on record are there."));
  }
  if (list.length === 0) {
    list.push({ ...say("good", "good", "Listening", sentence(status.source?.detail ?? "")), when: hearing(status) });
  }
  return worstFirst(list);
}

/// Whether all that is heard comes from one track that nobody can put on a side.
export function oneMicrophone(status) {
  const present = status.participants.filter((each) => each.present);
  return present.length === 1 && present[0].party === "unknown";
}

/// Those who are heard and whose side nobody knows.
export function strangers(status) {
  return status.participants.filter((each) => each.present && each.party === "unknown");
}

/// “Ann, Bob and 3 others”.
export function names(list) {
  if (list.length > 3) return `${list.slice(0, 2).join(", ")} and ${list.length - 2} others`;
  return list.length > 1 ? `${list.slice(0, -1).join(", ")} and ${list.at(-1)}` : list.join("");
}

function hearing(status) {
  const heard = status.participants.filter((each) => status.speaking.includes(each.track));
  if (heard.length > 0) return ` · hearing ${names(heard.map((each) => each.name))}`;
  return status.source?.state === "joined" ? " · in the meeting" : "";
}

function silentS(model, nowMs) {
  const since = model.status.silent_since_unix_us;
  return since === null || since === undefined ? null : Math.max(0, Math.round((nowMs * 1000 + model.clockUs - since) / 1e6));
}

function duration(s) {
  return s < 120 ? `${s} s` : `${Math.floor(s / 60)} min`;
}

function worstFirst(list) {
  const order = ["bad", "warn", "wait", "good"];
  return list.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

function sentence(text) {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const begun = trimmed[0].toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

function say(id, kind, what, todo = "") {
  return { id, kind, what, when: "", todo };
}
