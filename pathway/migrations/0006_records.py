"""What becomes of records: merged, moved to another site, kept, erased.

The triggers of facts get two exceptions, which ask rows and not settings (see `pathway/models/keeping.py`): a fact
goes to another patient where the journal of a merge says so, and goes away where an erasure was noted by the owner.
"""

import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

FUNCTIONS = """
-- Whether the journal of a merge says that this row goes from one of its records to the other.
CREATE FUNCTION pathway_may_move(name text, id bigint, was bigint, will bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM pathway_mergerow r JOIN pathway_merge m ON m.id = r.merge_id
        WHERE r."table" = name AND r."row" = pathway_may_move.id AND r.moved
              AND ((m.status = 'confirmed' AND m.source_id = was AND m.survivor_id = will)
                   OR (m.status = 'undone' AND m.survivor_id = was AND m.source_id = will)))
$$;

-- Whether the owner of the table erases this patient now. Nobody else may write down that an erasure has begun.
CREATE FUNCTION pathway_may_erase(patient bigint, place oid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF current_user <> (SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = place) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM pathway_erasure x WHERE x.patient_id = patient AND x.erased_at IS NULL);
END $$;
"""
NO_FUNCTIONS = """
DROP FUNCTION pathway_may_move(text, bigint, bigint, bigint);
DROP FUNCTION pathway_may_erase(bigint, oid);
"""

# As in 0003, without records that were closed by a merge or erased: nobody sees those on any way.
STANDS = "p.merged_into_id IS NULL AND p.erased_at IS NULL"
SIGHT = f"""
CREATE OR REPLACE VIEW pathway_sight WITH (security_invoker = true) AS
SELECT c.user_id, c.patient_id, CASE WHEN m.role = c.role THEN c.role END AS role, c.since, c.until, 'team' AS way
FROM pathway_careteammember c
JOIN pathway_patient p ON p.id = c.patient_id
JOIN pathway_membership m ON m.user_id = c.user_id AND m.site_id = p.site_id
JOIN pathway_user u ON u.id = c.user_id
WHERE m.is_active AND m.role NOT IN ('admin', 'auditor') AND u.is_active AND {STANDS}
UNION ALL
SELECT v.user_id, c.patient_id, v.role, greatest(v.since, c.since), least(v.until, c.until), 'cover'
FROM pathway_cover v
JOIN pathway_membership m ON m.user_id = v.user_id AND m.site_id = v.site_id AND m.role = v.role
JOIN pathway_user u ON u.id = v.user_id
JOIN pathway_careteammember c ON c.user_id = v.stands_in_for_id AND c.role = v.role
JOIN pathway_patient p ON p.id = c.patient_id AND p.site_id = v.site_id
WHERE m.is_active AND u.is_active AND {STANDS}
UNION ALL
SELECT v.user_id, p.id, v.role, v.since, v.until, 'cover'
FROM pathway_cover v
JOIN pathway_membership m ON m.user_id = v.user_id AND m.site_id = v.site_id AND m.role = v.role
JOIN pathway_user u ON u.id = v.user_id
JOIN pathway_patient p ON p.site_id = v.site_id
WHERE v.stands_in_for_id IS NULL AND m.is_active AND u.is_active AND {STANDS}
UNION ALL
SELECT g.user_id, g.patient_id, m.role, g.since, g.until, 'emergency'
FROM pathway_emergencygrant g
JOIN pathway_patient p ON p.id = g.patient_id
JOIN pathway_membership m ON m.user_id = g.user_id AND m.site_id = p.site_id
JOIN pathway_user u ON u.id = g.user_id
WHERE m.is_active AND m.role NOT IN ('admin', 'auditor') AND u.is_active AND {STANDS}
"""
# The view of 0003, for going back: this one without the condition.
SIGHT_BEFORE = SIGHT.replace(f" AND {STANDS}", "")


