# The image of a monitoring job: `analyzer` without arguments does what the environment describes. docs/image.md
# A Debian bookworm, with Python 3.11 of its own or without one.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# --- what pip builds, in a stage that is left behind ------------------------------------------------------------------
FROM ${BASE_IMAGE} AS build
RUN apt-get update \
 && { python3.11 -c 'import ensurepip, venv' 2>/dev/null || apt-get install -y --no-install-recommends python3 python3-venv; } \
 && rm -rf /var/lib/apt/lists/*
RUN python3.11 -m venv /opt/analyzer && /opt/analyzer/bin/pip uninstall --yes --quiet setuptools
ENV PATH=/opt/analyzer/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# Dependencies before code: this layer changes with the lock alone.
COPY requirements.lock .ci/slim-packages /build/
RUN pip install --no-compile --require-hashes --requirement /build/requirements.lock \
 && rm -f /opt/analyzer/bin/*.cmd /opt/analyzer/bin/[aA]ctivate* \
 && /build/slim-packages /opt/analyzer/lib/python3.11/site-packages \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/analyzer/lib/python3.11/site-packages

COPY pyproject.toml /build/code/
COPY analyzer /build/code/analyzer
# The package's description is not worth building all behind it anew.
RUN echo 'See the project.' >/build/code/README.md \
 && pip install --no-compile --no-deps --target /code /build/code \
 && rm -rf /code/bin /code/*.dist-info/direct_url.json \
 && python -m compileall -q --invalidation-mode unchecked-hash /code

# --- the image --------------------------------------------------------------------------------------------------------
FROM ${BASE_IMAGE}
# nss-wrapper gives Java a name for a user that /etc/passwd does not know.
RUN mkdir -p /usr/share/man/man1 \
 && apt-get update \
 && { command -v python3.11 >/dev/null || apt-get install -y --no-install-recommends python3; } \
 && apt-get install -y --no-install-recommends ca-certificates libnss-wrapper openjdk-17-jre-headless procps \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/doc /usr/share/man
COPY --from=build /opt/analyzer /opt/analyzer
# Deequ's jars, for jobs with rules; where there are none, the lock alone is copied, and removed again.
COPY requirements.lock jars*/*.jar /opt/analyzer/jars/
COPY --from=build /code /opt/analyzer/lib/python3.11/site-packages/
COPY preprocessors /opt/analyzer/preprocessors
ENV PATH=/opt/analyzer/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    SPARK_HOME=/opt/analyzer/lib/python3.11/site-packages/pyspark
# The command, and the archive of classes with which Spark starts faster.
RUN printf '#!/opt/analyzer/bin/python\nimport sys\nfrom analyzer.__main__ import main\nsys.exit(main())\n' >/opt/analyzer/bin/analyzer \
 && chmod 755 /opt/analyzer/bin/analyzer \
 && rm /opt/analyzer/jars/requirements.lock \
 && analyzer prepare-spark \
 && rm -rf /tmp/*

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="model-monitor-analyzer" \
      org.opencontainers.image.description="Open, drop-in monitoring for models and their data" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /
ENTRYPOINT ["analyzer"]
