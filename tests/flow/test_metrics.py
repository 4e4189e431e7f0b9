"""A real worker's /metrics, and that rules and dashboard ask only for what it tells."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tallywire import __version__
from tallywire.supervision.ports import any_free_port
from tallywire.worker import metrics
from tests.support.night import Night
from tests.support.scan_files import draw_sheets, variant
from tests.support.waiting import wait_until

DEPLOY = Path(__file__).parents[2] / "deploy" / "monitoring"
NAME = re.compile(r"\btallywire_\w+")
# Of Prometheus itself: told for every target.
ITS_OWN = {"up"}
WORDS = re.compile(r"(?<![\w\"$.{])([a-z_]+)\b(?!\s*[(\"=!])")

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(port: int) -> tuple[str, Samples]:
    """The text, and the value by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return text, found


def expressions() -> dict[str, str]:
    """Every PromQL expression that we ship, by where it stands."""
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())
    found = {
        f"alert {rule['alert']}": rule["expr"] for one in rules["groups"] for rule in one["rules"]
    }
    board = json.loads((DEPLOY / "grafana/dashboards/tallywire.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"]
    return found


def test_a_worker_tells_what_it_did_and_all_that_is_asked_for(night: Night) -> None:
    port = any_free_port()
    night.start_worker(health_port=str(port))
    stations, sheets = list(night.election.stations), draw_sheets(3)
    for number in range(6):
        night.send(stations[number], variant(sheets[number % 3], number))
    night.send(stations[6], b"\xff\xd8\xff no image")
    outcomes = night.wait_accounted(7)
    asked = [scrape(port)]
    lagging = (metrics.LAG, (("partition", "0"), ("topic", night.settings.topics.scans)))

    def caught_up() -> bool:
        asked[0] = scrape(port)
        _, now = asked[0]
        return now.get(lagging) == 0 and now[metrics.IN_FLIGHT, ()] == 0

    wait_until(caught_up, 20, night.describe)
    text, found = asked[0]
    scans = {key: value for key, value in found.items() if key[0] == f"{metrics.SCANS}_total"}
    told = dict.fromkeys(outcomes, 0.0)
    for (_, labels), value in scans.items():
        told[dict(labels)["outcome"]] += value
    assert told == dict(outcomes)
    assert any(dict(labels)["reason"] for _, labels in scans)
    for stage in metrics.STAGES:
        # A batch is published at once; a broken image is not prepared.
        least = {"publish": 1, "decode": 7, "apply": 7, "whole": 7}.get(stage, 6)
        assert found[f"{metrics.STAGE_SECONDS}_count", (("stage", stage),)] >= least
    assert found[metrics.ASSIGNED, ()] == 1
    assert found[metrics.REJECT_ALERT, ()] == 0
    assert found[metrics.BUILD, (("version", __version__),)] == 1
    (model,) = [dict(labels) for name, labels in found if name == metrics.MODEL]
    assert int(model["version"]) == night.readings()[0].lineage.model_version
    assert_everything_asked_for_is_there(text)


def assert_everything_asked_for_is_there(text: str) -> None:
    """By sample names, and by the declared type where nothing was counted yet."""
    declared = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    there = {*re.findall(r"^(\w+)[ {]", text, re.MULTILINE), *declared}
    missing = {
        (where, name)
        for where, expression in expressions().items()
        for name in NAME.findall(expression)
        if name not in there
    }
    assert not missing
    asked = set(NAME.findall(" ".join(expressions().values())))
    suffixes = r"_(total|bucket|sum|count|created)$"
    assert {re.sub(suffixes, "", name) for name in there if name.startswith("tallywire_")} <= {
        re.sub(suffixes, "", name) for name in asked
    }, "a metric that no panel and no rule shows"


def test_every_rule_and_panel_asks_for_a_metric() -> None:
    for where, expression in expressions().items():
        assert NAME.search(expression) or ITS_OWN & set(WORDS.findall(expression)), where
        for opening, closing in ("()", "[]", "{}"):
            assert expression.count(opening) == expression.count(closing), where


def test_rules_have_all_that_prometheus_wants() -> None:
    loaded: Any = yaml.safe_load((DEPLOY / "alerts.yml").read_text())
    (group,) = loaded["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names)
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"].endswith((".", ")."))


def test_the_dashboard_is_whole() -> None:
    board = json.loads((DEPLOY / "grafana/dashboards/tallywire.json").read_text())
    source = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"][0]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
    assert len(set(places)) == len(places)
    assert all(x + w <= 24 for x, _, w, _ in places)
