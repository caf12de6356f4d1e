"use strict";
// Keeps the page up to date at every beat. #live says what to ask for (data-refresh) and what is shown (data-seen);
// desk/refresh.py answers. What a person has in hand stays as it is: text that is typed or selected, opened details,
// the focus, and what a decision would be made on.

const live = document.querySelector("#live");
const SETTLES = 500; // ms in which nothing that has just moved is pressed
const HELD = 3_000; // ms: no press of a finger or a button lasts longer
const FILLED_BY_SCRIPTS = "[data-chart], [data-reading], [data-notes]";
const zone = document.documentElement.dataset.zone;
const clock = new Intl.DateTimeFormat("en-US", {
  timeZone: zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
let asking = false;
let pressedAt = -HELD;
let movedAt = -SETTLES;
let moved = new Set();

function isTyped(control) {
  if (control.type === "hidden" || control.tagName === "BUTTON") return false;
  if (control === document.activeElement) return true;
  if (control.tagName !== "SELECT") return control.value !== control.defaultValue || control.checked !== control.defaultChecked;
  return [...control.options].some((option) => option.selected !== option.defaultSelected) && control.selectedIndex > 0;
}

// A decision whose terms have changed is not repainted: it says so and can no longer be sent.
function isOfOtherTerms(block, fresh) {
  if (block.dataset.decides === fresh.dataset?.decides) return false;
  if (block.dataset.changed === undefined) {
    block.dataset.changed = "";
    for (const button of block.querySelectorAll("button")) button.disabled = true;
    const notice = Object.assign(document.createElement("p"), { className: "notice bad", textContent: "This has changed since you looked. " });
    notice.setAttribute("role", "alert");
    notice.append(Object.assign(document.createElement("a"), { className: "button slim", href: "", textContent: "Look at it as it is now" }));
    block.prepend(notice);
  }
  return true;
}

Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) return true;
  if (old.matches(FILLED_BY_SCRIPTS)) return false;
  if (old.dataset.decides !== undefined) return !isOfOtherTerms(old, fresh);
  return !(old.tagName === "FORM" && [...old.elements].some(isTyped));
};
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.tagName === "DETAILS");

const places = () => new Map([...live.querySelectorAll("button")].map((one) => [one, one.getBoundingClientRect().top]));
const isInHand = () => {
  const selection = getSelection();
  const isSelecting = !selection.isCollapsed && live.contains(selection.anchorNode);
  return isSelecting || performance.now() - pressedAt < HELD;
};

// The page is confirmed: as of when it is, and counting from there.
function confirm(stamp) {
  const asOf = document.querySelector("#as-of");
  if (!asOf || !stamp) return;
  const part = Object.fromEntries(clock.formatToParts(new Date(stamp)).map(({ type, value }) => [type, value]));
  const time = asOf.querySelector("time");
  time.dateTime = stamp;
  time.textContent = `${part.month} ${part.day} ${part.hour}:${part.minute}:${part.second}`;
  asOf.querySelector("[data-since]").dataset.since = stamp;
}

async function refresh() {
  if (asking || isInHand()) return;
  asking = true;
  try {
    await htmx.ajax("GET", live.dataset.refresh, {
      source: live, target: live, swap: "morph:outerHTML", headers: { "Jax-Seen": live.dataset.seen },
    });
  } catch {
    // site.js says so: it hears of every answer that does not come
  } finally {
    asking = false;
  }
}

if (live.dataset.refresh) {
  let before;
  document.body.addEventListener("beat", refresh);
  live.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target !== live) return;
    // What was begun while the answer was under way counts, too.
    if (isInHand()) event.detail.shouldSwap = false;
    before = places();
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== live || !before) return;
    const changed = [...places()].filter(([one, top]) => !before.has(one) || Math.abs(before.get(one) - top) > 1);
    moved = new Set(changed.map(([one]) => one));
    movedAt = performance.now();
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr } = event.detail;
    if (elt === live && xhr.status === 204) confirm(xhr.getResponseHeader("Jax-Now"));
  });
  addEventListener("pointerdown", () => { pressedAt = performance.now(); }, true);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => { pressedAt = -HELD; }, true);
  // A press that was aimed at what stood here a moment ago hits nothing.
  live.addEventListener("click", (event) => {
    if (performance.now() - movedAt > SETTLES || !event.isTrusted) return;
    const one = event.target.closest("button");
    if (!one || !moved.has(one) || event.detail === 0) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
}
