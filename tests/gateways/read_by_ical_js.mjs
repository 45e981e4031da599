// Reads calendar files from stdin (a JSON list of their texts) and prints what ical.js, the reader inside Thunderbird
// and Nextcloud, makes of each: a JSON list of lists of events.
import ICAL from "ical.js";

let input = "";
for await (const part of process.stdin) input += part;

const read = (text) => {
    const calendar = new ICAL.Component(ICAL.parse(text));
    ICAL.TimezoneService.reset();
    for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
    return calendar.getAllSubcomponents("vevent").map((component) => {
        const event = new ICAL.Event(component, { strictExceptions: true });
        return {
            uid: event.uid,
            sequence: event.sequence,
            summary: event.summary,
            location: event.location,
            description: event.description,
            status: component.getFirstPropertyValue("status"),
            starts_local: event.startDate.toString(),
            starts_unix: event.startDate.toUnixTime(),
            ends_unix: event.endDate.toUnixTime(),
        };
    });
};

process.stdout.write(JSON.stringify(JSON.parse(input).map(read)));
