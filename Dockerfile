# One image for every Airflow service of docker-compose.yml.
FROM python:3.11.14-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    QPV_PROJECT_DIR=/opt/qpv \
    QPV_DATA_DIR=/var/lib/qpv/data \
    QPV_DEPOT=/var/lib/qpv/depot \
    DBT_SEND_ANONYMOUS_USAGE_STATS=false \
    GX_ANALYTICS_ENABLED=false

# Named volumes take their owner from these folders at first use.
RUN groupadd --gid 50000 qpv \
 && useradd --uid 50000 --gid 50000 --create-home qpv \
 && install -d -m 0700 -o qpv -g qpv /opt/airflow /opt/airflow/logs \
 && install -d -m 0755 -o qpv -g qpv /var/lib/qpv/data /var/lib/qpv/depot

WORKDIR /opt/qpv

# Before the code: a change of code does not download the libraries again. Wheels only, since the image holds
# no compiler and a source package would run code of its own at build. The list is complete: without
# --no-deps, pip would resolve it again and refuse `celery[redis]`, which the list holds as `celery`.
COPY requirements.txt ./
RUN pip install --no-deps --require-hashes --only-binary :all: -r requirements.txt \
 && pip check

COPY LICENSE pyproject.toml ./
COPY plugins ./plugins
# Editable, as in `make setup`: Airflow and the command line read one copy of the code.
RUN pip install --no-deps --no-build-isolation --no-index -e .

COPY dags ./dags
COPY dbt_project ./dbt_project
COPY expectations ./expectations
# The guides become pages of the site.
COPY docs ./docs
RUN python -m compileall -q dags plugins

# The code belongs to root: what runs cannot change it. Numeric: an orchestrator can see it is not root.
USER 50000:50000
CMD ["airflow", "version"]
