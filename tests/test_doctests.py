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
EXAMPLES_AT_LEAST = 100


def examples_of(name: str) -> list[doctest.DocTest]:
    return [
        found
        for found in doctest.DocTestFinder(exclude_empty=True).find(import_module(name))
        if found.examples
    ]


@pytest.mark.parametrize("name", [name for name in MODULES if examples_of(name)])
def test_the_examples_of_a_module_run(name):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    report: list[str] = []
    for found in examples_of(name):
        runner.run(found, out=report.append)
    assert not runner.failures, "".join(report)


def test_there_are_examples_to_run():
    count = sum(len(found.examples) for name in MODULES for found in examples_of(name))
    assert count >= EXAMPLES_AT_LEAST, (
        f"only {count} examples were found: are the docstrings still looked through?"
    )
