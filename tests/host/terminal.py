# SPDX-License-Identifier: GPL-2.0-only
"""A terminal with a program on it, and what its screen shows."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Sequence


class Screen:
    """What a terminal shows that gets this text. Only what scx-bypass needs."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row = self.column = 0
        self.alternate = False

    def put(self, text: str) -> None:
        for part in re.findall(r"\x1b\[\??[0-9]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", text):
            self.take(part)

    def take(self, part: str) -> None:
        line = self.lines[self.row]
        if part == "\r":
            self.column = 0
        elif part == "\n":
            self.row += 1
            while len(self.lines) <= self.row:
                self.lines.append("")
        elif part == "\x1b[H":
            self.row = self.column = 0
        elif part == "\x1b[K":
            self.lines[self.row] = line[:self.column]
        elif part in ("\x1b[J", "\x1b[2J"):
            del self.lines[self.row + 1:]
            self.lines[self.row] = line[:self.column]
        elif part in ("\x1b[?1049h", "\x1b[?1049l"):
            self.alternate = part.endswith("h")
        elif part in ("\x1b[?25h", "\x1b[?25l"):
            pass
        elif part.startswith("\x1b"):
            sys.exit(f"FAILED: the terminal gets {part!r}")
        else:
            self.lines[self.row] = (line.ljust(self.column)[:self.column] + part
                                    + line[self.column + len(part):])
            self.column += len(part)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command: Sequence[str], environment: dict[str, str],
                 columns: int, rows: int) -> None:
        self.screen = Screen()
        self.pid, self.fd = pty.fork()
        if not self.pid:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(command[0], list(command), environment)

    def until(self, condition: Callable[[Sequence[str]], bool], what: str) -> None:
        """Take what comes until a condition of the screen's lines is true."""
        begun = time.monotonic()
        while not condition(self.screen.lines):
            if time.monotonic() - begun > 60:
                sys.exit(f"FAILED: {what}; the screen is:\n" + "\n".join(self.screen.lines))
            self.take(0.1)
        print(what)

    def take(self, seconds: float) -> bool:
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return False
        # a character may be cut in two: what comes next completes it
        while data and data[-1] & 0x80 and not self.is_whole(data):
            data += os.read(self.fd, 1)
        self.screen.put(data.decode())
        return bool(data)

    @staticmethod
    def is_whole(data: bytes) -> bool:
        try:
            data.decode()
            return True
        except UnicodeDecodeError:
            return False

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def stop(self) -> bool:
        """Ctrl-Z, and what the screen is then."""
        os.write(self.fd, b"\x1a")
        while not os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)[0]:
            self.take(0.1)
        self.take(0.1)
        return self.screen.alternate

    def goes_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def end(self, keys: bytes | None = None, signal: int | None = None) -> int:
        """Returns the exit status."""
        if keys:
            os.write(self.fd, keys)
        if signal:
            os.kill(self.pid, signal)
        while self.take(5):
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
