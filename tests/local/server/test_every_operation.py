"""Every operation of both services, with every input that botocore's model makes right or wrong.

Nothing here is copied from the model: an operation, a member or a constraint that a new botocore brings is
called by these tests at once. What to do then, a failure says.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from cdk_incidents.local._server.protocol.constraints import broken, violations

from .model_inputs import GONE, NOW, Inputs
from .model_world import BY_THE_RULES, MODELS, PAGINATED, Peopled, World

# Lists of which the world has one thing at most.
_AT_MOST_ONE = ("ListReplicationSets", "ListIncidentFindings", "ListPageResolutions")
ALL = [(service, name) for service, model in MODELS.items() for name in model.operation_names]
# Chosen all the same: no error of the model fits (see timeline.find_record).
_NOT_MODELLED = dict.fromkeys(("ListRelatedItems", "ListTimelineEvents"), "ResourceNotFoundException")
_RULE_OF_THE_MODEL = ("failed to satisfy constraint", "cannot be read")


def _inputs(world: Peopled, service: str, operation: str) -> Inputs:
    return Inputs(MODELS[service].operation_model(operation).input_shape, world.known)


def _check_result(service: str, operation: str, params: dict[str, Any], answer: dict[str, Any]) -> None:
    """Hold a result to its status and to all constraints, but for what the caller gave and gets back."""
    model = MODELS[service].operation_model(operation)
    status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
    assert status == (model.http.get("responseCode", 200) if service == "ssm-incidents" else 200)
    wrong = broken(model.output_shape, answer) if model.output_shape else ()
    assert not [(path, value, rule) for path, value, rule in wrong if repr(value) not in repr(params)]


def _check_error(world: World, service: str, operation: str, answer: dict[str, Any]) -> None:
    """Hold an error to those that the model gives the operation, to its status and its members."""
    error, status = answer.pop("Error"), answer.pop("ResponseMetadata")["HTTPStatusCode"]
    if not world.services[service].plays(operation):
        assert (error["Code"], status) == ("NotPlayedHereException", 400)
        return
    model = MODELS[service].operation_model(operation)
    codes = {shape.name for shape in model.error_shapes} | {_NOT_MODELLED.get(operation)}
    assert error["Code"] in codes, f"the model has no {error} for {operation}: answer with one of {codes}"
    shape = MODELS[service].shape_for_error_code(error["Code"])
    assert status == shape.metadata.get("error", {}).get("httpStatusCode", 400), error
    assert not violations(shape, answer), error
    assert error["Message"]


def _valid(world: Peopled, service: str, operation: str) -> list[dict[str, Any]]:
    inputs = _inputs(world, service, operation)
    least = inputs.minimal()
    return [least, {**least, **BY_THE_RULES.get(operation, {})}, *inputs.full(), *inputs.at_limits()]


@pytest.mark.parametrize(("service", "operation"), ALL)
def test_a_valid_input_gets_what_the_model_says(service: str, operation: str) -> None:
    """The least, the fullest, at each limit: a result as modelled, or an error of the operation's own."""
    world, results = Peopled(operation), 0
    valid = _valid(world, service, operation)
    for number in range(len(valid)):
        before, answer = repr(world), world.send(service, operation, valid[number])
        if "Error" in answer:
            assert not any(told in answer["Error"]["Message"] for told in _RULE_OF_THE_MODEL), answer
            _check_error(world, service, operation, answer)
            assert repr(world) == before, f"{operation} changed something before it refused {valid[number]}"
        else:
            results += 1
            _check_result(service, operation, valid[number], answer)
        if repr(world) != before:
            world = Peopled(operation)
            valid = _valid(world, service, operation)
    assert results or not world.services[service].plays(operation), (
        f"no input of {operation} is accepted: let model_world.py give it what it needs to succeed"
    )


@pytest.mark.parametrize(("service", "operation"), ALL)
def test_each_rule_broken_by_itself_is_refused(service: str, operation: str) -> None:
    """At every depth, by name and rule, before anything is played."""
    world = Peopled(operation)
    before, shape = repr(world), MODELS[service].operation_model(operation).input_shape
    places = {name: member.serialization.get("location", "body") for name, member in shape.members.items()}
    for case in _inputs(world, service, operation).broken():
        place = places[case.path[0]] if case.path else "body"
        unsendable = (case.is_type, case.value == [], place == "uri" and case.value is GONE)
        if place != "body" and any(unsendable):
            continue  # a path and a query are text; an empty list in a query is none; the path is what it is
        answer = world.send(service, operation, case.params, broken=case)
        told = answer.get("Error", {"Code": "nothing", "Message": ""})
        wanted = "SerializationException" if case.is_type else "ValidationException"
        assert (told["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (wanted, 400), (case, told)
        assert f"at '{case.place}'" in told["Message"], (case, told)
        assert case.rule in told["Message"], (case, told)
    assert repr(world) == before


@pytest.mark.parametrize(("service", "operation"), PAGINATED)
def test_a_list_page_by_page_is_the_whole(service: str, operation: str) -> None:
    """One by one, each item once and in order; a token that the list did not give is refused."""
    keys, world = PAGINATED[service, operation], Peopled(operation)
    world.crowd()
    params = {**_inputs(world, service, operation).minimal(), **BY_THE_RULES.get(operation, {})}
    whole = world.send(service, operation, params)[keys["result_key"]]
    assert len(whole) > 1 or operation in _AT_MOST_ONE
    found, token = [], ""
    limit = {keys["limit_key"]: 1} if "limit_key" in keys else {}
    for _ in range(max(len(whole), 1)):
        page = world.send(service, operation, {**params, **limit, keys["input_token"]: token})
        found += page[keys["result_key"]]
        token = page.get(keys["output_token"], "")
    assert (found, token) == (whole, "")
    for foreign in ("Zm9yZWlnbg==", "b3RoZXI6MQ==", "-1"):
        refused = world.send(service, operation, {**params, keys["input_token"]: foreign})
        assert refused["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("service", MODELS)
def test_a_timestamp_is_a_number_of_seconds(service: str) -> None:
    """Whole or with a fraction, also before 1970; no text, and none that no calendar has."""
    for operation in MODELS[service].operation_names:
        world = Peopled(operation)
        cases = _inputs(world, service, operation).broken()
        for case in {case.place: case for case in cases if case.rule.endswith("as timestamp")}.values():
            for value, fits in (
                (1_800_000_000, True),
                (1.8e9, True),
                (1_800_000_000.25, True),
                (-5.5, True),
                ("2027-01-04T09:00:00Z", False),
                (1e300, False),
                (float("nan"), False),
            ):
                answer = world.send(service, operation, case.params, broken=replace(case, value=value))
                code = answer.get("Error", {}).get("Code")
                assert (code != "SerializationException") is fits, (operation, case.place, value)


def test_a_timestamp_comes_back_to_the_millisecond() -> None:
    """As it was given."""
    world, time = Peopled("CreateTimelineEvent"), NOW + dt.timedelta(milliseconds=123)
    given = {name: world.known(name) for name in ("incidentRecordArn", "eventType", "eventData")}
    made = world.call("CreateTimelineEvent", **given, eventTime=time)
    assert (
        world.call("GetTimelineEvent", **{k: made[k] for k in ("incidentRecordArn", "eventId")})["event"][
            "eventTime"
        ]
        == time
    )
