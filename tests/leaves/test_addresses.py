"""Addresses: what is compared is a digest over framed parts, what people read is a label."""

import unicodedata
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botstate.contracts.addresses import MAX_KEY_CHARACTERS, Address, check_text, digest_of, readable

pytestmark = pytest.mark.once

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
parts = st.lists(texts, max_size=4)


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(parts, parts)
def test_digests_are_equal_only_for_equal_parts(one: list[str], other: list[str]) -> None:
    assert (digest_of(*one) == digest_of(*other)) is (one == other)


@settings(derandomize=True, database=None, deadline=None)
@given(texts, st.data())
def test_parts_are_framed(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    split = (text[:cut], text[cut:])
    whole = [(text,), (text, ""), ("", text), ("", text, ""), split, (*split, ""), tuple(text)]
    distinct = list(dict.fromkeys(whole))
    assert len({digest_of(*each) for each in distinct}) == len(distinct), "where one part ends is a part of the digest"


def test_lengths_cannot_be_forged_by_what_a_part_holds() -> None:
    frame = (1).to_bytes(8, "big").decode()
    assert digest_of("a", "b") != digest_of("a" + frame + "b")
    assert digest_of("", "") != digest_of("\x00" * 8)


def test_nothing_that_a_server_ignores_is_ignored() -> None:
    keys = ["a", "A", "a ", " a", "a\x00", "\x00a", "é", "e\u0301", "ß", "ss", "a\u200b", "ａ", "ﬁ", "fi", "\ufeffa"]
    assert unicodedata.normalize("NFC", keys[7]) == keys[6], "two of them differ only before normalisation"
    digests = {key: Address.of("", "kv", key).digest for key in keys}
    for one, other in combinations(keys, 2):
        assert digests[one] != digests[other], f"{one!a} is not {other!a}"


def test_namespace_facet_and_key_are_apart() -> None:
    addresses = [
        ("", "kv", "x"),
        ("", "lock", "x"),
        ("kv", "kv", "x"),
        ("", "kv", "lock:x"),
        ("", "kv", "kvx"),
        ("k", "v", "x"),
    ]
    assert len({Address.of(*each).digest for each in addresses}) == len(addresses)


def test_a_digest_has_128_bits_and_never_changes() -> None:
    # Stored in databases: another digest would lose every key.
    assert str(digest_of("", "kv", "x")) == "b9ae7b35-85c5-dc27-1517-7ec27fa725de"
    assert Address.of("", "kv", "x").digest == digest_of("", "kv", "x").hex


def test_the_address_carries_its_parts() -> None:
    address = Address.of("bot", "list", "a\x00")
    assert (address.namespace, address.facet, address.key, address.label) == ("bot", "list", "a\x00", r"a\x00")


@settings(derandomize=True, database=None, deadline=None)
@given(texts, texts)
def test_labels_are_printable_ascii_and_tell_keys_apart(one: str, other: str) -> None:
    label = readable(one)
    assert label.isascii()
    assert label.isprintable()
    assert label.encode().decode("unicode_escape") == one, "a label can be read back"
    assert (label == readable(other)) is (one == other)


@pytest.mark.parametrize("good", ["k", "\x00", " ", "k" * MAX_KEY_CHARACTERS, "\U0001f600" * MAX_KEY_CHARACTERS])
def test_good_keys(good: str) -> None:
    assert Address.of("", "kv", good).key == good


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("", "a key must have 1 to 1024 characters, not 0"),
        ("k" * 1025, "a key must have 1 to 1024 characters, not 1025"),
        (None, "a key must be a str of 1 to 1024 characters, not NoneType"),
        (b"k", "a key must be a str of 1 to 1024 characters, not bytes"),
        (1, "a key must be a str of 1 to 1024 characters, not int"),
        ("ab\ud800", "a key must be text that UTF-8 can encode: lone surrogate at 2"),
        ("\ud83d\ude00", "a key must be text that UTF-8 can encode: lone surrogate at 0"),
    ],
)
def test_bad_keys_are_refused_by_their_bound(bad: Any, said: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Address.of("", "kv", bad)
    assert str(refusal.value) == said


def test_check_text_names_what_it_checks() -> None:
    check_text("four", "namespace", 4)
    with pytest.raises(ValueError, match=r"^namespace must have 1 to 4 characters, not 5$"):
        check_text("fiver", "namespace", 4)
