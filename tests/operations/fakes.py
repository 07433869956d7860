"""A deployed trigger whose services are asked nothing but what the commands ask."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from botocore.exceptions import ClientError

from cdk_incidents.operations.deployed_trigger import DeployedTrigger

RETRIES, DEAD_LETTERS = "https://retries", "https://dead-letters"


def refused(operation: str, code: str = "AccessDenied") -> ClientError:
    """Make an error of AWS's."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class FakeAws:
    """One item of a table, two queues, one caller; each operation can be refused."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = {}
        self.refused: set[str] = set()
        self.updates: list[dict[str, Any]] = []
        self.queues: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.hidden: set[str] = set()

    def trigger(self) -> DeployedTrigger:
        """Give the trigger."""
        return DeployedTrigger("t", ("Critical", "Minor"), "ledger", RETRIES, DEAD_LETTERS, lambda _: self)

    def put(self, body: str, attributes: dict[str, str] | None = None, number: int = 0) -> None:
        """Put a dead letter into its queue."""
        told = {
            name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()
        }
        letter = {
            "MessageId": str(number),
            "ReceiptHandle": f"handle-{number}",
            "Body": body,
            "Attributes": {"SentTimestamp": "1772712000000"},
            "MessageAttributes": told,
        }
        self.queues[DEAD_LETTERS].append(letter if told else {**letter, "MessageAttributes": {}})

    def _check(self, operation: str) -> None:
        if operation in self.refused:
            raise refused(operation)

    def get_item(self, **request: Any) -> dict[str, Any]:
        self._check("GetItem")
        assert request == {
            "TableName": "ledger",
            "Key": {"key": {"S": ":suppressed"}},
            "ConsistentRead": True,
        }
        return {"Item": {"key": {"S": ":suppressed"}, **self.item}} if self.item else {}

    def update_item(self, **request: Any) -> None:
        self._check("UpdateItem")
        names, expression = request["ExpressionAttributeNames"], request["UpdateExpression"]
        assert set(expression.replace(",", " ").split()) >= set(names)
        for short, name in names.items():
            if f"SET {short} = :s" in expression:
                self.item[name] = request["ExpressionAttributeValues"][":s"]
            else:
                assert short in expression.partition("REMOVE")[2]
                self.item.pop(name, None)

    def get_caller_identity(self) -> dict[str, str]:
        self._check("GetCallerIdentity")
        return {"Arn": "arn:aws:sts::1:assumed-role/Op/ann"}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self._check("ReceiveMessage")
        waiting = [
            letter
            for letter in self.queues[request["QueueUrl"]]
            if letter["ReceiptHandle"] not in self.hidden
        ][: request["MaxNumberOfMessages"]]
        self.hidden |= {letter["ReceiptHandle"] for letter in waiting}
        return {"Messages": waiting} if waiting else {}

    def send_message(self, **request: Any) -> None:
        self._check("SendMessage")
        self.queues[request["QueueUrl"]].append(request)

    def delete_message(self, **request: Any) -> None:
        self._check("DeleteMessage")
        queue = self.queues[request["QueueUrl"]]
        queue[:] = [letter for letter in queue if letter["ReceiptHandle"] != request["ReceiptHandle"]]

    def change_message_visibility(self, **request: Any) -> None:
        self._check("ChangeMessageVisibility")
        assert request["VisibilityTimeout"] == 0
        self.hidden.discard(request["ReceiptHandle"])
