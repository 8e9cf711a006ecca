"""A clinic that is no demo begins with two commands."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from pathway import office
from pathway.models import AuditEvent, Membership, Patient, Site, SiteRuleSet, User
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")

GIVEN = ["north", "North Hospital", "--time-zone=Europe/Berlin", "--region=EU"]


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def uses(site: Site) -> dict[str, str]:
    found = SiteRuleSet.objects.filter(site=site).values_list("version__rule_set__code", "use")
    return dict(found)


def test_a_site_opens_with_its_rule_sets() -> None:
    output = run("create_site", *GIVEN, "--rule-sets=core,nice-ng42", "--shadow=aan-2009")
    site = Site.objects.get(slug="north")
    assert (site.name, site.time_zone, site.region, site.is_demo) == ("North Hospital", "Europe/Berlin", "EU", False)
    assert uses(site) == {"core": "active", "nice-ng42": "active", "aan-2009": "shadow"}
    assert "north is open (Europe/Berlin, EU)" in output
    assert AuditEvent.objects.get(action="site.opened").subject == f"site:{site.pk}"


def test_a_site_follows_the_core_rules_unless_told_otherwise() -> None:
    run("create_site", *GIVEN)
    assert uses(Site.objects.get(slug="north")) == {"core": "active"}


def test_a_patient_can_be_enrolled_there() -> None:
    run("create_site", *GIVEN)
    enrollment = builders.enroll(builders.patient(Site.objects.get(slug="north")))
    assert enrollment.care_tasks.count() > 5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({2: "--time-zone=Europe/Berln"}, "time-zone: .*did you mean Europe/Berlin"),
        ({2: "--time-zone=+02:00"}, "time-zone: There is no time zone"),
        ({3: "--region=UK"}, "region: There is no region 'UK'; one of: EU, US"),
        ({0: "North Hospital"}, "slug: 'North Hospital' is no short name"),
        ({0: "n" * 51}, "slug: .* is no short name"),
        ({1: "  "}, "name: The name is empty"),
        ({4: "--rule-sets=core,nice"}, "rule-sets: There is no rule set 'nice'; there are: aan-2009, .*nice-ng42"),
        ({4: "--shadow=core"}, "rule-sets: The rule set 'core' is named twice"),
    ],
)
def test_what_makes_no_sense_is_named_and_nothing_is_stored(change: dict[int, str], told: str) -> None:
    arguments = {**dict(enumerate(GIVEN)), **change}
    with pytest.raises(CommandError, match=told):
        run("create_site", *arguments.values())
    assert not Site.objects.exists()


def test_a_second_site_of_the_same_name_is_refused() -> None:
    run("create_site", *GIVEN)
    with pytest.raises(CommandError, match="slug: There is a site 'north' already"):
        run("create_site", *GIVEN)
    assert Site.objects.count() == 1


def test_an_administrator_gets_a_password_that_is_shown_once() -> None:
    output = run("create_admin", "ada")
    password = output.split("password:")[1].split()[0]
    user = authenticate(username="ada", password=password)
    assert isinstance(user, User)
    assert user.is_staff and user.is_superuser
    assert not Membership.objects.exists()
    assert password not in str(list(AuditEvent.objects.values()))


def test_two_administrators_have_different_passwords() -> None:
    assert run("create_admin", "ada").split("password:")[1] != run("create_admin", "eve").split("password:")[1]


@pytest.mark.parametrize(("option", "role"), [((), "admin"), (("--role=neurologist",), "neurologist")])
def test_a_role_is_held_at_the_site(option: tuple[str, ...], role: str) -> None:
    run("create_site", *GIVEN)
    run("create_admin", "ada", "--site=north", *option)
    membership = Membership.objects.get()
    assert (membership.user.username, membership.site.slug, membership.role) == ("ada", "north", role)


def test_an_administrator_sees_no_patients() -> None:
    clinic = builders.clinic()
    admin = office.create_admin("ada", "correct horse battery", site=clinic.site.slug, role="neurologist")
    assert not Patient.objects.visible_to(admin, builders.at(1)).exists()


def test_a_password_may_come_from_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    output = run("create_admin", "ada", "--password-stdin")
    assert "correct horse" not in output
    assert authenticate(username="ada", password="correct horse battery") is not None


@pytest.mark.parametrize(
    ("arguments", "typed", "told"),
    [
        (["ada", "--site=south"], "", "site: There is no site 'south'; there are: none yet"),
        (["ada", "--role=neurologist"], "", "--role needs --site"),
        (["ada b"], "", "account: Enter a valid username"),
        (["ada", "--password-stdin"], "12345678", "account: .*too short.*too common"),
        (["ada", "--password-stdin"], "", "account: This password is too short"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], typed: str, told: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(CommandError, match=told):
        run("create_admin", *arguments)
    assert not User.objects.exists()


def test_an_unknown_role_is_named_with_the_known_ones() -> None:
    run("create_site", *GIVEN)
    with pytest.raises(CommandError, match="There is no role 'boss'; one of: neurologist, "):
        run("create_admin", "ada", "--site=north", "--role=boss")
    assert not User.objects.exists()


def test_a_user_name_is_taken_once() -> None:
    run("create_admin", "ada")
    with pytest.raises(CommandError, match="account|username"):
        run("create_admin", "ada")
    assert User.objects.count() == 1


def test_options_that_are_missing_are_named(capsys: Any) -> None:
    with pytest.raises(CommandError, match="--time-zone, --region"):
        run("create_site", "north", "North")


def test_a_site_chooses_its_equation_for_predicted_fvc() -> None:
    output = run("create_site", *GIVEN, "--fvc-equation=nhanes3")
    assert Site.objects.get(slug="north").fvc_equation == "nhanes3"
    assert "percent of predicted FVC: NHANES III, white set" in output


def test_an_unknown_equation_is_named_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match="fvc-equation: There is no equation 'gli-2012'; one of: ecsc, nhanes3"):
        run("create_site", *GIVEN, "--fvc-equation=gli-2012")
    assert not Site.objects.exists()
