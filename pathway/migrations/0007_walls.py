"""The second wall: PostgreSQL itself shows a person no patient but those whom `pathway_sight` gives them.

Roles (groups without login, see 0002): `pathway_web` serves people and sees what the person sees who is told for the
transaction; `pathway_judge` judges everybody and reads no names; `pathway_deliver` reminds; `pathway_audit` reads who
did what; `pathway_backup` reads everything. `pathway_guard` owns the functions that policies ask, and reads for
them who is on which team. The owner of the tables sees patients only for maintenance, which a command has to say.

Policies ask functions and not subqueries: a subquery would be planned anew in every statement of every page, for
each table in it, which costs more than asking.
"""

from django.db import migrations

# Which patient a row belongs to: a column of its own, or the row that it hangs on.
BY_PATIENT = (
    "careteammember",
    "enrollment",
    "observation",
    "intervention",
    "exerciseitem",
    "measure",
    "qualityflag",
    "episode",
    "educationgiven",
    "emergencygrant",
)
PARENTS = {
    # parent: (how its patient is found, the column in its children, the children)
    "enrollment": (
        "pathway_enrollment x WHERE x.id = $1",
        "enrollment_id",
        ("stay", "judgement", "caretask", "proposal", "alert"),
    ),
    "observation": ("pathway_observation x WHERE x.id = $1", "observation_id", ("observationitem",)),
    "intervention": ("pathway_intervention x WHERE x.id = $1", "intervention_id", ("administration",)),
    "episode": ("pathway_episode x WHERE x.id = $1", "episode_id", ("evidence", "hit")),
    "task": (
        "pathway_enrollment x JOIN pathway_caretask t ON t.enrollment_id = x.id WHERE t.id = $1",
        "task_id",
        ("taskground", "checklistanswer", "reminder"),
    ),
    "proposal": (
        "pathway_enrollment x JOIN pathway_proposal t ON t.enrollment_id = x.id WHERE t.id = $1",
        "proposal_id",
        ("proposalground",),
    ),
    "reminder": (
        "pathway_enrollment x JOIN pathway_caretask t ON t.enrollment_id = x.id"
        " JOIN pathway_reminder r ON r.task_id = t.id WHERE r.id = $1",
        "reminder_id",
        ("delivery",),
    ),
}
# The functions have no search path of their own, so every name in them is whole.
QUALIFIED = {
    parent: (way.replace("pathway_", "%(schema)s.pathway_"), column, tables)
    for parent, (way, column, tables) in PARENTS.items()
}
CHILDREN = {table: (parent, column) for parent, (_way, column, tables) in PARENTS.items() for table in tables}
WALLED = ("patient", *BY_PATIENT, *CHILDREN, "auditevent")

ROLES = """
DO $$
DECLARE
    wanted text;
    missing text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['pathway_judge', 'pathway_deliver', 'pathway_audit', 'pathway_backup', 'pathway_guard']
    LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
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
    SELECT string_agg(name, ', ') INTO missing FROM unnest(ARRAY['pathway_web', 'pathway_judge', 'pathway_deliver',
        'pathway_audit', 'pathway_backup', 'pathway_guard']) name
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'pathway: these roles are missing and % may not make them: %', current_user, missing
            USING HINT = 'Let an administrator run CREATE ROLE name NOLOGIN for each of them.';
    END IF;
END $$;
"""

# Types in them are named with their schema: a temporary one is searched before all others, and its types run code.
# Pinning the search path would do the same and cost more, in functions that are asked for every row.
# Who asks, and when. A question about patients without an asker is a fault of the program and says so: "no rows" would
# read as "no patients".
ASKER = """
CREATE FUNCTION pathway_asker() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    told pg_catalog.text := current_setting('pathway.person', true);
BEGIN
    IF told IS NULL OR told = '' THEN
        RAISE EXCEPTION 'rows of patients are read in a transaction that says for whom'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN told::bigint;
END $$;

CREATE FUNCTION pathway_moment() RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN coalesce(nullif(current_setting('pathway.at', true), '')::pg_catalog.timestamptz, clock_timestamp());
END $$;
"""

