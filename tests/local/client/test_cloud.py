"""LocalCloud: started, used and gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from cdk_incidents.local import (
    Assumptions,
    DeployError,
    IncidentTimeoutError,
    LocalCloud,
    LocalCloudError,
    MessageTimeoutError,
)

from .assemblies import alarm, paging, plan, template, wired, write_assembly
from .conftest import ROOT, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def stack(local_cloud: LocalCloud) -> Iterator[str]:
    """Give the name of a stack that is gone after the test."""
    name = "Tested"
    yield name
    local_cloud.faults.clear()
    local_cloud.delete_stack(name)


def fire(cloud: LocalCloud, name: str) -> None:
    """Set an alarm to ALARM."""
    cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")


# -- its life ------------------------------------------------------------------------------------------------


def test_gone_at_exit() -> None:
    """Process, its children and the directory are gone when the block ends, also by an exception."""
    cloud = LocalCloud()

    def use() -> None:
        with cloud:
            assert cloud.directory.is_dir()
            servers.append(psutil.Process(cloud.pid))
            raise ValueError("mine")

    servers: list[psutil.Process] = []
    with pytest.raises(ValueError, match="mine"):
        use()
    assert not servers[0].is_running()
    assert not cloud.directory.exists()
    cloud.close()


def test_listens_on_the_loopback_only(local_cloud: LocalCloud) -> None:
    """Every socket of the server is bound to 127.0.0.1."""
    listening = [
        connection.laddr
        for connection in psutil.Process(local_cloud.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_clean_environment(local_cloud: LocalCloud) -> None:
    """The server has nothing of the host's environment, and writes into its own directory."""
    environment = psutil.Process(local_cloud.pid).environ()
    assert set(environment) - {"LC_CTYPE"} <= {"PATH", "LANG", "HOME", "TMPDIR", "S3_DATA_DIR", "STATE_DIR"}
    for name in ("HOME", "TMPDIR", "S3_DATA_DIR", "STATE_DIR"):
        assert Path(environment[name]).is_relative_to(local_cloud.directory)


def test_two_do_not_disturb_each_other(local_cloud: LocalCloud, stack: str) -> None:
    """What happens in one cloud is not seen in another, and one ends without the other."""
    with LocalCloud() as other:
        local_cloud.create_stack(stack, wired("Apart"))
        other.create_stack(stack, wired("Apart"))
        fire(other, "Apart-errors")
        other.wait_for_incident(title="Checkout is failing")
        assert not [record for record in local_cloud.incidents() if "/Apart/" in record["arn"]]
    fire(local_cloud, "Apart-errors")
    assert "/Apart/" in local_cloud.wait_for_incident(status="OPEN")["arn"]


def test_given_port() -> None:
    """A port can be chosen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with LocalCloud(port=port) as cloud:
        assert cloud.endpoint_url == f"http://127.0.0.1:{port}"


def test_taken_port() -> None:
    """A port that is taken gives one message with the port and the remedy, and leaves nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        cloud = LocalCloud(port=port)
        with pytest.raises(LocalCloudError, match=rf"port {port} cannot be used .*0 for a free one"):
            cloud.start()
    assert not cloud.directory.exists()


@pytest.mark.parametrize("port", [-1, 65536, "80", True])
def test_port_out_of_range(port: Any) -> None:
    """A port that is none is refused."""
    with pytest.raises(LocalCloudError, match=rf"port must be 0 \(any free one\) to 65535 \(got {port!r}\)"):
        LocalCloud(port=port)


@pytest.mark.parametrize("use", [lambda cloud: cloud.client("sqs"), lambda cloud: cloud.pages])
def test_used_outside_its_block(use: Callable[[LocalCloud], object]) -> None:
    """Using it before or after is told, whatever is asked of it."""
    cloud = LocalCloud()
    with pytest.raises(LocalCloudError, match="must be started"):
        use(cloud)
    cloud.start().close()
    with pytest.raises(LocalCloudError, match="not after it was closed"):
        use(cloud)


