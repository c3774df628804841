"""Ids equal the original's."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from botstate.actions import mint_id
from botstate.actions.controls import bind_controls
from botstate.actions.minting import mint_bound_id
from botstate.ui import Component, Node

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


def test_ids_are_the_same_in_a_process_with_another_hash_seed() -> None:
    code = "from botstate.actions import mint_id; print(mint_id('A', [0, 'onClick'], {'b': 1, 'a': {'d': 2, 'c': 3}}))"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    prelude = "import django; django.setup(); "
    made = {
        subprocess.run(
            [sys.executable, "-c", prelude + code],
            env={**environment, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert made == {mint_id("A", [0, "onClick"], {"a": {"c": 3, "d": 2}, "b": 1}) + "\n"}
