# The tracking server that training logs to: docker build -f deploy/mlflow.Dockerfile -t mlpaygrade-mlflow .
FROM python:3.12-slim@sha256:57cd7c3a7a273101a6485ba99423ee568157882804b1124b4dd04266317710de

RUN useradd --create-home --uid 1000 mlflow
RUN pip install --no-cache-dir "mlflow==3.17.2" "psycopg2-binary>=2.9"
USER 1000
ENV MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
CMD ["sh", "-c", "exec mlflow server --host 0.0.0.0 --port 5000 --workers 1 --backend-store-uri $BACKEND --artifacts-destination /artifacts"]
