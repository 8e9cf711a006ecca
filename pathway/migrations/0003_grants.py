"""Standing in, being on call, emergency access; and the view that says who sees whom."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# One row for each way on which an active account sees a patient. A care role at the patient's site is needed for all
# of them. The view asks with the rights of who asks, so that row-level security holds in it too.
SIGHT = """
CREATE VIEW pathway_sight WITH (security_invoker = true) AS
SELECT c.user_id, c.patient_id, CASE WHEN m.role = c.role THEN c.role END AS role, c.since, c.until, 'team' AS way
FROM pathway_careteammember c
JOIN pathway_patient p ON p.id = c.patient_id
JOIN pathway_membership m ON m.user_id = c.user_id AND m.site_id = p.site_id
JOIN pathway_user u ON u.id = c.user_id
WHERE m.is_active AND m.role NOT IN ('admin', 'auditor') AND u.is_active
UNION ALL
SELECT v.user_id, c.patient_id, v.role, greatest(v.since, c.since), least(v.until, c.until), 'cover'
FROM pathway_cover v
JOIN pathway_membership m ON m.user_id = v.user_id AND m.site_id = v.site_id AND m.role = v.role
JOIN pathway_user u ON u.id = v.user_id
JOIN pathway_careteammember c ON c.user_id = v.stands_in_for_id AND c.role = v.role
JOIN pathway_patient p ON p.id = c.patient_id AND p.site_id = v.site_id
WHERE m.is_active AND u.is_active
UNION ALL
SELECT v.user_id, p.id, v.role, v.since, v.until, 'cover'
FROM pathway_cover v
JOIN pathway_membership m ON m.user_id = v.user_id AND m.site_id = v.site_id AND m.role = v.role
JOIN pathway_user u ON u.id = v.user_id
JOIN pathway_patient p ON p.site_id = v.site_id
WHERE v.stands_in_for_id IS NULL AND m.is_active AND u.is_active
UNION ALL
SELECT g.user_id, g.patient_id, m.role, g.since, g.until, 'emergency'
FROM pathway_emergencygrant g
JOIN pathway_patient p ON p.id = g.patient_id
JOIN pathway_membership m ON m.user_id = g.user_id AND m.site_id = p.site_id
JOIN pathway_user u ON u.id = g.user_id
WHERE m.is_active AND m.role NOT IN ('admin', 'auditor') AND u.is_active
"""

# Whom somebody sees at an instant. A function and not the view itself, as nobody can guess how many these are: from
# the view PostgreSQL expects all patients of a site, since somebody might be on call there, and reads whole tables.
# Its own plan goes from the person by indexes. It asks with the rights of who calls it, as the view does.
SEEN_BY = """
CREATE FUNCTION pathway_seen_by(person bigint, moment timestamptz) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE ROWS 20 COST 10000
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    -- For row-level security this is a list: see `read` in 0007.
    is_plain boolean := coalesce(current_setting('pathway.purpose', true), '') = '';
