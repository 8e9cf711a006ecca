"""Row-level security of what becomes of records, and the three steps that need sight of what nobody sees yet.

Accepting a transfer, opening again a record that was closed by a merge, and finding the record that took another's
place: each is a function of the guard that does this one thing and asks first who asks.
"""

from django.db import migrations

# Whose rows a merge moves. Measures are derived, and the audit says what happened to which record.
MOVED = (
    "careteammember", "enrollment", "observation", "intervention", "exerciseitem", "qualityflag", "episode",
    "educationgiven", "emergencygrant", "notice", "patientnumber", "transfer", "legalhold",
)  # fmt: skip
WALLED = ("merge", "mergerow", "patientnumber", "transfer", "legalhold", "erasure")
MAINTAINS = "current_setting('pathway.purpose', true) = 'maintenance'"
COORDINATOR = "ARRAY['nurse-coordinator']"

# Of a merge that is proposed only who sees both records learns; of one that is done, who sees what came of it.
SEES_MERGE = """
CREATE FUNCTION pathway_sees_merge(bigint) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = %(schema)s, pg_temp COST 300 AS $$
DECLARE
    source bigint;
    survivor bigint;
    state text;
BEGIN
    SELECT m.source_id, m.survivor_id, m.status INTO source, survivor, state
    FROM %(schema)s.pathway_merge m WHERE m.id = $1;
    RETURN %(schema)s.pathway_sees(survivor) AND (state = 'confirmed' OR %(schema)s.pathway_sees(source));
END $$;
"""

SUCCESSOR = """
-- The record that goes on in place of a closed one, for somebody who was on the team of the closed one and sees it.
CREATE FUNCTION pathway_successor(closed uuid) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = %(schema)s, pg_temp AS $$
DECLARE
    asker bigint := %(schema)s.pathway_asker();
BEGIN
    RETURN (
        WITH RECURSIVE chain AS (
            SELECT p.id, p.uuid, p.merged_into_id FROM %(schema)s.pathway_patient p WHERE p.uuid = closed
            UNION ALL
            SELECT n.id, n.uuid, n.merged_into_id
            FROM %(schema)s.pathway_patient n JOIN chain c ON n.id = c.merged_into_id
        )
        SELECT c.uuid FROM chain c
        WHERE c.merged_into_id IS NULL AND c.uuid <> closed AND %(schema)s.pathway_sees(c.id) AND EXISTS (
            SELECT FROM %(schema)s.pathway_patient p
            JOIN %(schema)s.pathway_merge m ON m.source_id = p.id AND m.status = 'confirmed'
            JOIN %(schema)s.pathway_mergerow r ON r.merge_id = m.id AND r."table" = 'pathway_careteammember'
            JOIN %(schema)s.pathway_careteammember t ON t.id = r."row"
            WHERE p.uuid = closed AND t.user_id = asker AND r.before IS NOT NULL)
    );
END $$;
"""

