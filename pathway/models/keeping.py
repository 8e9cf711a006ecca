"""Triggers of facts: nobody deletes them but an erasure, nobody gives them to another patient but a merge.

Both exceptions are asked of rows and not of a setting, so that no session can claim one: the journal of a merge names
each row that it moves, and an erasure is noted before it begins. The functions are in migration 0006.
"""

from __future__ import annotations

import pgtrigger

REFUSE = "RAISE EXCEPTION 'pgtrigger: Cannot {what} rows from % table', TG_TABLE_NAME;"


def any_changed(*columns: str) -> pgtrigger.Q:
    """A trigger's condition: one of these columns is not what it was."""
    changed = pgtrigger.Q()
    for column in columns:
        changed |= pgtrigger.Q(**{f"old__{column}__df": pgtrigger.F(f"new__{column}")})
    return changed


def only_erased(name: str, patient: str) -> pgtrigger.Trigger:
    """No deletion but by an erasure. `patient` is SQL that finds the patient of the row OLD."""
    func = f"IF pathway_may_erase({patient}, TG_RELID) THEN RETURN OLD; END IF; {REFUSE.format(what='delete')}"
    return pgtrigger.Trigger(name=name, when=pgtrigger.Before, operation=pgtrigger.Delete, func=func)


def only_merged(name: str) -> pgtrigger.Trigger:
    """No change of the patient but by a merge of records, and back."""
    allowed = "pathway_may_move(TG_TABLE_NAME, OLD.id, OLD.patient_id, NEW.patient_id)"
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=any_changed("patient_id"),
        func=f"IF {allowed} THEN RETURN NEW; END IF; {REFUSE.format(what='update')}",
    )
