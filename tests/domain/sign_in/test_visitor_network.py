import pytest

from scheduler.domain.sign_in.visitor_network import NO_ADDRESS, Network, address_in, networks_of


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:c000:207", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_what_one_visitor_can_change_is_not_counted(address: str, counted_as: str) -> None:
    assert networks_of(address)[0] == Network(counted_as)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("203.0.113.7:51234", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ('"203.0.113.7:443"', "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('"[2001:db8::1]:51234"', "2001:db8::1"),
        ("[fe80::1%eth0]:80", "fe80::1"),
        ("[::ffff:203.0.113.7]:51234", "203.0.113.7"),
        ("[203.0.113.7]:80", "203.0.113.7"),
    ],
)
def test_the_port_and_the_brackets_that_a_proxy_writes_are_not_part_of_the_address(written: str, address: str) -> None:
    assert str(address_in(written)) == address
    assert networks_of(written) == networks_of(address)


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "unix:",
            "unknown",
            "_hidden",
            "192.0.2.007",
            "203.0.113.7:51234:1",
            "203.0.113.999:80",
            "[",
            "[]",
            "[x]:1",
        ),
        *("203.0.113.7, 203.0.113.8", "2001:db8::1::443", "x" * 9000, "٣.0.0.1"),
    ],
)
def test_what_is_no_address_counts_together(written: str) -> None:
    assert networks_of(written) == (Network(NO_ADDRESS),)


def test_an_ipv6_address_counts_for_the_wider_networks_too_and_more_generously() -> None:
    networks = networks_of("2001:db8:1:2ff::1")
    assert [network.name for network in networks] == ["2001:db8:1:2ff::/64", "2001:db8:1:200::/56", "2001:db8:1::/48"]
    assert [network.limit(20) for network in networks] == [20, 30, 40]
