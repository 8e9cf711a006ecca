"""The web process."""

import os

from django.core.wsgi import get_wsgi_application

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
os.environ.setdefault("PATHWAY_PROCESS", "web")
if embedded.is_wanted():
    embedded.join(embedded.data_dir())

application = get_wsgi_application()
