import pytest

from perfkit.errors import UsageError
from perfkit.reliability.hosts import check_address, resolve


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
