// Comforts only: the page does its work without this file. Fills in and counts as domain/texts/wording.py does.
const form = document.querySelector("[data-wording]");
const box = form.querySelector("textarea");
const [basic, extended] = [new Set(box.dataset.basic), new Set(box.dataset.extended)];
const plain = new Map(Object.entries(JSON.parse(form.dataset.typography)));
const partsOf = (text) => segments(text, basic, extended).parts;
const fill = (template, values) => template.replace(/\{([a-z]+)\}/g, (whole, name) => values[name] ?? whole);

function filled(template, way) {
  const text = fill(template, way.values);
  const spelled = fill([...template].map((letter) => plain.get(letter) ?? letter).join(""), way.spelled);
  return partsOf(spelled) < partsOf(text) ? spelled : text;
}

function sampleText(template, sample) {
  const ways = sample.ways.map((way) => filled(template, way));
  const text = ways.find((way) => partsOf(way) === 1) ?? ways[0];
  return partsOf(text + sample.tail) === 1 ? text + sample.tail : text;
}

function show() {
  const template = box.value.trim().replaceAll("\r\n", "\n");
  for (const sample of JSON.parse(form.dataset.samples)) {
    const shown = document.querySelector(`[data-sample="${sample.name}"]`);
    const text = template && sampleText(template, sample);
    const found = segments(text, basic, extended);
    shown.querySelector("[data-body]").textContent = text;
    const { one, more, dear } = form.dataset;
    const words = (found.parts === 1 ? one : more.replace("{n}", found.parts)).replace("{left}", found.left);
    const letters = [...new Set(text)].filter((letter) => !basic.has(letter) && !extended.has(letter)).join(" ");
    shown.querySelector("[data-cost]").textContent = words + (letters ? `; ${dear.replace("{letters}", letters)}` : "");
  }
}

box.addEventListener("input", show);
show();
for (const place of form.querySelectorAll("dt code")) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "quiet small", title: form.dataset.putIn });
  place.replaceWith(button);
  button.append(place);
  button.addEventListener("click", () => {
    box.setRangeText(place.textContent, box.selectionStart, box.selectionEnd, "end");
    box.focus();
    show();
  });
}
document.querySelector("[data-without-script]").hidden = true;
