// How times, shares and ids are written on these pages. No DOM.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/// A moment in the team's zone: “Mon, 2 Mar, 09:00”.
export function moment(unixMs, zone) {
  if (unixMs === null || unixMs === undefined) return "–";
  const shape = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  try {
    return new Date(unixMs).toLocaleString("en-GB", { ...shape, timeZone: zone });
  } catch {
    return new Date(unixMs).toLocaleString("en-GB", { ...shape, timeZone: "UTC" });
  }
}

/// A span in the largest unit that leaves something to say.
export function span(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 2 * MINUTE) return `${Math.round(ms / 1000)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${(ms / HOUR).toFixed(1)} h`;
  return `${(ms / DAY).toFixed(1)} d`;
}

export function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}

/// “5 of 8 (62.5 %, 30.6–86.3)”.
export function rate({ k, n, share, low, high }) {
  if (share === null || share === undefined) return "none yet";
  return `${k} of ${n} (${percent(share)}, ${(low * 100).toFixed(1)}–${(high * 100).toFixed(1)})`;
}

/// “call_prep.done” as “Call prep, done”.
export function point(text) {
  const [stage, done] = text.split(".");
  return done ? `${words(stage)}, done` : words(stage);
}

/// “live_call” as “Live call”.
export function words(name) {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/// An id short enough for a line: “draft-3fa2…”.
export function short(id) {
  return /[-/][0-9a-f]{24}$/.test(id) ? `${id.slice(0, -18)}…` : id;
}

export function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}
