"""A report as one self-contained HTML file with embedded images."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from restorae.files import write_text

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line); }
td { font-variant-numeric: tabular-nums; } img { max-width: 100%; height: auto; background: white; border-radius: 4px; }
"""


def write_report(
    path: Path,
    title: str,
    introduction: str,
    tables: Mapping[str, Sequence[tuple[str, str]]],
    images: Mapping[str, Path],
) -> None:
    """Write the report atomically.

    Args:
        path: the file to write.
        title: its heading.
        introduction: a paragraph below the heading.
        tables: for each heading its lines, name and value.
        images: for each heading a PNG file to embed.
    """
    body = [f"<h1>{html.escape(title)}</h1>", f"<p>{html.escape(introduction)}</p>"]
    for heading, image in images.items():
        inside = base64.b64encode(image.read_bytes()).decode()
        body.append(
            f'<h2>{html.escape(heading)}</h2>\n<img alt="{html.escape(heading)}" src="data:image/png;base64,{inside}">'
        )
    for heading, lines in tables.items():
        rows = "\n".join(
            f"<tr><th scope=row>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
            for name, value in lines
        )
        body.append(f"<h2>{html.escape(heading)}</h2>\n<table>\n{rows}\n</table>")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    content = "\n".join(body)
    write_text(
        path,
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n{content}\n</body></html>\n',
    )
