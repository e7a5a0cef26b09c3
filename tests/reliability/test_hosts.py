import pytest

from perfkit.config.load_settings import PlannedRequest
from perfkit.errors import UsageError
from perfkit.reliability.hosts import check_address, joined, resolve


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.31.0.1", "192.168.7.7", "fd00::1"]
)
def test_this_machine_and_private_networks_need_no_word(address: str) -> None:
    check_address("http://shop/", owned=False, resolve=lambda _: [address])


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "198.51.100.7", "2001:db8::1"])
def test_others_are_refused_unless_they_are_yours(address: str) -> None:
    with pytest.raises(UsageError, match="say so with --i-own-this-host"):
        check_address("http://shop/", owned=False, resolve=lambda _: [address])
    check_address("http://shop/", owned=True, resolve=lambda _: [address])


def test_every_address_of_a_name_has_to_be_private() -> None:
    with pytest.raises(UsageError, match=r"8\.8\.8\.8 is neither"):
        check_address("http://shop/", owned=False, resolve=lambda _: ["127.0.0.1", "8.8.8.8"])


def test_a_name_is_looked_up() -> None:
    assert "127.0.0.1" in resolve("127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "http://127.0.0.1\\@198.51.100.7/",
        "http://127.0.0.1/a b",
        "ftp://127.0.0.1/",
        "http://",
    ],
)
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(UsageError, match="wanted an address such as"):
        check_address(url, owned=True, resolve=lambda _: ["127.0.0.1"])


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", "http://127.0.0.1:8000/shop/"),
        ("/orders?page=2", "http://127.0.0.1:8000/orders?page=2"),
        ("orders", "http://127.0.0.1:8000/shop/orders"),
        ("../../..", "http://127.0.0.1:8000/"),
        ("?page=2", "http://127.0.0.1:8000/shop/?page=2"),
    ],
)
def test_a_path_stays_on_its_host(path: str, url: str) -> None:
    assert joined("http://127.0.0.1:8000/shop/", path) == url


@pytest.mark.parametrize(
    "path",
    [
        "http://198.51.100.7/",
        "//198.51.100.7/",
        "https://127.0.0.1:8000/",
        "http://127.0.0.1:1/",
        "/a\nb",
        "HTTP://198.51.100.7",
        "http://[::1",
    ],
)
def test_a_path_to_another_host_is_refused(path: str) -> None:
    with pytest.raises((UsageError, ValueError)):
        PlannedRequest(path=path)
    with pytest.raises(UsageError):
        joined("http://127.0.0.1:8000/", path)
