"""Which role decides about which track and closes whose tasks: on the page, and where the page was not asked."""

from __future__ import annotations

import pytest

from pathway import access
from pathway.models import CareTask, CareTeamMember, Membership, Proposal, Track
from pathway.vocabulary import Role
from tests.web.cast import Cast, signed_in


def become(cast: Cast, role: str) -> None:
    """The dietitian of the cast works in another role from now on."""
    Membership.objects.filter(user=cast.dietitian).update(role=role)
    CareTeamMember.objects.filter(user=cast.dietitian).update(role=role)


def waiting(cast: Cast, track: str) -> Proposal:
    return Proposal.objects.get(enrollment=cast.enrollment, status="open", track=track)


@pytest.mark.parametrize(
    ("role", "track", "decides"),
    [
        ("dietitian", "nutrition", True),
        ("dietitian", "respiratory", False),
        ("respiratory-physio", "respiratory", True),
        ("respiratory-physio", "nutrition", False),
        ("physiotherapist", "respiratory", False),
        ("gastroenterology", "nutrition", True),
        ("nurse-coordinator", "respiratory", True),
    ],
)
def test_a_proposal_is_accepted_by_those_whose_track_it_is(cast: Cast, role: str, track: str, decides: bool) -> None:
    become(cast, role)
    proposal = waiting(cast, track)
    client = signed_in(cast.dietitian)
    page = client.get(f"/patients/{cast.patient.uuid}/").content.decode()
    assert (f"/proposals/{proposal.pk}/accept/" in page) == decides
    answer = client.post(f"/proposals/{proposal.pk}/accept/", {"revision": proposal.revision})
    assert answer.status_code == (302 if decides else 403)
    proposal.refresh_from_db()
    assert proposal.status == ("accepted" if decides else "open")


def test_the_worklist_of_a_role_shows_the_decisions_of_its_tracks(cast: Cast) -> None:
    page = signed_in(cast.dietitian).get("/").content.decode()
    assert "Nutrition" in page and "Decisions" in page
    become(cast, "physiotherapist")
    for proposal in Proposal.objects.filter(enrollment=cast.enrollment, status="open"):
        assert proposal.track in ("nutrition", "respiratory", ""), "the physiotherapist would have one"
    shown = signed_in(cast.dietitian).get("/").content.decode()
    assert "Breathing" not in shown and "NIV consideration" not in shown


@pytest.mark.parametrize(("role", "closes"), [("dietitian", True), ("speech-therapist", False), ("neurologist", True)])
def test_a_task_is_closed_by_its_role_and_by_those_who_answer_for_all(cast: Cast, role: str, closes: bool) -> None:
    become(cast, role)
    task = CareTask.objects.live().filter(enrollment=cast.enrollment, owner="dietitian").first()
    assert task is not None
    client = signed_in(cast.dietitian)
    page = client.get(f"/patients/{cast.patient.uuid}/").content.decode()
    assert (f"/tasks/{task.pk}/complete/" in page) == closes
    assert f"/tasks/{task.pk}/snooze/" in page
    answer = client.post(f"/tasks/{task.pk}/skip/", {"reason": "declined", "revision": task.revision})
    assert (answer.status_code == 403) != closes
    task.refresh_from_db()
    assert task.status in (("skipped", "open") if closes else ("open", "in-progress"))


def test_whoever_was_given_a_task_closes_it(cast: Cast) -> None:
    become(cast, "speech-therapist")
    task = CareTask.objects.live().filter(enrollment=cast.enrollment, owner="dietitian").first()
    assert task is not None
    CareTask.objects.filter(pk=task.pk).update(assignee=cast.dietitian)
    assert signed_in(cast.dietitian).get(f"/tasks/{task.pk}/complete/").status_code == 200


def test_every_track_of_the_release_has_deciders_and_no_other_has(loaded: None) -> None:
    assert set(Track.objects.values_list("code", flat=True)) == set(access.DECIDERS)
    for role in (Role.ADMIN, Role.AUDITOR):
        assert not any(role in roles for roles in access.DECIDERS.values())
        assert not access.granted([role]) & access.CLINICAL
