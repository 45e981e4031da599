// The calendar: draws the server's data, asks for changes every few seconds, and sends what is dragged.
import { ask, newVisit, openPanel, post, renewTokens, say, showRefusal, words } from "../panel.js";

const POLL = 4000; // milliseconds
const SLOT = "00:15";
const MAY_BOOK = document.querySelector("#new-visit") !== null;
const PHONE = matchMedia("(max-width: 40rem)");

export function startCalendar(root) {
  let data = null;
  let etag = "";
  let seen = ""; // the state of the calendar that is drawn
  let source = "";
  let timer = 0;
  let dragging = false;
  let out = false; // signed out: what is typed waits
  let focused;
  let greyed = [];
  let greyedFor = null;
  let placing = null; // what the panel is about to book or move

  const calendar = EventCalendar.create(root, {
    view: "resourceTimeGridDay",
    firstDay: 1,
    headerToolbar: { start: "", center: "", end: "" },
    allDaySlot: false,
    slotDuration: "00:30",
    snapDuration: SLOT,
    slotHeight: 40,
    columnWidth: "minmax(8rem, 1fr)",
    slotEventOverlap: false,
    editable: true,
    eventDragMinDistance: 6,
    pointer: true,
    dayHeaderFormat: (date) => `${words.weekdays[(date.getDay() + 6) % 7]} ${date.getDate()}`,
    slotLabelFormat: (time) => words.hours[time.getHours()],
    resourceLabelContent: ({ resource }) => ({ domNodes: [element("b", resource.title), element("small", resource.extendedProps.there)] }),
    eventContent: ({ event }) => ({ domNodes: content(event.extendedProps) }),
    eventClick: ({ event, jsEvent }) => {
      if (!event.extendedProps.name || jsEvent.ctrlKey || jsEvent.metaKey) return;
      jsEvent.preventDefault();
      openPanel(`/desk/visits/${event.id}`);
    },
    // A link inside takes the focus: an article that says it is a button is none to a screen reader.
    eventDidMount: ({ el }) => { el.removeAttribute("role"); el.removeAttribute("tabindex"); },
    eventAllUpdated: () => focusAgain(),
    dateClick: ({ date, resource }) => {
      const bar = document.querySelector("#bar");
      const fields = { starts: minute(date) };
      const practitioner = bar.dataset.view === "day" ? resource?.id : new URLSearchParams(source.split("?")[1]).get("practitioner");
      if (practitioner) fields.practitioner = practitioner;
      if (inRooms() && resource) fields.room = resource.id;
      newVisit(fields);
    },
    eventDragStart: ({ event }) => { dragging = true; forbid({ visit: event.id }); },
    eventDragStop: () => { dragging = false; forbid(placing); },
    eventDrop: (info) => drop(info),
    eventResizeStart: () => { dragging = true; },
    eventResizeStop: () => { dragging = false; },
    eventResize: ({ event, jsEvent, revert }) => send(
      `/desk/visits/${event.id}/length`,
      { minutes: (event.end - event.start) / 60_000, version: event.extendedProps.version },
      { x: jsEvent.clientX, y: jsEvent.clientY },
      revert,
    ),
  });

  new MutationObserver(() => plain(root)).observe(root, { childList: true, subtree: true, attributeFilter: ["role"] });
  plain(root);

  async function drop(info) {
    const card = info.event.extendedProps;
    const point = { x: info.jsEvent.clientX, y: info.jsEvent.clientY };
    const fields = { starts: minute(info.event.start), version: card.version };
    const column = info.event.resourceIds[0];
    if (inRooms() && fields.starts === card.starts) return room(info.event.id, { version: card.version, room: column }, point, info.revert);
    if (column) fields[inRooms() ? "room" : "practitioner"] = column;
    await move(info.event.id, fields, point, info.revert);
  }

  // Of a patient who is here already the room can still change, unlike the time.
  function room(id, fields, point, putBack) {
    return send(`/desk/visits/${id}/room`, fields, point, putBack, (back) => room(id, back, point));
  }

  function move(id, fields, point, putBack) {
    return send(`/desk/visits/${id}/move`, fields, point, putBack, (place) => move(id, place, point));
  }

  // Refused: the card goes back, and why is said where it was dropped. `again` goes to another place.
  async function send(address, fields, point, putBack = () => {}, again = () => {}) {
    let answer = await post(address, fields);
    if (answer?.question && (await ask(answer.question))) {
      answer = await post(address, { ...fields, insists: "yes" });
    } else if (answer?.question) {
      putBack();
      return refresh();
    }
    if (!answer?.ok) putBack();
    if (!answer) say(words.no_answer);
    else if (!answer.ok) showRefusal(answer, point, ({ starts, practitioner }) => again({ starts, practitioner, version: fields.version }));
    else say(answer.says, answer.undo && (() => again(answer.undo)));
    await refresh();
  }

  const inRooms = () => document.querySelector("#bar").dataset.view === "rooms";

  // Greys what the rule or the patient's other visits forbid, for a visit (moved) or a patient and treatment (booked).
  async function forbid(asked) {
    const bar = document.querySelector("#bar").dataset;
    const days = bar.view === "week" ? 7 : 1;
    greyedFor = asked;
    greyed = [];
    if (asked) {
      const answer = await fetch(`/desk/forbidden.json?${new URLSearchParams({ ...asked, first: bar.first, days })}`);
      if (answer.ok && !answer.redirected && greyedFor === asked) greyed = await answer.json();
    }
    if (data) drawEvents();
  }

  function place(asked) {
    placing = asked;
    return forbid(asked);
  }

  // The bar was swapped: other days, or another view of them, which are drawn when their data is here.
  async function show() {
    root.setAttribute("aria-busy", "true");
    source = document.querySelector("#bar").dataset.source;
    etag = "";
    await refresh();
    if (placing) await forbid(placing);
  }

  async function refresh() {
    clearTimeout(timer);
    try {
      const asked = source;
      const state = etag ? await unlessSeen(document.querySelector("#bar").dataset.watch, seen, "omit") : null;
      if (state?.status === 304) return root.classList.remove("behind");
      const answer = await unlessSeen(asked, etag);
      if (answer.redirected) return signedOut();
      if (out) await renewTokens();
      out = false;
      if (answer.status === 200 && !dragging) {
        const fresh = await answer.json();
        if (asked === source) {
          etag = answer.headers.get("ETag");
          seen = state?.headers.get("ETag");
          data = fresh;
          draw();
        }
      }
      if (answer.status === 304) seen = state?.headers.get("ETag");
      root.classList.remove("behind");
    } catch {
      if (!root.classList.contains("behind")) say(words.behind);
      root.classList.add("behind");
    } finally {
      timer = setTimeout(() => (document.hidden ? later() : refresh()), POLL);
    }
  }

  // Without cookies the server has neither a session to open nor a person to look up.
  function unlessSeen(address, tag, credentials = "same-origin") {
    return fetch(address, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store", credentials });
  }

  function later() {
    timer = setTimeout(() => (document.hidden ? later() : refresh()), POLL);
  }

  function draw() {
    const bar = document.querySelector("#bar").dataset;
    calendar.setOption("view", bar.view === "week" ? "timeGridWeek" : "resourceTimeGridDay");
    calendar.setOption("date", bar.first);
    calendar.setOption("slotMinTime", data.begins);
    calendar.setOption("slotMaxTime", data.ends);
    calendar.setOption("resources", ordered(data.columns, bar.own).map(({ id, title, there }) => ({ id, title, extendedProps: { there } })));
    drawEvents();
    const scrolled = root.querySelector(".ec-main"); // by keys, too, where no card takes the focus
    if (data.visits.length) scrolled.removeAttribute("tabindex");
    else scrolled.tabIndex = 0;
    root.removeAttribute("aria-busy");
  }

  function drawEvents() {
    focused = cardOf(document.activeElement) ?? focused;
    const columns = data.columns.map(({ id }) => id);
    calendar.setOption("events", [
      ...data.visits.map((visit) => card(visit, data)),
      ...data.shades.map((shade, number) => background(`shade-${number}`, shade, columns, "shade")),
      ...greyed.map((range, number) => background(`forbidden-${number}`, range, columns, "forbidden")),
      background("now", { starts: data.now, ends: data.now }, columns, "now"),
    ]);
  }

  // Cards are drawn anew when something changed: whoever was on one stays there, or on the calendar when it is gone.
  function focusAgain() {
    if (focused && document.activeElement === document.body) focusOn(focused);
    focused = undefined;
  }

  function focus(visit) {
    focused = visit;
    focusOn(visit);
  }

  function focusOn(visit) {
    (root.querySelector(`.visit-${CSS.escape(visit ?? "none")} a`) ?? root).focus();
  }

  function signedOut() {
    out = true;
    const line = document.querySelector("#says");
    const link = element("a", words.sign_in);
    link.href = "/desk/sign-in";
    link.target = "_blank";
    line.replaceChildren(words.signed_out, " ", link);
    timer = setTimeout(refresh, POLL);
  }

  PHONE.addEventListener("change", () => { if (data) draw(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  show();
  return { show, refresh, place, signedOut, focus, root };
}

// The library calls its grid a table, without the cells of one.
function plain(root) {
  for (const part of root.querySelectorAll("[role], [aria-colindex], [aria-colcount], [aria-rowcount], [aria-rowindex]")) {
    for (const name of ["role", "aria-colindex", "aria-colcount", "aria-rowcount", "aria-rowindex"]) part.removeAttribute(name);
  }
}

function card(visit, { statuses, flags, times }) {
  const status = statuses[visit.status];
  return {
    id: visit.id,
    resourceIds: visit.column === null ? [] : [visit.column],
    start: visit.starts,
    end: visit.ends,
    startEditable: !status.fixed && MAY_BOOK,
    durationEditable: !status.fixed && MAY_BOOK,
    classNames: ["card", status.held ? "held" : status.look, `visit-${visit.id}`, ...(isShort(visit) ? ["short"] : [])],
    extendedProps: { ...visit, status, time: times[visit.starts.slice(11)], flags: visit.flags.map((flag) => flags[flag]) },
  };
}

function background(id, { column, starts, ends, words: said }, columns, look) {
  return {
    id,
    resourceIds: column === null || column === undefined ? columns : [column],
    start: starts,
    end: look === "now" ? later(starts) : ends,
    display: "background",
    classNames: [look],
    extendedProps: { words: said },
  };
}

// No room for two lines.
function isShort({ starts, ends }) {
  return new Date(ends) - new Date(starts) < 30 * 60_000;
}

// Whoever is signed in comes first; on a phone there is room for nobody else.
function ordered(columns, own) {
  const mine = columns.filter(({ id }) => id === own);
  if (mine.length && PHONE.matches) return mine;
  return [...mine, ...columns.filter(({ id }) => id !== own)];
}

function later(starts) {
  return new Date(new Date(starts).getTime() + 60_000);
}

// The id of the visit whose card this element is in.
export function cardOf(element) {
  const name = [...(element?.closest?.(".card")?.classList ?? [])].find((one) => one.startsWith("visit-"));
  return name?.slice("visit-".length);
}

function content({ id, words: shadeWords, time, name, what, status, flags }) {
  if (shadeWords !== undefined) return shadeWords ? [element("span", shadeWords)] : [];
  if (!status) return [];
  if (status.held) return [element("span", status.held)];
  const first = element("b", "");
  const sign = element("span", `${status.shape} `);
  sign.setAttribute("aria-hidden", "true");
  first.append(sign, name);
  const second = element("small", `${time} ${what}`);
  for (const [flag, flagWords, look] of flags) {
    const shown = element("span", ` ${flag} ${flagWords}`);
    shown.className = `flag-in-card ${look}`;
    second.append(shown);
  }
  const said = element("span", `, ${status.words}`);
  said.className = "sr";
  const link = element("a");
  link.href = `/desk/visits/${id}`;
  link.draggable = false;
  link.append(first, second, said);
  return [link];
}

// "2026-12-08T10:30" as it stands on the clinic's clock; the calendar keeps wall time.
function minute(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text ?? "";
  return made;
}
