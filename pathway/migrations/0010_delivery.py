"""How messages reach people: personal settings, dispatches with leases, and holds of the outbox.

What delivers reads whom to reach and when, and writes what became of it. People change their own settings and read
their own dispatches; nurse coordinators read those of their site, which name no patient.
"""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

MAINTAINS = "current_setting('pathway.purpose', true) = 'maintenance'"

# Which tasks an urgent alert asks for, and nothing else of what was found: what delivers reads no facts.
PRESSING = """
CREATE FUNCTION pathway_pressing(tasks bigint[]) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT DISTINCT g.task_id FROM pathway_taskground g
    JOIN pathway_episode e ON e.id = g.episode_id
    JOIN pathway_rule r ON r.id = e.rule_id
    WHERE g.task_id = ANY (tasks) AND r.severity = 'urgent' AND e.ended_at IS NULL AND NOT e.is_shadow;
END $$;
"""
FUNCTION = "pathway_pressing(bigint[])"

OWN = "person_id = (SELECT pathway_asker())"
TABLES = ("messagesettings", "personalchannel", "dispatch")
RIGHTS = (
    "GRANT SELECT (task_id, episode_id) ON pathway_taskground TO pathway_guard",
    "GRANT SELECT (rule_id, ended_at, is_shadow) ON pathway_episode TO pathway_guard",
    "GRANT SELECT (id, severity) ON pathway_rule TO pathway_guard",
    "CREATE POLICY guard_presses ON pathway_taskground FOR SELECT TO pathway_guard USING (true)",
    "GRANT SELECT (email) ON pathway_user TO pathway_deliver",
    "GRANT SELECT ON pathway_cover, pathway_messagesettings, pathway_personalchannel, pathway_dispatch,"
    " pathway_outboxhold TO pathway_deliver",
    "GRANT INSERT, UPDATE ON pathway_dispatch TO pathway_deliver",
    "REVOKE INSERT, UPDATE, DELETE ON pathway_dispatch, pathway_outboxhold FROM pathway_web",
    *(
        statement
        for table in TABLES
        for statement in (
            f"ALTER TABLE pathway_{table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE pathway_{table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY backup ON pathway_{table} FOR SELECT TO pathway_backup USING (true)",
            f"CREATE POLICY owner ON pathway_{table} TO CURRENT_USER USING ({MAINTAINS}) WITH CHECK ({MAINTAINS})",
        )
    ),
    "CREATE POLICY deliver ON pathway_dispatch TO pathway_deliver USING (true) WITH CHECK (true)",
    "CREATE POLICY deliver ON pathway_messagesettings FOR SELECT TO pathway_deliver USING (true)",
    "CREATE POLICY deliver ON pathway_personalchannel FOR SELECT TO pathway_deliver USING (true)",
    f"CREATE POLICY web ON pathway_messagesettings TO pathway_web USING ({OWN}) WITH CHECK ({OWN})",
    f"CREATE POLICY web ON pathway_personalchannel TO pathway_web USING ({OWN}) WITH CHECK ({OWN})",
    "CREATE POLICY web_reads ON pathway_dispatch FOR SELECT TO pathway_web"
    f" USING ({OWN} OR pathway_works_at(site_id, ARRAY['nurse-coordinator']))",
)
POLICIES = (
    ("guard_presses", "taskground"),
    *(("backup", table) for table in TABLES),
    *(("owner", table) for table in TABLES),
    *(("deliver", table) for table in TABLES),
    ("web", "messagesettings"),
    ("web", "personalchannel"),
    ("web_reads", "dispatch"),
)


