"""What OpenAPI is told of addresses beyond their bodies: parameters, security, problems."""

from typing import Any

from scheduler.web.api.asked import LIST_UNLESS_ASKED, LONGEST_LIST, LONGEST_NAME
from scheduler.web.api.schemas import CHANGED_TO

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


def problems(*statuses: int) -> dict[str, Any]:
    return {
        str(status): {
            "description": PROBLEMS[str(status)],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def query(name: str, description: str, *, needed: bool = False, **shape: Any) -> Parameter:
    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME} | shape
    if schema["type"] != "string" or "format" in schema or "enum" in schema:
        schema.pop("minLength"), schema.pop("maxLength")
    return {"in": "query", "name": name, "required": needed, "description": description, "schema": schema}


def header(name: str, description: str, **shape: Any) -> Parameter:
    return {"in": "header", "name": name, "required": False, "description": description, "schema": shape}


TREATMENT = query("treatment", "A slug.", needed=True)
PRACTITIONER = query("practitioner", "A slug; none: anyone.")
PATIENT = query("patient", "An id: only what this patient may book. Needs a token.")
CURSOR = query("cursor", "The `next` of the page before.")
LIMIT = query("limit", "How many at most.", type="integer", minimum=1, maximum=LONGEST_LIST, default=LIST_UNLESS_ASKED)
IF_NONE_MATCH = header("If-None-Match", "The ETag of an earlier answer: 304 when nothing changed.", type="string")
IF_MATCH = header("If-Match", "The version that was read: version-conflict when it is another now.", type="string")
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "Repeated with the same key and body, a request that succeeded is answered the same and done once; "
    "with another body it is invalid. Remembered for a week. Refusals are not remembered.",
    type="string",
    minLength=1,
    maxLength=200,
    pattern="^[!-~]+$",
)

LISTED: dict[str, Any] = {"security": BEARER, "responses": problems(401, 422)}
SLOTS: dict[str, Any] = {
    "security": EITHER,
    "parameters": [
        TREATMENT,
        query("from", "The first day.", needed=True, format="date"),
        query("to", "The last day, included; 100 days at most.", needed=True, format="date"),
        PRACTITIONER,
        PATIENT,
        IF_NONE_MATCH,
    ],
    "responses": {"304": {"description": "Nothing changed."}, **problems(401, 422)},
}
EARLIEST: dict[str, Any] = {
    "security": EITHER,
    "parameters": [
        TREATMENT,
        PRACTITIONER,
        PATIENT,
        query("from", "The first day; none: today.", format="date"),
        query("limit", "How many slots.", type="integer", minimum=1, maximum=50, default=3),
    ],
    "responses": problems(401, 422),
}
PATIENTS = LISTED | {"parameters": [CURSOR, LIMIT, query("phone", "Those on this number.")]}
APPOINTMENTS = LISTED | {
    "parameters": [
        CURSOR,
        LIMIT,
        query("patient", "An id."),
        query("practitioner", "A slug."),
        query("status", "Only in this status.", enum=list(CHANGED_TO)),
        query("from", "Not before this day; without `status` only those that take place.", format="date"),
        query("to", "Not after this day; without `status` only those that take place.", format="date"),
    ]
}
MADE: dict[str, Any] = {
    "security": BEARER,
    "parameters": [IDEMPOTENCY_KEY],
    "responses": problems(400, 401, 403, 404, 409, 413, 415, 422),
}
READ: dict[str, Any] = {"security": BEARER, "responses": problems(401, 404)}
CHANGED: dict[str, Any] = {
    "security": BEARER,
    "responses": problems(400, 401, 403, 404, 409, 413, 415, 422),
}
APPOINTMENT_CHANGED = CHANGED | {"parameters": [IF_MATCH]}