JOIN = """
-- A person confirms: all rows of the source become the survivor's, each with a line in the journal; its team ends.
CREATE FUNCTION pathway_join_records(merge bigint, moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = %(schema)s, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    asker bigint := %(schema)s.pathway_asker();
    source bigint;
    survivor bigint;
    site bigint;
    name text;
BEGIN
    SELECT m.source_id, m.survivor_id, b.site_id INTO source, survivor, site
    FROM %(schema)s.pathway_merge m
    JOIN %(schema)s.pathway_patient a ON a.id = m.source_id
    JOIN %(schema)s.pathway_patient b ON b.id = m.survivor_id AND b.site_id = a.site_id
    WHERE m.id = merge AND m.status = 'proposed';
    IF source IS NULL OR NOT (%(schema)s.pathway_sees(source) AND %(schema)s.pathway_sees(survivor))
            OR NOT %(schema)s.pathway_works_at(site, %(coordinator)s) THEN
        RAISE EXCEPTION 'there is no such merge' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE %(schema)s.pathway_merge m SET status = 'confirmed', decided_by_id = asker, decided_at = moment,
        died_on_was = (SELECT p.died_on FROM %(schema)s.pathway_patient p WHERE p.id = survivor)
    WHERE m.id = merge;
    -- Whose place on the team was open is found again by `before`.
    INSERT INTO %(schema)s.pathway_mergerow (merge_id, "table", "row", moved, before)
    SELECT merge, 'pathway_careteammember', t.id, true, '{"until": null}'
    FROM %(schema)s.pathway_careteammember t WHERE t.patient_id = source AND t.until IS NULL;
    UPDATE %(schema)s.pathway_careteammember t SET until = greatest(moment, t.since)
    WHERE t.patient_id = source AND t.until IS NULL;
    UPDATE %(schema)s.pathway_emergencygrant g SET until = greatest(moment, g.since)
    WHERE g.patient_id = source AND g.until > moment;
    FOREACH name IN ARRAY %(moved)s LOOP
        EXECUTE format('INSERT INTO %(schema)s.pathway_mergerow (merge_id, "table", "row", moved)
            SELECT $1, $2, t.id, true FROM %(schema)s.%%I t WHERE t.patient_id = $3
            ON CONFLICT ("table", "row", merge_id) DO UPDATE SET moved = true', name) USING merge, name, source;
        EXECUTE format('UPDATE %(schema)s.%%I t SET patient_id = $2 WHERE t.patient_id = $1', name)
            USING source, survivor;
    END LOOP;
    -- What is derived is derived again.
    DELETE FROM %(schema)s.pathway_measure t WHERE t.patient_id = source;
    UPDATE %(schema)s.pathway_patient p SET merged_into_id = survivor WHERE p.id = source;
    UPDATE %(schema)s.pathway_patient p SET died_on = coalesce(p.died_on, s.died_on)
    FROM %(schema)s.pathway_patient s WHERE p.id = survivor AND s.id = source;
END $$;
"""

PART = """
-- A merge is taken apart: what the journal names goes back, and the source stands again with the team that it had.
-- Who does it sees both halves already, and stays on the team of each. What came since stays with the survivor.
CREATE FUNCTION pathway_part_records(merge bigint, why text, moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = %(schema)s, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    asker bigint := %(schema)s.pathway_asker();
    source bigint;
    survivor bigint;
    site bigint;
    was date;
    name text;
BEGIN
    SELECT m.source_id, m.survivor_id, p.site_id, m.died_on_was INTO source, survivor, site, was
    FROM %(schema)s.pathway_merge m JOIN %(schema)s.pathway_patient p ON p.id = m.survivor_id
    WHERE m.id = merge AND m.status = 'confirmed';
    IF source IS NULL OR NOT %(schema)s.pathway_sees(survivor)
            OR NOT %(schema)s.pathway_works_at(site, %(coordinator)s) THEN
        RAISE EXCEPTION 'there is no such merge' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE %(schema)s.pathway_merge m
    SET status = 'undone', undone_by_id = asker, undone_at = moment, end_reason = why WHERE m.id = merge;
    FOREACH name IN ARRAY %(moved)s LOOP
        EXECUTE format('UPDATE %(schema)s.%%I t SET patient_id = $1 FROM %(schema)s.pathway_mergerow r
            WHERE r.merge_id = $3 AND r."table" = $4 AND r."row" = t.id AND r.moved AND t.patient_id = $2', name)
            USING source, survivor, merge, name;
    END LOOP;
    -- What the rules found since then for an enrollment that goes back, goes back with it.
    UPDATE %(schema)s.pathway_episode t SET patient_id = source FROM %(schema)s.pathway_enrollment e
    WHERE e.id = t.enrollment_id AND e.patient_id = source AND t.patient_id = survivor;
    UPDATE %(schema)s.pathway_qualityflag t SET patient_id = source FROM %(schema)s.pathway_observation o
    WHERE o.id = t.observation_id AND o.patient_id = source AND t.patient_id = survivor;
    UPDATE %(schema)s.pathway_intervention t SET stopped_on = NULL FROM %(schema)s.pathway_mergerow r
    WHERE r.merge_id = merge AND r."table" = 'pathway_intervention' AND r."row" = t.id AND r.before IS NOT NULL;
    UPDATE %(schema)s.pathway_careteammember t SET until = NULL FROM %(schema)s.pathway_mergerow r
    WHERE r.merge_id = merge AND r."table" = 'pathway_careteammember' AND r."row" = t.id AND r.before IS NOT NULL;
    UPDATE %(schema)s.pathway_patient p SET merged_into_id = NULL, died_on = CASE
        WHEN EXISTS (SELECT FROM %(schema)s.pathway_enrollment e WHERE e.patient_id = source AND e.status = 'deceased')
        THEN s.died_on
        WHEN EXISTS (SELECT FROM %(schema)s.pathway_enrollment e
                     WHERE e.patient_id = source AND e.status IN ('active', 'on-hold')) THEN NULL
        ELSE p.died_on END
    FROM %(schema)s.pathway_patient s WHERE p.id = source AND s.id = survivor;
    UPDATE %(schema)s.pathway_patient p SET died_on = was WHERE p.id = survivor AND NOT EXISTS (
        SELECT FROM %(schema)s.pathway_enrollment e WHERE e.patient_id = survivor AND e.status = 'deceased');
    INSERT INTO %(schema)s.pathway_careteammember (patient_id, user_id, role, since)
    SELECT source, asker, 'nurse-coordinator', moment
    WHERE NOT EXISTS (SELECT FROM %(schema)s.pathway_careteammember t
        WHERE t.patient_id = source AND t.user_id = asker AND t.role = 'nurse-coordinator' AND t.until IS NULL);
END $$;
"""