def build(apps, schema_editor) -> None:
    def run(sql: str) -> None:
        schema_editor.execute(sql, params=None)

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema()), quote_ident(current_user)")
        schema, migrating = cursor.fetchone()
    run(PRESSING.replace("{schema}", schema))
    for statement in RIGHTS:
        run(statement)
    # To be given a function, the guard has to be allowed to make one for a moment.
    run(f"GRANT CREATE ON SCHEMA {schema} TO pathway_guard")
    run(f"ALTER FUNCTION {FUNCTION} OWNER TO pathway_guard")
    run(f"REVOKE CREATE ON SCHEMA {schema} FROM pathway_guard")
    run("SET LOCAL ROLE pathway_guard")
    run(f"REVOKE ALL ON FUNCTION {FUNCTION} FROM PUBLIC")
    run(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO pathway_deliver, {migrating}")
    run("RESET ROLE")


def tear_down(apps, schema_editor) -> None:
    schema_editor.execute(f"DROP FUNCTION {FUNCTION}", params=None)
    for name, table in POLICIES:
        schema_editor.execute(f"DROP POLICY {name} ON pathway_{table}", params=None)


class Migration(migrations.Migration):
    dependencies = [("pathway", "0009_records_walls")]

    operations = [
        migrations.CreateModel(
            name="Dispatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16)),
                ("kind", models.CharField(choices=[("single", "single message"), ("digest", "digest")], max_length=8)),
                ("day", models.DateField()),
                ("key", models.UUIDField(unique=True)),
                (
                    "urgency",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "routine"), (1, "escalated"), (2, "pressing")], default=0
                    ),
                ),
                ("is_open", models.BooleanField(default=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("in-flight", "in flight"),
                            ("sent", "sent"),
                            ("cancelled", "cancelled"),
                            ("failed", "failed"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("items", models.PositiveIntegerField(default=0)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("lease_token", models.UUIDField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, max_length=60)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "dispatches",
            },
        ),
        migrations.CreateModel(
            name="MessageSettings",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("by_email", models.BooleanField(default=True, verbose_name="by e-mail")),
                (
                    "digest_hour",
                    models.PositiveSmallIntegerField(
                        default=8,
                        validators=[django.core.validators.MaxValueValidator(23)],
                        verbose_name="hour of the digest",
                    ),
                ),
                ("quiet_from", models.TimeField(blank=True, null=True, verbose_name="quiet from")),
                ("quiet_until", models.TimeField(blank=True, null=True, verbose_name="quiet until")),
                ("absent_from", models.DateField(blank=True, null=True, verbose_name="away from")),
                ("absent_until", models.DateField(blank=True, null=True, verbose_name="away until")),
            ],
            options={
                "verbose_name_plural": "message settings",
            },
        ),
        migrations.CreateModel(
            name="OutboxHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("held_at", models.DateTimeField()),
                ("held_by", models.CharField(max_length=150)),
                ("reason", models.CharField(max_length=200)),
                ("released_at", models.DateTimeField(blank=True, null=True)),
                ("released_by", models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.CreateModel(
            name="PersonalChannel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16)),
                ("address", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="delivery",
            name="delivery_queued",
        ),
        migrations.AddField(
            model_name="delivery",
            name="urgency",
            field=models.PositiveSmallIntegerField(
                choices=[(0, "routine"), (1, "escalated"), (2, "pressing")], db_default=0, default=0
            ),
        ),
        migrations.AddField(
            model_name="dispatch",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="dispatches", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="dispatch",
            name="site",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="dispatches", to="pathway.site"
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="dispatch",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="deliveries",
                to="pathway.dispatch",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("dispatch", None), ("status", "queued")),
                fields=["-urgency", "queued_at", "id"],
                name="delivery_queued",
            ),
        ),
        migrations.AddField(
            model_name="messagesettings",
            name="deputy",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="messagesettings",
            name="person",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="message_settings",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="outboxhold",
            name="site",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="outbox_holds",
                to="pathway.site",
            ),
        ),
        migrations.AddField(
            model_name="personalchannel",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="personal_channels",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(
                condition=models.Q(("status__in", ["queued", "in-flight"])), fields=["next_at"], name="dispatch_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(fields=["person", "channel", "-next_at"], name="dispatch_person"),
        ),
        migrations.AddIndex(
            model_name="dispatch",
            index=models.Index(
                condition=models.Q(("status", "failed")), fields=["site", "-next_at"], name="dispatch_failed"
            ),
        ),
        migrations.AddConstraint(
            model_name="dispatch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_open", True)), fields=("person", "channel"), name="one_open_digest_per_channel"
            ),
        ),
        migrations.AddConstraint(
            model_name="dispatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["queued", "in-flight", "sent", "cancelled", "failed"])),
                name="known_dispatch_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="dispatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "in-flight"), _negated=True),
                    models.Q(("lease_token__isnull", False), ("lease_until__isnull", False)),
                    _connector="OR",
                ),
                name="in_flight_is_leased",
            ),
        ),
        migrations.AddConstraint(
            model_name="messagesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("digest_hour__lte", 23)), name="digest_hour_of_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="messagesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("quiet_from", None), ("quiet_until", None)),
                    models.Q(
                        ("quiet_from__isnull", False),
                        ("quiet_until__isnull", False),
                        models.Q(("quiet_from", models.F("quiet_until")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="quiet_hours_are_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="messagesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("absent_from", None), ("absent_until", None), ("deputy", None)),
                    models.Q(
                        ("absent_from__isnull", False),
                        ("absent_until__gte", models.F("absent_from")),
                        ("absent_until__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="absence_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="messagesettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("deputy", None), models.Q(("deputy", models.F("person")), _negated=True), _connector="OR"
                ),
                name="nobody_is_their_deputy",
            ),
        ),
        migrations.AddConstraint(
            model_name="outboxhold",
            constraint=models.UniqueConstraint(
                condition=models.Q(("released_at", None)),
                fields=("site",),
                name="one_hold_at_a_time",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="outboxhold",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="outbox_hold_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="personalchannel",
            constraint=models.UniqueConstraint(fields=("person", "channel"), name="one_address_per_channel"),
        ),
        migrations.RunPython(build, tear_down),
    ]
