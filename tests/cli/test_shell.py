"""Completion of shells and the manual page: made of the flags that the commands declare."""
import os
import shutil
import subprocess
import unittest

import harness
import project
from terminal import TerminalCase


class Shell(project.Case):
    def script(self, shell):
        return self.write("lugger." + shell, self.lugger("completion", shell, status=0).out)

    def bash(self, line):
        path = self.script("bash")
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        code = (f"source {path}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _lugger; "
                f"printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        return subprocess.run(["bash", "-c", code], capture_output=True, text=True, cwd=self.dir,
                              check=True).stdout.split()

    def test_bash(self):
        self.write("users.lua", "")
        self.assertIn("preview", self.bash("lugger pre"))
        self.assertIn("--accept-changes", self.bash("lugger run users.lua --acc"))
        self.assertIn("users.lua", self.bash("lugger run us"))
        self.assertIn("newer", self.bash("lugger run users.lua --on-conflict n"))
        self.assertIn("--dry-run", self.bash("lugger users.lua --dr"))
        self.assertIn("mongo_to_postgres", self.bash("lugger run mon"))

    def fish(self, line):
        code = f"source {self.script('fish')}; complete -C '{line}'"
        done = subprocess.run(["fish", "--no-config", "-c", code], capture_output=True, text=True,
                              cwd=self.dir, check=True)
        self.assertEqual(done.stderr, "")
        return [row.split("\t")[0] for row in done.stdout.splitlines()]

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish(self):
        self.write("users.lua", "")
        self.assertIn("preview", self.fish("lugger pre"))
        self.assertEqual(self.fish("lugger run users.lua --accept"), ["--accept-changes"])
        self.assertIn("users.lua", self.fish("lugger run us"))
        self.assertEqual(self.fish("lugger run users.lua --on-conflict n"), ["newer"])
        self.assertEqual(self.fish("lugger completion "), ["bash", "fish", "zsh"])

    def test_an_unknown_shell(self):
        self.assertIn("bash, zsh, fish", self.lugger("completion", "tcsh", status=2).err)

    def test_the_manual_page_names_every_command_and_flag(self):
        page = self.lugger("help", "--man", status=0).out
        script = self.write("commands.lua",
                            "print(table.concat(require('lugger.inner.cli.cli').commands(), ' '))")
        names = self.lugger("--lua", script, status=0).out.split()
        self.assertIn("run", names)
        for name in names:
            self.assertIn(f"lugger {name}", page)
        self.assertIn("\\-\\-accept\\-changes", page)
        if shutil.which("mandoc"):
            subprocess.run(["mandoc", "-T", "lint"], input=page, text=True, check=False)
        elif shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, text=True,
                                  capture_output=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


@unittest.skipUnless(shutil.which("zsh"), "no zsh")
class Zsh(TerminalCase):
    """What its completion offers shows only where a person types."""

    def complete(self, line):
        """What stands in the line after a tab."""
        self.send(f"{line}\t")
        self.until(line)
        self.send("\x01print -r -- '\x05'\n")  # Ctrl-A, Ctrl-E: the line between quotes, printed
        self.until("\n")
        found = self.until("READY>")
        return found.splitlines()[0].strip()

    def test_zsh(self):
        self.write("_lugger", self.lugger("completion", "zsh", status=0).out)
        self.write("users.lua", "")
        self.spawn(["zsh", "-f", "-i"], {"PS1": "READY>", "TERM": "dumb", "LUGGER_COMPLETION": self.dir})
        self.until("READY>")
        self.send("fpath=($LUGGER_COMPLETION $fpath); autoload -Uz compinit; compinit -u -D; bindkey -e\n")
        self.until("READY>")
        for line, whole in (("lugger previ", "lugger preview"),
                            ("lugger run users.lua --accept", "lugger run users.lua --accept-changes"),
                            ("lugger run us", "lugger run users.lua"),
                            ("lugger run users.lua --on-conflict n",
                             "lugger run users.lua --on-conflict newer"),
                            ("lugger completion z", "lugger completion zsh")):
            self.assertEqual(self.complete(line), whole)


class Install(project.Case):
    def test_cmake_install(self):
        build = os.environ.get("LUGGER_BUILD")
        if not build or not shutil.which("cmake"):
            self.skipTest("no build directory is known")
        prefix = os.path.join(self.dir, "usr")
        done = subprocess.run(["cmake", "--install", build, "--prefix", prefix], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("bin/lugger", "share/man/man1/lugger.1.gz", "share/bash-completion/completions/lugger",
                     "share/zsh/vendor-completions/_lugger",
                     "share/fish/vendor_completions.d/lugger.fish", "share/doc/lugger/README.md",
                     "share/doc/lugger/docs/mapping.md", "share/doc/lugger/copyright",
                     "share/lugger/library/lugger.lua", "share/lugger/library/meta/native.lua"):
            self.assertTrue(os.path.exists(os.path.join(prefix, name)), name)
        ran = subprocess.run([os.path.join(prefix, "bin/lugger"), "-e", "40 + 2"], capture_output=True,
                             text=True, env=self.environment())
        self.assertEqual(ran.stdout, "42\n")


if __name__ == "__main__":
    harness.main()
