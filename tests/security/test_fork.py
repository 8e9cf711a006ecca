"""What the web server opens before it forks must not live on in its processes: two would read each other's answers."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

from config import places

ASK = """
from config import wsgi
from django.db import connection
print(connection.connection, dict(connection._connection_pools))
"""


def test_no_connection_and_no_pool_is_left_when_the_application_is_loaded(loaded: None) -> None:
    server = settings.DATABASES["default"]
    url = f"postgresql://{server['USER']}:{server['PASSWORD']}@{server['HOST'].replace('/', '%2F')}:{server['PORT']}"
    chosen = {"DATABASE_URL": f"{url}/{server['NAME']}", "PATHWAY_PROCESS": "web", "PATHWAY_DB_ROLE": "pathway_web"}
    more = {"DJANGO_SETTINGS_MODULE": "config.settings.dev", "BROKER_URL": "memory://"}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=os.environ | chosen | more,
        cwd=places.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("None {}\n", "")


def test_nobody_is_served_by_a_connection_that_could_pass_the_wall_by(loaded: None) -> None:
    server = settings.DATABASES["default"]
    url = f"postgresql://{server['USER']}:{server['PASSWORD']}@{server['HOST'].replace('/', '%2F')}:{server['PORT']}"
    chosen = {"DATABASE_URL": f"{url}/{server['NAME']}", "PATHWAY_PROCESS": "web", "PATHWAY_DB_ROLE": ""}
    more = {"DJANGO_SETTINGS_MODULE": "config.settings.dev", "BROKER_URL": "memory://"}
    done = subprocess.run(
        [sys.executable, "-c", "from config import wsgi"],
        env=os.environ | chosen | more,
        cwd=places.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"the role {server['USER']} passes row-level security by" in done.stderr
    assert "Traceback" not in done.stderr
