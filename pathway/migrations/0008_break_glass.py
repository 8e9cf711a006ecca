"""What concerns patients whom the person does not see: emergency access, its review, patients without a coordinator.

Each is one function that runs with the rights of the guard (see 0007), asks first who wants to know, and tells no
more than that. Nothing else writes emergency grants and notices: the web may not, whatever its code says.
"""

from django.db import migrations

# Who the transaction works for. Without that nobody is let in, also where row-level security is not in use.
BREAK_GLASS = """
CREATE FUNCTION pathway_break_glass(
    at_site bigint, number text, born date, code text, why text, begins timestamptz, ends timestamptz,
    OUT grant_pk bigint, OUT patient_pk bigint, OUT refusal text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    asker bigint := pathway_asker();
    target bigint;
    next_one bigint;
    home bigint;
BEGIN
    IF ends <= begins OR ends > begins + interval '4 hours' THEN
        RAISE EXCEPTION 'an emergency lasts four hours at most' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Those of one person come one after the other, or two at once would pass the limit.
    PERFORM pg_advisory_xact_lock(hashtextextended('pathway.emergency', asker));
    IF NOT pathway_cares_at(at_site) THEN
        refusal := 'not-found';
        RETURN;
    END IF;
    SELECT p.id, p.merged_into_id, p.site_id INTO target, next_one, home FROM pathway_patient p
    WHERE p.site_id = at_site AND p.identifier = number
      AND (p.birth_date IS NOT DISTINCT FROM born
           OR p.birth_date_is_estimated AND abs(p.birth_date - born) <= 731);
    -- An old number of a record that was joined to another leads to what is kept up.
    WHILE next_one IS NOT NULL LOOP
        SELECT p.id, p.merged_into_id, p.site_id INTO target, next_one, home
        FROM pathway_patient p WHERE p.id = next_one;
    END LOOP;
    -- Pressed twice: it is open already.
    SELECT g.id INTO grant_pk FROM pathway_emergencygrant g
    WHERE g.user_id = asker AND g.patient_id = target AND g.since <= begins AND g.until > begins LIMIT 1;
    IF FOUND THEN
        patient_pk := target;
        RETURN;
    END IF;
    -- Said before whether there is such a patient.
    IF 5 <= (SELECT count(*) FROM pathway_emergencygrant g
             WHERE g.user_id = asker AND g.since > least(begins, pathway_moment()) - interval '24 hours') THEN
        refusal := 'limit';
        RETURN;
    END IF;
    IF target IS NULL OR home <> at_site THEN
        refusal := 'not-found';
        RETURN;
    END IF;
    INSERT INTO pathway_emergencygrant (patient_id, user_id, reason_code, reason, since, until, review_note)
    VALUES (target, asker, code, why, begins, ends, '') RETURNING id INTO grant_pk;
    patient_pk := target;
    INSERT INTO pathway_notice (person_id, patient_id, kind, emergency_id, at)
    SELECT DISTINCT c.user_id, target, 'emergency', grant_pk, begins FROM pathway_careteammember c
    WHERE c.patient_id = target AND c.user_id <> asker
      AND c.since <= begins AND (c.until IS NULL OR c.until > begins);
END $$;
"""

CARES_AT = """
CREATE FUNCTION pathway_cares_at(at_site bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM pathway_membership m JOIN pathway_user u ON u.id = m.user_id
        WHERE m.user_id = pathway_asker() AND m.site_id = at_site AND m.is_active
          AND m.role NOT IN ('admin', 'auditor') AND u.is_active
    );
END $$;
"""

# Given back before it ends, by the person who has it.
GIVE_BACK = """
CREATE FUNCTION pathway_give_back(grant_wanted bigint, moment timestamptz, OUT patient_pk bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    asker bigint := pathway_asker();
BEGIN
    UPDATE pathway_emergencygrant g SET until = greatest(g.since, moment)
    WHERE g.id = grant_wanted AND g.user_id = asker AND g.until > moment
    RETURNING g.patient_id INTO patient_pk;
END $$;
"""

