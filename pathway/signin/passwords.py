"""What is no password: one that stands on lists, also with something written around it."""

from __future__ import annotations

import re

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
# Words of this place that an attacker tries first.
HERE = frozenset({"pathway", "neuromuscular", "hospital", "clinic", "neurology", "welcome"})
SHORTEST_CORE = 4


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    """Django's list of 20 000, compared without the digits and signs at both ends, and without repetitions."""

    def validate(self, password: str, user: object = None) -> None:
        word = password.casefold().strip()
        core = AROUND.sub("", word)
        if {word, core, _once(word), _once(core)} & (self.passwords | HERE):
            raise ValidationError(_("This password is too common."), code="password_too_common")


def _once(word: str) -> str:
    """`secretsecret` is `secret`; short pieces are left alone."""
    for length in range(SHORTEST_CORE, len(word) // 2 + 1):
        if len(word) % length == 0 and word[:length] * (len(word) // length) == word:
            return word[:length]
    return word
