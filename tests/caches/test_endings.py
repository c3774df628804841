"""How claims ended that a store has yet to hear of."""

import pytest

from botstate.caches.endings import Endings

pytestmark = pytest.mark.once


def test_a_key_is_done_once_with_the_time_that_it_had() -> None:
    endings = Endings(10)
    endings.add("key", "a", commits=False, is_done=False, lasts_s=50)
    endings.add("key", "b", commits=True, is_done=True, lasts_s=100)
    endings.add("key", "c", commits=False, is_done=False, lasts_s=500)
    ending = endings.get("key")
    assert ending is not None
    assert ending.claims == (("a", False), ("b", True), ("c", False))
    assert ending.is_done
    assert 90 < ending.seconds_left() <= 100


def test_what_is_of_no_interest_any_more_is_neither_there_nor_lost() -> None:
    endings = Endings(2)
    for key in ("a", "b", "c"):
        endings.add(key, "token", commits=True, is_done=True, lasts_s=0.000_001)
    assert endings.get("c") is None
    assert endings.lost == 0
    for key in ("d", "e", "f"):
        endings.add(key, "token", commits=True, is_done=True, lasts_s=100)
    assert endings.lost == 1


def test_the_claims_of_a_key_are_bounded() -> None:
    endings = Endings(2)
    for number in range(20):
        endings.add("key", str(number), commits=False, is_done=False, lasts_s=100)
    ending = endings.get("key")
    assert ending is not None
    assert [token for token, _ in ending.claims] == [str(number) for number in range(12, 20)]