ACCEPT = """
-- The other site takes the patient over. Until here nobody there has seen more than the number and the reason.
CREATE FUNCTION pathway_accept_transfer(
    transfer bigint, new_number text, people bigint[], roles text[], note text, moment timestamptz
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = %(schema)s, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    asker bigint := %(schema)s.pathway_asker();
    whom bigint;
    old_site bigint;
    new_site bigint;
BEGIN
    SELECT t.patient_id, t.from_site_id, t.to_site_id INTO whom, old_site, new_site
    FROM %(schema)s.pathway_transfer t WHERE t.id = transfer AND t.status = 'offered';
    IF whom IS NULL OR NOT %(schema)s.pathway_works_at(new_site, %(coordinator)s) THEN
        RAISE EXCEPTION 'there is no such offer' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM unnest(people, roles) n(person, role)
                   WHERE n.person = asker AND n.role = 'nurse-coordinator')
        OR EXISTS (SELECT FROM unnest(people, roles) n(person, role)
                   WHERE n.role IN ('admin', 'auditor') OR NOT EXISTS (
                       SELECT FROM %(schema)s.pathway_membership m
                       WHERE m.user_id = n.person AND m.role = n.role AND m.site_id = new_site AND m.is_active)) THEN
        RAISE EXCEPTION 'such a team is not possible' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- As the judge does: enrollments first, then the patient.
    PERFORM FROM %(schema)s.pathway_enrollment e WHERE e.patient_id = whom ORDER BY e.id FOR NO KEY UPDATE;
    INSERT INTO %(schema)s.pathway_patientnumber (patient_id, site_id, number, until)
    SELECT p.id, p.site_id, p.identifier, moment FROM %(schema)s.pathway_patient p
    WHERE p.id = whom AND p.site_id = old_site AND p.merged_into_id IS NULL AND p.erased_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such offer' USING ERRCODE = 'insufficient_privilege';
    END IF;
    UPDATE %(schema)s.pathway_transfer t
    SET status = 'accepted', decided_by_id = asker, decided_at = moment, decision_reason = note WHERE t.id = transfer;
    UPDATE %(schema)s.pathway_patient p SET site_id = new_site, identifier = new_number WHERE p.id = whom;
    UPDATE %(schema)s.pathway_careteammember t SET until = greatest(moment, t.since)
    WHERE t.patient_id = whom AND t.until IS NULL;
    UPDATE %(schema)s.pathway_emergencygrant g SET until = greatest(moment, g.since)
    WHERE g.patient_id = whom AND g.until > moment;
    INSERT INTO %(schema)s.pathway_careteammember (patient_id, user_id, role, since)
    SELECT DISTINCT whom, n.person, n.role, moment FROM unnest(people, roles) n(person, role);
    RETURN whom;
END $$;
"""

