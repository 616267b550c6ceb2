"""A program on a terminal of its own: what it shows is read, what a person types is sent."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import harness
import project


class TerminalCase(project.Case):
    """Starts lugger without arguments at start(); tests read with until(), type with send()."""

    def start(self, *args, env=None, columns=100):
        self.spawn([harness.binary(), *args], env, columns)
        self.until("> ")

    def spawn(self, command, env=None, columns=100):
        self.master, slave = pty.openpty()
        self.resize(columns)

        def own_terminal():
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(command, cwd=self.dir, stdin=slave, stdout=slave, stderr=slave,
                                        close_fds=True, preexec_fn=own_terminal,
                                        env=self.environment({"TERM": "xterm", "PAGER": "cat",
                                                              **(env or {})}))
        os.close(slave)
        self.addCleanup(self.stop, self.process, self.master)
        self.seen = ""

    def resize(self, columns, rows=40):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @staticmethod
    def stop(process, master):
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)

    def until(self, word):
        """What is shown up to `word`; what stands behind it is kept for the next call."""
        end = time.monotonic() + 30
        while word not in self.seen and time.monotonic() < end:
            if select.select([self.master], [], [], 0.5)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:
                    break
        if word not in self.seen:
            self.fail(f"{word!r} was not shown; the last that was: {self.seen[-1500:]!r}")
        found, self.seen = self.seen.split(word, 1)
        return found + word

    def prompt(self, mark=""):
        """The prompt, when it waits for a key."""
        return self.until(f"\x1b[?2004h{mark}> ")

    def send(self, text):
        """Sent while the program's output is read, so that neither waits for the other for ever."""
        data = text.encode() if isinstance(text, str) else text
        while data:
            readable, writable, _ = select.select([self.master], [self.master], [], 30)
            if readable:
                self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
            if writable:
                data = data[os.write(self.master, data[:1024]):]

    def leave(self):
        self.send("\x04")
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:
                    break
        return self.process.wait(10)
