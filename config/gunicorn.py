"""The web server's settings, for `manage.py serve` and for the container alike."""

from config import environment

_env = environment.Environment()

bind = f"{_env.text('PATHWAY_HOST', '127.0.0.1')}:{_env.integer('PORT', 8000, 1, 65535)}"
workers = _env.integer("WEB_WORKERS", 2, 1, 64)
threads = _env.integer("WEB_THREADS", 4, 1, 64)
worker_class = "gthread"
preload_app = True
control_socket_disable = True
timeout = 60  # seconds
graceful_timeout = 5  # seconds
max_requests = 5000
max_requests_jitter = 500
# What clients send is bounded here and, for bodies, in the settings.
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
# Headers of proxies are read by the application alone, which knows the proxies.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
accesslog = "-"
logger_class = "config.access_log.AccessLog"
# Neither query strings nor addresses: they may say more about a patient than a log should.
access_log_format = "%(m)s %(U)s %(s)s %(M)s ms"
loglevel = "info"
