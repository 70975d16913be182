"""Every example in a docstring runs and gives what it says."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import restorae

MODULES = [
    module.name for module in pkgutil.walk_packages(restorae.__path__, "restorae.") if not module.name.endswith("__main__")
]  # fmt: skip
EXAMPLES_AT_LEAST = 25


def examples_of(name: str) -> list[doctest.DocTest]:
    return [
        found
        for found in doctest.DocTestFinder(exclude_empty=True).find(import_module(name))
        if found.examples
    ]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    runner, told = (
        doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False),
        [],
    )
    for found in examples_of(name):
        runner.run(found, out=told.append)
    assert not runner.failures, "".join(told)


def test_there_are_examples_to_run():
    count = sum(len(found.examples) for name in MODULES for found in examples_of(name))
    assert count >= EXAMPLES_AT_LEAST, (
        f"only {count} examples were found: are the docstrings still looked through?"
    )
