"""arbiterctl top in a real terminal: what it shows, what its keys do, and that it leaves the terminal as it was, however it ends."""

import os
import signal
import unittest

import terminal
from real_collector import Collector, not_run
from terminal import Terminal

LEFT = ["icanon", "echo"]  # what stty says of a terminal that somebody can type at


def top(collector: Collector, *arguments: str, **size: int) -> Terminal:
    return Terminal(collector.command("arbiterctl", "top", "--every", "0.5", *arguments), collector.environment, **size)


@unittest.skipIf(terminal.missing(), "")
class Top(unittest.TestCase):
    def assert_left(self, screen: Terminal, status: int = 0) -> None:
        lines = screen.wait_for(f"left with {status}")
        screen.wait_for("icanon")
        lines = [line for line in screen.screen() if line]
        self.assertEqual(lines[-2:], LEFT)
        self.assertEqual(screen.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").strip(), "0 1")
        self.assertNotIn("every 0.5 s", "\n".join(lines))  # nothing of the picture is left
        screen.type("echoed")
        screen.wait_for("echoed")

    def test_it_shows_rates_losses_lanes_and_agents_at_80_by_24(self) -> None:
        with Collector() as collector, top(collector, columns=80, rows=24) as screen:
            screen.wait_for("ok: everything that is recorded is taken")
            collector.replay(collector.sample(300), time="now")
            screen.wait_for("1.20k events")
            lines = screen.wait_for("coder-fast")
            self.assertEqual(len(lines), 24)
            self.assertLessEqual(max(len(line) for line in lines), 80)
            self.assertRegex(lines[0], r"^arbiter 0\.1\.0  pid \d+  up 0:00:\d\d +every 0\.5 s  \? help$")
            for label, line in zip(("events", "lost", "lanes", "keeps"), lines[2:6]):
                self.assertTrue(line.startswith(label), line)
            self.assertIn("dropped 0   refused 0   set aside 0", lines[3])
            self.assertIn("agents in the last 5m: ", lines[6])
            self.assertTrue(lines[7].split() == "runs v ok 95% p50 ms p95 ms chosen agent".split(), lines[7])
            runs = [float(line.split()[0]) for line in lines[8:8 + 5]]
            self.assertEqual(runs, sorted(runs, reverse=True))
            screen.press("q")
            self.assert_left(screen)

    def test_keys_sort_filter_and_change_the_window(self) -> None:
        with Collector() as collector, top(collector) as screen:
            collector.replay(collector.sample(300), time="now")
            screen.wait_for("coder-fast")
            screen.press("S")  # backwards from the first: the names, rising
            lines = screen.wait_for("agent ^")
            names = [line.split()[-1] for line in lines[8:12]]
            self.assertEqual(names, sorted(names))
            screen.press("r")
            lines = screen.wait_for("agent v")
            names = [line.split()[-1] for line in lines[8:12]]
            self.assertEqual(names, sorted(names, reverse=True))
            screen.press("/")
            screen.type("PLANNER-S")
            screen.wait_for("show rows with: PLANNER-S_")
            lines = screen.wait_for('with "PLANNER-S"')
            screen.press("Enter")
            lines = screen.wait_for("show rows with", gone=True)
            self.assertTrue(lines[8].endswith("planner-small"), lines[8])
            self.assertNotIn("coder-fast", "\n".join(lines))
            screen.press("Escape")
            screen.wait_for("coder-fast")
            screen.press("w")
            screen.wait_for("agents in the last 1h: ")
            screen.wait_for("coder-fast")
            screen.press("Tab", "s")
            screen.wait_for("ev/s v")
            screen.press("?")
            screen.wait_for("turn the order around")
            screen.press("?")
            screen.wait_for("turn the order around", gone=True)
            screen.press("q")
            self.assert_left(screen)

    def test_it_follows_the_size_of_the_terminal(self) -> None:
        with Collector() as collector, top(collector) as screen:
            screen.wait_for("every 0.5 s")
            screen.resize(132, 43)
            lines = screen.wait_for("memory")
            self.assertEqual(len(lines), 43)
            screen.resize(30, 6)
            screen.wait_for("make this 40 x 10")
            screen.resize(40, 10)
            lines = screen.wait_for("every 0.5 s")
            self.assertEqual((len(lines), max(map(len, lines)) <= 40), (10, True))
            screen.press("q")
            self.assert_left(screen)

    def test_it_leaves_the_terminal_clean_on_ctrl_c_and_on_signals(self) -> None:
        with Collector() as collector:
            with top(collector) as screen:
                screen.wait_for("every 0.5 s")
                screen.press("C-c")
                self.assert_left(screen)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
                with self.subTest(number), top(collector) as screen:
                    screen.wait_for("every 0.5 s")
                    os.kill(screen.pid_of("arbiterctl"), number)
                    self.assert_left(screen)

    def test_a_collector_that_goes_and_comes_back_is_said_and_followed(self) -> None:
        with Collector() as collector, top(collector) as screen:
            screen.wait_for("ok: everything")
            collector.kill()
            screen.wait_for("name the socket of a running one")
            screen.press("?")
            screen.wait_for("turn the order around")  # keys are answered meanwhile
            screen.press("?")
            collector.start()
            screen.wait_for("ok: everything")
            screen.press("q")
            self.assert_left(screen)

    def test_what_cannot_be_is_said_before_the_terminal_is_touched(self) -> None:
        with Collector() as collector:
            piped = collector.run("arbiterctl", "top")
            self.assertEqual(piped.returncode, 1)
            self.assertEqual(piped.stdout, "")
            self.assertIn("top needs a terminal: arbiterctl status --json", piped.stderr)
            self.assertEqual(collector.run("arbiterctl", "--json", "top").returncode, 2)
            self.assertEqual(collector.run("arbiterctl", "top", "--every", "0").returncode, 2)
            unknown = Terminal("TERM=no-such-terminal " + collector.command("arbiterctl", "top"), collector.environment)
            with unknown as screen:
                screen.wait_for('the terminal type "no-such-terminal" is not known here')
                self.assert_left(screen, 1)
            collector.kill()
            with top(collector) as screen:
                screen.wait_for("start arbiter-collector, or name")
                self.assert_left(screen, 1)


if __name__ == "__main__":
    if why := terminal.missing():
        not_run("observability_top", why)
    unittest.main()
