"""Content becomes rows, each rule set and pathway published as a new version when it says something new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pathway.engine import definitions as engine
from pathway.engine import records
from pathway.engine.content import Content
from pathway.engine.measures import REGISTRY
from pathway.models import (
    Activity,
    InterventionKind,
    Ladder,
    MeasureKind,
    ObservationKind,
    Pathway,
    PathwayVersion,
    Release,
    Route,
    Rule,
    RuleSet,
    RuleSetUse,
    RuleSetVersion,
    Rung,
    Site,
    SiteRuleSet,
    Stage,
    StageActivity,
    Track,
    VersionStatus,
)

SHIPPED, LOCAL = "shipped", "local"


@dataclass(slots=True)
class Loaded:
    """What a load did, for people: `als-limb v2 published`."""

    lines: list[str] = field(default_factory=list)


def load(content: Content, *, at: datetime) -> Loaded:
    """Store what is new. Running it again changes nothing; a local version is never overwritten."""
    loaded = Loaded()
    _load_vocabulary(content, at, loaded)
    for rule_set in content.rule_sets.values():
        _load_rule_set(rule_set, at, loaded)
    for pathway in content.pathways.values():
        _load_pathway(pathway, at, loaded)
    return loaded


def follow_rule_sets(site: Site, *, active: Iterable[str], shadow: Iterable[str] = ()) -> None:
    """Point a site at the newest published version of these rule sets, and at no others."""
    wanted = {**dict.fromkeys(shadow, RuleSetUse.SHADOW), **dict.fromkeys(active, RuleSetUse.ACTIVE)}
    SiteRuleSet.objects.filter(site=site).delete()
    for code, use in wanted.items():
        version = RuleSetVersion.objects.filter(rule_set__code=code, status=VersionStatus.PUBLISHED)
        SiteRuleSet.objects.create(site=site, version=version.order_by("-number")[0], use=use)


# vocabulary


def _load_vocabulary(content: Content, at: datetime, loaded: Loaded) -> None:
    record = records.to_plain(content.vocabulary)
    digest = records.digest(record)
    newest = Release.objects.order_by("-pk").first()
    if newest is not None and newest.digest == digest:
        return
    Release.objects.create(digest=digest, record=record, loaded_at=at)
    _load_ladders(content)
    _upsert(
        ObservationKind,
        (
            ObservationKind(
                code=kind.code,
                title=kind.title,
                type=kind.type,
                unit=kind.unit,
                decimals=kind.decimals,
                terminology=", ".join(f"{k} {v}" for k, v in content.terminology.get(kind.code, {}).items())[:120],
            )
            for kind in content.catalogue.kinds.values()
        ),
    )
    _upsert(
        MeasureKind,
        (
            MeasureKind(
                code=m.code,
                title=m.title,
                formula=m.formula,
                unit=m.unit,
                places=m.places,
                changes_daily=m.changes_daily,
            )
            for m in REGISTRY.values()
        ),
    )
    ladders = {ladder.code: ladder for ladder in Ladder.objects.all()}
    _upsert(
        Activity,
        (
            Activity(code=a.code, title=a.title, owner=a.owner, ladder=ladders[a.ladder], shift=a.shift)
            for a in content.activities.values()
        ),
    )
    _upsert(
        InterventionKind,
        (InterventionKind(code=i.code, title=i.title, is_drug=i.is_drug) for i in content.interventions.values()),
    )
    loaded.lines.append(f"vocabulary {digest[:12]} loaded")


def _load_ladders(content: Content) -> None:
    for code, rungs in content.ladders.items():
        ladder, _ = Ladder.objects.get_or_create(code=code, defaults={"title": code})
        for rung in rungs:
            Rung.objects.update_or_create(
                ladder=ladder, code=rung.code, defaults={"offset_days": rung.offset_days, "to": rung.to}
            )


def _upsert(model: Any, rows: Iterable[Any]) -> None:
    """Insert or update by code, in one statement."""
    fields = [f.name for f in model._meta.concrete_fields if not f.primary_key]
    model.objects.bulk_create(list(rows), update_conflicts=True, unique_fields=["code"], update_fields=fields)


# versions


def _load_rule_set(rule_set: engine.RuleSet, at: datetime, loaded: Loaded) -> None:
    owner, _ = RuleSet.objects.update_or_create(code=rule_set.code, defaults={"title": rule_set.title})
    version = _new_version(RuleSetVersion, {"rule_set": owner}, rule_set, source=rule_set.source)
    if version is None:
        return
    Rule.objects.bulk_create(
        Rule(
            version=version,
            code=rule.code,
            title=rule.title[:200],
            applies=rule.applies,
            test=rule.test,
            severity=rule.severity,
            mark=rule.mark[:120],
            citation=rule.citation,
            review_by=rule.review_by,
        )
        for rule in rule_set.rules
    )
    _finish(version, at, loaded)


def _load_pathway(pathway: engine.Pathway, at: datetime, loaded: Loaded) -> None:
    owner, _ = Pathway.objects.update_or_create(code=pathway.code, defaults={"title": pathway.title})
    version = _new_version(PathwayVersion, {"pathway": owner}, pathway)
    if version is not None:
        _store_graph(version, pathway)
        _finish(version, at, loaded)


def _new_version(model: Any, owner: dict[str, Any], record: Any, **more: Any) -> Any:
    """A draft for a record that says something new, else None."""
    plain = records.to_plain(record)
    digest = records.digest({key: value for key, value in plain.items() if key != "version"})
    existing = model.objects.filter(**owner).order_by("-number")
    if existing.filter(digest=digest, origin=SHIPPED).exists():
        return None
    newest = existing.first()
    version = model(
        **owner,
        **more,
        number=newest.number + 1 if newest else 1,
        record=plain,
        digest=digest,
        origin=SHIPPED,
        change_note="shipped with the software" if newest is None else "shipped update",
    )
    version.save()
    return version


def _finish(version: Any, at: datetime, loaded: Loaded) -> None:
    """Published once all below it is stored; a draft beside versions that people made themselves."""
    owner = "pathway" if isinstance(version, PathwayVersion) else "rule_set"
    mine = {owner: getattr(version, owner), "origin": LOCAL}
    if not type(version).objects.filter(**mine, number__lt=version.number).exists():
        version.submit()
        version.publish()
        version.published_at = at
        version.save()
    loaded.lines.append(f"{version} {version.get_status_display()}")


def _store_graph(version: PathwayVersion, pathway: engine.Pathway) -> None:
    """Tracks, stages, forward routes and schedule rows."""
    stages: dict[str, Stage] = {}
    tracks: dict[str, Track] = {}
    for position, track in enumerate(pathway.tracks):
        row = Track.objects.create(version=version, code=track.code, title=track.title, position=position)
        tracks[track.code] = row
        for stage in track.stages:
            stages[stage.code] = Stage(
                track=row,
                code=stage.code,
                title=stage.title,
                rank=stage.rank,
                is_initial=pathway.initial.get(track.code) == stage.code,
                is_terminal=stage.is_terminal,
            )
    Stage.objects.bulk_create(stages.values())
    Route.objects.bulk_create(
        Route(source=stages[source], target=stages[target]) for source, target in engine.routes_of(pathway)
    )
    StageActivity.objects.bulk_create(
        StageActivity(
            version=version,
            track=tracks[one.track],
            first_stage=stages[one.stages[0]],
            last_stage=stages[one.stages[-1]],
            activity_id=one.activity,
            position=position,
            mode=one.mode,
            when=one.when,
            first=str(one.first or ""),
            entry=str(one.entry or ""),
            every=str(one.every or ""),
        )
        for position, one in enumerate(pathway.rows)
    )
