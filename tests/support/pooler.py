"""A pgbouncer in transaction mode beside a private server."""
import os
import shutil
import subprocess
import time

import harness

PROGRAM = shutil.which('pgbouncer') or next((p for p in ('/usr/sbin/pgbouncer',) if os.path.exists(p)), None)


def require():
    """Skips the test, or the file, where there is no pgbouncer."""
    if PROGRAM is None:
        harness.skip('pgbouncer is not installed (Debian package: pgbouncer)')


CONFIG = '''[databases]
* = host={directory} user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = {sockets}
listen_port = 6432
auth_type = any
auth_file = {sockets}/users
pool_mode = transaction
default_pool_size = 4
max_client_conn = 50
ignore_startup_parameters = extra_float_digits,options
'''


class Pooled:
    """A pgbouncer beside a server, run as the server's user."""

    def __init__(self, server):
        self.sockets = server.directory + '/pooler'
        os.makedirs(self.sockets)
        with open(self.sockets + '/ini', 'w', encoding='utf-8') as file:
            file.write(CONFIG.format(directory=server.directory, sockets=self.sockets))
        with open(self.sockets + '/users', 'w', encoding='utf-8') as file:
            file.write('"postgres" ""\n')
        if server.user:
            os.chown(self.sockets, server.user.pw_uid, server.user.pw_gid)
        self.process = subprocess.Popen([PROGRAM, '-q', self.sockets + '/ini'], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, cwd='/', **server.as_user())
        for _ in range(100):
            if os.path.exists(self.sockets + '/.s.PGSQL.6432'):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        harness.skip('pgbouncer does not start: ' + self.process.stderr.read().decode()[-300:])

    def url(self, database):
        return f'postgresql:///{database}?host={self.sockets}&port=6432&user=postgres'

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=20)
