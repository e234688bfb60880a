"""What a schema cannot say, for Schemathesis."""

import datetime
import json
import os
import pathlib
import uuid

import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

OURS = json.loads(pathlib.Path(os.environ["OUR_DESCRIPTION"]).read_text())["components"]["schemas"]
# Only what tests/it/api/contract.rs lists: limits that are stated in words.
LIMITS = ["pattern", "maxLength", "maximum"]
# A reference to something that does not exist; a time zone is named by a reference to IANA's list.
REFERENCES = {"user_not_found", "template_not_found"}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """The contract states some limits in words, our description as keywords: take them from there."""
    for name, schema in raw_schema["components"]["schemas"].items():
        if name.endswith(("Create", "Update")):
            for key, value in schema["properties"].items():
                add_limits(value, OURS[name]["properties"][key])
    forbid_empty(raw_schema)


def forbid_empty(node):
    """Where a format is all that a text must have, Schemathesis also sends the empty one, which has no format."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        forbid_empty(child)
    if isinstance(node, dict) and isinstance(node.get("format"), str):
        node.setdefault("minLength", 1)


def add_limits(theirs, ours):
    if "$ref" in theirs:
        return
    for limit in LIMITS:
        if limit in ours:
            theirs.setdefault(limit, ours[limit])
    if "items" in ours:
        add_limits(theirs["items"], ours["items"])


@schemathesis.check
def valid_data_is_accepted(ctx, response, case):
    """As `positive_data_acceptance`, which is switched off, but for references, and for a 400 that the conventions ask for by name."""
    if response.status_code == 400:
        error = response.json()["error"]
        if error["code"] in REFERENCES or error.get("field") == "time_zone":
            return None
        # "`is_primary: false` on the primary contact → 400 `custom`": the schema of the contract has every truth value there.
        if (case.operation.path.endswith("/contacts/{id}"), error["code"], error.get("field")) == (True, "custom", "is_primary"):
            return None
    return checks.positive_data_acceptance(ctx, response, case)


@schemathesis.check
def what_is_deleted_is_gone(ctx, response, case):
    """As `use_after_free`, which is switched off, but for users, of whom the extensions say "DELETE deactivates": the row stays."""
    return None if "/users/" in case.operation.path else checks.use_after_free(ctx, response, case)


@schemathesis.hook
def before_call(context, case, **kwargs):
    """What is drawn as valid is made to fit where a schema has no word for it. What is drawn as invalid stays as it is."""
    if not (case.meta and case.meta.generation.mode.is_positive):
        return
    # One drawn twice would replay an answer about a row that is gone since; the tests look at that.
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if not isinstance(case.body, dict):
        return
    if case.operation.path.endswith("/snooze") and isinstance(case.body.get("until"), str):
        case.body["until"] = to_come(case.body["until"])
    if "/templates/" in case.operation.path and isinstance(case.body.get("source"), str):
        case.body["source"] += way_out(case.path_parameters["name"])


def to_come(date):
    """The same day in a year to come: after 2,400 years the calendar repeats itself."""
    return date if date > f"{datetime.date.today() + datetime.timedelta(days=1)}" else f"{int(date[:4]) + 2400}{date[4:]}"


def way_out(part):
    """What the text and the HTML of a mail may not lack: the link that ends these messages."""
    if not part.endswith((".text", ".html")):
        return ""
    if part.startswith("customer_reminder"):
        return "{% if unsubscribe %}{{ unsubscribe.url }}{% endif %}"
    return "{% for link in footer_links %}{{ link.url }} {% endfor %}"


# A source that every part takes: one line, of words and of values that every message has.
WORDS = st.text("abcdefghijklmnopqrstuvwxyzäöü ,.", min_size=1, max_size=30).filter(str.strip)
VALUES = st.sampled_from(["{{ workspace }}", "{{ workspace | upper }}", "{{ t.lang }}", "{% if first_name %}{{ first_name }}{% else %}you{% endif %}"])
schemathesis.openapi.format("minijinja", st.lists(WORDS | VALUES, min_size=1, max_size=3).map(" ".join))


@schemathesis.hook
def filter_case(context, case):
    """A run that revokes the key it runs with proves nothing from then on."""
    return not ("api_keys" in case.operation.path and (case.path_parameters or {}).get("id") == os.environ["OUR_KEY"])


def calendar(days):
    events = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART;VALUE=DATE:{day:%Y%m%d}\r\nEND:VEVENT\r\n" for n, day in enumerate(days))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n".encode()


schemathesis.openapi.media_type("text/calendar", st.lists(st.dates(min_value=datetime.date(1000, 1, 1)), max_size=5).map(calendar))