# For who reviews at the site: by the number of the patient, whom they may not see.
EMERGENCIES = """
CREATE FUNCTION pathway_emergencies(at_site bigint) RETURNS TABLE (
    pk bigint, person_pk bigint, patient_pk bigint, number text, code text, why text, begins timestamptz,
    ends timestamptz, reviewer_pk bigint, reviewed timestamptz, justified boolean, note text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    IF NOT pathway_works_at(at_site, ARRAY['nurse-coordinator', 'auditor']) THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT g.id, g.user_id, g.patient_id, p.identifier::text, g.reason_code::text, g.reason, g.since, g.until,
           g.reviewed_by_id, g.reviewed_at, g.was_justified, g.review_note
    FROM pathway_emergencygrant g JOIN pathway_patient p ON p.id = g.patient_id WHERE p.site_id = at_site;
END $$;
"""

REVIEW = """
CREATE FUNCTION pathway_review_emergency(
    grant_wanted bigint, is_justified boolean, said text, moment timestamptz, OUT patient_pk bigint, OUT refusal text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    asker bigint := pathway_asker();
    found pathway_emergencygrant;
BEGIN
    SELECT g.* INTO found FROM pathway_emergencygrant g WHERE g.id = grant_wanted FOR UPDATE;
    IF found.id IS NULL OR NOT pathway_works_at(
        (SELECT p.site_id FROM pathway_patient p WHERE p.id = found.patient_id), ARRAY['nurse-coordinator', 'auditor']
    ) THEN
        refusal := 'not-found';
    ELSIF found.user_id = asker THEN
        refusal := 'own';
    ELSIF found.reviewed_at IS NOT NULL THEN
        refusal := 'reviewed';
    ELSE
        -- What was not justified does not go on.
        UPDATE pathway_emergencygrant g
        SET reviewed_by_id = asker, reviewed_at = moment, was_justified = is_justified, review_note = said,
            until = CASE WHEN is_justified THEN g.until ELSE greatest(g.since, least(g.until, moment)) END
        WHERE g.id = grant_wanted;
        patient_pk := found.patient_id;
    END IF;
END $$;
"""

# Somebody who may change the team: a coordinator of the site whose account and role are active.
STEERED = """
EXISTS (
    SELECT FROM pathway_careteammember c
    JOIN pathway_membership m ON m.user_id = c.user_id AND m.site_id = p.site_id AND m.role = c.role
    JOIN pathway_user u ON u.id = c.user_id
    WHERE c.patient_id = p.id AND c.role = 'nurse-coordinator' AND c.since <= moment
      AND (c.until IS NULL OR c.until > moment) AND m.is_active AND u.is_active
)
"""

UNSTEERED = """
CREATE FUNCTION pathway_unsteered(at_site bigint, moment timestamptz) RETURNS TABLE (
    patient_pk bigint, patient_uuid uuid, number text, others bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
BEGIN
    IF NOT pathway_works_at(at_site, ARRAY['nurse-coordinator']) THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT p.id, p.uuid, p.identifier::text, (
        SELECT count(DISTINCT c.user_id) FROM pathway_careteammember c
        JOIN pathway_membership m ON m.user_id = c.user_id AND m.site_id = p.site_id
        JOIN pathway_user u ON u.id = c.user_id
        WHERE c.patient_id = p.id AND c.since <= moment AND (c.until IS NULL OR c.until > moment)
          AND m.is_active AND m.role NOT IN ('admin', 'auditor') AND u.is_active)
    FROM pathway_patient p
    WHERE p.site_id = at_site AND p.merged_into_id IS NULL AND NOT {steered};
END $$;
"""

ADOPT = """
CREATE FUNCTION pathway_adopt(wanted uuid, moment timestamptz, OUT patient_pk bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    asker bigint := pathway_asker();
    target bigint;
BEGIN
    -- Of two who want to, one comes second and finds the patient in good hands.
    PERFORM pg_advisory_xact_lock(hashtextextended('pathway.adopt ' || wanted, 0));
    SELECT p.id INTO target FROM pathway_patient p
    WHERE p.uuid = wanted AND p.merged_into_id IS NULL
      AND pathway_works_at(p.site_id, ARRAY['nurse-coordinator']) AND NOT {steered};
    IF target IS NOT NULL THEN
        INSERT INTO pathway_careteammember (patient_id, user_id, role, since)
        VALUES (target, asker, 'nurse-coordinator', moment);
        patient_pk := target;
    END IF;
END $$;
"""

