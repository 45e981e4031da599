"""A body sent in chunks, as servers hand it over that end the stream themselves (gunicorn): whole, or 413."""

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LIMIT = 1_000_000
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=XX"
FILE = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n%s\r\n--XX--\r\n'


def in_chunks(body: bytes, content_type: str) -> dict[str, Any]:
    return {"wsgi.input_terminated": True, "wsgi.input": io.BytesIO(body), "CONTENT_TYPE": content_type}


@pytest.mark.parametrize("path", ["/book", "/me/sign-in", "/desk/sign-in"])
@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT])
def test_a_form_that_is_too_large_is_not_cut_short(client: FlaskClient, path: str, size: int) -> None:
    answer = client.post(path, environ_overrides=in_chunks(b"a=".ljust(size, b"x"), FORM))
    assert (answer.status_code, answer.mimetype) == (413, "text/html")


@pytest.mark.parametrize("size", [0, 5, LIMIT - 1, LIMIT])
def test_what_is_allowed_arrives_whole(app: Flask, size: int) -> None:
    sent = in_chunks(b"x" * size, "text/plain")
    with app.test_request_context("/book", method="POST", environ_overrides=sent) as context:
        assert context.request.get_data() == b"x" * size


def test_a_file_in_a_body_of_just_the_size_allowed_arrives_whole(app: Flask) -> None:
    size = LIMIT - len(FILE) + len("%s")
    sent = in_chunks(FILE % (b"x" * size), PARTS)
    with app.test_request_context("/book", method="POST", environ_overrides=sent) as context:
        with context.request.files["file"].stream as file:
            assert len(file.read()) == size
