"""Production: nothing has an unsafe default, and a start that lacks something is refused with one line."""

import os

from config import environment
from config.settings.base import *  # noqa: F403 (settings modules build on one another)
from config.settings.base import BASE_DIR, broker_options, database, env

MINIMUM_KEY_LENGTH = 50
# Words of keys that were copied from an example instead of made.
KNOWN_KEY_PARTS = ("changeme", "change-me", "django-insecure", "only-for-tests", "secret-key", "example", "xxxxxxxx")


def weakness_of_key(key: str) -> str:
    """What is wrong with a secret key; empty when nothing is."""
    if not key:
        return "SECRET_KEY (or SECRET_KEY_FILE) is missing"
    if any(part in key.lower() for part in KNOWN_KEY_PARTS):
        return "SECRET_KEY is a known example"
    if len(key) < MINIMUM_KEY_LENGTH or len(set(key)) < 10:
        return f"SECRET_KEY is too weak: at least {MINIMUM_KEY_LENGTH} random characters"
    return ""


def weakness_of_hosts(hosts: list[str]) -> str:
    """What is wrong with the allowed hosts; empty when nothing is."""
    if not hosts:
        return "ALLOWED_HOSTS is missing"
    return "ALLOWED_HOSTS must name hosts, not '*'" if any(host.strip(".") == "*" for host in hosts) else ""


SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = [key for key in [env.secret("SECRET_KEY_PREVIOUS")] if key]
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS")
DATABASE_URL = env.secret("DATABASE_URL")
CELERY_BROKER_URL = env.secret("BROKER_URL")

problems = [
    weakness_of_key(SECRET_KEY),
    *[weakness_of_key(key).replace("SECRET_KEY", "SECRET_KEY_PREVIOUS", 1) for key in SECRET_KEY_FALLBACKS],
    weakness_of_hosts(ALLOWED_HOSTS),
    "DEBUG must not be on" if env.boolean("DEBUG", False) else "",
    "" if DATABASE_URL else "DATABASE_URL (or DATABASE_URL_FILE) is missing",
    "" if CELERY_BROKER_URL else "BROKER_URL (or BROKER_URL_FILE) is missing",
]
if any(problems):
    raise environment.ConfigurationError(f"Pathway does not start: {'; '.join(filter(None, problems))}.")

DEBUG = False
DATABASES = {"default": database(DATABASE_URL)}
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(CELERY_BROKER_URL)

STATIC_ROOT = env.text("STATIC_ROOT", os.fspath(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Only an operator knows whether a proxy in front removes what clients put into these headers.
if env.boolean("PATHWAY_BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.boolean("PATHWAY_FORCE_HTTPS", True)
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # asked from inside, without a proxy
SECURE_HSTS_SECONDS = env.integer("PATHWAY_HSTS_SECONDS", 3600, 0, 63_072_000)
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
