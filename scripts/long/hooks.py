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
    """As `positive_data_acceptance`, which is switched off, but for 400s that no schema can foretell."""
    if response.status_code == 400:
        error = response.json()["error"]
        if error["code"] in REFERENCES or error.get("field") == "time_zone":
            return None
    return checks.positive_data_acceptance(ctx, response, case)


@schemathesis.check
def what_is_deleted_is_gone(ctx, response, case):
    """As `use_after_free`, which is switched off, but for users: to delete one is to deactivate it, and the row stays."""
    return None if "/users/" in case.operation.path else checks.use_after_free(ctx, response, case)


@schemathesis.hook
def before_call(context, case, **kwargs):
    """An Idempotency-Key drawn twice would replay an answer about a row that is gone since; the tests look at that."""
    if "Idempotency-Key" in (case.headers or {}) and case.meta and case.meta.generation.mode.is_positive:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


@schemathesis.hook
def filter_case(context, case):
    return not (revokes_its_own_key(case) or breaks_a_rule_in_words(case.operation.path, case.body))


def revokes_its_own_key(case):
    return "api_keys" in case.operation.path and (case.path_parameters or {}).get("id") == os.environ["OUR_KEY"]


def breaks_a_rule_in_words(path, body):
    """Rules that the description states, but not as keywords."""
    if not isinstance(body, dict):
        return False
    # Only the calendar knows which days are to come.
    if path.endswith("/snooze") and isinstance(body.get("until"), str):
        return body["until"] <= f"{datetime.date.today() + datetime.timedelta(days=1)}"
    # Hours that end when they begin are none.
    hours = body.get("working_hours")
    if isinstance(hours, dict) and "from" in hours and hours.get("from") == hours.get("until"):
        return True
    # Only the samples of the messages tell whether a template can be sent.
    if "/templates/" in path and isinstance(body.get("source"), str):
        return True
    # Only the contact itself knows whether it is the primary one.
    return path.endswith("/contacts/{id}") and body.get("is_primary") is False


def calendar(days):
    events = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART;VALUE=DATE:{day:%Y%m%d}\r\nEND:VEVENT\r\n" for n, day in enumerate(days))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n".encode()


schemathesis.openapi.media_type("text/calendar", st.lists(st.dates(min_value=datetime.date(1000, 1, 1)), max_size=5).map(calendar))
