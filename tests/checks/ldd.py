"""The binary needs at run time only what every PostgreSQL client host has."""
import re
import shutil
import subprocess
import os
import unittest

import harness

ALLOWED = {'libc', 'libm', 'libstdc++', 'libgcc_s', 'libpthread', 'libdl', 'ld-linux-x86-64',
           'ld-linux-aarch64', 'libpq', 'libssl', 'libcrypto', 'libsimdjson',
           'libcctz'}


class Needed(unittest.TestCase):
    def test_needed_libraries(self):
        if os.environ.get('LUGGER_SANITIZE'):
            harness.skip('sanitizers bring their own libraries')
        if not shutil.which('readelf'):
            harness.skip('readelf is missing (Debian package: binutils)')
        text = subprocess.run(['readelf', '-d', harness.binary()], capture_output=True, text=True,
                              check=True).stdout
        needed = {name.split('.so')[0] for name in re.findall(r'\(NEEDED\).*\[(.*)\]', text)}
        self.assertIn('libc', needed)
        self.assertEqual(needed - ALLOWED, set())


if __name__ == '__main__':
    harness.main()