FUNCTIONS = (
    "pathway_sees_merge(bigint)",
    "pathway_successor(uuid)",
    "pathway_join_records(bigint, timestamptz)",
    "pathway_part_records(bigint, text, timestamptz)",
    "pathway_accept_transfer(bigint, text, bigint[], text[], text, timestamptz)",
)

# What the guard reads and writes in them, and no more.
GRANTS = (
    "GRANT SELECT (uuid, identifier, merged_into_id, erased_at, died_on) ON pathway_patient TO pathway_guard",
    "GRANT UPDATE (site_id, identifier, merged_into_id, died_on) ON pathway_patient TO pathway_guard",
    "GRANT INSERT (patient_id, user_id, role, since), UPDATE (until) ON pathway_careteammember TO pathway_guard",
    "GRANT UPDATE (until) ON pathway_emergencygrant TO pathway_guard",
    "GRANT SELECT (status) ON pathway_enrollment TO pathway_guard",
    "GRANT SELECT (enrollment_id) ON pathway_episode TO pathway_guard",
    "GRANT SELECT (observation_id) ON pathway_qualityflag TO pathway_guard",
    "GRANT UPDATE (stopped_on) ON pathway_intervention TO pathway_guard",
    "GRANT SELECT (patient_id), DELETE ON pathway_measure TO pathway_guard",
    "GRANT SELECT ON pathway_merge, pathway_mergerow, pathway_transfer TO pathway_guard",
    "GRANT UPDATE (status, decided_by_id, decided_at, died_on_was, undone_by_id, undone_at, end_reason)"
    " ON pathway_merge TO pathway_guard",
    "GRANT INSERT, UPDATE (moved) ON pathway_mergerow TO pathway_guard",
    "GRANT UPDATE (status, decided_by_id, decided_at, decision_reason) ON pathway_transfer TO pathway_guard",
    "GRANT INSERT ON pathway_patientnumber TO pathway_guard",
    *(f"GRANT SELECT (id, patient_id), UPDATE (patient_id) ON pathway_{table} TO pathway_guard" for table in MOVED),
)
# Beside what the guard reads already (0007).
GUARD_READS = (
    "exerciseitem",
    "qualityflag",
    "educationgiven",
    "notice",
    "patientnumber",
    "legalhold",
    "measure",
    "merge",
    "mergerow",
    "transfer",
)
GUARD_POLICIES = (
    ("guard_changes", "patient", "UPDATE", "USING (true) WITH CHECK (true)"),
    ("guard_forgets", "measure", "DELETE", "USING (true)"),
    ("guard_decides", "merge", "UPDATE", "USING (true) WITH CHECK (true)"),
    ("guard_notes", "mergerow", "INSERT", "WITH CHECK (true)"),
    ("guard_marks", "mergerow", "UPDATE", "USING (true) WITH CHECK (true)"),
    ("guard_adds", "patientnumber", "INSERT", "WITH CHECK (true)"),
    *(("guard_reads_records", table, "SELECT", "USING (true)") for table in GUARD_READS),
    *(("guard_moves", table, "UPDATE", "USING (true) WITH CHECK (true)") for table in MOVED),
)

BOTH = "pathway_sees(source_id) AND pathway_sees(survivor_id)"
# Of the survivor alone a merge that is done is seen.
DONE = f"({BOTH}) OR (status = 'confirmed' AND pathway_sees(survivor_id))"
OFFERED = f"pathway_sees(patient_id) OR pathway_works_at(to_site_id, {COORDINATOR})"
# (table, who reads it, who adds to it, who changes it)
WEB = (
    ("merge", DONE, BOTH, DONE),
    ("mergerow", "pathway_sees_merge(merge_id)", "pathway_sees_merge(merge_id)", "false"),
    ("patientnumber", "pathway_sees(patient_id)", "pathway_sees(patient_id)", "pathway_sees(patient_id)"),
    ("transfer", OFFERED, "pathway_sees(patient_id)", OFFERED),
    ("legalhold", "pathway_sees(patient_id)", "pathway_sees(patient_id)", "pathway_sees(patient_id)"),
)
KEPT = (
    "REVOKE ALL ON pathway_erasure FROM pathway_web",
    "REVOKE INSERT, UPDATE, DELETE ON pathway_retentionpolicy FROM pathway_web",
    "REVOKE DELETE ON pathway_merge, pathway_mergerow, pathway_transfer, pathway_legalhold FROM pathway_web",
    "REVOKE UPDATE ON pathway_mergerow, pathway_patientnumber, pathway_merge, pathway_transfer FROM pathway_web",
    # Decided, and never about somebody else: whoever changed the patient of an offer could draw a stranger in.
    "GRANT UPDATE (status, decided_by_id, decided_at, end_reason) ON pathway_merge TO pathway_web",
    "GRANT UPDATE (status, decided_by_id, decided_at, decision_reason) ON pathway_transfer TO pathway_web",
)


