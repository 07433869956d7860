"""The environment of the CDK CLI, of the app and of the user's own child processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cdk_incidents.local import LocalCloudError
from cdk_incidents.local.environment import Place, child_environment

HOST = {
    "PATH": "/usr/bin",
    "HOME": "/home/me",
    "STAGE": "dev",
    "AWS_PROFILE": "production",
    "AWS_SESSION_TOKEN": "secret",
    "AWS_ENDPOINT_URL_S3": "https://example.test",
    "CDK_DEFAULT_ACCOUNT": "123456789012",
    "CDK_PROFILE": "production",
    "CDK_DOCKER": "finch",
    "HTTPS_PROXY": "http://proxy.test",
    "https_proxy": "http://proxy.test",
    "NODE_OPTIONS": "--inspect",
}


@pytest.fixture
def environment() -> dict[str, str]:
    """Give the environment that comes of the host's."""
    home = Path("/tmp/c")  # noqa: S108
    return child_environment("http://127.0.0.1:1", place=Place(), home=home, node=Path("/n/node"), base=HOST)


def test_nothing_of_the_real_account(environment: dict[str, str]) -> None:
    """Profiles, tokens, endpoints, proxies and accounts of the host's are gone."""
    values = "\n".join(environment.values())
    assert not [value for value in ("production", "secret", "example.test", "proxy.test") if value in values]
    assert "CDK_DEFAULT_ACCOUNT" not in environment
    assert "NODE_OPTIONS" not in environment


def test_all_that_is_the_users_own(environment: dict[str, str]) -> None:
    """What the user's app and its tools may need stays."""
    assert {name: environment[name] for name in ("HOME", "STAGE", "CDK_DOCKER")} == {
        "HOME": "/home/me",
        "STAGE": "dev",
        "CDK_DOCKER": "finch",
    }


def test_leads_to_the_loopback(environment: dict[str, str]) -> None:
    """Endpoint, credentials and Region are the loopback's; nothing is asked of an instance's metadata."""
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


@pytest.mark.parametrize(
    ("account", "region", "told"),
    [
        ("12345678901", "us-east-1", "account must be a text of 12 digits (got '12345678901')"),
        ("000000000000", "Frankfurt", "region must be the name of an AWS Region"),
    ],
)
def test_no_such_place(account: str, region: str, told: str) -> None:
    """An account or a Region that is none is refused."""
    with pytest.raises(LocalCloudError) as caught:
        Place(account, region)
    assert told in str(caught.value)


def test_this_python_and_this_node(environment: dict[str, str]) -> None:
    """`python` in the app's command is the Python that runs this; jsii gets the Node that was found."""
    assert environment["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin"]
    assert environment["JSII_NODE"] == "/n/node"


def test_files_in_the_clouds_own_directory(environment: dict[str, str]) -> None:
    """What the CLI and the app write goes into the cloud's own directory."""
    for name in ("CDK_HOME", "TMPDIR", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert environment[name].startswith("/tmp/c/")  # noqa: S108
