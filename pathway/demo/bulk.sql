-- Many fresh enrolments on one pathway in one statement: the rows that flow.enroll would write for them.
-- %(plan)s and %(stages)s come from an enrolment that flow made and took back; dates are reckoned here.
WITH person AS (
    SELECT n,
           'BULK-' || lpad(n::text, 7, '0') AS identifier,
           CASE WHEN n %% 2 = 0 THEN 'female' ELSE 'male' END AS sex,
           (%(today)s::date - make_interval(years => 45 + n %% 35, days => n %% 365))::date AS birth_date,
           %(today)s::date - (1 + (n * 37) %% %(spread)s) AS enrolled_on,
           165 + n %% 20 AS height,
           70 + n %% 12 AS usual_weight
    FROM generate_series(%(first)s::int, %(last)s::int) AS n
    WHERE n %% 10 = ANY(%(digits)s)
), patient AS (
    INSERT INTO pathway_patient (uuid, site_id, given_name, family_name, identifier, birth_date,
                                 birth_date_is_estimated, sex, created_at)
    SELECT gen_random_uuid(), %(site)s, 'Bulk', 'Number' || n, identifier, birth_date, false, sex,
           (enrolled_on + time '10:30') AT TIME ZONE %(zone)s
    FROM person
    RETURNING id, identifier, created_at
), known AS (
    SELECT patient.id AS patient_id, patient.created_at AS at, person.*
    FROM patient JOIN person USING (identifier)
), team AS (
    INSERT INTO pathway_careteammember (patient_id, user_id, role, since)
    SELECT k.patient_id, m.user_id, m.role, k.at
    FROM known k CROSS JOIN unnest(%(users)s::bigint[], %(roles)s::text[]) AS m(user_id, role)
), enrollment AS (
    INSERT INTO pathway_enrollment (revision, patient_id, version_id, status, enrolled_at, enrolled_on, care_since,
                                    end_reason, rows_in_force, judged_on, status_before_death)
    SELECT %(revision)s, patient_id, %(version)s, 'active', at, enrolled_on, enrolled_on,
           '', %(rows_in_force)s::bigint[], enrolled_on, ''
    FROM known
    RETURNING id, enrolled_at, enrolled_on
), stay AS (
    INSERT INTO pathway_stay (enrollment_id, track, stage_id, entered_at, entered_on, left_by_death, annulled,
                              how, reason)
    SELECT e.id, s.track, s.stage_id, e.enrolled_at, e.enrolled_on, false, false, 'enrollment', ''
    FROM enrollment e CROSS JOIN jsonb_to_recordset(%(stages)s) AS s(track text, stage_id bigint)
), due AS (
    SELECT e.id AS enrollment_id, e.enrolled_at, e.enrolled_on, t.*,
           (e.enrolled_on + make_interval(months => t.months, days => t.days))::date AS due_on
    FROM enrollment e
    CROSS JOIN jsonb_to_recordset(%(plan)s)
        AS t(activity text, row_id bigint, owner text, months int, days int, ladder_id bigint)
), task AS (
    INSERT INTO pathway_caretask (revision, enrollment_id, activity_id, occurrence, status, row_id, asked_by_stage,
                                  asked_by_rule, asked_by_person, label, owner, opened_at, opened_on, due_on,
                                  due_set_on, next_rung_at, snooze_reason, outcome, skip_reason, close_reason,
                                  cancelled_by_death)
    SELECT 0, d.enrollment_id, d.activity, 1, 'open', d.row_id, true,
           false, false, '', d.owner, d.enrolled_at, d.enrolled_on, d.due_on,
           d.enrolled_on, rung.at, '', '', '', '',
           false
    FROM due d
    CROSS JOIN LATERAL (
        -- As after a sweep at that moment: the first rung that is still to come.
        SELECT min(step.at) AS at
        FROM pathway_rung r
        CROSS JOIN LATERAL (
            SELECT (d.due_on + r.offset_days + %(reminder_time)s::time) AT TIME ZONE %(zone)s AS at
        ) AS step
        WHERE r.ladder_id = d.ladder_id AND d.due_on + r.offset_days > d.enrolled_on AND step.at > %(now)s
    ) AS rung
), seen AS (
    SELECT k.patient_id, k.at, o.*
    FROM known k
    CROSS JOIN LATERAL (VALUES
        ('height', k.height::numeric, 'cm', k.enrolled_on),
        ('usual-weight', k.usual_weight::numeric, 'kg', k.enrolled_on),
        ('weight', (k.usual_weight - 1)::numeric, 'kg', k.enrolled_on - 30),
        ('fvc-pct', (88 + k.n %% 20)::numeric, '%%', k.enrolled_on - 30),
        ('snip', (76 + k.n %% 15)::numeric, 'cm[H2O]', k.enrolled_on - 30)
    ) AS o(kind, value, unit, day)
)
INSERT INTO pathway_observation (patient_id, kind_id, status, performable, value, entered, unit, text, effective_at,
                                 effective_on, recorded_at, source, source_id, held_for, void_reason, posture,
                                 assistance, activity, oxygen, antibiotics, reference, notes)
SELECT patient_id, kind, 'final', true, value, value, unit, '', (day + CASE WHEN day = (at AT TIME ZONE %(zone)s)::date
           THEN time '10:30' ELSE time '12:00' END) AT TIME ZONE %(zone)s,
       day, at, %(source)s, '', '', '', '', '', '', '', '', '', '{}'::jsonb
FROM seen
