"""Settings that every place shares. Each variable that an operator may set is read here or in prod, strictly."""

from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from config import channels, environment, logs, places
from config.settings import security
from config.settings.sign_in import *  # noqa: F403 (settings modules build on one another)

BASE_DIR = places.BASE_DIR
env = environment.Environment()

# What this process is: the web may pool its connections; workers fork, and a pool does not survive that.
PROCESS = env.choice("PATHWAY_PROCESS", "command", ("web", "worker", "beat", "command"))

# The role that this process becomes in the database; migrations run as the owner, without it.
DATABASE_ROLE = env.identifier("PATHWAY_DB_ROLE")

# What serves must not be able to become the owner again. The embedded server knows one login alone: see dev.
LOGIN_MAY_OWN_TABLES = False

INSTALLED_APPS = [
    "pathway",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "django_fsm",
    "django_htmx",
    "csp",
    "pgtrigger",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
]

MIDDLEWARE = [
    # The outermost ring: it stands before static files and errors too.
    "pathway.web.middleware.HeadersMiddleware",
    "pathway.web.middleware.ForwardedMiddleware",
    "pathway.web.auditing.OriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "pathway.web.middleware.RequestsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pathway.signin.middleware.SessionLimitsMiddleware",
    # Deny by default: a view that anybody may see says so with `login_not_required`.
    "pathway.signin.middleware.SignInMiddleware",
    "pathway.signin.middleware.WholeAccountMiddleware",
    "pathway.web.actors.ActorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "pathway.web.middleware.SafetyMiddleware",
    "pathway.web.auditing.RefusalsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pathway.web.context.nonce",
                "pathway.web.context.late",
            ],
        },
    }
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PREPARE = env.boolean("DATABASE_PREPARE", True)
# PostgreSQL leaves the tables behind the eighth of a statement in the order that they are written in. A page of the
# worklist joins eleven and the person's own patients last, so it would read the tasks of everybody.
PLANNER = "-c join_collapse_limit=14 -c from_collapse_limit=14 -c geqo_threshold=16"
POOL_MINIMUM, POOL_MAXIMUM = 1, 8


def database(url: str) -> dict[str, Any]:
    """Django's settings for a database URL: a pool in the web process, lasting connections elsewhere."""
    parsed: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    parsed["ENGINE"] = "config.database"  # PostgreSQL, told in each transaction for whom
    options = parsed.setdefault("OPTIONS", {})
    options.pop("pool", None)
    options.setdefault("connect_timeout", 5)
    # Planning is most of what the server does for our statements, so it keeps plans of those that come again. A pooler
    # in transaction mode that cannot (PgBouncer before 1.21) needs DATABASE_PREPARE=false.
    if PREPARE:
        options.setdefault("server_side_binding", True)
        options.setdefault("prepare_threshold", 2)
    options["options"] = f"{options.get('options', '')} {PLANNER}".strip()
    if DATABASE_ROLE:
        # From the first statement on, and again after RESET ROLE; a pool's connections too.
        options["options"] = f"{options.get('options', '')} -c role={DATABASE_ROLE}".strip()
    if PROCESS == "web":
        parsed["CONN_MAX_AGE"] = 0
        options["pool"] = {"min_size": POOL_MINIMUM, "max_size": POOL_MAXIMUM, "timeout": 5}
    # The flow owns transactions: a request is not one.
    parsed["ATOMIC_REQUESTS"] = False
    return parsed


CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
# With `no-referrer` a browser sends `Origin: null` with our own forms, and the check of the origin could not be made.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Whose X-Forwarded-* headers are believed; prod reads them from the environment.
TRUSTED_PROXIES: list[str] = []
CSP_REPORT_URL = env.text("PATHWAY_CSP_REPORT_URL")
CONTENT_SECURITY_POLICY = security.content_security_policy(CSP_REPORT_URL)

# Bodies: a form of ours has some hundred fields and some kilobytes. What is larger is refused before it is read.
LARGEST_BODY = 6_000_000  # bytes; an import of 5 MB in its envelope
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000  # bytes, files not counted
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_PERMISSIONS = 0o600

# Hosts to which this server may send requests over HTTPS; none by default.
EGRESS_HOSTS = env.listing("PATHWAY_EGRESS_HOSTS")
# Asked for, with nothing in it, after each finished sweep: a watcher elsewhere then misses it when it stays away.
PING_URL = env.secret("PATHWAY_PING_URL")
if PING_URL and urlsplit(PING_URL).hostname not in EGRESS_HOSTS:
    raise environment.ConfigurationError("The host of PATHWAY_PING_URL is not in PATHWAY_EGRESS_HOSTS.")

