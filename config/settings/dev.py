"""A workstation and the demo: everything has a safe default, nothing listens beyond this machine."""

import secrets

from config import embedded, environment, locks, places
from config.settings.base import *  # noqa: F403 (settings modules build on one another)
from config.settings.base import broker_options, database, env

DATA_DIR = embedded.data_dir()
LOGIN_MAY_OWN_TABLES = True  # on a private socket, by one login
# The demo's administrator signs in in one step, like everybody at the demo clinic.
STAFF_REQUIRES_MFA = env.boolean("PATHWAY_STAFF_MFA", False)
DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]", env.text("PATHWAY_HOST", "127.0.0.1")))


def generated_secret_key() -> str:
    """A key of this data folder's own, made on first use, so that no key is published with the source."""
    path = DATA_DIR / "secret_key"
    with locks.FileLock(DATA_DIR / "secret_key.lock") as lock:
        lock.take()
        if not path.exists():
            places.write_private(path, secrets.token_urlsafe(50))
    try:
        return path.read_text(encoding="ascii")
    except PermissionError as error:
        raise environment.ConfigurationError(
            f"{path} belongs to another user; set PATHWAY_DATA_DIR to a folder of yours."
        ) from error


SECRET_KEY = env.secret("SECRET_KEY") or generated_secret_key()
DATABASES = {"default": database(env.secret("DATABASE_URL") or embedded.database_url(DATA_DIR))}
CELERY_BROKER_URL = env.secret("BROKER_URL") or embedded.broker_url(DATA_DIR)
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(CELERY_BROKER_URL)

# Static files straight from the source, so that no build step stands between an edit and the page.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

PUBLIC_URL = env.url("PATHWAY_URL", f"http://localhost:{env.integer('PORT', 8000, 1, 65535)}")
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