class Migration(migrations.Migration):
    dependencies = [
        ("pathway", "0005_audit"),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("policy", models.CharField(max_length=200)),
                ("begun_at", models.DateTimeField()),
                ("erased_at", models.DateTimeField(blank=True, null=True)),
                ("by", models.CharField(max_length=150)),
                ("rows", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("since", models.DateTimeField()),
                ("released_at", models.DateTimeField(blank=True, null=True)),
                ("release_reason", models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("request", models.UUIDField(unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "proposed"),
                            ("confirmed", "confirmed"),
                            ("refused", "refused"),
                            ("undone", "taken apart again"),
                        ],
                        default="proposed",
                        max_length=12,
                    ),
                ),
                ("reason", models.TextField()),
                ("proposed_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.TextField(blank=True)),
                ("died_on_was", models.DateField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="MergeRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(max_length=64)),
                ("row", models.BigIntegerField()),
                ("moved", models.BooleanField(default=True)),
                ("before", models.JSONField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="PatientNumber",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=64)),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="RetentionPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("years_after_death", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("years_after_last_contact", models.PositiveSmallIntegerField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "retention policies",
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("offered", "offered"),
                            ("accepted", "accepted"),
                            ("declined", "declined"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="offered",
                        max_length=12,
                    ),
                ),
                ("reason", models.TextField()),
                ("offered_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decision_reason", models.TextField(blank=True)),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="checklistanswer",
            name="checklist_answer_never_deleted",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="checklistanswer",
            name="checklist_answer_never_edited",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="educationgiven",
            name="education_never_deleted",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="educationgiven",
            name="education_never_edited",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="observation",
            name="observation_never_deleted",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="observation",
            name="observation_never_edited",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="observationitem",
            name="item_never_edited",
        ),
        migrations.RemoveConstraint(
            model_name="patient",
            name="one_patient_per_identifier",
        ),
        migrations.AddField(
            model_name="patient",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="checklistanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="checklist_answer_never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF pathway_may_erase((SELECT e.patient_id FROM pathway_enrollment e JOIN pathway_caretask t ON t.enrollment_id = e.id WHERE t.id = OLD.task_id), TG_RELID) THEN RETURN OLD; END IF; RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="300e436097bc3518990a144efd28e46c862170bb",
                    operation="DELETE",
                    pgid="pgtrigger_checklist_answer_never_deleted_e0ed3",
                    table="pathway_checklistanswer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="checklistanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="checklist_answer_never_edited",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."task_id" IS DISTINCT FROM (NEW."task_id") OR OLD."item_id" IS DISTINCT FROM (NEW."item_id") OR OLD."answer" IS DISTINCT FROM (NEW."answer") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."recorded_at" IS DISTINCT FROM (NEW."recorded_at") OR OLD."recorded_by_id" IS DISTINCT FROM (NEW."recorded_by_id") OR (OLD."voided_at" IS NOT NULL AND (OLD."voided_at" IS DISTINCT FROM (NEW."voided_at") OR OLD."voided_by_id" IS DISTINCT FROM (NEW."voided_by_id") OR OLD."void_reason" IS DISTINCT FROM (NEW."void_reason"))))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="0036a8eb7b06ea49eeaff0dc7f4c409a9d1286c2",
                    operation="UPDATE",
                    pgid="pgtrigger_checklist_answer_never_edited_89e99",
                    table="pathway_checklistanswer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="educationgiven",
            trigger=pgtrigger.compiler.Trigger(
                name="education_never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF pathway_may_erase(OLD.patient_id, TG_RELID) THEN RETURN OLD; END IF; RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="40995a7dd53b5a50e7d460383203dd87ac724e2f",
                    operation="DELETE",
                    pgid="pgtrigger_education_never_deleted_86f74",
                    table="pathway_educationgiven",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="educationgiven",
            trigger=pgtrigger.compiler.Trigger(
                name="education_never_edited",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."topic_id" IS DISTINCT FROM (NEW."topic_id") OR OLD."given_on" IS DISTINCT FROM (NEW."given_on") OR OLD."teach_back" IS DISTINCT FROM (NEW."teach_back") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."recorded_at" IS DISTINCT FROM (NEW."recorded_at") OR OLD."recorded_by_id" IS DISTINCT FROM (NEW."recorded_by_id") OR (OLD."voided_at" IS NOT NULL AND (OLD."voided_at" IS DISTINCT FROM (NEW."voided_at") OR OLD."voided_by_id" IS DISTINCT FROM (NEW."voided_by_id") OR OLD."void_reason" IS DISTINCT FROM (NEW."void_reason"))))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="c26a9e072fca55961753ba0ae21aa710d910bcaf",
                    operation="UPDATE",
                    pgid="pgtrigger_education_never_edited_db645",
                    table="pathway_educationgiven",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="educationgiven",
            trigger=pgtrigger.compiler.Trigger(
                name="education_never_moved",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."patient_id" IS DISTINCT FROM (NEW."patient_id"))',
                    func="IF pathway_may_move(TG_TABLE_NAME, OLD.id, OLD.patient_id, NEW.patient_id) THEN RETURN NEW; END IF; RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="1192085860fa66bca1e3953ad02830ae982c5a4b",
                    operation="UPDATE",
                    pgid="pgtrigger_education_never_moved_acab7",
                    table="pathway_educationgiven",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="observation",
            trigger=pgtrigger.compiler.Trigger(
                name="observation_never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF pathway_may_erase(OLD.patient_id, TG_RELID) THEN RETURN OLD; END IF; RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="af0f4849c6b2c704e32e77e991e990d4c95f32d1",
                    operation="DELETE",
                    pgid="pgtrigger_observation_never_deleted_066a9",
                    table="pathway_observation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="observation",
            trigger=pgtrigger.compiler.Trigger(
                name="observation_never_moved",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."patient_id" IS DISTINCT FROM (NEW."patient_id"))',
                    func="IF pathway_may_move(TG_TABLE_NAME, OLD.id, OLD.patient_id, NEW.patient_id) THEN RETURN NEW; END IF; RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="f9db40b553e0632d48844c53ab903bf67248372e",
                    operation="UPDATE",
                    pgid="pgtrigger_observation_never_moved_e6f5d",
                    table="pathway_observation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="observation",
            trigger=pgtrigger.compiler.Trigger(
                name="observation_never_edited",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."kind_id" IS DISTINCT FROM (NEW."kind_id") OR OLD."performable" IS DISTINCT FROM (NEW."performable") OR OLD."value" IS DISTINCT FROM (NEW."value") OR OLD."entered" IS DISTINCT FROM (NEW."entered") OR OLD."unit" IS DISTINCT FROM (NEW."unit") OR OLD."text" IS DISTINCT FROM (NEW."text") OR OLD."truth" IS DISTINCT FROM (NEW."truth") OR OLD."day_value" IS DISTINCT FROM (NEW."day_value") OR OLD."members" IS DISTINCT FROM (NEW."members") OR OLD."effective_at" IS DISTINCT FROM (NEW."effective_at") OR OLD."effective_on" IS DISTINCT FROM (NEW."effective_on") OR OLD."recorded_at" IS DISTINCT FROM (NEW."recorded_at") OR OLD."recorded_by_id" IS DISTINCT FROM (NEW."recorded_by_id") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."source_id" IS DISTINCT FROM (NEW."source_id") OR OLD."posture" IS DISTINCT FROM (NEW."posture") OR OLD."assistance" IS DISTINCT FROM (NEW."assistance") OR OLD."activity" IS DISTINCT FROM (NEW."activity") OR OLD."oxygen" IS DISTINCT FROM (NEW."oxygen") OR OLD."antibiotics" IS DISTINCT FROM (NEW."antibiotics") OR OLD."reference" IS DISTINCT FROM (NEW."reference") OR OLD."uln" IS DISTINCT FROM (NEW."uln") OR OLD."days" IS DISTINCT FROM (NEW."days") OR OLD."notes" IS DISTINCT FROM (NEW."notes") OR (OLD."status" = \'voided\' AND (OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."held_for" IS DISTINCT FROM (NEW."held_for") OR OLD."void_reason" IS DISTINCT FROM (NEW."void_reason") OR OLD."voided_at" IS DISTINCT FROM (NEW."voided_at") OR OLD."replaces_id" IS DISTINCT FROM (NEW."replaces_id"))))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="a9d9a82701cf1a1596a9c3575bc71e2d53bfc071",
                    operation="UPDATE",
                    pgid="pgtrigger_observation_never_edited_1e8d6",
                    table="pathway_observation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="observationitem",
            trigger=pgtrigger.compiler.Trigger(
                name="item_never_edited",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="81f3e62c671827f65a81babf681add906159c7ab",
                    operation="UPDATE",
                    pgid="pgtrigger_item_never_edited_2c0b0",
                    table="pathway_observationitem",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="observationitem",
            trigger=pgtrigger.compiler.Trigger(
                name="item_never_deleted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF pathway_may_erase((SELECT o.patient_id FROM pathway_observation o WHERE o.id = OLD.observation_id), TG_RELID) THEN RETURN OLD; END IF; RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="fdec1cc031f065c7bfd807113d0e236c578ccf14",
                    operation="DELETE",
                    pgid="pgtrigger_item_never_deleted_62d6c",
                    table="pathway_observationitem",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.UniqueConstraint(
                models.F("site"),
                django.db.models.functions.text.Upper(
                    django.db.models.functions.text.Replace(models.F("identifier"), models.Value(" "), models.Value(""))
                ),
                condition=models.Q(("erased_at", None)),
                name="one_patient_per_identifier",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="patient",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="erasure", to="pathway.patient"
            ),
        ),
        migrations.AddField(
            model_name="legalhold",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="legal_holds", to="pathway.patient"
            ),
        ),
        migrations.AddField(
            model_name="legalhold",
            name="placed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="legalhold",
            name="released_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="proposed_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="merges_away", to="pathway.patient"
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="survivor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="merges_in", to="pathway.patient"
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="undone_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="mergerow",
            name="merge",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="pathway.merge"
            ),
        ),
        migrations.AddField(
            model_name="patientnumber",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="former_numbers", to="pathway.patient"
            ),
        ),
        migrations.AddField(
            model_name="patientnumber",
            name="site",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pathway.site"),
        ),
        migrations.AddField(
            model_name="retentionpolicy",
            name="site",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="retention", to="pathway.site"
            ),
        ),
        migrations.AddField(
            model_name="transfer",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="transfer",
            name="from_site",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pathway.site"),
        ),
        migrations.AddField(
            model_name="transfer",
            name="offered_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="transfer",
            name="patient",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="transfers", to="pathway.patient"
            ),
        ),
        migrations.AddField(
            model_name="transfer",
            name="to_site",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pathway.site"),
        ),
        migrations.AddConstraint(
            model_name="legalhold",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="hold_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="legalhold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("release_reason", ""), ("released_at", None), ("released_by", None)),
                    models.Q(
                        ("released_at__isnull", False),
                        ("released_by__isnull", False),
                        models.Q(("release_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="hold_release_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["proposed", "confirmed", "refused", "undone"])),
                name="known_merge_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", models.F("survivor")), _negated=True), name="merge_of_two_records"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="merge_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("status", "proposed")),
                    models.Q(models.Q(("status", "proposed"), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="merge_decision_says_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["proposed", "confirmed"])),
                fields=("source",),
                name="one_merge_per_source",
            ),
        ),
        migrations.AddConstraint(
            model_name="mergerow",
            constraint=models.UniqueConstraint(fields=("table", "row", "merge"), name="one_journal_line_per_row"),
        ),
        migrations.AddConstraint(
            model_name="retentionpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("years_after_death", None), ("years_after_death__gte", 1), _connector="OR"),
                    models.Q(("years_after_last_contact", None), ("years_after_last_contact__gte", 1), _connector="OR"),
                ),
                name="retention_of_a_year_at_least",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(condition=models.Q(("status", "offered")), fields=["to_site"], name="transfer_offered"),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["offered", "accepted", "declined", "withdrawn"])),
                name="known_transfer_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("from_site", models.F("to_site")), _negated=True), name="transfer_to_another_site"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="transfer_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("decided_by", None), ("status", "offered")),
                    models.Q(
                        models.Q(("status", "offered"), _negated=True),
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="transfer_decision_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "offered")), fields=("patient",), name="one_open_transfer"
            ),
        ),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.RunSQL(SIGHT, SIGHT_BEFORE),
    ]
