"""The two answers for machines that watch."""

import pytest
from django.test import Client


def test_live_answers_without_sign_in_and_without_a_database() -> None:
    response = Client().get("/livez")
    assert (response.status_code, response.content) == (200, b"alive\n")


@pytest.mark.django_db
def test_ready_asks_the_database() -> None:
    response = Client().get("/readyz")
    assert (response.status_code, response.content) == (200, b"ready\n")
