# An emulator of AWS for development: it keeps nothing, and lets anybody in.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE}
RUN python -m pip install --no-cache-dir --disable-pip-version-check "ministack==1.5.33"
ENV GATEWAY_PORT=4566 BIND_HOST=0.0.0.0 MINISTACK_REGION=us-east-1 IOT_MTLS_ENABLED=0 SFTP_ENABLED=0
USER 10001:10001
WORKDIR /tmp
EXPOSE 4566
HEALTHCHECK --interval=2s --timeout=5s --start-period=10s --retries=15 CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:4566/_ministack/health', timeout=4)"]
CMD ["python", "-m", "ministack"]
