// Comforts only: every page does its work without this file.

// A second press while the first is under way sends nothing. The button stays in the form's data, so it is not disabled.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]") && !form.querySelector(":scope > [name=shown]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-disabled", "true");
});

// Coming back by the back button finds a page that can be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-disabled]")?.removeAttribute("aria-disabled");
  }
});

// The button that goes on names the time chosen, also one chosen before this file was here, or kept by the back button.
function nameChoice(choice) {
  const says = choice.dataset?.says;
  const button = says && choice.form?.querySelector("[data-says-choice]");
  if (button) button.textContent = says;
}
document.addEventListener("change", (event) => nameChoice(event.target));
window.addEventListener("pageshow", () => document.querySelectorAll("[data-says]:checked").forEach(nameChoice));

function showCopyButtons() {
  for (const button of document.querySelectorAll("button[data-copy][hidden]")) {
    if (navigator.clipboard) button.hidden = false;
  }
}
showCopyButtons();
document.addEventListener("htmx:load", showCopyButtons);

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  button.textContent = button.dataset.copied;
});