FUNCTIONS = {
    "pathway_cares_at(bigint)": CARES_AT,
    "pathway_break_glass(bigint, text, date, text, text, timestamptz, timestamptz)": BREAK_GLASS,
    "pathway_give_back(bigint, timestamptz)": GIVE_BACK,
    "pathway_emergencies(bigint)": EMERGENCIES,
    "pathway_review_emergency(bigint, boolean, text, timestamptz)": REVIEW,
    "pathway_unsteered(bigint, timestamptz)": UNSTEERED,
    "pathway_adopt(uuid, timestamptz)": ADOPT,
}

MAINTAINS = "current_setting('pathway.purpose', true) = 'maintenance'"

RIGHTS = (
    "GRANT SELECT (uuid, identifier, birth_date, birth_date_is_estimated, merged_into_id) ON pathway_patient"
    " TO pathway_guard",
    "GRANT SELECT, INSERT, UPDATE ON pathway_emergencygrant TO pathway_guard",
    "GRANT INSERT ON pathway_notice, pathway_careteammember TO pathway_guard",
    "CREATE POLICY guard_adds ON pathway_emergencygrant FOR INSERT TO pathway_guard WITH CHECK (true)",
    "CREATE POLICY guard_changes ON pathway_emergencygrant FOR UPDATE TO pathway_guard USING (true)",
    "CREATE POLICY guard_adds ON pathway_careteammember FOR INSERT TO pathway_guard WITH CHECK (true)",
    # Adding is refused to the web by policies, of which there is none that allows it.
    "REVOKE UPDATE, DELETE ON pathway_emergencygrant FROM pathway_web",
    # Notices are somebody's own: to be read, and marked as read.
    "REVOKE UPDATE, DELETE ON pathway_notice FROM pathway_web",
    "GRANT UPDATE (read_at) ON pathway_notice TO pathway_web",
    "ALTER TABLE pathway_notice ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE pathway_notice FORCE ROW LEVEL SECURITY",
    "CREATE POLICY web_reads ON pathway_notice FOR SELECT TO pathway_web"
    " USING (person_id = (SELECT pathway_asker()) AND pathway_sees(patient_id))",
    "CREATE POLICY web_changes ON pathway_notice FOR UPDATE TO pathway_web"
    " USING (person_id = (SELECT pathway_asker()))",
    "CREATE POLICY guard_adds ON pathway_notice FOR INSERT TO pathway_guard WITH CHECK (true)",
    "CREATE POLICY backup ON pathway_notice FOR SELECT TO pathway_backup USING (true)",
    f"CREATE POLICY owner ON pathway_notice TO CURRENT_USER USING ({MAINTAINS}) WITH CHECK ({MAINTAINS})",
)
TAKEN_BACK = (
    "DROP POLICY guard_adds ON pathway_emergencygrant",
    "DROP POLICY guard_changes ON pathway_emergencygrant",
    "DROP POLICY guard_adds ON pathway_careteammember",
    *(
        f"DROP POLICY {name} ON pathway_notice"
        for name in ("web_reads", "web_changes", "guard_adds", "backup", "owner")
    ),
    "ALTER TABLE pathway_notice NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE pathway_notice DISABLE ROW LEVEL SECURITY",
    "GRANT UPDATE, DELETE ON pathway_notice TO pathway_web",
    "GRANT UPDATE ON pathway_emergencygrant TO pathway_web",
)


def build(apps, schema_editor) -> None:
    def run(sql: str) -> None:
        schema_editor.execute(sql, params=None)

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema()), quote_ident(current_user)")
        schema, migrating = cursor.fetchone()
    for text in FUNCTIONS.values():
        run(text.replace("{steered}", STEERED.strip()).replace("{schema}", schema))
    for statement in RIGHTS:
        run(statement)
    # To be given a function, the guard has to be allowed to make one for a moment.
    run(f"GRANT CREATE ON SCHEMA {schema} TO pathway_guard")
    for function in FUNCTIONS:
        run(f"ALTER FUNCTION {function} OWNER TO pathway_guard")
    run(f"REVOKE CREATE ON SCHEMA {schema} FROM pathway_guard")
    run("SET LOCAL ROLE pathway_guard")
    for function in FUNCTIONS:
        run(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION {function} TO pathway_web, {migrating}")
    run("RESET ROLE")


def tear_down(apps, schema_editor) -> None:
    for function in reversed(FUNCTIONS):
        schema_editor.execute(f"DROP FUNCTION {function}", params=None)
    for statement in TAKEN_BACK:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("pathway", "0007_walls")]

    operations = [migrations.RunPython(build, tear_down)]