# Who may read /status and /metrics besides signed-in staff: these networks, and whoever brings the token.
MONITOR_NETWORKS = env.listing("PATHWAY_MONITOR_NETWORKS", ("127.0.0.0/8", "::1/128"))
MONITOR_TOKEN = env.secret("PATHWAY_MONITOR_TOKEN")
if problem := security.weakness_of_monitor(MONITOR_NETWORKS, MONITOR_TOKEN):
    raise environment.ConfigurationError(problem)
# Each web process asks so often how late reminders are, for the banner on its pages.
BANNER_SECONDS = 15
GAPS_SECONDS = 60  # and for the number of gaps on a coordinator's worklist

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "pathway" / "locale"]

STATIC_URL = "static/"

DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "pathway@localhost")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("EMAIL_PORT", 25, 1, 65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10  # seconds
# Where people sign in, for the links in messages; the name in it is also that of their Message-IDs.
PUBLIC_URL = env.url("PATHWAY_URL", "http://localhost:8000")
# Channels besides inbox and e-mail: `name = address` on each line, see pathway/delivery/services.py.
MESSAGE_CHANNELS = channels.read(env.secret("APPRISE_URLS"))
# Urgent messages that one person gets by themselves; what goes beyond that is in their digest.
SINGLE_MESSAGES_PER_HOUR = env.integer("PATHWAY_MESSAGES_PER_HOUR", 5, 0, 1000)
# A message that its sender has claimed, and did not settle within this time, is somebody else's. Tests make it short.
LEASE_SECONDS = env.integer("PATHWAY_LEASE_SECONDS", 60, 2, 600)

# Celery wakes, PostgreSQL remembers: no results, no facts in messages, nothing that is lost with the broker.
CELERY_IMPORTS = ("pathway.jobs",)
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
# Jobs are idempotent, so one that died with its worker runs again.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 45  # seconds; well below the visibility timeout
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "pathway"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_TIMEOUT = 3  # seconds
CELERY_BROKER_HEARTBEAT = 30  # seconds; a worker on RabbitMQ notices within two of them that nobody is there
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
REDIS_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 3,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
AMQP_TRANSPORT_OPTIONS = {"confirm_publish": True}
# How often reminders are swept at the latest, whoever does it; a sweep that is three of these old is an alarm.
SWEEP_SECONDS = env.integer("PATHWAY_SWEEP_SECONDS", 60, 10, 3600)
CELERY_BEAT_SCHEDULE_FILENAME = env.text("BEAT_SCHEDULE_FILE", "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep reminders": {
        "task": "pathway.jobs.sweep.sweep",
        "schedule": float(SWEEP_SECONDS),
        "options": {"expires": SWEEP_SECONDS - 5},
    },
    # Once per site and day however often it runs, so a missed run costs a quarter of an hour.
    "judge the day": {"task": "pathway.jobs.judge.judge_daily", "schedule": 900.0, "options": {"expires": 840}},
    "seal the audit": {"task": "pathway.jobs.audit.seal", "schedule": 60.0, "options": {"expires": 55}},
    # Parts of the coming months, late events, and the head of the chain into the log.
    "keep the audit": {"task": "pathway.jobs.audit.keep", "schedule": 21600.0, "options": {"expires": 21000}},
}

# What the queue of unusual access holds: see `pathway/selectors/unusual.py`.
UNUSUAL_PATIENTS_PER_HOUR = env.integer("PATHWAY_UNUSUAL_PATIENTS_PER_HOUR", 120, 1, 100_000)
UNUSUAL_COVERED_PER_DAY = env.integer("PATHWAY_UNUSUAL_COVERED_PER_DAY", 30, 1, 100_000)
UNUSUAL_NOT_FOUND_PER_HOUR = env.integer("PATHWAY_UNUSUAL_NOT_FOUND_PER_HOUR", 20, 1, 100_000)


def broker_options(url: str) -> dict[str, Any]:
    """Kombu's transport options for a broker URL: sockets time out, unfinished jobs come back soon."""
    if url.startswith(("redis", "valkey")):
        # A unix socket takes no TCP options.
        local = url.startswith(("redis+socket", "valkey+socket"))
        return {k: v for k, v in REDIS_TRANSPORT_OPTIONS.items() if not (local and k == "socket_keepalive")}
    return dict(AMQP_TRANSPORT_OPTIONS) if url.startswith("amqp") else {}


LOGGING = logs.configure(
    env.choice("LOG_FORMAT", "console", ("console", "json")),
    env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
)
