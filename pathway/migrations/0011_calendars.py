"""Closures of a site, what it does otherwise than the release says, feeds of calendars."""

import uuid

import django.contrib.postgres.constraints
import django.contrib.postgres.functions
import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import pathway.models.people

# What reminds and what judges ask which ladder and which shift a site has; its closures say when it is at work. The
# secrets of feeds are for the web alone.
GRANT = (
    "GRANT SELECT ON pathway_closure, pathway_siteactivity TO pathway_judge, pathway_deliver;"
    "REVOKE DELETE ON pathway_calendarfeed FROM pathway_web"
)
REVOKE = "REVOKE SELECT ON pathway_closure, pathway_siteactivity FROM pathway_judge, pathway_deliver"


class Migration(migrations.Migration):
    dependencies = [("pathway", "0010_delivery")]

    operations = [
        migrations.CreateModel(
            name="CalendarFeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("session_epoch", models.PositiveIntegerField(editable=False)),
                ("created_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Closure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_day", models.DateField(verbose_name="first day")),
                ("last_day", models.DateField(verbose_name="last day")),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
            ],
        ),
        migrations.CreateModel(
            name="SiteActivity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "shift",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("none", "stays"),
                            ("next", "the next working day"),
                            ("previous", "the working day before"),
                            ("nearest", "the nearest working day"),
                        ],
                        help_text="Where a due day falls on one. Empty: as the release says. Tasks that are open keep their days.",
                        max_length=8,
                        verbose_name="day without clinic",
                    ),
                ),
            ],
            options={
                "verbose_name": "activity at a site",
                "verbose_name_plural": "activities at sites",
            },
        ),
        migrations.AddField(
            model_name="activity",
            name="shift",
            field=models.CharField(
                choices=[
                    ("none", "stays"),
                    ("next", "the next working day"),
                    ("previous", "the working day before"),
                    ("nearest", "the nearest working day"),
                ],
                db_default="none",
                default="none",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="calendar_key",
            field=models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="feed_shows_initials",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Feeds are read outside of Pathway. Names are never in them; initials only where this is set.",
                verbose_name="initials in calendar feeds",
            ),
        ),
        migrations.AlterField(
            model_name="ladder",
            name="title",
            field=models.CharField(max_length=100, verbose_name="title"),
        ),
        migrations.AlterField(
            model_name="site",
            name="clinic_weekdays",
            field=models.CharField(
                default="0,1,2,3,4",
                max_length=13,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[0-6](,[0-6])*$", "Numbers from 0 (Monday) to 6 (Sunday), with commas."
                    )
                ],
                verbose_name="clinic weekdays",
            ),
        ),
        migrations.AlterField(
            model_name="site",
            name="holiday_country",
            field=models.CharField(
                blank=True,
                help_text="Two letters, and a region after a hyphen where it has holidays of its own: GB, GB-SCT, DE-BY.",
                max_length=8,
                validators=[pathway.models.people.known_country],
                verbose_name="holiday country",
            ),
        ),
        migrations.AddConstraint(
            model_name="activity",
            constraint=models.CheckConstraint(
                condition=models.Q(("shift__in", ["none", "next", "previous", "nearest"])), name="known_shift"
            ),
        ),
        migrations.AddField(
            model_name="calendarfeed",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="calendar_feeds", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="calendarfeed",
            name="site",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="calendar_feeds",
                to="pathway.site",
            ),
        ),
        migrations.AddField(
            model_name="closure",
            name="site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="closures", to="pathway.site"
            ),
        ),
        migrations.AddField(
            model_name="siteactivity",
            name="activity",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="sites", to="pathway.activity"
            ),
        ),
        migrations.AddField(
            model_name="siteactivity",
            name="ladder",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: that of the release. Open tasks go on with the rungs whose day is still to come.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="site_activities",
                to="pathway.ladder",
                verbose_name="ladder",
            ),
        ),
        migrations.AddField(
            model_name="siteactivity",
            name="site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="activities", to="pathway.site"
            ),
        ),
        migrations.AddConstraint(
            model_name="calendarfeed",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None)),
                fields=("person", "site"),
                name="one_live_feed",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="closure",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_day__gte", models.F("first_day"))), name="closure_ends_after_it_begins"
            ),
        ),
        migrations.AddConstraint(
            model_name="closure",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="closure_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="closure",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (
                        models.Func(
                            models.F("site"),
                            models.F("site"),
                            function="int8range",
                            template="%(function)s(%(expressions)s, '[]')",
                        ),
                        "&&",
                    ),
                    (
                        models.Func(
                            models.F("first_day"),
                            models.F("last_day"),
                            function="daterange",
                            template="%(function)s(%(expressions)s, '[]')",
                        ),
                        "&&",
                    ),
                ],
                name="closures_do_not_overlap",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="closure",
            trigger=pgtrigger.compiler.Trigger(
                name="calendar_changes",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE changed bigint;",
                    func="\n                    IF TG_OP = 'DELETE' THEN changed := OLD.site_id; ELSE changed := NEW.site_id; END IF;\n                    UPDATE pathway_site SET calendar_key = gen_random_uuid() WHERE id = changed;\n                    RETURN NULL;\n                ",
                    hash="0d64e841815ba63e176cdd49820685972d415418",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_calendar_changes_f7214",
                    table="pathway_closure",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="siteactivity",
            constraint=models.UniqueConstraint(fields=("site", "activity"), name="one_row_per_site_and_activity"),
        ),
        migrations.AddConstraint(
            model_name="siteactivity",
            constraint=models.CheckConstraint(
                condition=models.Q(("shift__in", ["", "none", "next", "previous", "nearest"])),
                name="known_shift_at_site",
            ),
        ),
        migrations.AddConstraint(
            model_name="siteactivity",
            constraint=models.CheckConstraint(
                condition=models.Q(("ladder", None), ("shift", ""), _negated=True), name="site_activity_says_something"
            ),
        ),
        migrations.RunSQL(GRANT, REVOKE),
    ]
