# The HTTP service on its bundled model, with a file system that may be read-only but for /tmp:
#   docker build -f deploy/serve.Dockerfile -t mlpaygrade-serve .
#   docker run --rm --read-only --tmpfs /tmp -p 8080:8080 mlpaygrade-serve
FROM python:3.12-slim@sha256:57cd7c3a7a273101a6485ba99423ee568157882804b1124b4dd04266317710de

RUN useradd --create-home --uid 1000 serve
WORKDIR /srv/mlpaygrade

# The requirements first: they change less often than the code, and their layer is kept.
COPY requirements/serve.txt requirements.txt
RUN pip install --no-cache-dir --require-hashes --requirement requirements.txt

COPY --chown=serve:serve src src
RUN python -m compileall -q src

USER 1000
ENV PYTHONPATH=src PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OMP_WAIT_POLICY=PASSIVE WORKERS=1
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/ready', timeout=4)"]
CMD ["sh", "-c", "exec python -m mlpaygrade serve --host 0.0.0.0 --port 8080 --workers $WORKERS"]
