"""GET /metrics is what Prometheus expects, by its own judgment, and says what happened."""

import json
import subprocess
import time
import unittest

import prometheus
from prometheus import Prometheus
from real_collector import Collector, not_run


def samples(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def families(text: str) -> dict[str, str]:
    return dict(line.split(" ")[2:4] for line in text.splitlines() if line.startswith("# TYPE"))


class Metrics(unittest.TestCase):
    def test_the_figures_are_those_of_what_was_recorded(self) -> None:
        with Collector() as collector:
            runs = collector.sample(500)
            collector.replay(runs)
            collector.ask("arbiterctl", "flush")
            collector.snapshot("jsonl")
            text = collector.get("/metrics")
            found = samples(text)
            events = len(runs) * 4
            for kind in ("routing-decision", "task-start", "task-execution", "evaluation-outcome"):
                self.assertEqual(found[f'arbiter_events_recorded_total{{type="{kind}"}}'], len(runs))
            self.assertEqual(found["arbiter_events_attempted_total"], events)
            self.assertEqual(found["arbiter_events_retained"], events)
            self.assertEqual(found["arbiter_task_executions_succeeded_total"], sum(run["success"] for run in runs))
            self.assertEqual(found["arbiter_drain_batch_events_sum"], events)
            self.assertEqual(found["arbiter_event_lag_seconds_count"], events)
            self.assertEqual(found['arbiter_event_lag_seconds_bucket{le="+Inf"}'], events)
            self.assertLess(found["arbiter_event_lag_seconds_sum"] / events, 5)
            self.assertGreater(found["arbiter_event_lag_seconds_sum"], 0)
            self.assertGreaterEqual(found["arbiter_drain_pass_seconds_count"], 1)
            self.assertGreaterEqual(found["arbiter_journal_sync_seconds_count"], 1)
            self.assertGreaterEqual(found["arbiter_journal_write_seconds_count"], found["arbiter_drain_pass_seconds_count"])
            self.assertGreater(found["arbiter_journal_written_bytes_total"], events * 50)
            self.assertEqual(found['arbiter_exports_total{outcome="published"}'], 1)
            self.assertEqual(found["arbiter_export_duration_seconds_count"], 1)
            self.assertEqual(found["arbiter_export_newest_events"], events)
            self.assertGreater(found["arbiter_export_newest_timestamp_seconds"], found["process_start_time_seconds"])
            self.assertEqual(found["arbiter_config_last_reload_successful"], 1)
            self.assertGreater(found['arbiter_memory_bytes{kind="anonymous"}'], 1 << 20)
            self.assertGreater(found["process_open_fds"], 5)
            for name, kind in families(text).items():
                if kind == "histogram":
                    self.assert_rising(text, name)

    def assert_rising(self, text: str, name: str) -> None:
        buckets = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + "_bucket")]
        self.assertGreater(len(buckets), 8)
        self.assertEqual(buckets, sorted(buckets))

    def test_losses_are_there_by_reason(self) -> None:
        with Collector() as collector:
            found = samples(collector.get("/metrics"))
            for reason in ("lane_full", "reentrant", "no_lane"):
                self.assertEqual(found[f'arbiter_events_dropped_total{{reason="{reason}"}}'], 0)
            self.assertEqual(found['arbiter_events_refused_total{reason="not_utf8"}'], 0)
            self.assertEqual(sum(name.startswith("arbiter_events_refused_total") for name in found), 11)

    def test_a_refused_file_shows_until_a_good_one_is_read(self) -> None:
        with Collector() as collector:
            collector.reload({"export": {"interval": "soon"}})
            collector.wait_for(lambda: samples(collector.get("/metrics"))["arbiter_config_last_reload_successful"] == 0)
            collector.reload({"export": {"interval": "1h"}, "limits": {"max_agents": 5}})
            collector.wait_for(lambda: samples(collector.get("/metrics"))["arbiter_config_last_reload_successful"] == 1)
            self.assertEqual(samples(collector.get("/metrics"))["arbiter_config_keys_waiting_for_restart"], 1)

    def test_status_says_in_words_what_is_wrong_since_when_and_what_to_do(self) -> None:
        with Collector() as collector:
            self.assertEqual(json.loads(collector.get("/v1/status"))["problems"], [])
            self.assertNotIn("What is wrong", collector.ask("arbiterctl", "status"))
            began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            collector.reload({"export": {"interval": "soon"}})
            collector.wait_for(lambda: json.loads(collector.get("/v1/status"))["health"] == "degraded")
            collector.ask("arbiterctl", "pause")
            time.sleep(1.1)
            status = json.loads(collector.get("/v1/status"))
            refused, paused = status["problems"]
            self.assertEqual((refused["severity"], paused["severity"]), ("degraded", "paused"))
            self.assertEqual(refused["what"], "the configuration file was refused: an older configuration is in force")
            self.assertEqual((paused["what"], paused["remedy"]), ("recording is paused", "arbiterctl resume"))
            for problem in status["problems"]:
                self.assertGreaterEqual(problem["since"], began)
                self.assertLess(problem["since"], time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()))
            self.assertRegex(status["explanation"], r"^the configuration file was refused: an older configuration is in force \(for \d+s\): "
                                                    "arbiter-collector --check-config names the line; then SIGHUP$")
            words = collector.ask("arbiterctl", "status")
            self.assertRegex(words, rf"What is wrong\n  degraded +{refused['what']}\n    since +{refused['since']}\n    what to do +")
            collector.ask("arbiterctl", "resume")
            collector.reload({})
            collector.wait_for(lambda: json.loads(collector.get("/v1/status"))["health"] == "ok")
            self.assertEqual(json.loads(collector.get("/v1/status"))["problems"], [])

    @unittest.skipIf(prometheus.missing(), "")
    def test_promtool_finds_nothing_to_say(self) -> None:
        with Collector() as collector:
            checked = subprocess.run(["promtool", "check", "metrics"], input=collector.get("/metrics"), capture_output=True, text=True, timeout=60)
            self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    @unittest.skipIf(prometheus.missing(), "")
    def test_a_prometheus_scrapes_it_over_tcp(self) -> None:
        with Collector(listen="127.0.0.1:0") as collector, Prometheus(collector.tcp_address()) as watcher:
            watcher.wait_for("up == 1")
            collector.replay(collector.sample(200))
            collector.ask("arbiterctl", "flush")
            watcher.wait_for('arbiter_events_recorded_total{type="task-execution"} == 200')
            watcher.wait_for("histogram_quantile(0.99, sum by (le) (arbiter_event_lag_seconds_bucket)) > 0")
            known = {entry for entry in watcher.api("metadata")}
            self.assertEqual(known & set(families(collector.get("/metrics"))), set(families(collector.get("/metrics"))))


if __name__ == "__main__":
    if why := prometheus.missing():
        not_run("observability_metrics", why)
    unittest.main()
