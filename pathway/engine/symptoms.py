"""What a list of respiratory symptoms and a list of signs say together.

Shared by the measures `any-symptom` and `sleep-symptom` (vocabulary section 5) and by `near()`
in rules, which looks at the lists around a test instead of the newest ones.
"""

from __future__ import annotations

from collections.abc import Set

SLEEP_SYMPTOMS = frozenset(
    {"disturbed-sleep", "unrefreshing-sleep", "nightmares", "daytime-sleepiness", "morning-headache"}
)


def symptom_present(symptoms: Set[str] | None, signs: Set[str] | None) -> bool | None:
    """True when either list holds anything; false when symptoms were asked and none is there.

    None stands for a list that was not recorded. Signs alone can show a symptom but never its
    absence: without an answer about symptoms, and no sign, the result is None (unknown).
    """
    if symptoms or signs:
        return True
    return None if symptoms is None else False


def sleep_symptom_present(symptoms: Set[str] | None) -> bool | None:
    """Whether the list names a symptom of disturbed sleep; None when it was not recorded."""
    return None if symptoms is None else not SLEEP_SYMPTOMS.isdisjoint(symptoms)
