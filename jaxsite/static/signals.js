"use strict";
// The list of signals by keyboard. Nothing is decided by one key: a and r open a dialog with the figures.

const deciding = document.querySelector("[data-deciding]");
const help = document.querySelector("[data-help]");
const rows = () => [...document.querySelectorAll("[data-signal]")].filter((row) => row.offsetParent);
const chosen = () => document.querySelector('[data-signal][aria-selected="true"]');

document.querySelector("[data-keys]")?.removeAttribute("hidden");
document.querySelector("[data-keys]")?.addEventListener("click", () => help.showModal());

function choose(row) {
  chosen()?.setAttribute("aria-selected", "false");
  row.setAttribute("aria-selected", "true");
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  const here = all.indexOf(chosen());
  const next = all[Math.min(Math.max(here + step, 0), all.length - 1)];
  if (next) choose(next);
}

// The signal's own form; the key that opened it cannot confirm it.
async function open(row, wanted) {
  choose(row);
  deciding.replaceChildren();
  deciding.showModal();
  await htmx.ajax("GET", row.dataset.decide, { target: deciding, swap: "innerHTML" });
  deciding.querySelector(wanted === "approve" ? "[data-approve]" : "#reject button")?.focus();
}

// A tap beside a dialog closes it, as Esc does.
for (const dialog of [deciding, help]) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}

// A closed form asks for nothing any more.
deciding.addEventListener("close", () => deciding.replaceChildren());

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-opens]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.closest("[data-signal]"), link.dataset.opens);
});

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  "?": () => help.showModal(),
  Enter: () => chosen() && location.assign(chosen().dataset.page),
  a: () => chosen() && open(chosen(), "approve"),
  r: () => chosen() && open(chosen(), "reject"),
};

document.addEventListener("keydown", (event) => {
  const modified = event.ctrlKey || event.metaKey || event.altKey || event.repeat;
  // The button of a dialog that has just been closed keeps the focus for a moment.
  const used = event.target.closest("input, textarea, select, button, a, summary")?.checkVisibility();
  if (modified || used || document.querySelector("dialog[open]")) return;
  if (!KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

// What has ended stays where it is, greyed, until the person updates the list.
document.body.addEventListener("htmx:afterSwap", () => {
  for (const note of document.querySelectorAll("[data-ended]")) {
    document.getElementById(`signal-${note.dataset.ended}`)?.classList.add("over");
  }
  if (deciding.querySelector("#watch[data-changed]")) {
    for (const button of deciding.querySelectorAll("form button")) button.disabled = true;
  }
});
