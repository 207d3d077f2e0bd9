"""A real terminal (tmux) of a given size, on a socket of its own: what a program shows in it, and keys for the program.

    with Terminal(command, columns=80, rows=24) as terminal:
        terminal.wait_for("ok: everything")
        terminal.press("q")
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

_WAIT_SECONDS = 30


def missing() -> str | None:
    return None if shutil.which("tmux") else "there is no tmux (tools/install-dependencies check)"


class Terminal:
    def __init__(self, command: str, environment: dict[str, str], columns: int = 80, rows: int = 24) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="arbiter-terminal-"))
        self._environment = environment | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        size = ["-x", str(columns), "-y", str(rows)]
        # A shell like a user's, which says how the program has left it.
        shell = f"trap : INT; {command}; echo left with $?; stty -a | grep -wo -e '-*echo' -e '-*icanon'; cat"
        self.tmux("new-session", "-d", *size, f"exec sh -c {self._quoted(shell)}")
        self.tmux("set-option", "-g", "window-size", "manual")

    @staticmethod
    def _quoted(text: str) -> str:
        return "'" + text.replace("'", "'\\''") + "'"

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["tmux", "-S", self._root / "socket", "kill-server"], capture_output=True)
        shutil.rmtree(self._root)

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-f", "/dev/null", "-S", self._root / "socket", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=self._environment, timeout=_WAIT_SECONDS).stdout

    def screen(self) -> list[str]:
        return self.tmux("capture-pane", "-p").splitlines()

    def press(self, *keys: str) -> None:
        """As tmux names them: "q", "Enter", "C-c"."""
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)

    def resize(self, columns: int, rows: int) -> None:
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_for(self, words: str, gone: bool = False) -> list[str]:
        end = time.monotonic() + _WAIT_SECONDS
        while (words in "".join(self.screen())) == gone:  # a line that is too long goes on in the next
            if time.monotonic() > end:
                raise AssertionError(f"{words!r} {'stayed' if gone else 'did not come'}:\n" + "\n".join(self.screen()))
            time.sleep(0.05)
        return self.screen()

    def pid_of(self, program: str) -> int:
        """Of the program that runs in it."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        for entry in Path(f"/proc/{shell}/task/{shell}/children").read_text().split():
            if Path(f"/proc/{entry}/comm").read_text().strip() == program:
                return int(entry)
        raise AssertionError(f"{program} does not run")
