"""Peers make what is said of them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import aws_cdk as cdk

from benchmarks.peers.alarms import WAYS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_function_by_hand_has_what_a_trigger_has(tmp_path: Path) -> None:
    """It lacks the permission of a route for all alarms alone: it gets one for each."""
    app = cdk.App(outdir=str(tmp_path))
    made = []
    for number, way in enumerate(("watch", "LambdaAction, same function")):
        stack = cdk.Stack(app, f"Stack{number}")
        WAYS[way](stack, 0, 2)
        made.append(stack)
    app.synth()
    ours, theirs = (
        Counter(
            resource["Type"]
            for resource in json.loads((tmp_path / stack.template_file).read_text())["Resources"].values()
        )
        for stack in made
    )
    assert ours - theirs == {"AWS::Lambda::Permission": 2}
    assert not theirs - ours