def statements() -> list[str]:
    found = [*GRANTS, *KEPT]
    for table in WALLED:
        whole = f"pathway_{table}"
        found += [
            f"ALTER TABLE {whole} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {whole} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY backup ON {whole} FOR SELECT TO pathway_backup USING (true)",
            f"CREATE POLICY owner ON {whole} TO CURRENT_USER USING ({MAINTAINS}) WITH CHECK ({MAINTAINS})",
        ]
    for table, reads, adds, changes in WEB:
        whole = f"pathway_{table}"
        found += [
            f"CREATE POLICY web_reads ON {whole} FOR SELECT TO pathway_web USING ({reads})",
            f"CREATE POLICY web_adds ON {whole} FOR INSERT TO pathway_web WITH CHECK ({adds})",
            f"CREATE POLICY web_changes ON {whole} FOR UPDATE TO pathway_web USING ({changes}) WITH CHECK ({changes})",
            f"CREATE POLICY web_removes ON {whole} FOR DELETE TO pathway_web USING ({changes})",
        ]
    for name, table, command, condition in GUARD_POLICIES:
        found.append(f"CREATE POLICY {name} ON pathway_{table} FOR {command} TO pathway_guard {condition}")
    return found


def build(apps, schema_editor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        place = cursor.fetchone()[0]
    moved = "ARRAY[" + ", ".join(f"'pathway_{table}'" for table in MOVED) + "]"
    for text in (SEES_MERGE, SUCCESSOR, JOIN, PART, ACCEPT):
        filled = text % {"schema": f'"{place}"', "coordinator": COORDINATOR, "moved": moved}
        schema_editor.execute(filled, params=None)
    for statement in statements():
        schema_editor.execute(statement, params=None)
    # To be given a function, the guard has to be allowed to make one for a moment.
    schema_editor.execute(f'GRANT CREATE ON SCHEMA "{place}" TO pathway_guard', params=None)
    for function in FUNCTIONS:
        schema_editor.execute(f"ALTER FUNCTION {function} OWNER TO pathway_guard", params=None)
    schema_editor.execute(f'REVOKE CREATE ON SCHEMA "{place}" FROM pathway_guard', params=None)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_user)")
        migrating = cursor.fetchone()[0]
    schema_editor.execute("SET LOCAL ROLE pathway_guard", params=None)
    for function in FUNCTIONS:
        schema_editor.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC", params=None)
        schema_editor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO pathway_web, {migrating}", params=None)
    schema_editor.execute("RESET ROLE", params=None)


def tear_down(apps, schema_editor) -> None:
    for name, table, _command, _condition in GUARD_POLICIES:
        schema_editor.execute(f"DROP POLICY {name} ON pathway_{table}", params=None)
    for table in WALLED:
        written = any(table == one for one, *_conditions in WEB)
        for name in ("backup", "owner", *(("web_reads", "web_adds", "web_changes", "web_removes") if written else ())):
            schema_editor.execute(f"DROP POLICY {name} ON pathway_{table}", params=None)
        schema_editor.execute(f"ALTER TABLE pathway_{table} NO FORCE ROW LEVEL SECURITY", params=None)
        schema_editor.execute(f"ALTER TABLE pathway_{table} DISABLE ROW LEVEL SECURITY", params=None)
    for function in FUNCTIONS:
        schema_editor.execute(f"DROP FUNCTION {function}", params=None)


class Migration(migrations.Migration):
    dependencies = [("pathway", "0008_break_glass")]

    operations = [migrations.RunPython(build, tear_down)]
