// The panel beside the calendar, what is said of changes, and questions before them.

export const words = JSON.parse(document.querySelector("#words").textContent);

const panel = document.querySelector("#panel");
const TEN_SECONDS = 10_000;

export function openPanel(address) {
  htmx.ajax("GET", address, { target: "#panel", swap: "innerHTML" });
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
  // An answer that came by way of a redirect to the sign-in page would put that page into the panel.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.responseURL?.includes("/desk/sign-in")) {
      event.detail.shouldSwap = false;
      calendar.signedOut();
    }
  });
  document.body.addEventListener("htmx:sendError", () => say(words.no_answer));
  document.body.addEventListener("htmx:responseError", () => say(words.no_answer));
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target === panel) arrived(calendar);
    if (event.target.id === "bar") calendar.show();
  });
  document.body.addEventListener("click", (event) => {
    if (event.target.closest?.("#new-visit")) { event.preventDefault(); newVisit(); }
    if (event.target.closest?.("#help-button")) document.querySelector("#keys").showModal();
    if (event.target.closest?.("[data-close]")) { closePanel(calendar); calendar.root.focus(); }
  });
  panel.addEventListener("change", (event) => { if (event.target.name === "treatment") calendar.place(placed()); });
  // Enter in the search takes the first found.
  document.body.addEventListener("keydown", (event) => {
    const search = event.target.closest?.("[data-picks]");
    if (!search || (event.key !== "Enter" && event.key !== "ArrowDown")) return;
    const first = document.querySelector(`${search.dataset.picks} a`);
    event.preventDefault();
    if (event.key === "Enter") first?.click();
    else first?.focus();
  });
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
  openPanel(`${address.getAttribute("href")}?${new URLSearchParams({ day: bar.dataset.day, ...fields })}`);
}

function arrived(calendar) {
  calendar.place(placed());
  (panel.querySelector("[autofocus]") ?? panel.querySelector("h2"))?.focus();
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
