"""What held when a delivery was queued is asked again at the moment of sending."""

from __future__ import annotations

# Of the delivery `d`, its task `t`, enrollment `e` and patient `p`: why it may not go out any more, or ''. Sight that
# was given in an emergency is no reason to be told: who has it asked for it, and knows.
REFUSAL = """
CASE WHEN t.status NOT IN ('open', 'in-progress') THEN 'the task is closed'
     WHEN e.status = 'deceased' AND t.activity_id <> %(bereavement)s THEN 'the patient has died'
     WHEN e.status = 'on-hold' THEN 'the pathway is on hold'
     WHEN e.status NOT IN ('active', 'deceased') THEN 'the patient is not on the pathway any more'
     WHEN NOT EXISTS (
         SELECT 1 FROM pathway_careteammember c
         JOIN pathway_membership m ON m.user_id = c.user_id AND m.is_active
         JOIN pathway_user u ON u.id = c.user_id AND u.is_active
         WHERE c.user_id = d.person_id AND c.patient_id = p.id AND m.site_id = p.site_id
               AND c.since <= %(at)s AND (c.until IS NULL OR c.until > %(at)s)
     ) AND NOT EXISTS (
         SELECT 1 FROM pathway_cover v
         JOIN pathway_membership m ON m.user_id = v.user_id AND m.is_active AND m.role = v.role
         JOIN pathway_user u ON u.id = v.user_id AND u.is_active
         WHERE v.user_id = d.person_id AND v.site_id = p.site_id AND m.site_id = p.site_id
               AND v.since <= %(at)s AND v.until > %(at)s
               AND (v.stands_in_for_id IS NULL OR EXISTS (
                   SELECT 1 FROM pathway_careteammember c
                   WHERE c.user_id = v.stands_in_for_id AND c.role = v.role AND c.patient_id = p.id
                         AND c.since <= %(at)s AND (c.until IS NULL OR c.until > %(at)s)))
     ) THEN 'no longer on the care team'
     ELSE '' END
"""
