"""What the services of ``blackcat dev`` get as their environment."""

import os
from pathlib import Path

import pytest
from botocore.session import get_session

from blackcat.entrypoints.dev.environment import services_environment
from blackcat.infra.project.dev_session import local_environment

AWS = local_environment("http://127.0.0.1:4566", "us-east-1")
EXPORTED = """
AWS_PROFILE=production
AWS_ACCESS_KEY_ID=AKIAPRODUCTION
AWS_SECRET_ACCESS_KEY=production
AWS_SESSION_TOKEN=production
AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z
AWS_ROLE_ARN=arn:aws:iam::1:role/production
AWS_WEB_IDENTITY_TOKEN_FILE=/production
LOG_FORMAT=json
"""


@pytest.fixture
def project(tmp_path):
    before = Path.cwd(), dict(os.environ)
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before[0])
    os.environ.clear()
    os.environ.update(before[1])


def test_botocore_finds_the_emulators_credentials_whatever_an_env_file_exports(project):
    (project / ".env").write_text(EXPORTED)
    environment = services_environment(project, AWS)
    os.environ.clear()
    os.environ.update(environment)
    for line in EXPORTED.split():  # as a service does that loads its .env file
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)
    session = get_session()
    found = session.get_credentials().get_frozen_credentials()
    assert (found.access_key, found.token or "") == ("test", "")
    assert session.get_scoped_config() == {}
    assert session.available_profiles == ["default"]
    assert session.create_client("sqs").meta.endpoint_url == "http://127.0.0.1:4566"


def test_defaults_of_dev_give_way_to_what_is_told(project):
    assert services_environment(project, AWS)["LOG_FORMAT"] == "console"
    (project / ".env").write_text("LOG_FORMAT=json\nCONSUMER_WAIT_SECONDS=\n")
    os.environ["API_WORKERS"] = "3"
    environment = services_environment(project, AWS)
    assert "LOG_FORMAT" not in environment  # the service reads the file itself
    assert environment["API_WORKERS"] == "3"
    assert environment["CONSUMER_WAIT_SECONDS"] == "1"


def test_hosts_that_need_no_proxy_are_kept(project):
    os.environ["NO_PROXY"] = "intranet.example"
    environment = services_environment(project, AWS)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intranet.example,127.0.0.1,localhost"
