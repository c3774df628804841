"""Ids equal the original's."""

import hashlib
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botstate.actions import mint_id
from botstate.actions.controls import bind_controls
from botstate.actions.minting import mint_bound_id
from botstate.ui import Component, Node
from tests.actions.cards import ids_of_a_card

pytestmark = pytest.mark.once

DATA = json.loads((Path(__file__).parent.parent / "data" / "mint_id_vectors.json").read_text())
#: A hole in a sparse array has no counterpart in Python, so no Python value can mint its id.
VECTORS = [vector for vector in DATA["vectors"] if "$hole" not in json.dumps(vector)]


def to_python(value: Any) -> Any:
    """Decode the vectors' tags; what JavaScript calls undefined is None."""
    if isinstance(value, list):
        return [to_python(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == "$obj":
        return {key: to_python(item) for key, item in content}
    return {"$float": float, "$int": int, "$undef": lambda _: None}[tag](content)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["note"])
def test_ids_equal_the_originals(vector: dict[str, Any]) -> None:
    assert mint_id(vector["component"], vector["path"], to_python(vector["props"])) == vector["id"]


def test_only_the_hole_is_left_out() -> None:
    assert len(DATA["vectors"]) - len(VECTORS) == 1


def from_ir(node: Any) -> Node:
    """Make a node of the original's intermediate representation."""
    props = {
        name: (lambda *_: None) if prop == "$handler" else prop
        for name, prop in node["props"].items()
        if name != "children"
    }
    if "children" in node["props"]:
        props["children"] = [from_ir(child) for child in node["props"]["children"]]
    return Node(node["type"], props)


def test_the_ids_of_a_tree_equal_the_originals() -> None:
    tree = DATA["trees"][0]
    component = Component(tree["component"], lambda **props: [from_ir(node) for node in tree["ir_before"]])
    bound = bind_controls(component(**tree["props"]))
    assert bound.nodes == tree["bound"]
    stored = [
        {
            "id": control.action_id,
            "path": list(control.path),
            "component": control.component,
            "props": json.loads(control.props_text),
            "value": json.loads(control.value_text),
        }
        for control in bound.controls
    ]
    assert stored == tree["stored"]


def test_another_binding_has_another_id() -> None:
    path = [0, "onClick"]
    ids = [mint_bound_id("A", path, {}, args) for args in ({"to": 1}, {"to": 2}, None, {}, [])]
    assert len({*ids, mint_id("A", path, {})}) == 6


def test_keys_that_are_no_text_are_what_javascript_makes_of_them() -> None:
    text = {"1": "a", "0.5": "b", "true": "c", "null": "d", "1e+21": "e", "10": "f"}
    assert mint_id("A", [0], {1: "a", 0.5: "b", "true": "c", None: "d", 1e21: "e", "10": "f"}) == mint_id(
        "A", [0], text
    )
    assert mint_id("A", [0], {True: 1}) == mint_id("A", [0], {"true": 1})


@pytest.mark.parametrize(("one", "other"), [(2**53, 2**53 + 1), (1, 1.0), (0.0, -0.0)])
def test_bindings_that_are_equal_in_javascript_have_ids_of_their_own(one: Any, other: Any) -> None:
    assert mint_bound_id("A", [0], {}, {"n": one}) != mint_bound_id("A", [0], {}, {"n": other})


def test_ids_are_the_same_in_a_process_with_another_hash_seed() -> None:
    code = "import django; django.setup(); from tests.actions.cards import ids_of_a_card; print(*ids_of_a_card())"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    made = {process.communicate()[0] for process in processes}
    assert made == {" ".join(ids_of_a_card()) + "\n"}
    assert len(set(ids_of_a_card())) == 6


def stable_stringify(value: Any) -> str:
    """Write JSON as JavaScript does, with sorted keys: the formula of the vectors, by other means than the code's."""
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{','.join(stable_stringify(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = sorted(
            (key.encode("utf-16-be"), f"{json.dumps(key, ensure_ascii=False)}:{stable_stringify(item)}")
            for key, item in value.items()
        )
        return f"{{{','.join(text for _, text in pairs)}}}"
    return js_number(float(value))


def js_number(number: float) -> str:
    if number == 0:
        return "0"
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    mantissa, _, exponent = repr(number).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PATHS = st.lists(st.integers(0, 60) | st.sampled_from(["children", "onClick"]), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.text(), PATHS, st.dictionaries(st.text(), VALUES, max_size=5))
def test_ids_equal_the_formula_for_any_props(component: str, path: list[Any], props: dict[str, Any]) -> None:
    text = f"{component}|{'.'.join(map(str, path))}|{stable_stringify(props)}"
    assert mint_id(component, path, props) == "ck:" + hashlib.sha1(text.encode()).hexdigest()[:16]


def test_the_formula_is_that_of_the_vectors() -> None:
    said = [vector for vector in VECTORS if "stable" in vector]
    # JavaScript's undefined and Infinity, and lone surrogates, are nothing that JSON props can hold.
    foreign = ("undefined", "Infinity", "surrogate")
    json_only = [vector for vector in said if not any(word in vector["note"] for word in foreign)]
    assert len(json_only) > 20
    for vector in json_only:
        assert stable_stringify(to_python(vector["props"])) == vector["stable"], vector["note"]
