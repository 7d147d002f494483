// Editing an action in its place: only the words, the day, the owner; what it is about stays.

import { el, setText } from "/assets/elements.js";
import { MAIL_WORDS, fieldName, wordCount } from "./words.js";

/// Longest texts, in characters, as the gate has them.
const MAX_LINE = 1000;
const MAX_BODY = 65_536;

function field(label, input) {
  return el("label", { className: "field" }, el("span", { className: "label" }, label), input);
}

function oneLine(value, options = {}) {
  return el("input", { type: "text", value: value ?? "", maxLength: MAX_LINE, autocomplete: "off", ...options });
}

function manyLines(value) {
  return el("textarea", { value, maxLength: MAX_BODY, rows: Math.min(16, Math.max(3, value.split("\n").length + 1)) });
}

function orNull(text) {
  return text.trim() === "" ? null : text;
}

/// Fields for an action: { parts, first, action() }.
function fields(action) {
  switch (action.do) {
    case "create_note": {
      const body = manyLines(action.body);
      return { parts: [field("Note", body)], first: body, action: () => ({ ...action, body: body.value }) };
    }
    case "create_task": {
      const subject = oneLine(action.subject);
      const due = el("input", { type: "date", value: action.due ?? "" });
      const owner = oneLine(action.owner);
      const body = manyLines(action.body);
      return {
        parts: [field("Task", subject), el("div", { className: "pair" }, field("Due", due), field("Owner", owner)), field("More", body)],
        first: subject,
        action: () => ({ ...action, subject: subject.value, due: orNull(due.value), owner: orNull(owner.value), body: body.value }),
      };
    }
    case "update_field": {
      const isDay = [action.before, action.after].some((each) => /^\d{4}-\d{2}-\d{2}$/.test(each ?? ""));
      const after = isDay ? el("input", { type: "date", value: action.after ?? "" }) : oneLine(action.after);
      return { parts: [field(`${fieldName(action.field)} shall read`, after)], first: after, action: () => ({ ...action, after: orNull(after.value) }) };
    }
    default: {
      const { mail } = action;
      const split = (text) => text.split(/[,;\s]+/).filter((each) => each !== "");
      const to = oneLine(mail.to.join(", "));
      const cc = oneLine(mail.cc.join(", "));
      const subject = oneLine(mail.subject);
      const body = manyLines(mail.body);
      const words = el("span", { className: "words" });
      const counted = () => {
        const n = wordCount(body.value);
        setText(words, `${n} words${n >= MAIL_WORDS ? `, keep it under ${MAIL_WORDS}` : ""}`);
        words.classList.toggle("wrong", n >= MAIL_WORDS);
      };
      body.addEventListener("input", counted);
      counted();
      return {
        parts: [el("div", { className: "pair" }, field("To", to), field("Copy to", cc)), field("Subject", subject), field("Text", body), words],
        first: body,
        action: () => ({ ...action, mail: { ...mail, to: split(to.value), cc: split(cc.value), subject: subject.value, body: body.value } }),
      };
    }
  }
}

/// A form for `item`; `keep(action)` is told of the edit, `leave()` that it is off. `addLine` starts on a fresh last line.
export function editor(item, { keep, leave, addLine = false }) {
  const before = JSON.stringify(item.proposal.action);
  const { parts, first, action } = fields(item.proposal.action);
  if (addLine) first.value = `${first.value.trimEnd()}\n`;
  const started = JSON.stringify(action());
  const trouble = el("p", { className: "wrong", hidden: true });
  trouble.setAttribute("role", "alert");
  const save = el("button", { type: "submit", className: "act first" }, "Keep the edit");
  const off = el("button", { type: "button", className: "act" }, "Cancel");
  const form = el("form", { className: "edit", noValidate: true, "aria-label": "Edit" }, ...parts, trouble, el("div", { className: "row" }, save, off, el("span", { className: "about" }, "Ctrl Enter keeps it. An edit takes back an approval.")));
  let warned = false;
  const node = {
    form,
    focus: () => {
      first.focus();
      if (addLine) first.setSelectionRange(first.value.length, first.value.length);
    },
    say: (text) => {
      trouble.hidden = text === "";
      setText(trouble, text);
    },
    busy: (is) => {
      save.disabled = is;
    },
    /// Leaves, but throws away nobody's words at the first press of a key.
    close: (sure = false) => {
      if (!sure && !warned && JSON.stringify(action()) !== started) {
        warned = true;
        node.say("Your edit is not kept yet. Press Esc again to throw it away.");
        return false;
      }
      leave();
      return true;
    },
  };
  const submit = () => {
    if (save.disabled) return;
    const edited = action();
    if (JSON.stringify(edited) === before) leave();
    else keep(edited);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit();
    }
  });
  form.addEventListener("input", () => {
    warned = false;
  });
  off.addEventListener("click", () => node.close(true));
  return node;
}
