"""Tasks are laid out, brought forward, completed and closed.

At most one task is open per activity. Who asks for it is kept: a schedule row (`row_tasks`), rules and
people (`asking`), the plan of an intervention (`plan_tasks`). How it ends is in `closing`, `voiding` and `endings`;
what every one of them does to a single task is in `single`.
"""

from pathway.services.care_tasks.asking import ask, bring_forward
from pathway.services.care_tasks.closing import (
    cancel_all,
    close_decisions,
    complete,
    complete_by,
    go_on,
    reassign,
    reckon_rungs,
    skip,
    snooze,
)
from pathway.services.care_tasks.endings import cancel_bereavement, carry, open_bereavement, restore_after_death
from pathway.services.care_tasks.plan_tasks import cancel_labs, cancel_plans, close_dose, follow_plans, plan
from pathway.services.care_tasks.row_tasks import lay_out_again, lay_out_enrollment, rows_in_force
from pathway.services.care_tasks.single import Closed
from pathway.services.care_tasks.voiding import last_done, lay_out_voided, repoint, retract

__all__ = [
    "Closed", "ask", "bring_forward", "cancel_all", "cancel_bereavement", "cancel_labs", "cancel_plans", "carry",
    "close_decisions", "close_dose", "complete", "complete_by", "follow_plans", "go_on", "last_done", "lay_out_again",
    "lay_out_enrollment", "lay_out_voided", "open_bereavement", "plan", "reassign", "reckon_rungs", "repoint",
    "restore_after_death", "retract", "rows_in_force", "skip", "snooze",
]  # fmt: skip
