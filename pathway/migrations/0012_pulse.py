"""How well the machinery keeps up, and what has fallen silent."""

import django.contrib.postgres.indexes
import django.db.models
from django.db import migrations, models

RIGHTS = """
GRANT SELECT, INSERT, UPDATE ON pathway_clockhold TO pathway_deliver, pathway_judge;
GRANT USAGE, SELECT ON SEQUENCE pathway_clockhold_id_seq TO pathway_deliver, pathway_judge;
-- Whoever seals the audit says that it is at work.
GRANT SELECT, INSERT, UPDATE ON pathway_heartbeat TO pathway_audit;
"""
TAKEN_BACK = "REVOKE INSERT, UPDATE, SELECT ON pathway_heartbeat FROM pathway_audit"


class Migration(migrations.Migration):
    dependencies = [("pathway", "0011_calendars")]

    operations = [
        migrations.CreateModel(
            name="ClockHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("found_at", models.DateTimeField()),
                ("step", models.DurationField()),
                ("is_witnessed", models.BooleanField()),
                ("until", models.DateTimeField()),
                ("released_at", models.DateTimeField(blank=True, null=True)),
                ("released_by", models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.AddField("heartbeat", "skew", models.DurationField(blank=True, null=True)),
        migrations.AddField("sweeprun", "lag_after", models.DurationField(blank=True, null=True)),
        migrations.AddField("sweeprun", "machine", models.CharField(blank=True, default="", max_length=40), False),
        migrations.AddField("sweeprun", "uptime", models.FloatField(blank=True, null=True)),
        migrations.AddField("sweeprun", "clock_step", models.DurationField(blank=True, null=True)),
        migrations.AddField("sweeprun", "is_held", models.BooleanField(default=False)),
        migrations.AddIndex(
            "sweeprun",
            models.Index(
                fields=["id"], condition=django.db.models.Q(("clock_step__isnull", False)), name="sweep_clock_step"
            ),
        ),
        migrations.RemoveIndex("caretask", "task_next_rung"),
        migrations.AddIndex(
            "caretask",
            models.Index(
                fields=["next_rung_at", "id"],
                condition=django.db.models.Q(("status__in", ["open", "in-progress"])),
                name="task_next_rung",
            ),
        ),
        migrations.AddIndex(
            "reminder",
            django.contrib.postgres.indexes.BrinIndex(fields=["created_at"], name="reminder_by_time"),
        ),
        migrations.AddIndex(
            "delivery",
            django.contrib.postgres.indexes.BrinIndex(fields=["queued_at"], name="delivery_by_time"),
        ),
        migrations.RunSQL(RIGHTS, TAKEN_BACK),
    ]