# They cost more than PostgreSQL would think: it is to ask them of the few rows that a person's patients lead to, and
# never of a whole table.
SEES = """
CREATE FUNCTION pathway_sees(bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER COST 10000 AS $$
DECLARE
    asker bigint := %(schema)s.pathway_asker();
    moment pg_catalog.timestamptz := %(schema)s.pathway_moment();
BEGIN
    IF $1 IS NULL THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT FROM %(schema)s.pathway_sight s
        WHERE s.user_id = asker AND s.patient_id = $1 AND s.since <= moment AND (s.until IS NULL OR s.until > moment)
    );
END $$;
"""

SEES_BY = """
CREATE FUNCTION pathway_sees_{parent}(bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER COST 10000 AS $$
DECLARE
    patient bigint := (SELECT x.patient_id FROM {way});
BEGIN
    RETURN %(schema)s.pathway_sees(patient);
END $$;
"""

# All whom the person sees at once, for statements that go through very many rows: see `actor.listing`. The plans inside
# go from the person by indexes, whatever PostgreSQL believes about how many there are.
BY_INDEX = (
    "SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off"
    " SET max_parallel_workers_per_gather = 0 SET plan_cache_mode = force_generic_plan"
    " SET search_path = %(schema)s, pg_temp"
)
ALL_SEEN = f"""
CREATE FUNCTION pathway_all_seen() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 200 COST 2000 {BY_INDEX} AS $$
DECLARE
    asker bigint := pathway_asker();
    moment timestamptz := pathway_moment();
BEGIN
    RETURN QUERY SELECT DISTINCT s.patient_id FROM pathway_sight s
    WHERE s.user_id = asker AND s.since <= moment AND (s.until IS NULL OR s.until > moment);
END $$;

CREATE FUNCTION pathway_all_seen_enrollments() RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 200 COST 2000 {BY_INDEX} AS $$
BEGIN
    RETURN QUERY SELECT e.id FROM pathway_all_seen() patient JOIN pathway_enrollment e ON e.patient_id = patient;
END $$;
"""

# Roles at a site decide about what has no team yet (a new patient) and about the team itself.
WORKS = """
CREATE FUNCTION pathway_works_at(site bigint, wanted text[]) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER COST 200 AS $$
DECLARE
    asker bigint := %(schema)s.pathway_asker();
BEGIN
    RETURN EXISTS (
        SELECT FROM %(schema)s.pathway_membership m
        JOIN %(schema)s.pathway_user u ON u.id = m.user_id
        WHERE m.user_id = asker AND m.site_id = site AND m.is_active AND m.role = ANY (wanted) AND u.is_active
    );
END $$;

CREATE FUNCTION pathway_administers() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER COST 200 AS $$
DECLARE
    told pg_catalog.text := current_setting('pathway.person', true);
BEGIN
    RETURN EXISTS (
        SELECT FROM %(schema)s.pathway_user u WHERE u.id::pg_catalog.text = told AND u.is_active AND u.is_staff
    );
END $$;

-- Coordinators who see the patient; and at the site, while nobody has ever been on the team: a patient just registered.
CREATE FUNCTION pathway_sets_team(patient bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER COST 300 AS $$
DECLARE
    coordinates boolean := %(schema)s.pathway_works_at(
        (SELECT p.site_id FROM %(schema)s.pathway_patient p WHERE p.id = patient), ARRAY['nurse-coordinator']);
BEGIN
    RETURN coordinates AND (
        %(schema)s.pathway_sees(patient)
        OR NOT EXISTS (SELECT FROM %(schema)s.pathway_careteammember c WHERE c.patient_id = patient)
    );
END $$;
"""

