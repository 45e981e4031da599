// The panel beside the calendar, what is said of changes, and questions before them.

export const words = JSON.parse(document.querySelector("#words").textContent);

const panel = document.querySelector("#panel");
const TEN_SECONDS = 10_000;

export function openPanel(address) {
  htmx.ajax("GET", address, { target: "#panel", swap: "innerHTML" });
}

// To a search: letters typed until it is there belong into its field, and are no keys of the calendar.
let ahead = null;

function openSearch(address) {
  ahead = "";
  openPanel(address);
}

export function isTypedAhead(key) {
  if (ahead === null || key.length !== 1) return false;
  ahead += key;
  return true;
}

export function closePanel(calendar) {
  panel.replaceChildren();
  calendar.place(null);
}

// For screen readers as for eyes; `undo` runs when its button is pressed within ten seconds.
export function say(text, undo) {
  const line = document.querySelector("#says");
  line.textContent = text;
  if (undo) line.append(" ", button(words.undo, () => { line.textContent = ""; undo(); }));
  clearTimeout(line.timer);
  line.timer = setTimeout(() => { line.textContent = ""; }, TEN_SECONDS);
}

// A refusal, shown where it happened: at the point where the card was dropped. Escape or the button closes it.
export function showRefusal(refusal, point, choose) {
  document.querySelector(".refusal")?.remove();
  const box = document.createElement("div");
  box.className = "refusal problem";
  box.setAttribute("role", "alert");
  const lines = [refusal.title, refusal.advice, ...(refusal.seen ?? []), words.put_back];
  for (const text of lines.filter(Boolean)) box.append(element("p", text));
  for (const other of refusal.others ?? []) {
    if (other.href) box.append(button(other.words, () => { box.remove(); openPanel(other.href); }));
    else box.append(element("p", other.words));
  }
  if (refusal.nearest?.length) {
    box.append(element("p", words.nearest));
    for (const near of refusal.nearest) box.append(button(near.words, () => { box.remove(); choose(near); }));
  }
  box.append(button(words.close, () => box.remove()));
  document.querySelector("#notes").append(box);
  box.style.left = `${Math.max(8, Math.min(point.x, innerWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${Math.max(8, Math.min(point.y, innerHeight - box.offsetHeight - 8))}px`;
  box.querySelector("button").focus();
}

// One clear question; answers whether it was yes.
export function ask(question) {
  const dialog = document.querySelector("#question");
  dialog.querySelector("h2").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// A change asked of the server, answered as data; null when there was no answer or the sign-in had run out.
export async function post(address, fields) {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": document.querySelector("meta[name=csrf]").content },
      body: new URLSearchParams(fields),
    });
    if (answer.redirected || !answer.headers.get("Content-Type")?.includes("json")) return null;
    return { ok: answer.ok, ...(await answer.json()) };
  } catch {
    return null;
  }
}

// After signing in again in another tab: what was typed here goes on with the new session's token.
export async function renewTokens() {
  const page = new DOMParser().parseFromString(await (await fetch("/desk")).text(), "text/html");
  const token = page.querySelector("meta[name=csrf]").content;
  document.querySelector("meta[name=csrf]").content = token;
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
  document.querySelector("#says").replaceChildren();
}

export function startPanel(calendar) {
  document.body.addEventListener("desk-changed", () => calendar.refresh());
  // To the sign-in page: what is typed here stays, and so does this page.
  document.body.addEventListener("htmx:beforeOnLoad", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Redirect")?.startsWith("/desk/sign-in")) return;
    event.preventDefault();
    calendar.signedOut();
  });
  // An answer that came by way of a redirect to the sign-in page would put that page into the panel.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.responseURL?.includes("/desk/sign-in")) {
      event.detail.shouldSwap = false;
      calendar.signedOut();
    }
  });
  // From which page a form is sent: whoever was signed out before finds it there again.
  document.body.addEventListener("htmx:configRequest", (event) => {
    const shown = panel.contains(event.target) && panel.querySelector("[data-address]");
    if (shown) event.detail.headers["X-Panel"] = shown.dataset.address;
  });
  document.body.addEventListener("htmx:sendError", unanswered);
  document.body.addEventListener("htmx:responseError", unanswered);
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target === panel) arrived(calendar);
    if (event.target.id === "bar") arrivedThere(calendar);
  });
  document.body.addEventListener("click", (event) => {
    if (event.target.closest?.("#find") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      openSearch(document.querySelector("#find").getAttribute("href"));
    }
    if (event.target.closest?.("#new-visit")) { event.preventDefault(); newVisit(); }
    if (event.target.closest?.("#help-button")) document.querySelector("#keys").showModal();
    if (event.target.closest?.("[data-close]")) { closePanel(calendar); calendar.root.focus(); }
  });
  panel.addEventListener("change", (event) => { if (event.target.name === "treatment") calendar.place(placed()); });
  // Enter in the search takes the first found; arrows go down to them and back up.
  document.body.addEventListener("keydown", (event) => {
    const search = panel.querySelector("[data-picks]");
    const found = search && [...panel.querySelectorAll(`${search.dataset.picks} a`)];
    const at = found?.indexOf(event.target);
    if (event.target !== search && !(at >= 0 && event.key.startsWith("Arrow"))) return;
    if (event.key === "ArrowDown") found[at + 1]?.focus();
    else if (event.key === "ArrowUp" && at >= 0) (found[at - 1] ?? search).focus();
    else if (event.key === "Enter") found[0]?.click();
    else if (event.target === search) return;
    event.preventDefault();
    event.stopPropagation();
  });
  openAsked();
}

function unanswered() {
  ahead = null;
  say(words.no_answer);
}

function arrivedThere(calendar) {
  calendar.show();
  openAsked();
}

// The visit that an address of the calendar names.
function openAsked() {
  const { visit } = document.querySelector("#bar").dataset;
  if (visit) openPanel(`/desk/visits/${encodeURIComponent(visit)}`);
}

// What the panel is about to place in the calendar: a visit to move, or a patient's treatment to book.
function placed() {
  const moves = panel.querySelector("[data-moves]")?.dataset.moves;
  if (moves) return { visit: moves };
  const form = panel.querySelector("form[data-places]");
  const treatment = form?.querySelector("[name=treatment]:checked")?.value;
  return treatment ? { patient: form.elements.patient.value, treatment } : null;
}

export function newVisit(fields = {}) {
  const bar = document.querySelector("#bar");
  const address = document.querySelector("#new-visit");
  if (!address) return;
  openSearch(`${address.getAttribute("href")}?${new URLSearchParams({ day: bar.dataset.day, ...fields })}`);
}

function arrived(calendar) {
  calendar.place(placed());
  const first = panel.querySelector("[autofocus]") ?? panel.querySelector("h2");
  first?.focus();
  if (first?.matches("[data-picks]")) {
    first.value = (ahead ?? "") + first.value;
    // Also for what was typed into it before htmx listened.
    if (first.value !== first.defaultValue) first.dispatchEvent(new Event("input", { bubbles: true }));
  }
  ahead = null;
  for (const undo of panel.querySelectorAll("[data-for-10-seconds]")) setTimeout(() => undo.remove(), TEN_SECONDS);
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function button(text, press) {
  const made = element("button", text);
  made.type = "button";
  made.className = "seg";
  made.addEventListener("click", press);
  return made;
}
