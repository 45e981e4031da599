// "/" finds a patient from every page of the desk. On the calendar it does so in place, see desk-keys.js.
const FIELDS = "input, select, textarea, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest?.(FIELDS) || document.querySelector("dialog[open], #calendar")) return;
  event.preventDefault();
  const field = document.querySelector("[role=search] input[type=search]");
  if (field) field.select();
  else document.querySelector("#patients").click();
});
