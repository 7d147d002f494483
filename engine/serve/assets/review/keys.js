// Keys of the page. Letters that are being written are no commands.

const COMMANDS = { j: "next", k: "previous", a: "approve", A: "approveAll", e: "edit", r: "reject", t: "words", w: "sent", n: "nextBatch", p: "previousBatch", "/": "search", "?": "help" };

/// `commands` has a function for each of the above and `escape`, which says whether there was something to leave.
export function listen(document, commands) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.key === "Escape") {
      if (commands.escape(event.target)) event.preventDefault();
      return;
    }
    // A key that is held down must not decide again and again.
    if (event.repeat && !["j", "k"].includes(event.key)) return;
    if (event.target.closest?.("input, textarea, select, dialog")) return;
    const command = commands[COMMANDS[event.key]];
    if (!command) return;
    event.preventDefault();
    command();
  });
}
