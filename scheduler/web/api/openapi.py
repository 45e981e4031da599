"""What OpenAPI is told of addresses beyond their bodies: parameters, security, problems."""

from typing import Any

from scheduler.gateways import phone_numbers
from scheduler.web.api.query_fields import LIST_UNLESS_ASKED, LONGEST_LIST
from scheduler.web.api.schemas import CHANGED_TO, patterns
from scheduler.web.api.schemas.field_types import LONGEST_ID

Parameter = dict[str, Any]

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
PUBLIC: list[dict[str, list[str]]] = []
EITHER: list[dict[str, list[str]]] = [{}, *BEARER]

PROBLEMS = {
    "400": "What was sent is no JSON.",
    "401": "A bearer token is needed.",
    "403": "The token's role may not do this.",
    "404": "There is no such thing.",
    "409": "Refused by a rule; the code says which.",
    "413": "Too much was sent.",
    "415": "Only application/json is understood.",
    "422": "A field cannot be right; errors says which.",
}


IDENTIFIER: dict[str, Any] = {"type": "string", "maxLength": LONGEST_ID, "pattern": patterns.ID}


def problems(*statuses: int) -> dict[str, Any]:
    return {
        str(status): {
            "description": PROBLEMS[str(status)],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def query(name: str, description: str, *, needed: bool = False, **shape: Any) -> Parameter:
    return {"in": "query", "name": name, "required": needed, "description": description, "schema": shape or IDENTIFIER}


def header(name: str, description: str, **shape: Any) -> Parameter:
    return {"in": "header", "name": name, "required": False, "description": description, "schema": shape}


TREATMENT = query("treatment", "A slug.", needed=True)
PRACTITIONER = query("practitioner", "A slug; none: anyone.")
PATIENT = query("patient", "An id: only what this patient may book. Needs a token.")
CURSOR = query("cursor", "The `next` of the page before.")
LIMIT = query("limit", "How many at most.", type="integer", minimum=1, maximum=LONGEST_LIST, default=LIST_UNLESS_ASKED)
IF_NONE_MATCH = header("If-None-Match", "The ETag of an earlier answer: 304 when nothing changed.", type="string")
IF_MATCH = header("If-Match", "The version that was read: version-conflict when it is another now.", type="string")

LISTED: dict[str, Any] = {"security": BEARER, "responses": problems(401, 404, 422)}
SLOTS: dict[str, Any] = {
    "security": EITHER,
    "parameters": [
        TREATMENT,
        query("from", "The first day.", needed=True, type="string", format="date"),
        query("to", "The last day, included.", needed=True, type="string", format="date"),
        PRACTITIONER,
        PATIENT,
        IF_NONE_MATCH,
    ],
    "responses": {"304": {"description": "Nothing changed."}, **problems(401, 404, 422)},
}
EARLIEST: dict[str, Any] = {
    "security": EITHER,
    "parameters": [
        TREATMENT,
        PRACTITIONER,
        PATIENT,
        query("from", "The first day; none: today.", type="string", format="date"),
        query("limit", "How many slots.", type="integer", minimum=1, maximum=50, default=3),
    ],
    "responses": problems(401, 404, 422),
}
PATIENTS = LISTED | {
    "parameters": [
        CURSOR,
        LIMIT,
        query("phone", "Those on this number, E.164.", type="string", pattern=phone_numbers.pattern()),
    ]
}
APPOINTMENTS = LISTED | {
    "parameters": [
        CURSOR,
        LIMIT,
        query("patient", "An id."),
        query("practitioner", "A slug."),
        query("status", "Only in this status.", type="string", enum=list(CHANGED_TO)),
        query(
            "from", "Not before this day; without `status` only those that take place.", type="string", format="date"
        ),
        query("to", "Not after this day; without `status` only those that take place.", type="string", format="date"),
    ]
}
MADE: dict[str, Any] = {
    "security": BEARER,
    "responses": problems(400, 401, 403, 404, 409, 413, 415, 422),
}
REGISTERED = MADE | {
    "responses": {
        **MADE["responses"],
        "200": {
            "description": "This patient was registered already.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PatientShown"}}},
        },
    }
}
READ: dict[str, Any] = {"security": BEARER, "responses": problems(401, 404)}
CHANGED: dict[str, Any] = {
    "security": BEARER,
    "responses": problems(400, 401, 403, 404, 409, 413, 415, 422),
}
APPOINTMENT_CHANGED = CHANGED | {"parameters": [IF_MATCH]}
