// The desk's calendar page: the calendar, the panel beside it, and the keys. Every rule and every word is the server's.
import { startCalendar } from "./desk-calendar.js";
import { startKeys } from "./desk-keys.js";
import { startPanel } from "./desk-panel.js";

const calendar = startCalendar(document.querySelector("#calendar"));
startPanel(calendar);
startKeys(calendar);
