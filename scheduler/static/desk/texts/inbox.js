// Comforts only: the page does its work without this file.

const box = document.querySelector("[data-answer] textarea");
if (box) {
  const [basic, extended] = [new Set(box.dataset.basic), new Set(box.dataset.extended)];
  const cost = document.querySelector("#cost");
  const { one, more, dear } = cost.dataset;
  const count = () => {
    const found = segments(box.value.trim().replaceAll("\r\n", "\n"), basic, extended);
    const words = (found.parts === 1 ? one : more.replace("{n}", found.parts)).replace("{left}", found.left);
    cost.textContent = box.value.trim() ? `${words}${found.plain ? "" : `; ${dear}`}` : "";
  };
  box.addEventListener("input", count);
  count();
  document.querySelector("[data-without-script]").hidden = true;

  // The back button brings back what was typed, also when it has been sent; or the page as it was before.
  let sent = false;
  box.form.addEventListener("submit", () => {
    sent = true;
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && sent) location.reload();
    const said = [...document.querySelectorAll(".talk .text:not(.inbound)")].at(-1)?.querySelector(".body");
    if (box.value.trim() !== said?.textContent.trim()) return;
    box.value = "";
    count();
  });

  const says = document.querySelector("[data-send-key]");
  if (/Mac|iPad/.test(navigator.platform)) says.textContent = says.dataset.mac;
  says.hidden = false;
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    if (!event.repeat) box.form.requestSubmit(box.form.querySelector("[aria-keyshortcuts]"));
  });
}

// A thread that has been opened is read.
const reading = document.querySelector("form[data-mark-read]");
if (reading) {
  fetch(reading.action, {
    method: "POST",
    body: new FormData(reading),
    headers: { "X-Requested-With": "fetch" },
  }).then(async (answer) => {
    if (!answer.ok || answer.redirected) return;
    reading.hidden = true;
    const left = await answer.text();
    for (const badge of document.querySelectorAll("[data-inbox-unread]")) {
      badge.querySelector("[data-number]").textContent = left;
      badge.hidden = left === "0";
    }
  });
}
