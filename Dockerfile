# The app on its bundled model: docker build -t mlpaygrade . && docker run --rm -p 8501:8501 mlpaygrade
FROM python:3.12-slim@sha256:57cd7c3a7a273101a6485ba99423ee568157882804b1124b4dd04266317710de

RUN useradd --create-home --uid 1000 app
WORKDIR /srv/mlpaygrade

# The requirements first: they change less often than the code, and their layer is kept.
COPY src/mlpaygrade/app/requirements.txt requirements.txt
RUN pip install --no-cache-dir --no-compile --require-hashes --requirement requirements.txt

COPY --chown=app:app pyproject.toml CHANGELOG.md README.md LICENSE ./
COPY --chown=app:app .streamlit .streamlit
COPY --chown=app:app src src

USER app
ENV PYTHONPATH=src PYTHONUNBUFFERED=1 OMP_WAIT_POLICY=PASSIVE \
    STREAMLIT_SERVER_HEADLESS=true STREAMLIT_SERVER_ADDRESS=0.0.0.0 STREAMLIT_SERVER_FILE_WATCHER_TYPE=none
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "src/mlpaygrade/app/main.py", "--server.port", "8501"]
