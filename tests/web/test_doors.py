"""Every address: who gets in, and that nobody else can tell a hidden patient from none."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from pathway.models import Alert, AuditEvent, CareTask, Observation, Proposal, Stay
from tests.web.cast import Cast, signed_in

MISSING = 987654321
KEYS = {
    "enrollments-move": "nutrition",
    "enrollments-teach": "edu-stay-active",
    "enrollments-void-teaching": "edu-stay-active",
}
# Nothing is running and nothing was taught yet: there is no dose to give, no review to set, nothing to take back.
NOTHING_YET = {"enrollments-give", "enrollments-review", "enrollments-void-teaching"}


def addresses(cast: Cast) -> dict[str, tuple[str, str]]:
    """By name: the address about this patient, and the same one about nobody."""
    pks = {
        "proposals": Proposal.objects.filter(enrollment=cast.enrollment).order_by("pk").first(),
        "tasks": CareTask.objects.filter(enrollment=cast.enrollment).order_by("pk").first(),
        "alerts": Alert.objects.filter(enrollment=cast.enrollment).order_by("pk").first(),
        "observations": Observation.objects.filter(patient=cast.patient).order_by("pk").first(),
        "enrollments": cast.enrollment,
    }
    found = {}
    for name, pattern in get_resolver("pathway.web.urls").reverse_dict.items():
        if not isinstance(name, str) or name.startswith("audit-"):  # for auditors, who see no patient
            continue
        names = pattern[0][0][1]
        if "uuid" in names:
            here, nowhere = {"uuid": cast.patient.uuid}, {"uuid": uuid4()}
        elif "pk" in names:
            row = pks[name.partition("-")[0]]
            assert row is not None, name
            here, nowhere = {"pk": row.pk}, {"pk": MISSING}
        else:
            continue
        more = {"code": "weight"} if "code" in names else {}
        more |= {"key": KEYS.get(name, "niv")} if "key" in names else {}
        found[name] = (reverse(name, kwargs={**here, **more}), reverse(name, kwargs={**nowhere, **more}))
    return found


def test_the_list_of_addresses_is_complete(cast: Cast) -> None:
    assert len(addresses(cast)) == 39


@pytest.mark.parametrize("who", ["colleague", "stranger", "removed", "inactive_member", "admin", "superuser"])
def test_outsiders_get_the_same_answer_for_hidden_and_missing(cast: Cast, who: str) -> None:
    client = signed_in(cast.outsiders[who])
    for name, (here, nowhere) in addresses(cast).items():
        for method in (client.get, client.post):
            hidden, missing = method(here), method(nowhere)
            # An address that answers only one method says so for every patient.
            assert hidden.status_code == missing.status_code, name
            assert hidden.status_code in (404, 405), name
            assert hidden.content == missing.content, name
            assert hidden.headers.items() == missing.headers.items(), name
    events = AuditEvent.objects.filter(actor=cast.outsiders[who])
    assert set(events.values_list("action", "patient", "patients")) == {("access.not-found", None, None)}


def test_an_unknown_address_looks_like_a_hidden_patient(cast: Cast) -> None:
    client = signed_in(cast.stranger)
    hidden = client.get(reverse("patient", args=[cast.patient.uuid]))
    assert client.get("/nothing/of/the/kind/").content == hidden.content


def test_one_who_is_not_signed_in_is_sent_to_the_sign_in(cast: Cast) -> None:
    for here, nowhere in addresses(cast).values():
        for address in (here, nowhere):
            answer = Client().get(address)
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith(reverse("login"))


def test_members_open_every_page(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    shown = {name: client.get(here).status_code for name, (here, _) in addresses(cast).items()}
    assert {name for name, status in shown.items() if status != 200} == NOTHING_YET


def test_no_page_is_kept_by_a_cache_or_loads_from_elsewhere(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    pages = [
        "/",
        "/patients/",
        "/inbox/",
        "/patients/register/",
        "/nothing/",
        "/content/coverage/",
        "/content/pathways/als-limb/",
        *[a for a, _ in addresses(cast).values()],
    ]
    for address in pages:
        answer = client.get(address)
        assert "no-store" in answer.headers["Cache-Control"], address
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], address
        text = answer.content.decode()
        assert "<style" not in text and " style=" not in text and "http://" not in text and "https://" not in text
        assert " onclick" not in text and "<script>" not in text


def test_no_title_or_address_tells_who_it_is(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    for here, _nowhere in addresses(cast).values():
        title = client.get(here).content.decode().partition("<title>")[2].partition("</title>")[0]
        assert cast.patient.family_name not in title and cast.patient.family_name not in here


def test_every_page_about_a_patient_shows_two_identifiers(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    for name, (here, _) in addresses(cast).items():
        if name in NOTHING_YET:
            continue
        text = client.get(here).content.decode()
        assert cast.patient.identifier in text and cast.patient.family_name in text and "1 Jan 1964" in text, name


def test_every_reading_goes_on_record_once(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    for name, (here, _) in addresses(cast).items():
        before = AuditEvent.objects.count()
        if client.get(here).status_code == 200:
            event = AuditEvent.objects.order_by("-pk").first()
            assert event is not None
            assert AuditEvent.objects.count() == before + 1, name
            assert (event.actor, event.patient) == (cast.coordinator, cast.patient)


@pytest.mark.parametrize(
    "name",
    ["enroll", "team", "observations-confirm"],
)
def test_what_only_the_coordinator_may_do_is_refused_to_others_and_changes_nothing(cast: Cast, name: str) -> None:
    client = signed_in(cast.member)
    here, _nowhere = addresses(cast)[name]
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    assert client.get(here).status_code == 403
    assert client.post(here, {"reason": "x", "pathway": "als-limb", "members": "1:neurologist"}).status_code == 403
    told = AuditEvent.objects.exclude(pk__in=before)
    assert list(told.values_list("action", "actor", "patient")) == [("access.refused", cast.member.pk, None)] * 2


def test_a_member_who_is_removed_loses_the_patient_at_once(cast: Cast) -> None:
    client = signed_in(cast.member)
    here = reverse("patient", args=[cast.patient.uuid])
    assert client.get(here).status_code == 200
    cast.patient.team.filter(user=cast.member).update(until=cast.enrollment.enrolled_at)
    assert client.get(here).status_code == 404
    assert cast.patient.family_name not in client.get("/").content.decode()


def test_administrators_and_superusers_see_no_patient_on_any_list(cast: Cast) -> None:
    for user in (cast.admin, cast.superuser):
        client = signed_in(user)
        for address in ("/", "/inbox/", "/patients/"):
            assert cast.patient.family_name not in client.get(address).content.decode()
        found = client.post("/patients/", {"text": cast.patient.family_name}).content.decode()
        assert cast.patient.identifier not in found
        assert client.get("/patients/register/").status_code == 403


def test_no_clinical_model_is_in_the_administration(cast: Cast) -> None:
    client = signed_in(cast.superuser)
    listed = client.get("/admin/").content.decode()
    for model in ("patient", "observation", "alert", "caretask", "proposal", "enrollment", "auditevent"):
        assert f"/admin/pathway/{model}/" not in listed
        assert client.get(f"/admin/pathway/{model}/").status_code == 404
    version = cast.enrollment.version
    page = f"/admin/pathway/pathwayversion/{version.pk}/change/"
    assert client.get(page).status_code == 200
    assert client.post(page, {"change_note": "mine"}).status_code == 403


def test_signing_in_and_out(cast: Cast) -> None:
    client = Client()
    wrong = client.post(reverse("login"), {"username": cast.member.username, "password": "wrong"})
    assert wrong.status_code == 200 and b"There is a problem" in wrong.content
    right = client.post(reverse("login"), {"username": cast.member.username, "password": "correct horse"})
    assert right.status_code == 302
    assert client.get("/").status_code == 200
    client.post(reverse("logout"))
    assert client.get("/").status_code == 302


def test_a_form_without_its_token_is_refused(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.member)
    proposal = Proposal.objects.filter(enrollment=cast.enrollment, status="open").first()
    assert proposal is not None
    stays = Stay.objects.count()
    answer = client.post(reverse("proposals-accept", args=[proposal.pk]), {"revision": proposal.revision})
    assert answer.status_code == 403
    proposal.refresh_from_db()
    assert proposal.status == "open" and Stay.objects.count() == stays
    assert "Nothing was stored" in answer.content.decode() and "Back to the worklist" in answer.content.decode()


def test_a_session_that_ran_out_leads_to_no_blank_page(cast: Cast) -> None:
    """What was a POST comes back from the sign-in as a GET."""
    lapsed = Client()
    assert lapsed.post(reverse("logout")).headers["Location"] == "/"
    assert lapsed.post(reverse("mark-read")).headers["Location"] == "/sign-in/?next=/inbox/read/"
    client = signed_in(cast.member)
    assert client.get(reverse("mark-read")).headers["Location"] == "/inbox/"
    assert client.get(reverse("logout")).headers["Location"] == "/"
    assert client.get("/").status_code == 200


def test_administrators_are_sent_to_what_they_may_open(cast: Cast) -> None:
    page = signed_in(cast.admin).get("/").content.decode()
    assert reverse("coverage") in page and "/admin/" not in page
    cast.admin.is_staff = True
    cast.admin.save()
    assert "/admin/" not in signed_in(cast.admin).get("/").content.decode()
    assert "/admin/" in signed_in(cast.superuser).get("/").content.decode()
