"""An entry of the store that cannot be read is absent, and the store is used on."""

import logging
from collections.abc import Callable

import pytest

from botstate.caches import MirroredCache
from tests.caches.faults import Faulty, Shelf

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("switched_on")]


@pytest.fixture
def cache(make_cache: Callable[..., MirroredCache], shelf: Shelf) -> MirroredCache:
    shelf.rows["bad"] = ("secret", None)
    shelf.rows["good"] = ("1", None)
    return make_cache()


def test_it_is_absent_and_no_outage(cache: MirroredCache, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "botstate.caches"):
        assert cache.lookup("bad", "default") == "default"
        assert cache.lookup_entry("bad") is None
        assert cache.lookup("good") == 1, "the store is asked"
    assert cache.status().failures == {"ValueUnreadable": 2}
    (record,) = caplog.records
    assert "ValueUnreadable" in record.getMessage() and "secret" not in record.getMessage()


@pytest.mark.parametrize("remove", ["consume", "delete"])
def test_it_is_removed_as_if_it_were_absent(cache: MirroredCache, faulty: Faulty, shelf: Shelf, remove: str) -> None:
    assert not getattr(cache, remove)("bad")
    assert list(shelf.rows) == ["good"]
    assert cache.lookup("good") == 1
    status = cache.status()
    assert (status.waiting, status.failures) == (0, {"ValueUnreadable": 1})
    assert faulty.calls == ["consume", "find"]


def test_what_memory_has_of_it_is_its_consumers(cache: MirroredCache, shelf: Shelf) -> None:
    cache.register("key", [1])
    shelf.rows["key"] = ("secret", None)
    assert cache.consume("key") == [1]
    assert cache.consume("key") is None


def test_it_is_written_anew(cache: MirroredCache, shelf: Shelf) -> None:
    assert cache.lookup("bad") is None
    cache.register("bad", 2)
    assert shelf.values()["bad"] == "2"
    cache.forget()
    assert cache.lookup("bad") == 2