ASKED = (
    "pathway_sees(bigint)",
    *(f"pathway_sees_{parent}(bigint)" for parent in PARENTS),
    "pathway_works_at(bigint, text[])",
    "pathway_sets_team(bigint)",
    "pathway_administers()",
    "pathway_all_seen()",
    "pathway_all_seen_enrollments()",
)
# What the guard reads to answer: keys alone.
GUARDED = {
    "patient": "id, site_id",
    "enrollment": "id, patient_id",
    "observation": "id, patient_id",
    "intervention": "id, patient_id",
    "episode": "id, patient_id",
    "caretask": "id, enrollment_id",
    "proposal": "id, enrollment_id",
    "reminder": "id, task_id",
    "careteammember": "user_id, patient_id, role, since, until",
    "emergencygrant": "id, user_id, patient_id, since, until",
}
GUARDED_OPENLY = {
    "membership": "user_id, site_id, role, is_active",
    "user": "id, is_active, is_staff",
    "cover": "user_id, site_id, role, stands_in_for_id, since, until",
    "sight": "user_id, patient_id, role, since, until, way",
}
CARE_ROLES = (
    "ARRAY['neurologist', 'respiratory-physician', 'respiratory-physio', 'dietitian', 'physiotherapist',"
    " 'occupational-therapist', 'speech-therapist', 'nurse-coordinator', 'palliative', 'psychosocial', 'orthopaedics',"
    " 'gastroenterology', 'pharmacist', 'geneticist']"
)


def seen(table: str, column: str = "") -> str:
    """The condition under which the person that is told for sees a row of this table."""
    if table == "patient":
        return "pathway_sees(id)"
    if table in CHILDREN:
        parent, key = CHILDREN[table]
        return f"pathway_sees_{parent}({key})"
    return "pathway_sees(patient_id)"


def read(table: str) -> str:
    """The same, for reading: in a list the set is made once for each statement, elsewhere each row is asked about.

    Both give the same rows. One patient's page reads few rows in many statements, a worklist very many rows in few.
    """
    parent, key = CHILDREN.get(table, ("", "id" if table == "patient" else "patient_id"))
    if parent in ("observation", "episode"):  # there are too many of them to be looked up beforehand
        return (
            f"CASE WHEN {LISTS} THEN EXISTS (SELECT FROM pathway_{parent} x WHERE x.id = {key}) ELSE {seen(table)} END"
        )
    if parent not in ("", "enrollment"):
        return seen(table)
    all_seen = "pathway_all_seen_enrollments()" if parent else "pathway_all_seen()"
    return f"CASE WHEN {LISTS} THEN {key} IN (SELECT {all_seen}) ELSE {seen(table)} END"


LISTS = "current_setting('pathway.purpose', true) = 'list'"

# Whoever is signed in writes events of their own and of the server, as they happen.
OWN_EVENT = (
    "(actor_id IS NULL OR actor_id::text = coalesce(nullif(current_setting('pathway.person', true), ''), actor_id::text))"
    " AND at BETWEEN clock_timestamp() - interval '10 minutes' AND clock_timestamp() + interval '1 minute'"
)


def web_policies(table: str) -> list[str]:
    """One policy for each command, so that writing is not what may be read."""
    whole, sees = f"pathway_{table}", seen(table)
    adds = changes = sees
    reads = read(table)
    kept = ""
    if table == "patient":
        adds = "pathway_works_at(site_id, ARRAY['nurse-coordinator'])"
        # The function still reads the row as it was, so the new site is asked about by itself.
        kept = f" AND pathway_works_at(site_id, {CARE_ROLES})"
    elif table == "careteammember":
        # Their own place first: it is what the view of sights asks for most.
        reads = (
            "(user_id = (SELECT pathway_asker()) AND since <= pathway_moment()"
            f" AND (until IS NULL OR until > pathway_moment())) OR {reads}"
        )
        adds = changes = "pathway_sets_team(patient_id)"
    elif table == "emergencygrant":
        adds = "false"  # by `pathway_break_glass` alone
        reads = changes = f"user_id = (SELECT pathway_asker()) OR {sees}"
    elif table == "auditevent":
        # Everybody adds what they do and reads it again; what others did, where they see the patient.
        reads, adds, changes = f"actor_id = (SELECT pathway_asker()) OR {sees}", OWN_EVENT, "false"
    return [
        f"CREATE POLICY web_reads ON {whole} FOR SELECT TO pathway_web USING ({reads})",
        f"CREATE POLICY web_adds ON {whole} FOR INSERT TO pathway_web WITH CHECK ({adds})",
        f"CREATE POLICY web_changes ON {whole} FOR UPDATE TO pathway_web USING ({changes}) WITH CHECK (({changes}){kept})",
        f"CREATE POLICY web_removes ON {whole} FOR DELETE TO pathway_web USING ({changes})",
    ]


