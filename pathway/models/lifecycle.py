"""The one base of every status: a protected django-fsm field and a revision that each change counts up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django_fsm import ConcurrentTransitionMixin, FSMModelMixin


class Lifecycle(ConcurrentTransitionMixin, models.Model):
    """Second line of defence only: the first is the row lock on the enrollment that flow takes."""

    revision = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        """Protected fields refuse assignment to a value that is there: take the old one away first.

        The field object is shared by all threads, so its guard is never lifted; the mixin of django-fsm
        would lift it, and is passed over.
        """
        names = None if fields is None else set(fields)
        guarded = [f.attname for f in self._meta.concrete_fields if getattr(f, "protected", False)]
        kept = {
            name: self.__dict__.pop(name)
            for name in guarded
            if name in self.__dict__ and (names is None or name in names)
        }
        try:
            super(FSMModelMixin, self).refresh_from_db(
                using=using, fields=names and list(names), from_queryset=from_queryset
            )
        except models.ObjectDoesNotExist:
            self.__dict__.update(kept)
            raise
        self._update_initial_state()

    def keep(self, *fields: str) -> None:
        """Save the named fields and count the revision up."""
        self.revision += 1
        self.save(update_fields=unique(["revision", *fields]))


def unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
