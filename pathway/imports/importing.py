"""A whole file in, or nothing of it.

One transaction holds everything. A row that is refused is undone on its own and the next is
tried, so that one run names every row at fault; then all of it is rolled back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from pathway import audit, errors
from pathway.engine.tables import mapping as mappings
from pathway.engine.tables import results, visits
from pathway.engine.tables.mapping import Clinic, Known, Results, Visits
from pathway.engine.tables.reading import MAX_ROWS, Table, TableError
from pathway.imports import results as result_rows
from pathway.imports import visits as visit_rows
from pathway.imports.run import Outcome, Run
from pathway.models import PathwayVersion, RuleSetVersion, Site, VersionStatus
from pathway.models.people import known_country
from pathway.selectors import definitions
from pathway.services import definitions as definition_rows

MAX_BYTES = 5_000_000

Progress = Callable[[int], None]


def import_file(
    path: Path,
    mapping_path: Path,
    *,
    at: datetime,
    site: str = "",
    dry_run: bool = False,
    large: bool = False,
    progress: Progress = lambda bytes_read: None,
) -> Outcome:
    """Play the file. What came of it says `refusals`; where there are any, nothing was stored.

    `site` takes the place of the mapping's site; `large` lifts the limits of size and rows;
    `progress` hears how many bytes have been read. Raises TableError, ContentError, Refused or
    OSError for what is wrong with the files as a whole; nothing is stored then.
    """
    mapping = mappings.read(mapping_path, _known())
    _check_size(path, large=large)
    with transaction.atomic(), path.open("rb") as stream:
        max_rows = sys.maxsize if large else MAX_ROWS
        table = Table(stream, file=path.name, delimiter=mapping.delimiter, max_rows=max_rows)
        problems = mappings.problems_of_header(mapping, table.header)
        if problems:
            raise TableError(path.name, 1, "; ".join(problems))
        run = _begin(mapping, site, at, dry_run, lambda: progress(table.bytes_read))
        run.outcome.left_out = {name: why for name, why in mapping.left_out.items() if name in table.header}
        _play(run, mapping, table)
        run.outcome.refusals.sort(key=lambda one: one.line)
        run.outcome.rows = table.rows_read
        if not run.outcome.is_stored:
            transaction.set_rollback(True)
        elif run.outcome.stored or run.outcome.started or run.outcome.enrolled:
            _note(run, path)
    return run.outcome


def _known() -> Known:
    published = VersionStatus.PUBLISHED
    return Known(
        vocabulary=definitions.vocabulary(),
        pathways=set(PathwayVersion.objects.filter(status=published).values_list("pathway__code", flat=True)),
        rule_sets=set(RuleSetVersion.objects.filter(status=published).values_list("rule_set__code", flat=True)),
    )


def _check_size(path: Path, *, large: bool) -> None:
    size = path.stat().st_size
    if size > MAX_BYTES and not large:
        raise TableError(path.name, 0, f"has {size} bytes, more than {MAX_BYTES}: say --large if that is meant")


def _begin(mapping: Visits | Results, site: str, at: datetime, dry_run: bool, told: Callable[[], None]) -> Run:
    with connection.cursor() as cursor:  # two imports of one source wait for one another
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [mapping.code])
    where = _site(mapping.site, site or mapping.site.slug, makes=isinstance(mapping, Visits))
    outcome = Outcome(mapping.title, where.slug, dry_run, {})
    return Run(mapping.code, where, definitions.vocabulary(), at, outcome, told)


def _site(clinic: Clinic, slug: str, *, makes: bool) -> Site:
    if not slug:
        raise errors.NotFound("not-found", "Which site? Give --site, or site.slug in the mapping", "site")
    found = Site.objects.filter(slug=slug).first()
    if found is not None:
        return found
    if not makes or not clinic.name:
        raise errors.NotFound("not-found", f"There is no site {slug!r}, and the mapping says none to make", "site")
    try:
        ZoneInfo(clinic.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise errors.NotFound("not-found", f"There is no time zone {clinic.time_zone!r}", "site.time_zone") from error
    try:
        known_country(clinic.holiday_country)
    except ValidationError as error:
        raise errors.NotFound("not-found", " ".join(error.messages), "site.holiday_country") from error
    made = Site.objects.create(
        slug=slug,
        name=clinic.name,
        time_zone=clinic.time_zone,
        holiday_country=clinic.holiday_country,
        region=clinic.region,
    )
    definition_rows.follow_rule_sets(made, active=clinic.rule_sets)
    audit.record("site.made", by=None, subject=made, after={"slug": slug, "rule_sets": list(clinic.rule_sets)})
    return made


def _play(run: Run, mapping: Visits | Results, table: Table) -> None:
    catalogue = run.vocabulary.catalogue
    if isinstance(mapping, Visits):
        for story in visits.stories(table.rows(), mapping, catalogue, run.refuse):
            visit_rows.play(run, story)
    else:
        result_rows.play(run, results.results(table.rows(), mapping, catalogue, run.refuse))


def _note(run: Run, path: Path) -> None:
    told = {"file": path.name, "source": run.source, "observations": run.outcome.stored, "rows": run.outcome.rows}
    audit.record("import.finished", by=None, subject=run.site, after=told)
