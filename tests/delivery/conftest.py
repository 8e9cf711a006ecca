from __future__ import annotations

import pytest

from pathway.models import User
from tests import builders
from tests.builders import Clinic


@pytest.fixture
def clinic(loaded: None) -> Clinic:
    """A clinic whose people can all be reached by e-mail."""
    return with_mail(builders.clinic(name="Harbour Clinic"))


def with_mail(clinic: Clinic) -> Clinic:
    for role, person in clinic.people.items():
        person.email = f"{role}@clinic.example"
        person.save(update_fields=["email"])
    return clinic


def mail_of(clinic: Clinic, role: str) -> str:
    return User.objects.get(pk=clinic.people[role].pk).email
