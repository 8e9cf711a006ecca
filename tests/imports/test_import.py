"""Whole files through the command: what is stored, what is shown, and that a refused file leaves nothing."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from pathway import clock, flow
from pathway.imports import importing
from pathway.imports.histories import History
from pathway.models import (
    Alert,
    AuditEvent,
    CareTask,
    Enrollment,
    Intervention,
    Observation,
    Patient,
    Reminder,
    Site,
    Stay,
)
from tests import builders

DATA = Path(__file__).parent / "data"
VISITS = DATA / "visits.csv"
ALS = Path(settings.BASE_DIR) / "fixtures" / "mappings" / "als_longitudinal.yaml"
REAL = Path(settings.BASE_DIR).parent / "shared" / "data" / "als_longitudinal.csv"
NOW = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("loaded")


def run(file: Path = VISITS, mapping: Path = ALS, **options: object) -> str:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_observations", file, mapping=mapping, stdout=out, stderr=err, **options)
    except CommandError as error:
        raise CommandError(f"{err.getvalue()}{error}") from error
    assert err.getvalue() == ""
    return out.getvalue()


def altered(tmp_path: Path, *changes: tuple[str, str], source: Path = VISITS) -> Path:
    text = source.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / source.name
    path.write_text(text)
    return path


def nothing_is_stored() -> bool:
    rows = (Site, Patient, Enrollment, Observation, Intervention, CareTask, AuditEvent)
    return not any(model._base_manager.exists() for model in rows)


def history(outcome: importing.Outcome, identifier: str) -> History:
    return next(one for one in outcome.histories if one.identifier == identifier)


def test_a_site_whose_holidays_nobody_knows_is_not_made(tmp_path: Path) -> None:
    mapping = altered(tmp_path, ("holiday_country: GB", "holiday_country: ZZ"), source=ALS)
    with pytest.raises(CommandError, match="No holidays are known for ZZ"):
        run(mapping=mapping)
    assert nothing_is_stored()


# visits


def test_patients_are_enrolled_and_every_visit_is_stored_on_its_day() -> None:
    shown = run()
    assert "4 patients (4 enrolled), 10 rows, 0 refused" in shown
    assert "13 observations stored, 0 known before" in shown  # ten forms, three FVC
    site = Site.objects.get()
    assert (site.slug, site.time_zone, site.rule_sets.count()) == ("als-registry", "Europe/London", 2)
    patient = Patient.objects.unscoped("test").get(identifier="P_01")
    assert (patient.birth_date, patient.birth_date_is_estimated, patient.sex) == (date(1954, 1, 15), True, "unknown")
    assert Enrollment.objects.get(patient=patient).enrolled_on == date(2015, 1, 15)
    forms = Observation.objects.filter(patient=patient, kind="alsfrs-r").order_by("effective_at")
    assert [row.effective_on for row in forms] == [date(2015, 1, 15), date(2015, 4, 15), date(2015, 7, 15)]
    assert all(row.recorded_at == row.effective_at for row in forms)  # known on its own day
    fvc = Observation.objects.get(patient=patient, kind="fvc-pct")
    assert (fvc.value, fvc.unit, fvc.reference, fvc.source, fvc.source_id) == (
        Decimal(88), "%", "device", "als-longitudinal", "P_01/0/fvc-pct",
    )  # fmt: skip


def test_stages_slopes_and_unknowns_are_shown_visit_by_visit() -> None:
    outcome = importing.import_file(VISITS, ALS, at=NOW)
    first = history(outcome, "P_01").visits
    assert [(line.total, line.kings, line.mitos) for line in first] == [
        ("46", "1", "0"),
        ("42", "2", "0"),
        ("30", "4B", "2"),  # item 12 < 4; movement and breathing are lost
    ]
    assert [line.slope for line in first] == ["?", "1.35", "4.01"]  # 4 points in 90 days, 12 in 91
    tube = history(outcome, "P_02").visits
    assert [(line.kings, line.mitos) for line in tube] == [("1", "0"), ("4A", "1")]
    assert tube[1].remarks == "gastrostomy started"
    gaps = history(outcome, "P_03").visits
    assert {(line.total, line.slope, line.kings, line.mitos) for line in gaps} == {("?", "?", "?", "?")}
    twice = history(outcome, "P_04").visits
    assert [(line.day, line.total, line.remarks) for line in twice] == [
        (date(2015, 1, 15), "48", ""),
        (date(2015, 3, 15), "46", "peg not stated"),  # the later form of the day
    ]


def test_alerts_and_proposals_carry_the_day_of_their_visit() -> None:
    outcome = importing.import_file(VISITS, ALS, at=NOW)
    found = history(outcome, "P_01")
    assert any(line.startswith("2015-07-15  warning  OVR-O4: ") for line in found.alerts)
    assert "2015-01-15  overall → O2 (superseded)" in found.proposals
    assert "2015-07-15  overall → O4 (waiting for a decision)" in found.proposals
    assert history(outcome, "P_03").alerts == []


def test_an_intervention_starts_at_the_first_visit_that_has_it_and_moves_its_track() -> None:
    importing.import_file(VISITS, ALS, at=NOW)
    assert list(Intervention.objects.order_by("kind").values_list("kind_id", "patient__identifier", "started_on")) == [
        ("gastrostomy", "P_02", date(2015, 5, 15)),
        ("niv", "P_01", date(2015, 7, 15)),
    ]
    stay = Stay.objects.open().get(enrollment__patient__identifier="P_01", track="respiratory")
    assert (stay.stage.code, stay.entered_on) == ("R4", date(2015, 7, 15))


def test_nobody_is_reminded_of_what_was_due_in_the_past() -> None:
    importing.import_file(VISITS, ALS, at=NOW)
    assert CareTask.objects.live().filter(due_on__lt=NOW.date()).exists()
    assert not CareTask.objects.live().filter(next_rung_at__lte=NOW).exists()
    assert flow.remind(at=NOW) == 0
    assert not Reminder.objects.exists()


def test_the_audit_keeps_real_time_and_says_what_was_imported() -> None:
    before = clock.real_now()
    importing.import_file(VISITS, ALS, at=NOW)
    assert not AuditEvent.objects.filter(at__lt=before).exists()
    assert AuditEvent.objects.get(action="import.finished").after == {
        "file": "visits.csv", "source": "als-longitudinal", "observations": 13, "rows": 10,
    }  # fmt: skip
    assert not clock.is_simulated()


def test_a_second_run_stores_nothing_and_shows_the_same() -> None:
    first = run()
    counts = Observation.objects.count(), CareTask.objects.count(), Alert.objects.count(), AuditEvent.objects.count()
    second = run()
    assert "0 observations stored, 13 known before" in second
    assert "Nothing new: every row had been imported before." in second
    assert "Nothing new" not in first
    assert second.split("\nALS registry")[0] == first.split("\nALS registry")[0]
    assert counts == (
        Observation.objects.count(), CareTask.objects.count(), Alert.objects.count(), AuditEvent.objects.count(),
    )  # fmt: skip


def test_a_dry_run_shows_everything_and_stores_nothing() -> None:
    shown = run(dry_run=True)
    assert "13 observations stored" in shown and shown.endswith("Dry run: nothing was stored.\n")
    assert nothing_is_stored()


def test_columns_without_a_code_are_listed_with_the_reason() -> None:
    shown = run()
    assert "left out: bmi_premorbid (no height, so no usual weight)" in shown
    assert "peg is empty on 1 visit: taken as not yet, check it" in shown


def test_every_refused_row_is_listed_and_nothing_is_stored(tmp_path: Path) -> None:
    file = altered(
        tmp_path,
        ("61.0,3.0,0.0,0.0,4.0", "61.0,3.0,0.0,0.0,5"),
        ("70.5,0.0,0.0,0.0,3.0,3.0,3.0,4.0", "70.5,0.0,0.0,0.0,3.0,3.0,3.0,4.5"),
        ("P_03,,,,101.5", "P_03,,,,500"),
        ("P_03,,,,101.5", "P_03,,,,500"),
    )
    with pytest.raises(CommandError) as caught:
        run(file)
    lines = str(caught.value).splitlines()
    assert lines == [
        "visits.csv, line 3, alsfrs_1: Item 1 is a whole number from 0 to 4 (implausible)",
        "visits.csv, line 6, alsfrs_4: Item 4 is a whole number from 0 to 4 (implausible)",
        "visits.csv, line 7, fvc_diagnosis: FVC, percent of predicted must lie between 5 and 200 % (implausible)",
        "Nothing was stored: 3 refusals, listed above",
    ]
    assert nothing_is_stored()


def test_a_visit_that_lies_ahead_is_refused(tmp_path: Path) -> None:
    outcome = importing.import_file(VISITS, ALS, at=datetime(2015, 12, 1, 12, 0, tzinfo=UTC))
    assert [str(one) for one in outcome.refusals] == ["line 8: The visit lies ahead: 2016-01-15 (implausible)"]
    assert nothing_is_stored()


def test_a_file_that_is_not_utf_8_or_lacks_a_column_or_is_too_large_is_refused_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "latin.csv"
    broken.write_bytes(VISITS.read_bytes().replace(b"P_04", b"P_\xe94", 1))
    with pytest.raises(CommandError, match=r"Nothing was stored: latin.csv:9: is not UTF-8 text, at byte \d+"):
        run(broken)
    with pytest.raises(CommandError, match="visits.csv:1: column 'niv' is missing; column 'nif' is unknown"):
        run(altered(tmp_path, (",niv,", ",nif,")))
    monkeypatch.setattr(importing, "MAX_BYTES", 100)
    with pytest.raises(CommandError, match="more than 100: say --large"):
        run()
    assert nothing_is_stored()
    run(large=True)
    assert Patient.objects.unscoped("test").count() == 4


def test_a_changed_row_is_refused_until_the_result_is_voided(tmp_path: Path) -> None:
    run()
    changed = altered(tmp_path, (",101.5,,,,0.0,55.0,0.0", ",99,,,,0.0,55.0,0.0"), (",101.5,", ",99,"))
    with pytest.raises(CommandError, match="line 7, fvc_diagnosis: 'P_03/0/fvc-pct' was imported with another content"):
        run(changed)
    old = Observation.objects.get(source_id="P_03/0/fvc-pct")
    flow.void(old.pk, reason="typing error", at=clock.now(), by=None)
    assert "0 observations stored, 13 known before" in run()  # what was voided does not come back
    assert "1 observation stored, 12 known before" in run(changed)
    assert Observation.objects.usable().get(patient=old.patient, kind="fvc-pct").value == 99


def test_a_later_file_adds_new_visits_as_known_now(tmp_path: Path) -> None:
    whole = VISITS.read_text()
    short = tmp_path / "short.csv"
    short.write_text("".join(line for line in whole.splitlines(keepends=True) if "61.0,6.0,1.0" not in line))
    importing.import_file(short, ALS, at=NOW)
    outcome = importing.import_file(VISITS, ALS, at=NOW)
    assert (outcome.stored, outcome.known, outcome.started, outcome.enrolled) == (1, 12, 1, 0)
    late = Observation.objects.get(source_id="P_01/6/alsfrs-r")
    assert (late.effective_on, late.recorded_at) == (date(2015, 7, 15), NOW)


def test_another_site_may_be_named_and_keeps_its_own_rule_sets() -> None:
    site = builders.site(slug="elsewhere", rule_sets=["core"])
    run(site="elsewhere")
    assert set(Patient.objects.unscoped("test").values_list("site__slug", flat=True)) == {"elsewhere"}
    assert site.rule_sets.count() == 1
    with pytest.raises(CommandError, match="'P_01/0/alsfrs-r' was imported for another patient"):
        run()
    assert Site.objects.count() == 1


@pytest.mark.skipif(not REAL.exists(), reason="the file is not part of the project")
@pytest.mark.slow
def test_the_real_file_is_imported_whole() -> None:
    outcome = importing.import_file(REAL, ALS, at=clock.now())
    assert outcome.refusals == []
    assert (outcome.patients, outcome.rows, outcome.stored, outcome.started) == (12, 93, 103, 5)
    assert [line.kings for line in history(outcome, "S_21").visits] == ["2", "2", "2", "2", "2", "3"]
    assert [line.mitos for line in history(outcome, "S_21").visits] == ["0", "0", "0", "0", "1", "1"]
    assert {line.total for line in history(outcome, "S_95").visits} == {"?"}  # three items were never answered
    assert history(outcome, "S_28").visits[5].kings == "4A"


# single results


def two_patients() -> Site:
    clinic = builders.clinic(slug="lab-clinic")
    for number in (1, 2):
        patient = builders.patient(clinic.site, identifier=f"T-{number}")
        builders.enroll(patient, moment=datetime(2024, 1, 1, 9, 0, tzinfo=UTC))
    return clinic.site


def lab(file: Path = DATA / "results.csv", **options: object) -> str:
    return run(file, DATA / "results.yaml", site="lab-clinic", **options)


def test_results_of_enrolled_patients_are_stored_in_the_canonical_unit() -> None:
    two_patients()
    assert "2 patients, 5 rows, 0 refused" in lab()
    weight = Observation.objects.get(source="lab-export", source_id="L1")
    assert (weight.entered, weight.unit, weight.effective_on) == (Decimal(154), "[lb_av]", date(2024, 1, 2))
    assert round(weight.value or 0, 3) == Decimal("69.853")
    assert Observation.objects.get(source_id="L3").posture == "supine"
    assert Observation.objects.get(source_id="L5").effective_at == datetime(2024, 1, 4, 10, 30, tzinfo=UTC)
    assert "0 observations stored, 5 known before" in lab()


def test_a_weight_in_pounds_said_to_be_kilograms_is_held_though_both_stand_in_one_file(tmp_path: Path) -> None:
    two_patients()
    lab(altered(tmp_path, ("T-2,Weight,64.2,kg", "T-1,Weight,154,kg"), source=DATA / "results.csv"))
    assert list(Observation.objects.filter(kind="weight").order_by("pk").values_list("status", "held_for")) == [
        ("final", ""),
        ("held", "unit-mixup"),
    ]


def test_a_missing_unit_an_unknown_patient_and_a_day_before_birth_are_named_and_nothing_is_stored(
    tmp_path: Path,
) -> None:
    two_patients()
    before = AuditEvent.objects.count()
    file = altered(
        tmp_path,
        ("154,lb", "154,"),
        ("71.5,%,2024", "71.5,%,1924"),
        ("T-2,Weight", "T-9,Weight"),
        source=DATA / "results.csv",
    )
    with pytest.raises(CommandError) as caught:
        lab(file)
    listed = str(caught.value).splitlines()
    assert listed[0].startswith("results.csv, line 2, unit: Body weight needs a unit")
    assert listed[1] == "results.csv, line 3, taken: The day lies before the patient's birth (implausible)"
    assert listed[2] == "results.csv, line 5: There is no patient 'T-9' at lab-clinic (not-found)"
    assert listed[3] == "Nothing was stored: 3 refusals, listed above"
    assert not Observation.objects.filter(source="lab-export").exists()
    assert AuditEvent.objects.count() == before


def test_results_need_a_site_that_exists() -> None:
    with pytest.raises(CommandError, match="There is no site 'lab-clinic'"):
        lab()
    with pytest.raises(CommandError, match="Which site"):
        run(DATA / "results.csv", DATA / "results.yaml")
