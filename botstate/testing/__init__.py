"""What a project that uses botstate may test with. Needs pytest."""

import pytest

# Before they are imported, so that a failed assertion in them says what it compared.
pytest.register_assert_rewrite("botstate.testing.conformance")

from botstate.testing.conformance import KeyedConformance, StoreConformance  # noqa: E402

__all__ = ["KeyedConformance", "StoreConformance"]
