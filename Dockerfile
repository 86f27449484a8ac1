# One image for the site, the worker, the schedule and the migrations; docker-compose.yml says which does what.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --quiet --requirement requirements.txt
ENV PATH=/venv/bin:$PATH
WORKDIR /app
COPY . .
RUN python manage.py collectstatic --noinput --verbosity 0 && python -m compileall -q .

FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin loyalty
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
RUN install --directory --owner loyalty /app/var
USER loyalty
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", \
     "--max-requests", "20000", "--max-requests-jitter", "2000", "--graceful-timeout", "25", "--no-control-socket"]
