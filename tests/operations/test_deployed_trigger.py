"""A trigger, found by its name."""

from __future__ import annotations

import importlib.util
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError

from cdk_incidents.operations.deployed_trigger import DeployedTrigger, OperationError

from .fakes import refused

OWN = {
    "INCIDENTS_LEDGER_TABLE": "ledger",
    "INCIDENTS_RETRY_QUEUE_URL": "https://retries",
    "INCIDENTS_DEAD_LETTER_QUEUE_URL": "https://dead-letters",
}


class FakeLambda:
    """One function with its aliases, in pages."""

    def __init__(self, environment: dict[str, str], *aliases: str) -> None:
        self.environment, self.aliases = environment, aliases
        self.error: Exception | None = None

    def get_function_configuration(self, **request: str) -> dict[str, Any]:
        if self.error:
            raise self.error
        assert request == {"FunctionName": "t"}
        return {"Environment": {"Variables": self.environment}} if self.environment else {}

    def get_paginator(self, operation: str) -> FakeLambda:
        assert operation == "list_aliases"
        return self

    def paginate(self, **request: str) -> list[dict[str, Any]]:
        assert request == {"FunctionName": "t"}
        return [{"Aliases": [{"Name": alias}]} for alias in self.aliases]


def deploy(monkeypatch: pytest.MonkeyPatch, functions: FakeLambda) -> list[str | None]:
    """Let boto3 reach the function; return the Regions that were asked for."""
    regions: list[str | None] = []

    class Session:
        def __init__(self, region_name: str | None) -> None:
            regions.append(region_name)
            self.region_name = region_name

        def client(self, service: str) -> FakeLambda:
            assert service == "lambda"
            return functions

    monkeypatch.setattr(boto3, "Session", Session)
    return regions


def test_a_trigger_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its routes are its aliases but for our own; table and queues are what its function was told."""
    deploy(monkeypatch, FakeLambda(OWN, "Minor", "retry", "smoke-test", "Critical"))
    trigger = DeployedTrigger.find("t", region="eu-west-1")
    assert trigger.routes == ("Critical", "Minor")
    assert trigger.ledger_table == "ledger"
    assert trigger.retry_queue_url == "https://retries"
    assert trigger.dead_letter_queue_url == "https://dead-letters"


def test_the_region_is_the_arguments_or_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 would not read AWS_REGION, which Lambda and most shells set."""
    regions = deploy(monkeypatch, FakeLambda(OWN))
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    DeployedTrigger.find("t")
    DeployedTrigger.find("t", region="eu-west-1")
    assert regions == ["eu-central-1", "eu-west-1"]
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(OperationError, match="no Region is known: pass --region"):
        DeployedTrigger.find("t")


@pytest.mark.parametrize("missing", ["all", *OWN])
def test_another_function_is_no_trigger(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says by what it is seen."""
    environment = {name: value for name, value in OWN.items() if missing not in ("all", name)}
    deploy(monkeypatch, FakeLambda(environment))
    with pytest.raises(OperationError, match=r"TRIGGER must be .* \(got t, a function without INCIDENTS_"):
        DeployedTrigger.find("t", region="eu-west-1")


@pytest.mark.parametrize("error", [refused("GetFunctionConfiguration"), NoCredentialsError()])
def test_what_aws_refuses_is_said_in_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing credentials too."""
    functions = FakeLambda(OWN)
    functions.error = error
    deploy(monkeypatch, functions)
    with pytest.raises(OperationError, match=r"^lambda: "):
        DeployedTrigger.find("t", region="eu-west-1")


def test_a_name_that_no_function_has_is_told_with_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual slips are the one and the other."""
    functions = FakeLambda(OWN)
    functions.error = refused("GetFunctionConfiguration", "ResourceNotFoundException")
    deploy(monkeypatch, functions)
    with pytest.raises(
        OperationError,
        match=r"^TRIGGER must be .* \(got t, no function in eu-west-1\): mend --region$",
    ):
        DeployedTrigger.find("t", region="eu-west-1")


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no dependency of the constructs."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(OperationError, match=r"pip install 'cdk_incidents\[local\]'"):
        DeployedTrigger.find("t")


def test_a_trigger_without_routes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is known."""
    deploy(monkeypatch, FakeLambda(OWN, "retry"))
    with pytest.raises(OperationError, match=r"routes: none \(got X\)"):
        DeployedTrigger.find("t", region="eu-west-1").check_route("X")
