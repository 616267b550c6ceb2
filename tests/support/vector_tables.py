"""A directory with jobs, and tables of vectors that are filled and read in COPY's binary form."""
import subprocess
from pathlib import Path

import harness
import vectors


class Tables:
    """`env` names the places of its jobs."""
    env = {}

    def __init__(self):
        self.directory = Path(harness.scratch())

    def psql(self, database, command):
        subprocess.run(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database.url, '-c', command],
                       check=True, capture_output=True)

    def fill(self, database, rows):
        """Into the table docs."""
        file = self.directory / 'rows.copy'
        file.write_bytes(vectors.copy_binary(rows))
        self.psql(database, f"\\copy docs from '{file}' with (format binary)")

    def stored(self, database, query):
        """The rows of a query, field by field."""
        file = self.directory / 'stored.copy'
        self.psql(database, f"\\copy ({query}) to '{file}' with (format binary)")
        return vectors.copied(file.read_bytes())

    def lugger(self, *words, expect=0):
        return harness.lugger(*words, cwd=self.directory, env=self.env, expect=expect)
