"""Two roles of the database: the owner changes tables, the web changes rows and nothing of the audit.

They are groups without login: give the web's login `GRANT pathway_web TO …`, or let a login that is a
member become it with PATHWAY_DB_ROLE=pathway_web. Roles belong to the whole server, so another database may
have made them already; where the migrating user may not make them, a warning is all that happens.
"""

from django.db import migrations

MAKE = """
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['pathway_web', 'pathway_owner'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
            -- To become it on purpose, and not to have its rights all the time.
            IF NOT pg_has_role(current_user, wanted, 'SET') THEN
                EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', wanted);
            END IF;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE WARNING 'pathway: % may not make or join the role %', current_user, wanted;
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server made it at this moment
        END;
    END LOOP;
END $$;
"""

GRANT = """
DO $$
DECLARE
    place text := current_schema();
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pathway_web') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO pathway_web', place);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO pathway_web', place);
        EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO pathway_web', place);
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO pathway_web', place);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE, SELECT ON SEQUENCES TO pathway_web', place);
        -- What is never changed: the audit. What is never deleted: facts.
        REVOKE UPDATE, DELETE ON pathway_auditevent FROM pathway_web;
        REVOKE DELETE ON pathway_observation, pathway_observationitem FROM pathway_web;
        REVOKE DELETE ON pathway_educationgiven, pathway_checklistanswer FROM pathway_web;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pathway_owner') THEN
        EXECUTE format('GRANT ALL ON SCHEMA %I TO pathway_owner', place);
        EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %I TO pathway_owner', place);
        EXECUTE format('GRANT ALL ON ALL SEQUENCES IN SCHEMA %I TO pathway_owner', place);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT ALL ON TABLES TO pathway_owner', place);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT ALL ON SEQUENCES TO pathway_owner', place);
    END IF;
END $$;
"""

# The roles stay: other databases of the server may use them.
REVOKE = """
DO $$
DECLARE
    wanted text;
    place text := current_schema();
BEGIN
    FOR wanted IN SELECT rolname FROM pg_roles WHERE rolname IN ('pathway_web', 'pathway_owner') LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON TABLES FROM %I', place, wanted);
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON SEQUENCES FROM %I', place, wanted);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', place, wanted);
        EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM %I', place, wanted);
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', place, wanted);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    # The tables of the other applications are made before it, or get the default privileges.
    dependencies = [("pathway", "0001_river")]

    operations = [
        migrations.RunSQL(MAKE, migrations.RunSQL.noop),
        migrations.RunSQL(GRANT, REVOKE),
    ]
