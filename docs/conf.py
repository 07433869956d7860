"""The docs site: pages in Markdown, a reference from the docstrings, drawings from templates.

`make docs` builds it. Nothing is fetched, while it is built or while it is read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from _site import api, drawings, measured, roles  # noqa: E402 - the path above comes first

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "cdk_incidents"
author = "The cdk_incidents maintainers"
copyright = author  # noqa: A001 - Sphinx's word

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_site"]
templates_path: list[str] = []

html_theme = "furo"
html_title = "cdk_incidents"
html_show_sphinx = False
html_copy_source = False
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_preprocess_types = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_display_short_literal_types = True

# A name in single backquotes is ours, or an argument.
default_role = "ours"
# Types of CDK and of Python: their docs are elsewhere, and nothing is fetched to link to them.
_CDK = (
    r"(aws_cdk|assertions|cdk|chatbot|cloudwatch|constructs|events|iam|kms|lambda_|logs|scheduler|secretsmanager|sns|sqs"
    r"|ssm|ssmincidents)\..*"
)
_BY_NAME = (
    r"(Construct|IConstruct|Resource|Duration|Stack|Topic|CfnTag|Protocol"
    r"|TracebackType|Unit|I\w+Ref|ISecret|IKey|IAlarmActionStrategy)"
)
_PYTHON = (
    r"((datetime|collections|typing|enum|jsii)\..*|str|int|bool|float|None|list|dict|tuple|set|object|type|date"
    r"|datetime|time|Any|Literal|Sequence|Mapping|Callable|Self|T|Path|pathlib\.Path)"
)
# Our own inner types, and what docutils makes of a nested one.
_INNER = (
    r"(Dashboard|Finding|IncidentValue|Key|LogGroup|_LogQuery|Severity|Slack|Teams|TriggerHealth|RouteSettings"
    r"|Mapping\[str|(cdk_incidents\.local\.\w+\.)?(DeployedStack|Deployment|Server))"
)
# The values of a literal type, which napoleon takes for types.
_VALUES = r"'.*'"
nitpick_ignore_regex = [(r"py:.*", pattern) for pattern in (_CDK, _BY_NAME, _PYTHON, _INNER, _VALUES)]


def setup(app: Sphinx) -> None:
    """Write the generated pages before Sphinx looks for pages."""
    generated = HERE / "_generated"
    generated.mkdir(exist_ok=True)
    api.write(generated)
    drawings.write(generated)
    measured.write(generated)
    roles.register(app)
