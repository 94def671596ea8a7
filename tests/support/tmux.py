"""A shell in a real terminal, tmux's: typed into and looked at as somebody would."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.running import REPOSITORY, program
from tests.support.waiting import wait_for

WAIT_SECONDS = 20.0
PROMPT = "tester$ "
_SHELL = ("bash", "--norc", "--noprofile", "-i")


class Screen:
    """The one window of a tmux server of the test's own."""

    def __init__(self, socket: Path) -> None:
        """Look at the server that listens at ``socket``."""
        self._tmux = [program("tmux", "tmux"), "-S", str(socket)]

    def run(self, *arguments: str) -> str:
        """Have tmux do something; return what it says."""
        done = subprocess.run([*self._tmux, *arguments], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def press(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        self.run("send-keys", *keys)

    def enter(self, line: str) -> None:
        """Type a line, and Enter."""
        self.run("send-keys", "-l", line)
        self.run("send-keys", "Enter")

    def lines(self) -> list[str]:
        """Return the lines that are to be seen."""
        return self.run("capture-pane", "-p").splitlines()

    def text(self) -> str:
        """Return what is to be seen."""
        return "\n".join(self.lines())

    def wait_for(self, *words: str, seconds: float = WAIT_SECONDS) -> str:
        """Wait until all these words are to be seen; return all that is."""

        def look() -> str:
            text = self.text()
            missing = [each for each in words if each not in text]
            assert not missing, f"{missing} not in:\n{text}"
            return text

        return wait_for(look, seconds, f"{words} on the screen")

    def wait_until_gone(self, *words: str, seconds: float = WAIT_SECONDS) -> str:
        """Wait until none of these words is to be seen any more; return all that is."""

        def look() -> str:
            text = self.text()
            found = [each for each in words if each in text]
            assert not found, f"{found} in:\n{text}"
            return text or " "

        return wait_for(look, seconds, f"{words} gone from the screen")

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size, and wait until its terminal has it."""
        self.run("resize-window", "-x", str(columns), "-y", str(lines))
        wait_for(lambda: self._size() == (columns, lines), WAIT_SECONDS, "the terminal has the size")

    def _size(self) -> tuple[int, int]:
        descriptor = os.open(self.run("display-message", "-p", "#{pane_tty}").strip(), os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.get_terminal_size(descriptor)
        finally:
            os.close(descriptor)

    def modes(self) -> str:
        """Have the shell tell the terminal's modes, at its prompt."""
        with tempfile.TemporaryDirectory() as directory:
            output, done = Path(directory, "modes"), Path(directory, "done")
            self.enter(f"stty -a > {output}; touch {done}")
            wait_for(done.exists, WAIT_SECONDS, "stty has told")
            return output.read_text()

    def flags(self) -> str:
        """Return whether the other screen is shown, and whether the cursor is: 0 or 1 each."""
        return self.run("display-message", "-p", "#{alternate_on} #{cursor_flag}").strip()

    def clear(self) -> None:
        """Have the shell clear its screen."""
        self.enter("clear")
        wait_for(lambda: self.text().strip() == PROMPT.strip(), WAIT_SECONDS, "a clear screen")


@contextmanager
def screen(columns: int = 80, lines: int = 24, command: Sequence[str] = _SHELL) -> Iterator[Screen]:
    """Yield a terminal in which a shell waits at its prompt, and end all that runs in it."""
    environment = {
        **{name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES", "TMUX"}},
        "PYTHONPATH": str(REPOSITORY),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PS1": PROMPT,
        "HISTFILE": "",
    }
    with tempfile.TemporaryDirectory(prefix="plancton-tmux-", dir="/tmp") as directory:
        socket = Path(directory) / "s"
        start = [program("tmux", "tmux"), "-S", str(socket), "-u", "-f", "/dev/null", "new-session", "-d"]
        size = ["-x", str(columns), "-y", str(lines)]
        subprocess.run([*start, *size, *command], env=environment, check=True, timeout=30)
        shown = Screen(socket)
        try:
            shown.wait_for(PROMPT.strip())
            yield shown
        finally:
            subprocess.run([*shown._tmux, "kill-server"], check=False, timeout=30)  # noqa: SLF001
