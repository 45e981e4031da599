// The desk's calendar page: the calendar, the panel beside it, and the keys. Every rule and every word is the server's.
import { startCalendar } from "./calendar/calendar.js";
import { startKeys } from "./keys.js";
import { startPanel } from "./panel.js";

const calendar = startCalendar(document.querySelector("#calendar"));
startPanel(calendar);
startKeys(calendar);
