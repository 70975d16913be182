"""Constructors: at most two arguments by position, so that a call can be read without the class beside it."""

import ast
from pathlib import Path

import pytest

import restorae

SOURCES = Path(restorae.__file__).parent
MOST = 2
TUPLES = "NamedTuple"
"""Exempt: a named tuple is a tuple, whose order is its meaning; it is built and unpacked by position."""


def by_position(cls: ast.ClassDef, bases: list[ast.ClassDef]) -> list[str]:
    """Names of the arguments that the constructor of a class takes by position; `bases` as Python searches them."""
    for each in [cls, *bases]:
        for member in each.body:
            if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                arguments = [*member.args.posonlyargs, *member.args.args][1:]
                return [argument.arg for argument in arguments]
    return [name for each in reversed([cls, *bases]) for name in fields_by_position(each)]


def fields_by_position(cls: ast.ClassDef) -> list[str]:
    decorators = [ast.unparse(each) for each in cls.decorator_list]
    found = next((each for each in decorators if each.startswith("dataclass")), None)
    if found is None or "kw_only=True" in found:
        return []
    names = []
    for member in cls.body:
        if not isinstance(member, ast.AnnAssign) or not isinstance(member.target, ast.Name):
            continue
        kind, value = ast.unparse(member.annotation), member.value
        if kind.endswith("KW_ONLY"):
            break
        setting = ast.unparse(value) if value is not None else ""
        if "ClassVar" in kind or "kw_only=True" in setting or "init=False" in setting:
            continue
        names.append(member.target.id)
    return names


def too_long(sources: dict[str, str]) -> list[str]:
    """The classes of some files whose constructors take more than two arguments by position."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    classes = [
        (name, node)
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    by_name: dict[str, ast.ClassDef] = {node.name: node for _, node in classes}

    def bases(cls: ast.ClassDef) -> list[ast.ClassDef]:
        names = [ast.unparse(each).rpartition(".")[2] for each in cls.bases]
        above = [by_name[name] for name in names if name in by_name and name != cls.name]
        return [found for each in above for found in (each, *bases(each))]

    return [
        f"{name}:{node.lineno} {node.name}({', '.join(taken)})"
        for name, node in classes
        if TUPLES not in map(ast.unparse, node.bases)
        for taken in [by_position(node, bases(node))]
        if len(taken) > MOST
    ]


def test_no_class_takes_more_than_two_arguments_by_position():
    sources = {str(path.relative_to(SOURCES)): path.read_text() for path in SOURCES.rglob("*.py")}
    assert too_long(sources) == []


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("class A:\n def __init__(self, a, b, c): ...", "a, b, c"),
        ("class A:\n def __init__(self, a, b, *, c): ...", None),
        ("@dataclass(frozen=True)\nclass A:\n a: int\n b: int\n c: int = 0", "a, b, c"),
        ("@dataclass\nclass A:\n a: int\n b: int\n _: KW_ONLY\n c: int", None),
        ("@dataclass\nclass B:\n a: int\n b: int\n@dataclass\nclass A(B):\n c: int", "a, b, c"),
        ("class A(NamedTuple):\n a: int\n b: int\n c: int", None),
    ],
)
def test_arguments_by_position_are_counted(text, taken):
    assert too_long({"a": text}) == (
        [f"a:{text[: text.index('class A')].count(chr(10)) + 1} A({taken})"] if taken else []
    )
