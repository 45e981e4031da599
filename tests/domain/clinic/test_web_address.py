import pytest

from scheduler.domain.clinic.web_address import BadAddress, origin_of, read_host, read_origin


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://book.example.ca", "https://book.example.ca"),
        ("https://book.example.ca/", "https://book.example.ca"),
        ("HTTPS://Book.Example.CA", "https://book.example.ca"),
        ("https://book.example.ca:443", "https://book.example.ca"),
        ("http://book.example.ca:80", "http://book.example.ca"),
        ("https://book.example.ca:8443", "https://book.example.ca:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[2001:DB8:0::1]", "http://[2001:db8::1]"),
        ("http://192.0.2.7:8000", "http://192.0.2.7:8000"),
        ("http://localhost", "http://localhost"),
        ("https://clinique-épaule.ca", "https://xn--clinique-paule-jkb.ca"),
        ("https://book.example.ca.", "https://book.example.ca"),
    ],
)
def test_an_address_is_kept_as_a_browser_sends_it(typed: str, origin: str) -> None:
    assert read_origin(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            "book.example.ca",
            "ftp://book.example.ca",
            "https://",
            "https:///book",
            "//book.example.ca",
            "https:book.ca",
        ),
        *("http://[::1", "http://::1]", "http://[::1]x", "http://[::g]", "http://::1:8000", "http://[example.ca]"),
        *("https://book.example.ca:99999", "https://book.example.ca:0", "https://book.example.ca:", "https://b.ca:8o"),
        *("https://u:p@book.example.ca", "https://u@book.example.ca", "https://@book.example.ca", "https://:@b.ca"),
        *(
            "https://book example.ca",
            "https://book.example.ca ",
            "https://book.\texample.ca",
            "https://book.exam\nple.ca",
        ),
        *(
            "https://book.example.ca#x",
            "https://book.example.ca#",
            "https://book.example.ca?x",
            "https://book.example.ca?",
        ),
        *("https://book.example.ca/x", "https://book.example.ca\\x", "https://-a.ca", "https://a..ca", "https://1.2.3"),
        *("https://[v1.a]", "https://[1.2.3.4]", "http://[::1%eth0]", "http://[fe80::1%25eth0]", "http://[::1]]"),
        *("https://1.2.3.256", f"https://{'a' * 64}.ca", "https://*.example.ca", "https://\u200bexample.ca"),
    ],
)
def test_anything_else_is_refused_without_repeating_a_password(typed: str) -> None:
    with pytest.raises(BadAddress) as refused:
        read_origin(typed)
    assert "\n" not in str(refused.value) and "p@" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        (".".join("0000"), "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("2001:db8::7", "http://[2001:db8::7]:8000"),
        ("clinic.local", "http://clinic.local:8000"),
    ],
)
def test_what_listens_everywhere_is_found_on_this_machine(host: str, origin: str) -> None:
    assert origin_of(host, 8000) == origin


def test_a_host_may_come_in_brackets() -> None:
    assert read_host("[::1]") == read_host("::1") == "[::1]"


@pytest.mark.parametrize("typed", ["[::", "::]", "[::1]]", "[[::1]]", "[127.0.0.1]", "[example.ca]", "::1%eth0", "[]"])
def test_a_bracket_alone_or_around_something_else_is_refused(typed: str) -> None:
    with pytest.raises(BadAddress):
        read_host(typed)
