"""What a drawing of a published pathway shows."""

from __future__ import annotations

from pathway.engine import drawing
from pathway.selectors import definitions


def picture(pathway: str) -> drawing.Picture:
    """Of the newest published version, with the newest rules of every set. Raises NotFound."""
    version = definitions.version(definitions.published(pathway).pk)
    known = definitions.vocabulary()
    return drawing.plan(
        version.record,
        version.routes,
        definitions.newest_rule_sets(),
        known.activities,
        known.interventions.values(),
        known.proposals,
    )
