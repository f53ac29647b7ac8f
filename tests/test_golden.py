"""The contract of the API: every documented address answers as it did, over a package that never changes."""

from __future__ import annotations

import json
from typing import Any

import golden
import pytest

KEPT = json.loads(golden.ANSWERS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a real server answers now."""
    return golden.answers(tmp_path_factory.mktemp("golden"))


def test_every_documented_address_has_its_answer_kept() -> None:
    """A new query, table or form needs an answer of its own: PYTHONPATH=. python tests/golden.py."""
    assert list(KEPT) == golden.addresses()


@pytest.mark.parametrize("address", KEPT)
def test_an_address_answers_as_it_did(told: dict[str, Any], address: str) -> None:
    """Status, type, rows and refusals are those that were kept."""
    assert KEPT[address] == told[address]
