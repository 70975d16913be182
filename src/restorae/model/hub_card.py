"""A model's card in the form of the Hugging Face Hub: a YAML header for its search, and Markdown for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from restorae.model.card import Card
from restorae.model.hub_errors import import_hub

_LICENCES = {
    "apache-2.0",
    "mit",
    "cc0-1.0",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "bsd-3-clause",
    "gpl-3.0",
}
"""Licences that the hub's search knows; others are shown by their own name."""

_LEFT_OUT = {"count", "seconds", "mse", "rmse", "psnr_pooled", "importance_samples"}
"""Figures that others say already, or that are no scores."""


def hub_card(card: Card, repository: str, *, sha256: str) -> str:
    """The text of README.md for a repository `owner/name` that holds this model's file."""
    licence = card.licence.strip().lower().replace(" ", "-")
    known = licence in _LICENCES
    header = import_hub().ModelCardData(
        license=licence if known else "other",
        license_name=None if known else card.licence,
        library_name="restorae",
        pipeline_tag="image-to-image" if card.restores else "unconditional-image-generation",
        tags=_tags(card),
    )
    return f"---\n{header.to_yaml()}\n---\n\n{_body(card, repository, sha256)}"


def _tags(card: Card) -> list[str]:
    tags = ["restorae", str(card.network.get("kind", "")), str((card.undoes or {}).get("kind", ""))]
    if card.restores:
        tags.append("image-restoration")
    return [tag for tag in dict.fromkeys(tags) if tag]


def _body(card: Card, repository: str, sha256: str) -> str:
    facts = [
        ("Network", f"{card.network.get('kind', '')}, {card.parameters:,} parameters"),
        ("Trained on", card.data),
        ("Training", f"{card.steps:,} steps, {card.seconds:,.0f} s on {card.trained_on}"),
        ("Started from", card.started_from),
        ("Context", "the whole image" if card.halo is None else f"{card.halo} px on each side"),
        ("Licence", card.licence),
        ("Written by", f"restorae {card.made_with}, {card.created}"),
        ("SHA-256 of the file", f"`{sha256}`"),
    ]
    parts = [f"# {_plain(card.name)}", _plain(card.about), _use(card, repository)]
    parts.append(_table(("", ""), [(name, _plain(fact)) for name, fact in facts if fact]))
    scores = [*_scores(card.scores)]
    if scores:
        parts += ["## Scores", _table(("measured on", "figure", "value"), scores)]
    if card.error_bounds:
        bounds = "\n".join(f"- {_plain(bound)}" for bound in card.error_bounds.values())
        parts += ["## Error bounds", bounds]
    parts.append("The file holds weights and a card as JSON, and no code.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _use(card: Card, repository: str) -> str:
    call = "model.restore(image)" if card.restores else "model.sample(16)"
    return (
        "```python\nimport restorae\n\n"
        f'model = restorae.load("hf://{repository}")  # add @COMMIT to keep this version\n'
        f"result = {call}\n```"
    )


def _scores(scores: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each number, with what it was measured on."""
    for name, score in scores.items():
        if isinstance(score, Mapping):
            for figure, value in _figures(score):
                yield _plain(score.get("on", name)), _plain(figure), f"{value:.4g}"


def _figures(score: Mapping[str, Any], where: str = "") -> Iterator[tuple[str, float]]:
    for key, value in score.items():
        name = f"{where}{key.replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _figures(value, f"{name}: ")
        elif isinstance(value, int | float) and key not in _LEFT_OUT:
            yield name, value


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: object) -> str:
    """Text of a card that stays text in Markdown and in a table."""
    text = " ".join(str(value).split())
    return text.replace("<", "&lt;").replace("|", "\\|")
