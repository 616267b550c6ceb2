"""Runs every *.lua of this folder (the runner apart) in lugger, in a directory of its own."""
import os
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
tests = here.parent
files = sorted(str(path) for path in here.glob("*.lua") if path.name != "run.lua")
with tempfile.TemporaryDirectory() as scratch:
    command = [os.environ["LUGGER"], "--lua", str(tests / "lua" / "run.lua"), str(tests / "data"), *files]
    sys.exit(subprocess.run(command, cwd=scratch, env={**os.environ, "TMPDIR": scratch},
                            timeout=240).returncode)
