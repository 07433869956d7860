"""What the platform team promises, drilled before each deployment."""

from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
import pytest
from pipeline import Pipeline

from cdk_incidents.local import LocalCloud


@pytest.fixture(scope="session")
def deployed(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> LocalCloud:
    app = cdk.App(outdir=str(tmp_path_factory.mktemp("cdk.out")))
    Pipeline(app, "Platform")
    local_cloud.create_stack("Platform", assets=app.synth().directory)
    return local_cloud


@pytest.fixture
def cloud(deployed: LocalCloud) -> Iterator[LocalCloud]:
    """Give the pipeline at rest, everybody's channel activated."""
    deployed.activate_channels()
    yield deployed
    deployed.faults.clear()
    set_alarm(deployed, "OK")
    for incident in deployed.incidents():
        deployed.wait_for_incident(arn=incident["arn"], status="RESOLVED")


def set_alarm(cloud: LocalCloud, state: str) -> None:
    alarms = cloud.client("cloudwatch")
    alarms.set_alarm_state(AlarmName="orders-wait", StateValue=state, StateReason="drill")


def alarm_rings(cloud: LocalCloud) -> dict[str, Any]:
    set_alarm(cloud, "ALARM")
    return cloud.wait_for_incident(title="orders-wait", status="OPEN")


def reached(cloud: LocalCloud, incident: dict[str, Any]) -> dict[str, int]:
    """Return who was paged for an incident, and after how many minutes for the first time."""
    pages = [page for page in cloud.pages if page["incident_record_arn"] == incident["arn"]]
    return {page["contact"]: round(page["after_s"] / 60) for page in reversed(pages)}


def test_an_alarm_becomes_an_incident(cloud: LocalCloud) -> None:
    incident = alarm_rings(cloud)
    assert (incident["title"], incident["impact"]) == ("Orders: orders-wait", 2)


def test_the_second_is_paged_when_the_first_does_not_answer(cloud: LocalCloud) -> None:
    incident = alarm_rings(cloud)
    assert reached(cloud, incident) == {"ada": 0}
    cloud.clock.advance(minutes=10)
    assert reached(cloud, incident) == {"ada": 0, "grace": 10}


def test_who_acknowledges_is_left_alone_and_so_is_the_second(cloud: LocalCloud) -> None:
    incident = alarm_rings(cloud)
    cloud.acknowledge(cloud.pages[-1])
    before = len(cloud.pages)
    cloud.clock.play_out()
    assert reached(cloud, incident) == {"ada": 0}
    assert len(cloud.pages) == before


def test_a_recovery_resolves_and_pages_nobody_more(cloud: LocalCloud) -> None:
    incident = alarm_rings(cloud)
    set_alarm(cloud, "OK")
    cloud.wait_for_incident(arn=incident["arn"], status="RESOLVED")
    cloud.clock.play_out()
    assert reached(cloud, incident) == {"ada": 0}


def test_a_throttled_start_still_comes(cloud: LocalCloud) -> None:
    cloud.faults.add("StartIncident", error="ThrottlingException")
    incident = alarm_rings(cloud)
    assert cloud.faults.pending == []
    assert reached(cloud, incident) == {"ada": 0}


def test_a_start_that_a_new_role_is_denied_at_first_still_comes(cloud: LocalCloud) -> None:
    cloud.faults.add("StartIncident", error="AccessDeniedException")
    incident = alarm_rings(cloud)
    assert cloud.faults.pending == []
    assert reached(cloud, incident) == {"ada": 0}


def test_the_fallback_hears_of_what_cannot_start(cloud: LocalCloud) -> None:
    cloud.faults.add("StartIncident", error="ServiceQuotaExceededException", times=None)
    set_alarm(cloud, "ALARM")
    message = cloud.wait_for_message(topic="Fallback")
    assert message["subject"] == "No incident: Orders: orders-wait"
    assert {incident["status"] for incident in cloud.incidents()} <= {"RESOLVED"}


def test_a_channel_that_nobody_activated_reaches_nobody(cloud: LocalCloud) -> None:
    contacts = cloud.client("ssm-contacts")
    (ada,) = contacts.list_contacts(AliasPrefix="ada")["Contacts"]
    (email,) = contacts.list_contact_channels(ContactId=ada["ContactArn"])["ContactChannels"]
    contacts.deactivate_contact_channel(ContactChannelId=email["ContactChannelArn"])
    incident = alarm_rings(cloud)
    assert reached(cloud, incident) == {}
    cloud.clock.advance(minutes=10)
    assert reached(cloud, incident) == {"grace": 10}
