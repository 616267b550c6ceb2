"""A private PostgreSQL for tests: a temporary directory, a unix socket, stopped by its process id."""
import atexit
import glob
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse

from peer_cache import alone, cache


def binaries():
    """The newest installed server's directory, or None."""
    found = [p for p in glob.glob('/usr/lib/postgresql/*/bin') if os.path.exists(p + '/initdb')]
    return max(found, key=lambda p: int(p.split('/')[-2].split('.')[0])) if found else None


def server_user():
    """Whom the server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ('postgres', 'nobody'):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    return None


INITDB = ('-U', 'postgres', '-A', 'trust', '-N', '--no-instructions', '-E', 'UTF8', '--locale=C.UTF-8')
SETTINGS = {
    'listen_addresses': '', 'fsync': 'off', 'full_page_writes': 'off',
    'max_connections': '60', 'shared_buffers': '128MB', 'max_wal_size': '2GB', 'log_min_messages': 'warning',
    'timezone': 'UTC',
}


def copy_tree(source, target):
    """With the owners, and without a copy of the blocks where the file system can do that."""
    subprocess.run(['cp', '-a', '--reflink=auto', source, target], check=True)


def quick_room():
    """Where data lie in memory, as most of a server's time here goes into making files; where there is
    none, or too little of it, the usual place."""
    try:
        room = os.statvfs('/dev/shm')
    except OSError:
        return None
    return '/dev/shm' if room.f_bavail * room.f_frsize > 4 << 30 else None


class Database:
    """One database of a server."""

    def __init__(self, server, name, user='postgres'):
        self.server, self.name, self.user = server, name, user

    @property
    def url(self):
        return self.server.url(self.name, self.user)

    def query(self, sql, check=True):
        """What psql -At prints, without the last newline."""
        done = subprocess.run(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', self.url], input=sql,
                              text=True, capture_output=True, env={**os.environ, 'PGOPTIONS': ''},
                              timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f'psql: {done.stderr}\n{sql}')
        return done.stdout.rstrip('\n')

    def rows(self, sql):
        """Rows as lists of text; NULL is '\\N'."""
        done = subprocess.run(['psql', '-XAtq', '-F', '\x1f', '-R', '\x1e', '-P', 'null=\\N', '-v',
                               'ON_ERROR_STOP=1', '-d', self.url],
                              input=sql, text=True, capture_output=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f'psql: {done.stderr}\n{sql}')
        text = done.stdout[:-1] if done.stdout.endswith('\n') else done.stdout
        return [row.split('\x1f') for row in text.split('\x1e')] if text else []

    def number(self, sql):
        return int(self.query(sql))


class Postgres:
    """Started when made; stopped at the end of the process or by stop()."""

    def __init__(self, settings=None, keep_durable=False, binaries_of=None):
        self.bin = binaries_of or binaries()
        if self.bin is None:
            from harness import skip
            skip('no PostgreSQL server is installed (Debian package: postgresql)')
        self.make_directory(None if keep_durable else quick_room())
        self.make_data()
        chosen = {
            k: v for k, v in SETTINGS.items() if not (keep_durable and k in ('fsync', 'full_page_writes'))}
        with open(self.data + '/postgresql.conf', 'a', encoding='utf-8') as conf:
            for key, value in {**chosen, 'unix_socket_directories': self.directory,
                               **(settings or {})}.items():
                conf.write(f"{key} = '{value}'\n")
        atexit.register(self.destroy)
        self.start()

    def make_directory(self, room):
        """For the socket and the log; the data may lie in a room of their own."""
        self.directory, self.user = tempfile.mkdtemp(prefix='lug-t-'), server_user()
        self.room = tempfile.mkdtemp(prefix='lug-t-', dir=room)
        for path in (self.directory, self.room):
            if self.user:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
            os.chmod(path, 0o755)
        self.data = self.room + '/data'
        self.process = None
        self.databases = 0

    def make_data(self):
        """A copy of what initdb made when it was first asked here: such servers share the identifier of
        the system and nothing else."""
        version = subprocess.run([self.bin + '/postgres', '--version'], capture_output=True, text=True,
                                 check=True).stdout
        about = (version, self.user and self.user.pw_name, INITDB)
        with alone(cache('initdb')) as folder:
            kept = folder / hashlib.sha256(repr(about).encode()).hexdigest()[:16]
            if not kept.exists():
                self.run([self.bin + '/initdb', '-D', self.data, *INITDB])
                unfinished = kept.with_suffix('.new')
                shutil.rmtree(unfinished, ignore_errors=True)
                copy_tree(self.data, unfinished)
                unfinished.rename(kept)
                return
        copy_tree(kept, self.data)

    def as_user(self):
        if not self.user:
            return {}
        return {'user': self.user.pw_uid, 'group': self.user.pw_gid, 'extra_groups': []}

    def run(self, command):
        done = subprocess.run(command, capture_output=True, text=True, cwd='/', **self.as_user())
        if done.returncode != 0:
            raise AssertionError(f'{command}: {done.stderr}')

    def start(self):
        log = open(self.directory + '/log', 'ab')
        self.process = subprocess.Popen([self.bin + '/postgres', '-D', self.data], stdout=log, stderr=log,
                                        cwd='/', **self.as_user())
        log.close()
        for _ in range(600):
            if subprocess.run(['psql', '-XAtqc', 'select 1', '-d', self.url('postgres')],
                              capture_output=True).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        with open(self.directory + '/log', encoding='utf-8', errors='replace') as text:
            raise AssertionError('PostgreSQL did not start:\n' + text.read()[-2000:])

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast; SIGQUIT: at once, as a crash."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)
        self.process = None

    def destroy(self):
        self.stop(signal.SIGQUIT)
        for path in (self.directory, self.room):
            shutil.rmtree(path, ignore_errors=True)

    def standby(self):
        """A hot standby that streams from this server; stopped at the end of the process."""
        return Standby(self)

    def url(self, database='postgres', user='postgres'):
        host = urllib.parse.quote(self.directory, safe='')
        name, role = (urllib.parse.quote(word, safe='') for word in (database, user))
        return f'postgresql:///{name}?host={host}&user={role}'

    def fresh(self, name=None, options=''):
        """A new, empty database."""
        self.databases += 1
        name = name or f'db{self.databases}'
        quoted = name.replace('"', '""')
        Database(self, 'postgres').query(f'create database "{quoted}" {options}')
        return Database(self, name)


class Standby(Postgres):
    def __init__(self, primary):
        self.bin = primary.bin
        self.make_directory(quick_room())
        self.run([self.bin + '/pg_basebackup', '-D', self.data, '-R', '-h', primary.directory, '-U',
                  'postgres', '-c', 'fast'])
        with open(self.data + '/postgresql.conf', 'a', encoding='utf-8') as conf:
            conf.write(f"unix_socket_directories = '{self.directory}'\n")
        atexit.register(self.destroy)
        self.start()
