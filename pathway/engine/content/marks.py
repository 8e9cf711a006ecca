"""Marks: how sure a number or sentence is, each with its source in the evidence."""

from __future__ import annotations

import re
from collections.abc import Collection

from pathway.engine.content.fields import Fields

_MARK = re.compile(r"\[(S|M|D|V:[A-Z0-9-]+)\]", re.ASCII)


def mark(entry: Fields, sources: Collection[str]) -> str:
    """The text under `mark`. Raises ContentError unless it names a mark, and every one has a source."""
    text = entry.text("mark")
    found = _MARK.findall(text)
    if not found:
        raise entry.error("mark", f"names no mark (such as [D] or [V:RIS]): {text!r}")
    for one in found:
        if one.removeprefix("V:") not in sources:
            raise entry.error("mark", f"has no source in the evidence: [{one}]")
    return text
