"""Names that models of other libraries have, and what to use of a `Model` instead."""

from __future__ import annotations

from restorae.errors import UnknownAttribute

_ELSEWHERE = {
    "predict": "model.restore(images) or model(images)",
    "forward": "model(images)",
    "fit": "restorae.train(..., start_from=model)",
    "summary": "print(model), or model.card",
    "eval": "nothing: a model is always in evaluation mode",
    "parameters": "model.module.parameters()",
    "state_dict": "model.module.state_dict()",
    "cuda": 'model.to("cuda")',
}
"""What models of other libraries have, and what to use here."""


def no_attribute(name: str) -> AttributeError:
    """The error for a name that a model does not have; for that of another library it says what to use."""
    if name in _ELSEWHERE:
        return UnknownAttribute(f"A model has no {name}. Use {_ELSEWHERE[name]}")
    return AttributeError(f"'Model' object has no attribute {name!r}")