def policies(table: str) -> list[str]:
    whole = f"pathway_{table}"
    found = [
        f"ALTER TABLE {whole} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {whole} FORCE ROW LEVEL SECURITY",
        *web_policies(table),
        f"CREATE POLICY judge ON {whole} TO pathway_judge USING (true) WITH CHECK (true)",
        f"CREATE POLICY deliver ON {whole} TO pathway_deliver USING (true) WITH CHECK (true)",
        f"CREATE POLICY backup ON {whole} FOR SELECT TO pathway_backup USING (true)",
        f"CREATE POLICY owner ON {whole} TO CURRENT_USER USING ({MAINTAINS}) WITH CHECK ({MAINTAINS})",
    ]
    if table in GUARDED:
        found.append(f"CREATE POLICY guard ON {whole} FOR SELECT TO pathway_guard USING (true)")
    if table in ("patient", "auditevent"):
        found.append(f"CREATE POLICY audit ON {whole} FOR SELECT TO pathway_audit USING (true)")
    return found


# Who lets whom stand in decides who sees patients, so only coordinators of the site write it.
COVERS = (
    "ALTER TABLE pathway_cover ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE pathway_cover FORCE ROW LEVEL SECURITY",
    "CREATE POLICY everybody_reads ON pathway_cover FOR SELECT USING (true)",
    "CREATE POLICY owner ON pathway_cover TO CURRENT_USER USING (true) WITH CHECK (true)",
    # Nobody lets themselves in, and nobody for long.
    "CREATE POLICY web_adds ON pathway_cover FOR INSERT TO pathway_web"
    " WITH CHECK (pathway_works_at(site_id, ARRAY['nurse-coordinator']) AND user_id <> (SELECT pathway_asker())"
    " AND until <= since + interval '91 days' AND (stands_in_for_id IS NOT NULL OR until <= since + interval '8 days'))",
    "CREATE POLICY web_changes ON pathway_cover FOR UPDATE TO pathway_web"
    " USING (pathway_works_at(site_id, ARRAY['nurse-coordinator']))",
    "REVOKE UPDATE, DELETE ON pathway_cover FROM pathway_web",
    "GRANT UPDATE (until) ON pathway_cover TO pathway_web",
    # Roles at sites are given by the administration, or by the claims of a single sign-on.
    "ALTER TABLE pathway_membership ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE pathway_membership FORCE ROW LEVEL SECURITY",
    "CREATE POLICY everybody_reads ON pathway_membership FOR SELECT USING (true)",
    "CREATE POLICY owner ON pathway_membership TO CURRENT_USER USING (true) WITH CHECK (true)",
    "CREATE POLICY web_writes ON pathway_membership TO pathway_web"
    " USING (from_claims OR pathway_administers()) WITH CHECK (from_claims OR pathway_administers())",
)

# Teams are made by people, and messages by what delivers.
NOT_JUDGED = ("emergencygrant",)

MAINTAINS = "current_setting('pathway.purpose', true) = 'maintenance'"

# What only the server's own sign-in and administration read.
PRIVATE = (
    "user",
    "patient",
    "auditevent",
    "auditseal",
    "accessreview",
    "apitoken",
    "apitoken_sites",
    "signinattempt",
)
# Rows that are never deleted, by nobody who serves (0002 says the same of the web).
KEPT = (
    "auditevent",
    "observation",
    "observationitem",
    "educationgiven",
    "checklistanswer",
    "patient",
    "emergencygrant",
    "careteammember",
    "enrollment",
    "stay",
    "episode",
    "proposal",
    "alert",
    "intervention",
    "administration",
)
USER_KEYS = "id, username, is_active"
PATIENT_KEYS = "id, uuid, site_id, identifier, merged_into_id"

