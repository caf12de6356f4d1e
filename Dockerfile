# Packages are installed in one stage and copied into the next, so that no installer and no cache is shipped.
FROM python:3.11-slim-bookworm AS packages
RUN python -m venv /opt/jax
COPY requirements.txt /tmp/requirements.txt
RUN /opt/jax/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.txt

FROM python:3.11-slim-bookworm
ENV PATH=/opt/jax/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BIND=0.0.0.0 \
    ENV_FILE=/var/lib/jax/env \
    VAR_DIR=/var/lib/jax/var
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/jax jax \
    && install --directory --owner=jax --group=jax /var/lib/jax /var/lib/jax-owner /var/lib/jax-bridge
COPY --from=packages /opt/jax /opt/jax
WORKDIR /srv/jax
COPY . .
USER jax
VOLUME /var/lib/jax
EXPOSE 8095
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "deploy/healthcheck.py"]
CMD ["python", "-m", "jaxsite.processes.runner", "web"]
