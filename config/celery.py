"""The Celery application: worker and beat. Every setting stands in the Django settings under CELERY_."""

import os

import celery

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
if embedded.is_wanted():
    embedded.join(embedded.data_dir())

app = celery.Celery("pathway")
app.config_from_object("django.conf:settings", namespace="CELERY")
