"use strict";
// The signal's page: keys, and no approving of what has changed.

const form = document.querySelector("#decide");

document.body.addEventListener("htmx:afterSwap", () => {
  if (!document.querySelector("#watch[data-changed]")) return;
  for (const button of document.querySelectorAll("#decide button, #reject button")) button.disabled = true;
});

// Pressing twice sends once.
form?.addEventListener("submit", (event) => {
  if (event.submitter?.formMethod === "get") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const wanted = { a: "[data-approve]", r: "#reject button" }[event.key];
  const control = wanted && document.querySelector(wanted);
  if (!control) return;
  event.preventDefault();
  control.focus();
  control.scrollIntoView({ block: "center" });
});
