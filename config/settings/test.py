"""Tests: a real PostgreSQL, cheap passwords, mail kept in memory, no broker.

Without DATABASE_URL the embedded server is used, in a data folder of its own. It starts here because the settings are
the first thing that a test run reads, whichever way it was started.
"""

import os

from config import embedded, places
from config.settings.base import *  # noqa: F403 (settings modules build on one another)
from config.settings.base import BASE_DIR, broker_options, database, env

DEBUG = False
LOGIN_MAY_OWN_TABLES = True
SECRET_KEY = "only-for-tests-" + "x" * 50
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]


def test_database_url() -> str:
    """The URL of DATABASE_URL, else of the embedded server for tests, which runs from here on."""
    chosen = env.text("DATABASE_URL")
    if chosen:
        return chosen
    data = places.default_data_dir(BASE_DIR / ".cache" / "tests")
    embedded.join(data, careless=True)
    return embedded.database_url(data)


# Several test runs may share one server: each has a database of its own.
DATABASES = {
    "default": database(test_database_url())
    | {"TEST": {"NAME": env.text("PATHWAY_TEST_DATABASE", f"test_pathway_{os.getpid()}")}}
}
CELERY_BROKER_URL = env.text("BROKER_URL", "memory://")
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(CELERY_BROKER_URL)
# Sites of the tests ask for none either (tests.builders); what is on by default is tested in tests/signin.
STAFF_REQUIRES_MFA = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
# Each page asks anew, so that the number of its queries does not depend on the one before.
BANNER_SECONDS = GAPS_SECONDS = 0
