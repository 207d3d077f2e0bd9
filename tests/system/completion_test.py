"""What a real bash and a real zsh make of a line when Tab is pressed in it, with the completions as they are installed."""

import os
import pty
import select
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

MANUAL = Path(os.environ["ARBITER_MANUAL_DIR"])
_WAIT_SECONDS = 60
_SHOW = "\x18"  # the key that writes down what the line is


class Shell:
    """One interactive shell, without anybody's own settings."""

    def __init__(self, command: list[str], settings: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="arbiter-completion-"))
        self._line = self.directory / ".line"
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "TERM": "dumb", "LC_ALL": "C.UTF-8", "LINE_FILE": str(self._line)}
        terminal, other = pty.openpty()
        self._terminal = terminal
        self._shell = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=environment, cwd=self.directory, start_new_session=True)
        os.close(other)
        os.write(terminal, f"{settings}; echo ready >\"$LINE_FILE\"\n".encode())
        self._await(lambda: self._line.exists() and self._line.read_text() == "ready\n")

    def _await(self, holds) -> None:
        end = time.monotonic() + _WAIT_SECONDS
        said = b""
        while not holds():
            if select.select([self._terminal], [], [], 0.05)[0]:
                said += os.read(self._terminal, 4096)
            assert time.monotonic() < end, said.decode(errors="replace")

    def completed(self, line: str) -> str:
        self._line.unlink()
        os.write(self._terminal, f"{line}\t{_SHOW}".encode())
        self._await(self._line.exists)
        self._await(lambda: self._line.read_text().endswith("\n"))
        os.write(self._terminal, b"\x15")  # and away with it
        return self._line.read_text().removesuffix("\n")

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._terminal)
        shutil.rmtree(self.directory)


def bash() -> Shell:
    sources = "; ".join(f"source '{path}'" for path in sorted((MANUAL / "bash").iterdir()))
    show = r"""show() { printf '%s\n' "$READLINE_LINE" >"$LINE_FILE"; }; bind -x '"\C-x": show'; bind 'set enable-bracketed-paste off'"""
    return Shell(["bash", "--norc", "--noprofile", "-i"], f"{sources}; {show}")


def zsh() -> Shell:
    show = "show() { print -r -- $BUFFER >$LINE_FILE }; zle -N show; bindkey -e; bindkey '^X' show; bindkey '^U' kill-whole-line; setopt no_beep"
    return Shell(["zsh", "-f", "-i"], f"fpath=('{MANUAL}/zsh' $fpath); autoload -U compinit; compinit -u -D; {show}")


class Completion(unittest.TestCase):
    # A line, and what is made of it.
    lines = (
        ("arbiterctl resu", "arbiterctl resume "),
        ("arbiterctl --socket status conf", "arbiterctl --socket status config "),
        ("arbiterctl config se", "arbiterctl config set "),
        ("arbiterctl config get retention.max_e", "arbiterctl config get retention.max_events "),
        ("arbiterctl config set log.l", "arbiterctl config set log.level="),
        ("arbiterctl events --type task-s", "arbiterctl events --type task-start "),
        ("arbiterctl stats --window 2", "arbiterctl stats --window 24h "),
        ("arbiterctl --json events --li", "arbiterctl --json events --limit "),
        ("arbiterctl events --agent sta", "arbiterctl events --agent sta"),
        ("arbiterctl verify only-d", "arbiterctl verify only-directory/"),
        ("arbiter-collector --ring", "arbiter-collector --ring-dir "),
        ("arbiter-collector --config only-f", "arbiter-collector --config only-file "),
        ("arbiter-collector --state-dir only-", "arbiter-collector --state-dir only-directory/"),
        ("arbiter-replay --time n", "arbiter-replay --time now "),
        ("arbiter-replay --inp", "arbiter-replay --input "),
        ("arbiter-inspect --ev", "arbiter-inspect --events "),
        ("arbiter-inspect only-f", "arbiter-inspect only-file "),
    )

    def check(self, shell: Shell) -> None:
        self.addCleanup(shell.close)
        (shell.directory / "only-file").touch()
        (shell.directory / "only-directory").mkdir()
        for line, wanted in self.lines:
            with self.subTest(line):
                self.assertEqual(shell.completed(line), wanted)

    def test_bash_completes_commands_options_keys_values_and_files_where_they_belong(self) -> None:
        self.check(bash())

    def test_zsh_completes_commands_options_keys_values_and_files_where_they_belong(self) -> None:
        if shutil.which("zsh") is None:
            print("\nnot run: system_completion in zsh: there is no zsh: tools/install-dependencies check", flush=True)
            self.skipTest("no zsh")
        self.check(zsh())

    def test_every_program_that_is_installed_has_them(self) -> None:
        programs = {"arbiter-collector", "arbiter-inspect", "arbiter-replay", "arbiterctl"}
        self.assertEqual({path.name for path in (MANUAL / "bash").iterdir()}, programs)
        self.assertEqual({path.name.removeprefix("_") for path in (MANUAL / "zsh").iterdir()}, programs)


if __name__ == "__main__":
    unittest.main()
