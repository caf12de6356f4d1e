"""The kit for brokers: docs/extending/broker.md."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.bench", f"{__name__}.jax")
