"""Stages move here and nowhere else: the open stay of a track is closed and the next one opened."""

from __future__ import annotations

from pathway import audit, errors
from pathway.models import Stay
from pathway.selectors.cases import Case
from pathway.vocabulary import CLOSED_STAGE, OVERALL_TRACK


def enter_initial(case: Case, stages: dict[str, str]) -> None:
    """Open the first stay of every track."""
    Stay.objects.bulk_create(
        Stay(
            enrollment=case.enrollment,
            track=track,
            stage_id=case.version.stage_ids[stage],
            entered_at=case.at,
            entered_on=case.today,
            how="enrollment",
            by=case.by,
        )
        for track, stage in stages.items()
    )
    case.changed("stays")


def follow(case: Case, track: str, stage: str, *, how: str, reason: str = "") -> None:
    """Move to another stage. Raises NotAllowed forward without a route, and backward without a reason.

    The caller holds the lock on the enrollment, so the open stay cannot change under it.
    """
    target = case.version.stage(track, stage)
    stay = case.stays.get(track)
    if stay is None:
        raise errors.NotAllowed("not-allowed", f"The track {track} is not part of this pathway", "track")
    if stay.stage.code == stage:
        raise errors.NotAllowed("not-allowed", f"The patient is in {stage} already", "stage")
    if target.rank > stay.stage.rank:
        _check_route(case, stay, stage)
    elif not reason.strip():
        raise errors.NotAllowed("not-allowed", "Moving back needs a reason", "reason")
    _swap(case, stay, stage, how=how, reason=reason)
    before, after = {"track": track, "stage": stay.stage.code}, {"track": track, "stage": stage}
    audit.record(
        "stage.changed",
        by=case.by,
        patient=case.patient,
        subject=case.enrollment,
        reason=reason,
        before=before,
        after=after,
    )


def close(case: Case, *, how: str, reason: str) -> None:
    """Withdrawal or another pathway: every track closes where it is, the overall one in O9."""
    for stay in case.stays.values():
        if stay.track == OVERALL_TRACK and how == "withdrawal":
            _swap(case, stay, CLOSED_STAGE, how=how, reason=reason)
        else:
            stay.left_at = case.at
            stay.save(update_fields=["left_at"])
    case.changed("stays")
    _tell(case, f"stages.closed-by-{how}", reason)


def close_by_death(case: Case) -> None:
    """Every stay closes; overall O9 stands open for as long as the death does."""
    for stay in case.stays.values():
        stay.left_at, stay.left_by_death = case.at, True
        stay.save(update_fields=["left_at", "left_by_death"])
    if OVERALL_TRACK in case.stays:
        Stay.objects.create(
            enrollment=case.enrollment,
            track=OVERALL_TRACK,
            stage_id=case.version.stage_ids[CLOSED_STAGE],
            entered_at=case.at,
            entered_on=case.today,
            how="death",
            by=case.by,
        )
    case.changed("stays")
    _tell(case, "stages.closed-by-death", "the patient has died")


def reopen_after_death(case: Case) -> None:
    """The death was recorded by mistake: the stays that it closed go on as if nothing had been."""
    Stay.objects.open().filter(enrollment=case.enrollment, how="death").update(annulled=True)
    Stay.objects.filter(enrollment=case.enrollment, left_by_death=True).update(left_at=None, left_by_death=False)
    case.changed("stays")
    _tell(case, "stages.reopened", "death reversed")


def _tell(case: Case, action: str, reason: str) -> None:
    audit.record(action, by=case.by, patient=case.patient, subject=case.enrollment, reason=reason)


def _check_route(case: Case, stay: Stay, stage: str) -> None:
    if (stay.stage.code, stage) not in case.version.routes:
        raise errors.NotAllowed("not-allowed", f"No route leads from {stay.stage.code} to {stage}", "stage")


def _swap(case: Case, stay: Stay, stage: str, *, how: str, reason: str) -> None:
    stay.left_at = case.at
    stay.save(update_fields=["left_at"])
    case.moved(
        Stay.objects.create(
            enrollment=case.enrollment,
            track=stay.track,
            stage=case.version.stage_rows[stage],
            entered_at=case.at,
            entered_on=case.today,
            how=how,
            reason=reason,
            by=case.by,
        )
    )
