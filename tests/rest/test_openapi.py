"""OpenAPI: as the table says, as the file says, and valid."""

import json
import re
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest

from hubbub.actions import Actions
from hubbub.entry.rest.openapi import openapi, text
from hubbub.entry.rest.routes import ROUTES
from hubbub.entry.rest.table import Route, errors_of
from hubbub_protocol.codes import Code

SPEC = Path(__file__).parents[2] / "spec" / "openapi.json"
BY_OPERATION = {route.operation: route for route in ROUTES}


def test_the_file_is_what_the_table_makes() -> None:
    assert SPEC.read_text(encoding="utf-8") == text(), (
        "type: .venv/bin/python -m hubbub.entry.rest.openapi spec/openapi.json"
    )


def test_every_verb_has_a_call_and_every_call_a_verb() -> None:
    verbs = set(Actions.__slots__) - {"authenticate", "authorize", "admit"}
    assert set(BY_OPERATION) == verbs
    assert len(BY_OPERATION) == len(ROUTES)


def test_what_is_public() -> None:
    public = {route.operation for route in ROUTES if route.scope == "public"}
    by_provider = {"list_providers", "start_sign_in", "finish_sign_in", "exchange_sign_in",
                   "sign_out_of_provider"}  # fmt: skip
    assert public == {"register", "login", "refresh", *by_provider}
    paths = openapi()["paths"]
    open_ = {
        operation["operationId"]
        for item in paths.values()
        for operation in item.values()
        if operation.get("security") == []
    }
    assert open_ == public


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    document = openapi()
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert names == set(document["components"]["schemas"])
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_a_call_says_all_that_it_may_answer(route: Route) -> None:
    operation = openapi()["paths"]["/api/v1" + route.path][route.method.lower()]
    statuses = {int(status) for status in operation["responses"]}
    assert statuses == {route.status, *route.also, *(c.http_status for c in errors_of(route))}
    assert (401 in statuses) or route.scope == "public"
    assert ("requestBody" in operation) is (route.body is not None)
    named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", route.path))
    assert all(each.http_status <= after.http_status for each, after in pairwise(errors_of(route)))
    assert Code.UNAVAILABLE in errors_of(route)
