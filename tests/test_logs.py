"""Lines for programs and lines for eyes: neither holds what belongs to a patient."""

import logging

import pytest
import structlog

from scheduler import logs


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
