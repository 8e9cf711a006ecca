"""The second wall: what PostgreSQL shows a person, whatever the program asks."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from pathway import access, actor, clock
from pathway.models import (
    AuditEvent,
    CareTask,
    CareTeamMember,
    Cover,
    EmergencyGrant,
    Enrollment,
    Membership,
    Observation,
    Patient,
    Site,
    User,
)
from pathway.selectors import walls as catalogue
from pathway.vocabulary import Role
from tests import builders, walls
from tests.web.cast import Cast, assemble


@pytest.fixture
def cast(loaded: None) -> Cast:
    return assemble()


def everything_shown(user: User) -> dict[str, int]:
    """How many rows of each table of patients an unfiltered query gives, as the web for this person."""
    counted = {}
    with walls.role("pathway_web"), actor.acting(actor.person(user.pk)), transaction.atomic():
        for table in sorted(catalogue.tables_of_patients()):
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT has_table_privilege(current_user, '{table}', 'SELECT')")
                if cursor.fetchone()[0]:
                    cursor.execute(f"SELECT count(*) FROM {table}")
                    counted[table] = cursor.fetchone()[0]
    return {table: number for table, number in counted.items() if number}


def test_a_query_without_any_filter_shows_a_member_the_patient_and_outsiders_no_row_at_all(cast: Cast) -> None:
    shown = everything_shown(cast.member)
    assert shown["pathway_patient"] == 1
    assert {"pathway_observation", "pathway_caretask", "pathway_alert", "pathway_stay", "pathway_hit"} <= shown.keys()
    for name, outsider in cast.outsiders.items():
        # One whose membership has ended still has a row about themselves, and reads it.
        own = {"pathway_careteammember": 1} if name == "inactive_member" else {}
        assert everything_shown(outsider) == own, name


def test_what_is_asked_outside_of_a_transaction_or_for_nobody_is_refused_and_not_answered_with_nothing(
    cast: Cast,
) -> None:
    with walls.role("pathway_web"), pytest.raises(DatabaseError, match="says for whom"), transaction.atomic():
        list(Observation.objects.all())
    with walls.role("pathway_web"), pytest.raises(DatabaseError, match="says for whom"), transaction.atomic():
        Patient.objects.unscoped("test").count()


def test_what_was_told_ends_with_the_transaction_and_with_the_block(cast: Cast) -> None:
    with walls.role("pathway_web"):
        with actor.acting(actor.person(cast.member.pk)), transaction.atomic():
            assert Patient.objects.unscoped("test").count() == 1
            with actor.acting(actor.person(cast.colleague.pk)):
                assert Patient.objects.unscoped("test").count() == 0
            assert Patient.objects.unscoped("test").count() == 1
        with pytest.raises(DatabaseError), transaction.atomic():
            Patient.objects.unscoped("test").count()


def test_a_rollback_to_a_savepoint_does_not_leave_the_one_before_in_place(cast: Cast) -> None:
    with walls.role("pathway_web"), actor.acting(actor.person(cast.member.pk)), transaction.atomic():
        assert Patient.objects.unscoped("test").count() == 1
        with actor.acting(actor.person(cast.colleague.pk)):
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                assert Patient.objects.unscoped("test").count() == 0
                raise ZeroDivisionError
            assert Patient.objects.unscoped("test").count() == 0
        assert Patient.objects.unscoped("test").count() == 1


def test_who_left_the_team_sees_nothing_from_the_next_statement_on(cast: Cast) -> None:
    with walls.role("pathway_web"), actor.acting(actor.person(cast.member.pk)), transaction.atomic():
        assert Enrollment.objects.count() == 1
    CareTeamMember.objects.filter(user=cast.member).update(until=clock.now())
    with walls.role("pathway_web"), actor.acting(actor.person(cast.member.pk)), transaction.atomic():
        assert Enrollment.objects.count() == 0


def test_nobody_writes_about_a_patient_whom_they_do_not_see(cast: Cast) -> None:
    other = builders.clinic()
    before = Observation.objects.count(), CareTask.objects.filter(status="open").count()
    with walls.role("pathway_web"), actor.acting(actor.person(cast.member.pk)):
        with pytest.raises(DatabaseError) as refusal, transaction.atomic():
            CareTeamMember.objects.create(
                patient=other.patient, user=cast.member, role="neurologist", since=clock.now()
            )
        assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege)
        with pytest.raises(DatabaseError), transaction.atomic():
            EmergencyGrant.objects.create(
                patient=other.patient, user=cast.member, reason_code="other", reason="just so",
                since=clock.now(), until=clock.now() + timedelta(hours=1),
            )  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            Cover.objects.create(
                site=other.site, user=cast.member, role="neurologist", reason="just so",
                since=clock.now(), until=clock.now() + timedelta(hours=1),
            )  # fmt: skip
        with transaction.atomic():
            assert CareTask.objects.filter(enrollment=other.enrollment.pk).update(status="skipped") == 0
            assert Patient.objects.unscoped("test").filter(pk=other.patient.pk).update(site=cast.site) == 0
    assert (Observation.objects.count(), CareTask.objects.filter(status="open").count()) == before


def test_a_patient_cannot_be_moved_to_where_the_person_does_not_see_them(cast: Cast) -> None:
    other = builders.site()
    with walls.role("pathway_web"), actor.acting(actor.person(cast.member.pk)):
        with pytest.raises(DatabaseError), transaction.atomic():
            Patient.objects.unscoped("test").filter(pk=cast.patient.pk).update(site=other)
    assert Patient.objects.unscoped("test").get(pk=cast.patient.pk).site == cast.site


def test_the_judge_reads_no_names_and_those_who_remind_no_facts(cast: Cast) -> None:
    def refused(role: str, columns: str, table: str) -> bool:
        try:
            with walls.role(role), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT {columns} FROM {table} LIMIT 1")
        except DatabaseError as error:
            return isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)
        return False

    assert refused("pathway_judge", "family_name", "pathway_patient")
    assert refused("pathway_judge", "given_name", "pathway_patient")
    assert not refused("pathway_judge", "birth_date", "pathway_patient")
    for table in ("pathway_observation", "pathway_alert", "pathway_proposal", "pathway_intervention", "django_session"):
        assert refused("pathway_deliver", "1", table), table
    for role in ("pathway_judge", "pathway_deliver", "pathway_audit"):
        assert refused(role, "password", "pathway_user"), role
        assert refused(role, "1", "pathway_apitoken"), role
        assert refused(role, "1", "pathway_signinattempt"), role
    for table in ("pathway_observation", "pathway_caretask", "pathway_enrollment"):
        assert refused("pathway_audit", "1", table), table


def test_an_owner_who_is_no_superuser_sees_patients_for_maintenance_alone(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("CREATE ROLE plain_owner NOLOGIN")
        cursor.execute("GRANT USAGE ON SCHEMA public TO plain_owner")
        cursor.execute("SELECT tablename FROM pg_tables WHERE tableowner = current_user AND schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} OWNER TO plain_owner")
        cursor.execute("ALTER POLICY owner ON pathway_patient TO plain_owner")
    with walls.role("plain_owner"):
        assert Patient.objects.unscoped("test").count() == 0
        with actor.acting(actor.MAINTENANCE), transaction.atomic():
            assert Patient.objects.unscoped("test").count() == 1


def test_everything_that_leads_to_a_patient_is_behind_the_wall_and_a_gap_is_named(loaded: None) -> None:
    assert catalogue.gaps(serving=False) == []
    with walls.role("pathway_web"):
        assert catalogue.gaps(serving=True) == []
    assert catalogue.gaps(serving=True) == [f"the role {connection.settings_dict['USER']} passes row-level security by"]
    with walls.role("pathway_web"), override_settings(LOGIN_MAY_OWN_TABLES=False):
        login = connection.settings_dict["USER"]
        assert catalogue.gaps(serving=True) == [f"the role {login} passes row-level security by"]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE pathway_stay NO FORCE ROW LEVEL SECURITY")
        cursor.execute("CREATE VIEW all_of_them AS SELECT * FROM pathway_patient")
    assert catalogue.gaps(serving=False) == [
        "the table pathway_stay has no row-level security",
        "the view all_of_them shows what its owner sees",
    ]


def test_the_tables_of_patients_are_found_by_their_keys() -> None:
    tables = catalogue.tables_of_patients()
    assert {"pathway_patient", "pathway_delivery", "pathway_hit", "pathway_auditevent"} <= tables
    assert not tables & {"pathway_user", "pathway_site", "pathway_membership", "pathway_rule", "pathway_stage"}
    assert len(tables) < len(list(apps.get_models()))


@pytest.mark.parametrize("way", ["team", "cover", "on-call", "emergency"])
def test_each_way_of_seeing_opens_both_walls_for_its_time_and_no_longer(cast: Cast, way: str) -> None:
    now = clock.now()
    since, until = now - timedelta(hours=1), now + timedelta(hours=1)
    user = cast.colleague
    if way == "team":
        builders.join(cast.patient, user, Role.NEUROLOGIST, since=since)
        CareTeamMember.objects.filter(user=user).update(until=until)
    elif way == "emergency":
        EmergencyGrant.objects.create(
            patient=cast.patient, user=user, reason_code="other", reason="called", since=since, until=until
        )
    else:
        absent = cast.member if way == "cover" else None
        Cover.objects.create(
            site=cast.site, user=user, role="neurologist", stands_in_for=absent, since=since, until=until, reason="away"
        )
    for moment, sees in ((since - timedelta(seconds=1), 0), (now, 1), (until, 0)):
        assert access.patients(user, moment).count() == sees
        with walls.role("pathway_web"), actor.acting(actor.person(user.pk)), clock.simulated(moment):
            with transaction.atomic():
                assert Patient.objects.unscoped("test").count() == sees
                assert (Observation.objects.count() > 0) == bool(sees)


def test_a_server_that_knows_no_roles_changes_over_to_none(cast: Cast) -> None:
    with override_settings(DATABASE_ROLE=""), actor.acting(actor.service(actor.Service.JUDGE)), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone()[0] == connection.settings_dict["USER"]


def test_nobody_forges_the_audit_gives_themselves_a_role_or_a_cover_or_rewrites_who_was_on_a_team(cast: Cast) -> None:
    now = clock.now()
    members = CareTeamMember.objects.count()
    with walls.role("pathway_web"), actor.acting(actor.person(cast.coordinator.pk)):
        for who, when in ((cast.member, now), (cast.coordinator, now - timedelta(days=900))):
            with pytest.raises(DatabaseError), transaction.atomic():
                AuditEvent.objects.create(at=when, action="patient.read", actor=who, patient=cast.patient)
        with pytest.raises(DatabaseError), transaction.atomic():
            Membership.objects.create(user=cast.coordinator, site=home_of(cast.stranger), role="nurse-coordinator")
        with pytest.raises(DatabaseError), transaction.atomic():
            Cover.objects.create(
                site=cast.site, user=cast.coordinator, role="nurse-coordinator", reason="me",
                since=now, until=now + timedelta(hours=1),
            )  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            Cover.objects.create(
                site=cast.site, user=cast.colleague, role="neurologist", reason="for ever",
                since=now, until=now + timedelta(days=3650),
            )  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            CareTeamMember.objects.filter(patient=cast.patient)._raw_delete("default")
        with transaction.atomic():
            assert Membership.objects.filter(user=cast.coordinator).update(role="admin") == 0
    assert CareTeamMember.objects.count() == members
    with walls.role("pathway_web"), actor.acting(actor.person(cast.superuser.pk)), transaction.atomic():
        Membership.objects.create(user=cast.colleague, site=cast.site, role="dietitian")  # the administration


def home_of(user: User) -> Site:
    return user.memberships.get().site