# The judge: everything clinical, and of a patient all but the names. It takes no part in who is on which team.
JUDGE = """
DO $$
DECLARE
    one text;
    columns text;
BEGIN
    FOR one IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace
        AND c.relkind IN ('r', 'p', 'v') AND starts_with(c.relname, 'pathway_')
        AND NOT (c.relname = ANY (%(private)s)) LOOP
        EXECUTE format('GRANT SELECT ON %%I TO pathway_judge', one);
    END LOOP;
    FOREACH one IN ARRAY %(written)s LOOP
        EXECUTE format('GRANT INSERT, UPDATE ON %%I TO pathway_judge', one);
    END LOOP;
    FOREACH one IN ARRAY %(removed)s LOOP
        EXECUTE format('GRANT DELETE ON %%I TO pathway_judge', one);
    END LOOP;
    SELECT string_agg(quote_ident(a.attname), ', ') INTO columns FROM pg_attribute a
    WHERE a.attrelid = 'pathway_patient'::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND NOT (a.attname = ANY (%(names)s));
    EXECUTE format('GRANT SELECT (%%s) ON pathway_patient TO pathway_judge', columns);
    EXECUTE format('GRANT SELECT (%%s) ON pathway_patient TO pathway_deliver', columns);
END $$;
"""

OTHERS = f"""
GRANT INSERT, UPDATE ON pathway_patient TO pathway_judge;
GRANT INSERT, UPDATE ON pathway_heartbeat TO pathway_judge;
GRANT SELECT ({USER_KEYS}) ON pathway_user TO pathway_judge, pathway_deliver;
GRANT INSERT ON pathway_auditevent TO pathway_judge, pathway_deliver, pathway_audit;
GRANT SELECT (id) ON pathway_auditevent TO pathway_judge, pathway_deliver;

GRANT SELECT ON pathway_caretask, pathway_enrollment, pathway_careteammember, pathway_membership, pathway_site,
    pathway_activity, pathway_ladder, pathway_rung, pathway_reminder, pathway_delivery, pathway_sweeprun,
    pathway_heartbeat TO pathway_deliver;
GRANT UPDATE (next_rung_at) ON pathway_caretask TO pathway_deliver;
-- Nothing is written there: locking a row in share mode needs the right to change one of its columns.
GRANT UPDATE (judge_failed_at) ON pathway_enrollment TO pathway_deliver;
GRANT INSERT, UPDATE ON pathway_reminder, pathway_delivery, pathway_sweeprun, pathway_heartbeat TO pathway_deliver;
GRANT DELETE ON pathway_sweeprun TO pathway_deliver;

GRANT SELECT ON pathway_auditevent, pathway_membership, pathway_site, pathway_emergencygrant TO pathway_audit;
GRANT SELECT ({PATIENT_KEYS}) ON pathway_patient TO pathway_audit;
GRANT SELECT ({USER_KEYS}, first_name, last_name) ON pathway_user TO pathway_audit;

REVOKE DELETE ON {", ".join(f"pathway_{table}" for table in KEPT)} FROM pathway_web;

-- It answers whoever adds to the audit.
REVOKE ALL ON FUNCTION pathway_ways(bigint, bigint[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pathway_ways(bigint, bigint[], timestamptz)
    TO pathway_web, pathway_judge, pathway_deliver, pathway_audit;
"""

