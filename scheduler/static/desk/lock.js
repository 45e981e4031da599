// At a clinic computer: L locks the desk, and so do ten minutes without a key or a press in any of its tabs. What stands
// half written goes along, so that it is there again after the PIN. Without this file the server locks by itself.
const form = document.querySelector("#lock");
const after = form.dataset.after * 1000;
const FIELDS = "input, select, textarea, [contenteditable]";
const USED = "desk-used-at";
let usedAt = Date.now();

function used() {
  if (Date.now() - usedAt < 1000) return;
  usedAt = Date.now();
  try { localStorage.setItem(USED, usedAt); } catch { /* a private window: this tab alone */ }
}

function usedAnywhere() {
  try { return Math.max(usedAt, Number(localStorage.getItem(USED)) || 0); } catch { return usedAt; }
}

for (const kind of ["pointerdown", "keydown", "wheel"]) addEventListener(kind, used, { capture: true, passive: true });
setInterval(() => { if (Date.now() - usedAnywhere() >= after) form.requestSubmit(); }, 5000);

// Behind every other listener: a letter that means something else locks nothing.
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key.toLowerCase() !== "l" || event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  form.requestSubmit();
});

form.addEventListener("submit", () => {
  const { page, typed, typed_at } = form.elements;
  page.value = location.pathname + location.search;
  const written = [...document.querySelectorAll("main form")].filter(isHalfWritten).at(-1);
  if (!written) return;
  page.value = written.closest("#panel")?.querySelector("[data-address]")?.dataset.address || page.value;
  const address = new URL(written.getAttribute("hx-post") ?? written.action, location);
  typed_at.value = address.pathname + address.search;
  typed.value = JSON.stringify([...new FormData(written)].filter(([name]) => name !== "csrf_token"));
});

function isHalfWritten(one) {
  const post = one.hasAttribute("hx-post") || one.method === "post";
  if (!post || one.querySelector("[type=password], [type=file]")) return false;
  return [...one.elements].some((field) => field.type !== "hidden" && isChanged(field));
}

function isChanged(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected) && field.selectedIndex > 0;
  return field.matches("input, textarea") && field.value !== field.defaultValue;
}
