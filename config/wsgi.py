"""The web process. It does not start unless row-level security stands before it."""

import os
from typing import cast

from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.urls import get_resolver

from config import embedded, environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
os.environ.setdefault("PATHWAY_PROCESS", "web")
if embedded.is_wanted():
    embedded.join(embedded.data_dir())

application = get_wsgi_application()

from pathway.selectors import walls  # noqa: E402 - models can be imported from here on


def refuse_without_walls() -> None:
    """Raises ConfigurationError saying what is missing, also when the database cannot be asked."""
    try:
        gaps = walls.gaps(serving=True)
    except DatabaseError as error:
        raise environment.ConfigurationError(f"Pathway does not start: {str(error).strip()}") from error
    finally:
        # Closing gives a connection back to the pool, and processes that are forked from here would share that one.
        connection.close()
        cast(DatabaseWrapper, connection).close_pool()
    if gaps:
        raise environment.ConfigurationError(
            f"Pathway does not start: {'; '.join(gaps)}. Run `manage.py migrate`, log in as what"
            " `manage.py database_login` makes, and set PATHWAY_DB_ROLE=pathway_web."
        )


refuse_without_walls()
# A page that cannot be imported stops the start, and not the first person who asks for one.
_ = get_resolver().url_patterns
