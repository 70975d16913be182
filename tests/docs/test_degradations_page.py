"""The page of degradations: it lists every kind, its settings and its defaults as the code has them."""

import re
from pathlib import Path

import pytest

from restorae.degradations import Chain, Degradation
from restorae.parts import kinds
from restorae.specs import to_text

PAGE = Path(__file__).parents[2] / "docs" / "degradations.md"
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.M | re.S))
KINDS = {each.kind: each for each in kinds(Degradation) if each is not Chain}


def test_every_kind_has_a_section():
    assert set(SECTIONS) - {"chains"} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_settings_and_defaults_are_those_of_the_code(kind: str):
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", SECTIONS[kind], re.M)
    fields = KINDS[kind].model_fields
    assert [name for name, _ in rows] == list(fields)
    assert {name: default.strip("`") for name, default in rows} == {
        name: to_text(field.default).strip('"') for name, field in fields.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_below_the_figure_is_of_that_kind(kind: str):
    text = re.search(r"^`(.+)`$", SECTIONS[kind], re.M)
    assert text, "each section shows how it is written"
    assert Degradation.of(text[1]).kind == kind