BEGIN
    IF is_plain THEN
        PERFORM set_config('pathway.purpose', 'list', true);
    END IF;
    RETURN QUERY SELECT DISTINCT s.patient_id FROM pathway_sight s
    WHERE s.user_id = person AND s.since <= moment AND (s.until IS NULL OR s.until > moment);
    IF is_plain THEN
        PERFORM set_config('pathway.purpose', '', true);
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("pathway", "0002_database_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="Sight",
            fields=[
                (
                    "patient",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="pathway.patient",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("neurologist", "Neurologist"),
                            ("respiratory-physician", "Respiratory physician"),
                            ("respiratory-physio", "Respiratory physiotherapist or physiologist"),
                            ("dietitian", "Dietitian"),
                            ("physiotherapist", "Physiotherapist"),
                            ("occupational-therapist", "Occupational therapist"),
                            ("speech-therapist", "Speech and language therapist"),
                            ("nurse-coordinator", "Nurse coordinator"),
                            ("palliative", "Palliative care"),
                            ("psychosocial", "Psychology and social work"),
                            ("orthopaedics", "Spine and orthopaedic surgery"),
                            ("gastroenterology", "Gastrostomy service"),
                            ("pharmacist", "Pharmacist"),
                            ("geneticist", "Geneticist"),
                            ("admin", "Administrator (no clinical tasks)"),
                            ("auditor", "Auditor (reads who looked at what, no patients)"),
                        ],
                        max_length=32,
                        null=True,
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(null=True)),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("team", "on the care team"),
                            ("cover", "standing in or on call"),
                            ("emergency", "emergency access"),
                        ],
                        max_length=16,
                    ),
                ),
            ],
            options={
                "db_table": "pathway_sight",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Cover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("neurologist", "Neurologist"),
                            ("respiratory-physician", "Respiratory physician"),
                            ("respiratory-physio", "Respiratory physiotherapist or physiologist"),
                            ("dietitian", "Dietitian"),
                            ("physiotherapist", "Physiotherapist"),
                            ("occupational-therapist", "Occupational therapist"),
                            ("speech-therapist", "Speech and language therapist"),
                            ("nurse-coordinator", "Nurse coordinator"),
                            ("palliative", "Palliative care"),
                            ("psychosocial", "Psychology and social work"),
                            ("orthopaedics", "Spine and orthopaedic surgery"),
                            ("gastroenterology", "Gastrostomy service"),
                            ("pharmacist", "Pharmacist"),
                            ("geneticist", "Geneticist"),
                        ],
                        max_length=32,
                        verbose_name="role",
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("reason", models.TextField()),
                (
                    "granted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="covers", to="pathway.site"
                    ),
                ),
                (
                    "stands_in_for",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="covered_by",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="covers", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "site"], name="cover_user_site")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__gte", models.F("since"))), name="cover_ends_after_it_begins"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="cover_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("stands_in_for", None),
                            models.Q(("stands_in_for", models.F("user")), _negated=True),
                            _connector="OR",
                        ),
                        name="nobody_covers_themselves",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EmergencyGrant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason_code",
                    models.CharField(
                        choices=[
                            ("emergency", "Acute emergency"),
                            ("out-of-hours", "Out-of-hours call about the patient"),
                            ("team-absent", "Nobody of the care team can be reached"),
                            ("other", "Another reason"),
                        ],
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                ("reason", models.TextField(verbose_name="what happened")),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                ("was_justified", models.BooleanField(blank=True, null=True)),
                ("review_note", models.TextField(blank=True)),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="emergency_grants",
                        to="pathway.patient",
                    ),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="emergency_grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["user", "patient"], name="emergency_user_patient"),
                    models.Index(
                        condition=models.Q(("reviewed_at", None)), fields=["since"], name="emergency_unreviewed"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason_code__in", ["emergency", "out-of-hours", "team-absent", "other"])),
                        name="known_emergency_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="emergency_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("until__gte", models.F("since"))), name="emergency_ends_after_it_begins"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reviewed_at", None), ("reviewed_by", None), ("was_justified", None)),
                            models.Q(
                                ("reviewed_at__isnull", False),
                                ("reviewed_by__isnull", False),
                                ("was_justified__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="emergency_review_is_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("emergency", "Somebody has opened the record in an emergency")], max_length=16
                    ),
                ),
                ("at", models.DateTimeField()),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                (
                    "emergency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="pathway.emergencygrant",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="pathway.patient"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["person", "-at"], name="notice_inbox")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["emergency"])), name="known_kind_of_notice"
                    ),
                    models.UniqueConstraint(fields=("person", "emergency"), name="one_notice_per_emergency"),
                ],
            },
        ),
        migrations.RunSQL(SIGHT, "DROP VIEW pathway_sight"),
        migrations.RunSQL(SEEN_BY, "DROP FUNCTION pathway_seen_by(bigint, timestamptz)"),
    ]
