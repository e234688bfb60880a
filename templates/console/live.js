// Live updates: when the server says that something has changed, the page is fetched anew and its live parts take the place of the old ones.
// A part in which somebody is typing stays as it is.
"use strict";

const parts = () => document.querySelectorAll("[data-live]");
let running = false;
let wanted = false;

async function refresh() {
  wanted = true;
  if (running || document.hidden) return;
  running = true;
  try {
    while (wanted) {
      wanted = false;
      const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) break;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) replace(part, fresh.getElementById(part.id));
    }
  } catch {
    // The server is away; the event source comes back when it does.
  } finally {
    running = false;
  }
}

function replace(old, fresh) {
  if (!fresh || old.contains(document.activeElement) || old.innerHTML === fresh.innerHTML) return;
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  fresh.querySelectorAll("details").forEach((details, at) => { details.open = open[at] ?? details.open; });
  old.replaceWith(document.adoptNode(fresh));
}

if (parts().length > 0) {
  new EventSource("/admin/live").addEventListener("changed", refresh);
  document.addEventListener("visibilitychange", () => { if (wanted) refresh(); });
}
