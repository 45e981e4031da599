// The keys. None fires while somebody types in a field, or holds Ctrl, Alt or Meta.
import { cardOf } from "./calendar/calendar.js";
import { closePanel, isTypedAhead, newVisit, openPanel, say, words } from "./panel.js";

const FIELDS = "input, select, textarea, [contenteditable]";
const LINKS = { "/": "#find", t: "#today", d: "#view-day", w: "#view-week", r: "#view-rooms" };
const OF_A_VISIT = ["a", "c", "x", "m", "1", "2", "3"]; // the digits answer whether IMS was given

export function startKeys(calendar) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") return close(calendar);
    if (event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
    if (isTypedAhead(event.key) || act(event, calendar)) event.preventDefault();
  });
}

// Whether the key meant something.
function act(event, calendar) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (LINKS[key]) return press(document.querySelector(LINKS[key]));
  if (OF_A_VISIT.includes(key)) return ofVisit(key);
  if (key === "n") return newVisit(), true;
  if (key === "?") return document.querySelector("#keys").showModal(), true;
  if (key.startsWith("Arrow")) return arrow(key, event.target.closest?.(".card a"), calendar);
  return false;
}

function press(link) {
  link?.click();
  return Boolean(link);
}

// The focused card's visit, else the one in the panel. What each key does stands on the panel's buttons.
async function ofVisit(key) {
  const focused = cardOf(document.activeElement);
  const shown = document.querySelector("[data-panel=visit]");
  if (!focused && !shown) return say(words.nothing_selected), true;
  if (focused && focused !== shown?.dataset.visit) {
    const settled = new Promise((resolve) => document.body.addEventListener("htmx:afterSettle", resolve, { once: true }));
    openPanel(`/desk/visits/${focused}`);
    await settled; // before that htmx does not know the panel's buttons
  }
  if (!press(document.querySelector(`#panel [data-key="${key}"]`))) say(words.not_now);
  return true;
}

// From a card to the next one; from anywhere else to the next day or into the day.
function arrow(key, card, { root }) {
  const cards = [...root.querySelectorAll(".card a")];
  if (!card) {
    if (key === "ArrowLeft") return press(document.querySelector("#before"));
    if (key === "ArrowRight") return press(document.querySelector("#after"));
    cards[0]?.focus();
    return cards.length > 0;
  }
  const here = card.getBoundingClientRect();
  const way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
  const found = cards
    .map((one) => ({ one, there: one.getBoundingClientRect() }))
    .map(({ one, there }) => ({ one, x: there.x - here.x, y: there.y - here.y }))
    .filter(({ x, y }) => (way[0] ? x * way[0] > here.width / 2 : Math.abs(x) < here.width / 2 && y * way[1] > 0))
    .sort((a, b) => Math.abs(a.x) * 3 + Math.abs(a.y) - Math.abs(b.x) * 3 - Math.abs(b.y))[0];
  found?.one.focus();
  return true;
}

function close(calendar) {
  const refusal = document.querySelector(".refusal");
  if (refusal) return refusal.remove();
  if (document.querySelector("dialog[open]")) return;
  const visit = document.querySelector("[data-panel=visit]")?.dataset.visit;
  if (!document.querySelector("#panel").childElementCount) return;
  closePanel(calendar);
  calendar.focus(visit);
}
