"""Guessing is slow, and nobody can lock somebody else out."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import reverse

from pathway.models import AuditEvent, SignInAttempt, Site, User
from pathway.signin import throttle
from pathway.vocabulary import Role
from tests import builders
from tests.signin.doing import PASSWORD, events, gets_in, sign_in

WAIT = b"Too many attempts"


def fail(user: User, times: int, address: str = "203.0.113.7") -> None:
    for _ in range(times):
        sign_in(Client(), user, "wrong", REMOTE_ADDR=address)


def test_after_ten_failures_the_right_password_waits_too(eve: User) -> None:
    fail(eve, 10)
    client = Client()
    answer = sign_in(client, eve, REMOTE_ADDR="203.0.113.7")
    assert WAIT in answer.content and not gets_in(client)
    assert events(eve).count("sign-in.failed") == 10 and events(eve)[-1] == "sign-in.throttled"


def test_the_wait_ends_by_itself_and_asking_again_does_not_lengthen_it(eve: User) -> None:
    fail(eve, 15)
    assert SignInAttempt.objects.count() == 10
    SignInAttempt.objects.update(at=F("at") - timedelta(minutes=15))
    client = Client()
    sign_in(client, eve, REMOTE_ADDR="203.0.113.7")
    assert gets_in(client)
    assert not SignInAttempt.objects.exists()  # what counts no more is gone


def test_one_address_locks_nobody_out_elsewhere(eve: User) -> None:
    fail(eve, 10)
    client = Client()
    sign_in(client, eve, REMOTE_ADDR="198.51.100.9")
    assert gets_in(client)


def test_many_addresses_together_are_stopped_for_one_account(eve: User) -> None:
    for number in range(5):
        fail(eve, 10, f"203.0.113.{number}")
    assert WAIT in sign_in(Client(), eve, "wrong", REMOTE_ADDR="198.51.100.9").content


def test_one_address_is_stopped_over_many_accounts(easy: Site) -> None:
    for _ in range(5):
        fail(builders.user(easy, Role.DIETITIAN), 10)
    other = builders.user(easy, Role.DIETITIAN)
    assert WAIT in sign_in(Client(), other, REMOTE_ADDR="203.0.113.7").content
    client = Client()
    sign_in(client, other, REMOTE_ADDR="198.51.100.9")
    assert gets_in(client)


def test_a_right_password_between_guesses_buys_no_more_of_them(eve: User) -> None:
    for _ in range(9):
        fail(eve, 1)
        sign_in(Client(), eve, REMOTE_ADDR="203.0.113.7")
    fail(eve, 1)
    assert WAIT in sign_in(Client(), eve, REMOTE_ADDR="203.0.113.7").content


def test_what_a_client_says_of_its_address_counts_for_nothing(eve: User) -> None:
    for number in range(11):
        answer = sign_in(Client(), eve, "wrong", headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert WAIT in answer.content


def test_ipv6_is_counted_by_network(eve: User) -> None:
    for number in range(11):
        answer = sign_in(Client(), eve, "wrong", REMOTE_ADDR=f"2001:db8::{number:x}")
    assert WAIT in answer.content


def test_confirming_the_password_counts_too(ada: User) -> None:
    client = Client()
    sign_in(client, ada)
    for _ in range(10):
        client.post(reverse("account_reauthenticate"), {"password": "wrong"})
    assert SignInAttempt.objects.count() == 10
    assert events(ada).count("sign-in.failed") == 10


def test_unknown_wrong_and_disabled_are_answered_alike(easy: Site) -> None:
    disabled = builders.user(easy, Role.DIETITIAN, is_active=False)
    program = builders.user(easy, Role.DIETITIAN, is_service=True)
    known = builders.user(easy, Role.DIETITIAN)
    nobody = User(username="nobody")
    answers = [
        sign_in(Client(), who, password).content.decode().replace(who.username, "NAME")
        for who, password in ((nobody, PASSWORD), (known, "wrong"), (disabled, PASSWORD), (program, PASSWORD))
    ]
    texts = {_without_tokens(text) for text in answers}
    assert len(texts) == 1 and "is not right" in texts.pop()
    assert not AuditEvent.objects.filter(action="signed-in").exists()


def test_an_unknown_name_is_written_down_nowhere(easy: Site) -> None:
    Client().post(reverse("login"), {"username": "my-secret-password", "password": "x"})
    assert not AuditEvent.objects.exists()
    assert "my-secret" not in str(list(SignInAttempt.objects.values()))


def test_an_unknown_name_waits_like_a_known_one(easy: Site) -> None:
    fail(User(username="nobody"), 10)
    assert WAIT in sign_in(Client(), User(username="Nobody "), "x", REMOTE_ADDR="203.0.113.7").content


@pytest.mark.usefixtures("committed")
def test_attempts_at_once_are_counted_one_by_one() -> None:
    let_through: list[bool] = []

    def attempt() -> None:
        let_through.append(throttle.begin("ada", "203.0.113.7") is not None)
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert let_through.count(True) == 10
    SignInAttempt.objects.all().delete()


def _without_tokens(page: str) -> str:
    lines = page.splitlines()
    return "\n".join(line for line in lines if "csrf" not in line.lower() and "nonce" not in line)