def test_a_server_that_was_killed_is_told() -> None:
    """That it has ended, and how."""
    with LocalCloud(replication_set=False) as cloud:
        with pytest.raises(LocalCloudError, match="no replication set"):
            cloud.set_replication_status("CREATING")
        with pytest.raises(IncidentTimeoutError, match="no incident at all"):
            cloud.wait_for_incident(title="any", timeout_s=0)
        os.kill(cloud.pid, signal.SIGKILL)
        wait_for(lambda: not cloud.running, "the server ends", timeout_s=10)
        with pytest.raises(LocalCloudError, match=r"has ended \(exit code -9\)"):
            assert cloud.pages


def test_a_status_holds_before_the_first_call() -> None:
    """The account is there as the cloud is, so a set can be on its way before anybody asks for it."""
    with LocalCloud() as cloud:
        cloud.set_replication_status("CREATING")
        incidents = cloud.client("ssm-incidents")
        with pytest.raises(incidents.exceptions.ValidationException):
            incidents.list_response_plans()


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda cloud: cloud.client("sqs", "mars"), r"region must be .* \(got 'mars'\)"),
        (lambda cloud: cloud.wait_for_incident(status="CLOSED"), "status must be OPEN or RESOLVED"),
        (lambda cloud: cloud.set_replication_status("FAILED", region="eu-west-9"), "region must be one of"),
        (lambda cloud: cloud.put_aws_event("shop", "Order", {}), r"source must begin with aws\."),
        (lambda cloud: cloud.assume({"reserved_source": "accepted"}), "must be an Assumptions"),
        (lambda cloud: cloud.clock.advance(hours=-1), r"hours, minutes and seconds .* \(got -1, 0 and 0\)"),
        (lambda cloud: cloud.clock.advance(hours=float("nan")), "hours, minutes and seconds must be"),
        (lambda cloud: cloud.create_stack("Shop", assets="nowhere"), "assets must be the directory"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(
    local_cloud: LocalCloud, use: Callable[[LocalCloud], object], told: str
) -> None:
    """The error names the argument, the rule and what it got."""
    with pytest.raises(LocalCloudError, match=told):
        use(local_cloud)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_owner(number: signal.Signals, tmp_path: Path) -> None:
    """A server does not outlive the process that started it, however that ended."""
    script = (
        "import time\nfrom cdk_incidents.local import LocalCloud\n"
        "with LocalCloud() as cloud:\n    print(cloud.pid, flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as owner:
        assert owner.stdout is not None
        server = psutil.Process(int(owner.stdout.readline()))
        owner.send_signal(number)
        owner.wait(20)
    wait_for(lambda: not server.is_running(), "the server ends", timeout_s=10)
    if number == signal.SIGTERM:
        assert not list(tmp_path.iterdir())


def test_hosts_settings_do_not_reach_the_clients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A profile that does not exist, a proxy and an endpoint of the host's change nothing."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with LocalCloud() as cloud:
        assert cloud.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_environment_for_children(local_cloud: LocalCloud) -> None:
    """A child process with that environment works against this cloud."""
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    run = subprocess.run(
        [sys.executable, "-c", code], env=local_cloud.env(), capture_output=True, text=True, check=True
    )
    assert run.stdout == "000000000000\n"


# -- stacks --------------------------------------------------------------------------------------------------


def test_alarm_becomes_incident(local_cloud: LocalCloud, stack: str) -> None:
    """A stack through CloudFormation's API: its alarm opens an incident that can be waited for."""
    local_cloud.create_stack(stack, wired())
    fire(local_cloud, "Checkout-errors")
    record = local_cloud.wait_for_incident(title="Checkout is")
    assert record["impact"] == 2
    assert record["status"] == "OPEN"
    assert record["incidentRecordSource"]["resourceArn"].endswith(":alarm:Checkout-errors")
    assert record in local_cloud.incidents()
    assert record["arn"] not in {page["incident_record_arn"] for page in local_cloud.pages}


def test_missing_incident(local_cloud: LocalCloud) -> None:
    """Waiting in vain says what was waited for, how long, and what is there."""
    with pytest.raises(IncidentTimeoutError, match=r"title 'Never' within 0.2 s \(found: "):
        local_cloud.wait_for_incident(title="Never", timeout_s=0.2)


def test_what_becomes_of_one_incident(local_cloud: LocalCloud, stack: str) -> None:
    """Of several with one title and status, the one that is asked for; one that stays as it is is told."""
    local_cloud.create_stack(stack, wired())
    client = local_cloud.client("ssm-incidents")
    plan_arn = "arn:aws:ssm-incidents::000000000000:response-plan/Checkout"
    first, second = (client.start_incident(responsePlanArn=plan_arn)["incidentRecordArn"] for _ in range(2))
    client.update_incident_record(arn=first, status="RESOLVED")
    assert local_cloud.wait_for_incident(arn=first)["status"] == "RESOLVED"
    assert local_cloud.wait_for_incident(arn=second)["status"] == "OPEN"
    with pytest.raises(IncidentTimeoutError, match=rf"status 'RESOLVED' and ARN '{second}' within"):
        local_cloud.wait_for_incident(arn=second, status="RESOLVED", timeout_s=0.1)
    client.update_incident_record(arn=second, status="RESOLVED")


def test_a_stack_of_an_assembly(local_cloud: LocalCloud, stack: str, tmp_path: Path) -> None:
    """A template that is not given is the assembly's of that name; its directory may be text, as CDK's is."""
    write_assembly(tmp_path, **{stack: wired("Found"), "Other": template()})
    local_cloud.create_stack(stack, assets=str(tmp_path))
    fire(local_cloud, "Found-errors")
    assert "/Found/" in local_cloud.wait_for_incident(title="Checkout is failing")["arn"]
    write_assembly(tmp_path, **{stack: template(Other=alarm("other"))})
    local_cloud.update_stack(stack, assets=tmp_path)
    (there,) = local_cloud.client("cloudformation").list_stack_resources(StackName=stack)[
        "StackResourceSummaries"
    ]
    assert there["LogicalResourceId"] == "Other"


def test_a_stack_of_an_assembly_goes_to_its_region(
    local_cloud: LocalCloud, stack: str, tmp_path: Path
) -> None:
    """A template that is found goes where the app puts it, unless a Region is asked for."""
    write_assembly(tmp_path, **{stack: template(Errors=alarm("far"))})
    manifest = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(manifest.replace("unknown-region", "eu-west-1"))
    for asked, region in (("", "eu-west-1"), ("eu-west-2", "eu-west-2")):
        local_cloud.create_stack(stack, assets=tmp_path, region=asked)
        found = local_cloud.client("cloudwatch", region).describe_alarms(AlarmNames=["far"])["MetricAlarms"]
        assert len(found) == 1
        local_cloud.delete_stack(stack, region=region)


def test_a_stack_that_is_not_there(local_cloud: LocalCloud, tmp_path: Path) -> None:
    """Without a template, and of an assembly that has no such stack, the message says what there is."""
    with pytest.raises(LocalCloudError, match=r"Shop must have a template, or assets=app\.synth"):
        local_cloud.create_stack("Shop")
    write_assembly(tmp_path, One=template(), Two=template())
    with pytest.raises(LocalCloudError, match=r"has no stack 'Shop' \(got: One, Two\)"):
        local_cloud.update_stack("Shop", assets=tmp_path)


def test_update_and_outputs(local_cloud: LocalCloud, stack: str) -> None:
    """Creating and updating return the stack's outputs."""
    made = wired() | {"Outputs": {"Plan": {"Value": {"Ref": "Plan"}}}}
    arn = "arn:aws:ssm-incidents::000000000000:response-plan/Checkout"
    assert local_cloud.create_stack(stack, made) == {"Plan": arn}
    made["Resources"]["Plan"] = plan("Checkout", "Another title")
    assert local_cloud.update_stack(stack, made) == {"Plan": arn}
    answer = local_cloud.client("ssm-incidents").get_response_plan(arn=arn)
    assert answer["incidentTemplate"]["title"] == "Another title"


def test_failed_stack(local_cloud: LocalCloud, stack: str) -> None:
    """A stack that fails raises with CloudFormation's reasons."""
    with pytest.raises(DeployError, match=rf"creating {stack} failed \(ROLLBACK_COMPLETE\)") as caught:
        local_cloud.create_stack(stack, template(Plan=plan("not a name", "Checkout is failing")))
    (reason,) = caught.value.reasons
    assert reason.startswith("Plan (AWS::SSMIncidents::ResponsePlan): ")
    assert reason in str(caught.value)


def test_bootstrap_check_is_left_out(local_cloud: LocalCloud, stack: str) -> None:
    """A synthesised template's question after the bootstrap stack needs no bootstrap stack."""
    asking = {
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
        "Rules": {
            "CheckBootstrapVersion": {
                "Assertions": [{"Assert": {"Fn::Contains": [["6"], {"Ref": "BootstrapVersion"}]}}]
            }
        },
    }
    assert local_cloud.create_stack(stack, wired() | asking) == {}


def test_deleting_what_is_not_there(local_cloud: LocalCloud) -> None:
    """Deleting a stack that does not exist is no error."""
    local_cloud.delete_stack("Nothing")
    assert "Nothing" not in {
        s["StackName"] for s in local_cloud.client("cloudformation").describe_stacks()["Stacks"]
    }


# -- faults --------------------------------------------------------------------------------------------------


def test_faults_on_demand(local_cloud: LocalCloud, stack: str) -> None:
    """The asked number of calls fails as asked, the next one does not."""
    local_cloud.create_stack(stack, wired())
    arn = "arn:aws:ssm-incidents::000000000000:response-plan/Checkout"
    client = local_cloud.client("ssm-incidents")
    local_cloud.faults.add("StartIncident", error="ValidationException", times=1)
    with pytest.raises(client.exceptions.ValidationException):
        client.start_incident(responsePlanArn=arn)
    assert "/Checkout/" in client.start_incident(responsePlanArn=arn)["incidentRecordArn"]


def test_an_event_of_an_aws_service(local_cloud: LocalCloud) -> None:
    """A rule hears what no customer could put on the bus."""
    events, sqs = local_cloud.client("events"), local_cloud.client("sqs")
    url = sqs.create_queue(QueueName="health")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    let_in = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [{**let_in, "Action": "sqs:SendMessage"}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_rule(Name="health", EventPattern=json.dumps({"source": ["aws.health"]}))
    events.put_targets(Rule="health", Targets=[{"Id": "queue", "Arn": arn}])
    told = {"eventArn": "arn:aws:health:global::event/EC2/one/two"}
    local_cloud.put_aws_event("aws.health", "AWS Health Event", told, resources=["i-1"])
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("aws.health", "AWS Health Event")
    assert (event["resources"], event["detail"]) == (["i-1"], told)
    assert event["account"] == "000000000000"
    events.remove_targets(Rule="health", Ids=["queue"])
    events.delete_rule(Name="health")
    sqs.delete_queue(QueueUrl=url)


def test_messages_that_topics_took(local_cloud: LocalCloud) -> None:
    """Each is told, with whatever it says."""
    sns = local_cloud.client("sns")
    topic = sns.create_topic(Name="told")["TopicArn"]
    sns.publish(TopicArn=topic, Subject="s", Message="m")
    (message,) = [message for message in local_cloud.messages if message["topic"] == topic]
    assert (message["subject"], message["message"], message["event"]) == ("s", "m", "")


def test_waiting_for_a_message(local_cloud: LocalCloud) -> None:
    """The newest that fits, by its topic, its subject or what it says; one that does not come is told."""
    sns = local_cloud.client("sns")
    told, other = (sns.create_topic(Name=name)["TopicArn"] for name in ("told", "other"))
    for topic, subject, text in (
        (told, "First", "one of two"),
        (told, "Second", "two of two"),
        (other, "", "x"),
    ):
        sns.publish(TopicArn=topic, Message=text, **({"Subject": subject} if subject else {}))
    assert local_cloud.wait_for_message(topic="told")["subject"] == "Second"
    assert local_cloud.wait_for_message(text="First")["message"] == "one of two"
    assert local_cloud.wait_for_message(topic="told", text="of two")["message"] == "two of two"
    with pytest.raises(
        MessageTimeoutError, match=r"text 'Second' and topic 'other' within 0.1 s .*'First' to"
    ):
        local_cloud.wait_for_message(topic="other", text="Second", timeout_s=0.1)


def test_a_replication_set_on_its_way(local_cloud: LocalCloud) -> None:
    """Its status is what was asked for; what is no status is refused."""
    incidents = local_cloud.client("ssm-incidents")
    (arn,) = incidents.list_replication_sets()["replicationSetArns"]
    local_cloud.set_replication_status("UPDATING")
    assert incidents.get_replication_set(arn=arn)["replicationSet"]["status"] == "UPDATING"
    local_cloud.set_replication_status("ACTIVE")
    with pytest.raises(LocalCloudError, match=r"ACTIVE, CREATING, DELETING, FAILED \(got 'UPDATING'\)"):
        local_cloud.set_replication_status("UPDATING", region="us-east-1")


def test_a_service_that_is_down(local_cloud: LocalCloud) -> None:
    """It fails until the faults are cleared, and with them what was to come twice."""
    client = local_cloud.client("ssm-incidents")
    local_cloud.faults.add("ssm-incidents", error="ValidationException", times=None)
    local_cloud.faults.invoke_twice("nobody")
    for _ in range(2):
        with pytest.raises(client.exceptions.ValidationException):
            client.list_response_plans()
    local_cloud.faults.clear()
    assert isinstance(client.list_response_plans()["responsePlanSummaries"], list)


def test_faults_by_a_seed(local_cloud: LocalCloud) -> None:
    """A part of the calls fails, until they are cleared."""
    local_cloud.faults.seed(7, {"ListIncidentRecords": 0})
    assert isinstance(local_cloud.incidents(), list)
    with pytest.raises(LocalCloudError, match=r"from 0 to 1 \(got 1\.5\)"):
        local_cloud.faults.seed(7, {"ListIncidentRecords": 1.5})


def test_a_cloud_with_rates_that_forgets_tokens() -> None:
    """As the real service may be: five starts a second, and a client token that says nothing."""
    with LocalCloud(rates=True, assumptions=Assumptions(client_token_window_s=0)) as cloud:
        client = cloud.client("ssm-incidents")
        template = {"title": "t", "impact": 3}
        plan = client.create_response_plan(name="plan", incidentTemplate=template)["arn"]
        told = [client.start_incident(responsePlanArn=plan, clientToken="token") for _ in range(9)]
    assert len({answer["incidentRecordArn"] for answer in told}) == 9
    # Some came only when the client had been throttled and tried again.
    assert any(answer["ResponseMetadata"]["RetryAttempts"] for answer in told)


def test_faults_that_have_not_happened_yet(local_cloud: LocalCloud) -> None:
    """They are told until they have come to pass, so that a test knows that it met its fault."""
    local_cloud.faults.add("ListResponsePlans", error="ThrottlingException", times=2)
    (waiting,) = local_cloud.faults.pending
    assert (waiting["operation"], waiting["error"], waiting["times"]) == (
        *("ListResponsePlans", "ThrottlingException"),
        2,
    )
    local_cloud.client("ssm-incidents").list_response_plans()  # boto3 tries three times
    assert local_cloud.faults.pending == []


def test_cleared_faults(local_cloud: LocalCloud) -> None:
    """What was asked for and has not happened can be taken back."""
    local_cloud.faults.add("ListIncidentRecords", error="ValidationException", times=5)
    local_cloud.faults.clear()
    assert isinstance(local_cloud.incidents(), list)


def test_unknown_fault(local_cloud: LocalCloud) -> None:
    """A fault that cannot happen is refused with what can."""
    with pytest.raises(LocalCloudError, match=r"operation must be one .*StartIncident"):
        local_cloud.faults.add("StartIncidents", error="ThrottlingException")


# -- the CDK CLI ---------------------------------------------------------------------------------------------


def test_deploy_and_destroy(local_cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real CDK CLI deploys what is named and destroys it, and leaves the app's directory as it is."""
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    monkeypatch.chdir(tmp_path)
    app = str(write_assembly(tmp_path / "out", One=wired("One"), Two=wired("Two")))
    before = sorted(path.name for path in tmp_path.rglob("*"))
    lines: list[str] = []
    (deployed,) = local_cloud.deploy(app, stacks=["Two"], on_line=lines.append)
    assert (deployed.name, deployed.resources) == ("Two", 2)
    assert any("AWS::SSMIncidents::ResponsePlan" in line for line in lines)
    names = {s["StackName"] for s in local_cloud.client("cloudformation").describe_stacks()["Stacks"]}
    assert "Two" in names
    assert "One" not in names
    local_cloud.destroy(app)
    names = {s["StackName"] for s in local_cloud.client("cloudformation").describe_stacks()["Stacks"]}
    assert "Two" not in names
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_deploy_that_fails(local_cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment that fails raises with the reasons and with what the CLI printed."""
    monkeypatch.chdir(ROOT)
    stack = template(Plan=plan("not a name", "Failing"), Alarm=alarm("a"))
    app = str(write_assembly(tmp_path, Broken=stack))
    with pytest.raises(DeployError, match="deploying Broken failed") as caught:
        local_cloud.deploy(app)
    assert caught.value.reasons[0].startswith("Plan (AWS::SSMIncidents::ResponsePlan): ")
    assert "Broken" in caught.value.output
    local_cloud.destroy(app)


def test_the_stack_that_failed_is_named(
    local_cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that failed in an earlier deployment is not blamed for another one's failure."""
    monkeypatch.chdir(ROOT)
    broken = template(Plan=plan("not a name", "Failing"))
    app = str(write_assembly(tmp_path, First=broken, Second=broken))
    with pytest.raises(DeployError, match="deploying First failed"):
        local_cloud.deploy(app, stacks=["First"])
    with pytest.raises(DeployError, match="deploying Second failed") as caught:
        local_cloud.deploy(app, stacks=["Second"])
    assert caught.value.stack == "Second"
    local_cloud.destroy(app)


def test_account_that_is_not_played(
    local_cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack that must go to another account is refused with the remedy."""
    monkeypatch.chdir(ROOT)
    write_assembly(tmp_path, One=wired())
    manifest = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(manifest.replace("unknown-account", "123456789012"))
    with pytest.raises(LocalCloudError, match=r"\(got 123456789012\): .*LocalCloud\(account="):
        local_cloud.deploy(str(tmp_path))


# -- people --------------------------------------------------------------------------------------------------


def test_pages_come_in_their_time(local_cloud: LocalCloud, stack: str) -> None:
    """Once the channels are activated, the clock moves the engagement on, and an acknowledgement ends it."""
    local_cloud.create_stack(stack, paging(5, 5, 5, plan_name="Paging"))
    fire(local_cloud, "Paging-errors")
    incident = local_cloud.wait_for_incident(title="Checkout is failing")["arn"]
    assert local_cloud.activate_channels() == ["ann SMS"]
    assert local_cloud.activate_channels() == []
    before = local_cloud.clock.now()
    local_cloud.clock.advance(minutes=5, seconds=30)
    assert 330 <= (local_cloud.clock.now() - before).total_seconds() < 350
    (page,) = [page for page in local_cloud.pages if page["incident_record_arn"] == incident]
    assert (page["contact"], page["channel"], page["channel_name"]) == ("ann", "SMS", "Phone")
    assert page["after_s"] == 300
    local_cloud.acknowledge(page)
    local_cloud.clock.play_out()
    assert len([page for page in local_cloud.pages if page["incident_record_arn"] == incident]) == 1
    local_cloud.client("ssm-incidents").update_incident_record(arn=incident, status="RESOLVED")


def test_the_clock_does_not_go_back(local_cloud: LocalCloud) -> None:
    """Nor too far ahead."""
    for hours in (-1, 24 * 366 + 1):
        with pytest.raises(LocalCloudError, match="hours, minutes and seconds must be"):
            local_cloud.clock.advance(hours=hours)


def test_an_account_that_is_new_to_the_service() -> None:
    """Without a replication set no plan can be made, until an app makes the set."""
    replication = {
        "Type": "AWS::SSMIncidents::ReplicationSet",
        "Properties": {"Regions": [{"RegionName": "us-east-1"}]},
    }
    with LocalCloud(replication_set=False) as cloud:
        with pytest.raises(DeployError, match="replication set"):
            cloud.create_stack("Without", template(Plan=plan("Checkout", "Failing")))
        made = template(Set=replication, Plan={**plan("Checkout", "Failing"), "DependsOn": "Set"})
        cloud.create_stack("With", made)
        assert cloud.client("ssm-incidents").list_replication_sets()["replicationSetArns"]
        assert cloud.incidents() == []
