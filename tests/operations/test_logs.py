"""Lines for programs and lines for eyes: neither holds what belongs to a patient."""

import errno
import logging

import pytest
import structlog

from scheduler.serving import logs


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_log_says_what_an_exception_quotes_or_what_its_variables_were(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(number: str) -> None:
        raise LookupError(f"nobody has {number}")

    logs.configure(log_format)
    try:
        fail("+16135550142")
    except LookupError:
        structlog.get_logger("clinic").exception("it broke off", attempt="a1")
        logging.getLogger("library").exception("it failed")
    finally:
        logs.configure("json")
    written = capsys.readouterr().err
    assert "16135550142" not in written
    assert written.count("builtins.LookupError") == 2
    assert written.count(" fail\n") + written.count(' fail"') == 2
    assert "a1" in written


class FullDisk(Exception):
    sqlstate = "53100"


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize(
    "error, code", [(FullDisk(), "53100"), (OSError(errno.ENOSPC, "No space left", "/a/file"), "ENOSPC")]
)
def test_a_full_disk_is_named(log_format: str, error: Exception, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(log_format)
    try:
        structlog.get_logger("clinic").error("it broke off", exc_info=error)
    finally:
        logs.configure("json")
    written = capsys.readouterr().err
    assert code in written and "/a/file" not in written
