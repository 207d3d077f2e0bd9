"""What config/ ships for watching, held against the real things: every metric that a rule or the dashboard names is one that the collector
has, every expression finds something, and each alert fires when it should."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import prometheus
from prometheus import RULES, Prometheus
from real_collector import SOURCE, Collector, not_run

DASHBOARD = SOURCE / "config/grafana/arbiter.json"
RULE_TESTS = Path(__file__).parent / "rules.yml"


def dashboard_expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def rule_names(kind: str) -> list[str]:
    return re.findall(rf"^ +- {kind}: (\S+)$", RULES.read_text(), re.MULTILINE)


def metrics_named(expression: str) -> set[str]:
    """Names of metrics, without what is in braces or quotes."""
    return set(re.findall(r"\b(?:arbiter|process)[_:][a-z0-9_:]+", re.sub(r"\{[^}]*\}", "", expression)))


class Watching(unittest.TestCase):
    def test_every_metric_of_the_rules_and_the_dashboard_is_one_of_the_collector(self) -> None:
        with Collector(retention={"max_bytes": "1GiB"}) as collector:
            collector.snapshot("jsonl")
            had = {re.split(r"[{ ]", line)[0] for line in collector.get("/metrics").splitlines() if not line.startswith("#")}
        had |= set(rule_names("record")) | {re.sub("_(bucket|sum|count)$", "", name) for name in had}
        named = {expression: metrics_named(expression) for expression in dashboard_expressions()}
        named["the rules"] = metrics_named("\n".join(line for line in RULES.read_text().splitlines() if "record:" not in line))
        self.assertGreater(len(named), 40)
        self.assertGreater(len(named["the rules"]), 30)
        for expression, names in named.items():
            with self.subTest(expression=expression):
                self.assertEqual(names - had, set())

    def test_panels_do_not_overlap_and_say_what_they_show(self) -> None:
        taken = set()
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells
            self.assertTrue(panel["title"])

    @unittest.skipIf(prometheus.missing(), "")
    def test_every_expression_of_the_dashboard_finds_something_in_a_real_prometheus(self) -> None:
        limits = {"retention": {"max_bytes": "1GiB"}, "listen": "127.0.0.1:0"}
        with Collector(**limits) as collector, Prometheus(collector.tcp_address()) as watcher:
            watcher.wait_for("up == 1")
            for _ in range(2):  # a rate takes two looks, with something between
                collector.replay(collector.sample(100))
                collector.snapshot("jsonl")
                watcher.wait_for("changes(arbiter_events_retained[1m]) > 0")
            watcher.wait_for("rate(arbiter_export_duration_seconds_count[1m]) > 0")
            for expression in dashboard_expressions():
                asked = expression.replace("$__rate_interval", "1m").replace("$instance", ".*")
                with self.subTest(expression=asked):
                    found = watcher.query(asked)
                    if "> 0" not in asked:
                        self.assertTrue(found)
            for record in rule_names("record"):
                watcher.wait_for(record)
            self.assertEqual([rule["name"] for rule in watcher.firing()], [])

    @unittest.skipIf(prometheus.missing(), "")
    def test_each_alert_fires_where_something_is_wrong_and_none_where_nothing_is(self) -> None:
        self.assertEqual(len(rule_names("alert")), 24)
        with tempfile.TemporaryDirectory() as directory:
            tests = Path(directory) / "rules.yml"
            tests.write_text(RULE_TESTS.read_text().replace("  - RULES", f"  - {RULES}"))
            ran = subprocess.run(["promtool", "test", "rules", tests], capture_output=True, text=True, timeout=120)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            for alert in rule_names("alert"):
                self.assertIn(f'alertname="{alert}", alertstate="firing"', tests.read_text())
        scrape = subprocess.run(["promtool", "check", "config", "--syntax-only", SOURCE / "config/prometheus/scrape.yml"], capture_output=True, timeout=60)
        self.assertEqual(scrape.returncode, 0, scrape.stdout)


if __name__ == "__main__":
    if why := prometheus.missing():
        not_run("observability_watching", why)
    unittest.main()
