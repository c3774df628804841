"""The suite as the documents say to run it, in real time."""

import pytest

from tests.test_docs import examples

pytestmark = [pytest.mark.once, pytest.mark.long]

(_CODE,) = (block for block in examples("stores.md") if "StoreConformance" in block)
exec(compile(_CODE, "stores.md", "exec"), globals())