EVERYBODY = """
DO $$
DECLARE
    place text := current_schema();
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['pathway_judge', 'pathway_deliver', 'pathway_audit', 'pathway_backup', 'pathway_guard']
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', place, one);
    END LOOP;
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA %I TO pathway_judge, pathway_deliver, pathway_audit', place);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO pathway_backup', place);
    EXECUTE format('GRANT SELECT ON ALL SEQUENCES IN SCHEMA %I TO pathway_backup', place);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON TABLES TO pathway_backup', place);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT ON SEQUENCES TO pathway_backup', place);
    BEGIN
        -- What serves has no use for tables of its own, and names in them are found before all others.
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXCEPTION WHEN insufficient_privilege THEN
        RAISE WARNING 'pathway: % may not take temporary tables from everybody', current_user;
    END;
    BEGIN
        IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'pathway_backup') THEN
            ALTER ROLE pathway_backup BYPASSRLS;  -- pg_dump asks for it; without it, dump with --enable-row-security
        END IF;
    EXCEPTION
        WHEN internal_error THEN
            NULL;  -- another database of this server did it at this moment
        WHEN insufficient_privilege THEN
            RAISE WARNING 'pathway: % may not let pathway_backup bypass row-level security', current_user;
    END;
END $$;
"""


def hand_over(schema_editor, owner: str) -> None:
    """The guard owns what policies ask. To be given a function, it has to be allowed to make one for a moment."""
    place = current_schema(schema_editor)

    def run(sql: str) -> None:
        schema_editor.execute(sql, params=None)

    run(f'GRANT CREATE ON SCHEMA "{place}" TO pathway_guard')
    for function in ASKED:
        run(f"ALTER FUNCTION {function} OWNER TO {owner}")
    run(f'REVOKE CREATE ON SCHEMA "{place}" FROM pathway_guard')


def current_schema(schema_editor) -> str:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return cursor.fetchone()[0]


def array(tables) -> str:
    return "ARRAY[" + ", ".join(f"'pathway_{table}'" for table in tables) + "]"


def build(apps, schema_editor) -> None:
    """Roles, functions, grants, and the policies of every table with rows of patients."""

    def run(sql: str) -> None:
        schema_editor.execute(sql, params=None)

    schema = '"' + current_schema(schema_editor) + '"'
    run(ROLES)
    run(ASKER)
    for text in (
        SEES,
        *(SEES_BY.format(parent=parent, way=way) for parent, (way, _, _) in QUALIFIED.items()),
        ALL_SEEN,
        WORKS,
    ):
        run(text.replace("%(schema)s", schema))
    for table, columns in GUARDED.items():
        run(f"GRANT SELECT ({columns}) ON pathway_{table} TO pathway_guard")
    for table, columns in GUARDED_OPENLY.items():
        run(f"GRANT SELECT ({columns}) ON pathway_{table} TO pathway_guard")
    run(EVERYBODY)
    written = [table for table in WALLED if table not in PRIVATE and table not in NOT_JUDGED]
    texts = {
        "private": array(PRIVATE),
        "written": array(written),
        "removed": array(table for table in written if table not in KEPT),
        "names": "ARRAY['given_name', 'family_name']",
    }
    run(JUDGE % texts)
    run(OTHERS)
    for table in WALLED:
        for statement in policies(table):
            run(statement)
    for statement in COVERS:
        run(statement)
    hand_over(schema_editor, "pathway_guard")


def tear_down(apps, schema_editor) -> None:
    def run(sql: str) -> None:
        schema_editor.execute(sql, params=None)

    for table in (*WALLED, "cover", "membership"):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT polname FROM pg_policy WHERE polrelid = %s::regclass", [f"pathway_{table}"])
            names = [name for (name,) in cursor.fetchall()]
        for name in names:
            run(f"DROP POLICY {name} ON pathway_{table}")
        run(f"ALTER TABLE pathway_{table} NO FORCE ROW LEVEL SECURITY")
        run(f"ALTER TABLE pathway_{table} DISABLE ROW LEVEL SECURITY")
    for function in (*ASKED, "pathway_asker()", "pathway_moment()"):
        run(f"DROP FUNCTION {function}")


class Migration(migrations.Migration):
    dependencies = [("pathway", "0006_records")]

    operations = [migrations.RunPython(build, tear_down)]
