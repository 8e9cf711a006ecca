"""Production: nothing has an unsafe default, and a start that lacks something is refused with one line."""

import os

from config import environment
from config.settings.base import *  # noqa: F403 (settings modules build on one another)
from config.settings.base import (
    BASE_DIR,
    EMAIL_HOST,
    EMAIL_HOST_PASSWORD,
    EMAIL_HOST_USER,
    EMAIL_USE_TLS,
    broker_options,
    database,
    env,
)
from config.settings.security import (
    password_of,
    shared_secrets,
    weakness_of_hosts,
    weakness_of_key,
    weakness_of_login,
    weakness_of_mail,
    wrong_networks,
)

# A port that only proxies of the same machine or the same private network reach; see docs/security.md.
PRIVATE_NETWORKS = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")

SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = [key for key in [env.secret("SECRET_KEY_PREVIOUS")] if key]
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS")
DATABASE_URL = env.secret("DATABASE_URL")
CELERY_BROKER_URL = env.secret("BROKER_URL")

# Only an operator knows whether a proxy in front removes what clients put into these headers.
BEHIND_PROXY = env.boolean("PATHWAY_BEHIND_PROXY", False)
TRUSTED_PROXIES = env.listing("PATHWAY_TRUSTED_PROXIES", PRIVATE_NETWORKS) if BEHIND_PROXY else []

problems = [
    weakness_of_key(SECRET_KEY),
    *[weakness_of_key(key).replace("SECRET_KEY", "SECRET_KEY_PREVIOUS", 1) for key in SECRET_KEY_FALLBACKS],
    weakness_of_hosts(ALLOWED_HOSTS),
    "DEBUG must not be on" if env.boolean("DEBUG", False) else "",
    weakness_of_login("DATABASE_URL", DATABASE_URL),
    weakness_of_login("BROKER_URL", CELERY_BROKER_URL),
    weakness_of_mail(EMAIL_HOST, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS),
    wrong_networks("PATHWAY_TRUSTED_PROXIES", TRUSTED_PROXIES),
    *shared_secrets(
        [
            ("SECRET_KEY", SECRET_KEY),
            *[("SECRET_KEY_PREVIOUS", key) for key in SECRET_KEY_FALLBACKS],
            ("the password in DATABASE_URL", password_of(DATABASE_URL)),
            ("the password in BROKER_URL", password_of(CELERY_BROKER_URL)),
            ("EMAIL_HOST_PASSWORD", EMAIL_HOST_PASSWORD),
        ]
    ),
]
if any(problems):
    raise environment.ConfigurationError(f"Pathway does not start: {'; '.join(filter(None, problems))}.")

DEBUG = False
PUBLIC_URL = env.url("PATHWAY_URL", f"https://{ALLOWED_HOSTS[0].lstrip('.')}")
DATABASES = {"default": database(DATABASE_URL)}
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(CELERY_BROKER_URL)

STATIC_ROOT = env.text("STATIC_ROOT", os.fspath(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.boolean("PATHWAY_FORCE_HTTPS", True)
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|status|metrics)$"]  # asked from inside, without a proxy
# A year, for the names below this one too. Roll it out in steps: docs/security.md, section "Before the first day".
SECURE_HSTS_SECONDS = env.integer("PATHWAY_HSTS_SECONDS", 31_536_000, 0, 63_072_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("PATHWAY_HSTS_SUBDOMAINS", True)
# To be on the browsers' own list is for the owner of the domain to ask for; it can hardly be taken back.
SECURE_HSTS_PRELOAD = env.boolean("PATHWAY_HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # asks for the list above
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
