"""How people sign in: what a site asks of them, failed attempts, tokens of service accounts."""

import datetime

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

# Counters and used codes, shared by all web processes. Nothing of a patient comes here.
CACHE = """
CREATE TABLE sign_in_cache (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL);
CREATE INDEX sign_in_cache_expires ON sign_in_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("pathway", "0003_grants"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=100, verbose_name="what it is for")),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("patients:read", "read patients, enrolments and stages"),
                                ("patients:write", "register and enrol patients"),
                                ("observations:read", "read observations and measures"),
                                ("observations:write", "record observations"),
                                ("tasks:read", "read tasks and reminders"),
                                ("tasks:write", "complete, skip and snooze tasks"),
                                ("alerts:read", "read alerts and proposals"),
                                ("content:read", "read pathways, rules and statements"),
                                ("audit:read", "read the audit"),
                            ],
                            max_length=32,
                        ),
                        size=None,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="SignInAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("account", models.CharField(max_length=64)),
                ("address", models.CharField(max_length=64)),
            ],
        ),
        migrations.AddField(
            model_name="membership",
            name="from_claims",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="site",
            name="requires_mfa",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Who works here signs in with an authenticator or a security key besides the password.",
                verbose_name="second factor required",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="is_service",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="A program: it has tokens, and never signs in.",
                verbose_name="service account",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="must_change_password",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Somebody else knows the present one.",
                verbose_name="must choose a new password",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="session_epoch",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="sessions_end",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                    NEW.session_epoch = greatest(NEW.session_epoch, OLD.session_epoch);\n                    IF NEW.is_active IS DISTINCT FROM OLD.is_active THEN\n                        NEW.session_epoch = NEW.session_epoch + 1;\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="1e5df7cd0cbd1325ecaa0628891fb7801113f40d",
                    operation="UPDATE",
                    pgid="pgtrigger_sessions_end_1620d",
                    table="pathway_user",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_service", False), models.Q(("is_staff", False), ("is_superuser", False)), _connector="OR"
                ),
                name="no_service_is_staff",
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="sites",
            field=models.ManyToManyField(related_name="+", to="pathway.site"),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="tokens", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="signinattempt",
            index=models.Index(fields=["account", "at"], name="attempt_account"),
        ),
        migrations.AddIndex(
            model_name="signinattempt",
            index=models.Index(fields=["address", "at"], name="attempt_address"),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_at__gt", models.F("created_at")),
                    (
                        "expires_at__lte",
                        models.ExpressionWrapper(
                            django.db.models.expressions.CombinedExpression(
                                models.F("created_at"), "+", models.Value(datetime.timedelta(days=366))
                            ),
                            models.DateTimeField(),
                        ),
                    ),
                ),
                name="token_lives_a_year_at_most",
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "scopes__contained_by",
                        [
                            "patients:read",
                            "patients:write",
                            "observations:read",
                            "observations:write",
                            "tasks:read",
                            "tasks:write",
                            "alerts:read",
                            "content:read",
                            "audit:read",
                        ],
                    )
                ),
                name="token_scopes_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(condition=models.Q(("scopes__len__gt", 0)), name="token_has_a_scope"),
        ),
        migrations.RunSQL("UPDATE pathway_site SET requires_mfa = false WHERE is_demo", migrations.RunSQL.noop),
        migrations.RunSQL(CACHE, "DROP TABLE sign_in_cache"),
    ]
