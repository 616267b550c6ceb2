"""The servers that tests of a live MongoDB run on.

`live_server()` is a real mongod where LUGGER_TEST_MONGOD names one, else the replica of the tests; both
have `url`, `port`, `name`, `client()`, `load_dump()`, `stop()`, `restart()`, `step_down()`, `step_up()`,
`kill_cursors()` and `trim_oplog()`. The last line that a test prints says which one it was.
"""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import bson
import mongo_wire
from mongo_replica import Replica

MONGOD = 'LUGGER_TEST_MONGOD'
_told = set()


def live_server(set_name='rs0', oplog_mb=64, **options):
    """A fresh server. `options` are the replica's own: a real server is what it is."""
    program = os.environ.get(MONGOD)
    server = RealServer(program, set_name, oplog_mb) if program else Replica(set_name=set_name, **options)
    tell(server)
    return server


def tell(server):
    """Says at the end which server a test ran on."""
    if server.name not in _told:
        _told.add(server.name)
        atexit.register(print, f'ran on {server.name}', flush=True)


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


def wait_for(condition, what, seconds=60):
    """What a condition gives once it gives something; it may fail until then."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if found := condition():
                return found
        except (OSError, mongo_wire.CommandError) as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f'{what} did not come within {seconds} s: {last}')


def load_dump(server, directory):
    """The collections of a mongodump directory, written by commands."""
    with server.client() as client:
        for path in sorted(Path(directory).glob('*/*.metadata.json')):
            database, name = path.parent.name, path.name.removesuffix('.metadata.json')
            about = bson.from_extended(json.loads(path.read_text(encoding='utf-8')))
            client.command(database, {'create': name, **(about.get('options') or {})})
            documents = path.with_name(f'{name}.bson')
            raw = bson.split(documents.read_bytes()) if documents.exists() else []
            for at in range(0, len(raw), 1000):
                client.command(database, {'insert': name, 'bypassDocumentValidation': True,
                                          'documents': [bson.Raw(0x03, one) for one in raw[at:at + 1000]]})
            indexes = [one for one in about.get('indexes') or [] if one['name'] != '_id_']
            if indexes:
                client.command(database, {'createIndexes': name, 'indexes': indexes})


class Process:
    """A server that is a program of its own, in a directory of its own."""
    name, set_name = 'a server', None

    def __init__(self):
        self.directory, self.port = Path(tempfile.mkdtemp(prefix='lug-m-')), free_port()
        self.address, self.process = f'127.0.0.1:{self.port}', None
        atexit.register(self.destroy)
        self.start()

    def command_line(self):
        raise NotImplementedError

    def start(self):
        with open(self.directory / 'log', 'ab') as log:
            self.process = subprocess.Popen(self.command_line(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        wait_for(self._answers, self.name)

    def _answers(self):
        if self.process.poll() is not None:
            raise SystemExit(f'{self.name} ended with {self.process.returncode}:\n{self.log()}')
        with self.client() as client:
            return client.command('admin', {'ping': 1})

    def log(self):
        return (self.directory / 'log').read_bytes()[-2000:].decode('utf-8', 'replace')

    @property
    def url(self):
        return f'mongodb://{self.address}/?directConnection=true'

    def client(self):
        return mongo_wire.MongoClient(self.port)

    def load_dump(self, directory):
        load_dump(self, directory)

    def stop(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    def kill(self):
        self.stop(signal.SIGKILL)

    def restart(self, number=signal.SIGTERM):
        self.stop(number)
        self.start()

    def destroy(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()


class RealServer(Process):
    """mongod: a replica set of one member, or a standalone without a set's name."""

    def __init__(self, program, set_name='rs0', oplog_mb=64):
        self.program, self.set_name, self.oplog_mb = program, set_name, oplog_mb
        said = subprocess.run([program, '--version'], capture_output=True, text=True, check=True).stdout
        self.name = f'mongod {said.split()[2].lstrip("v")}'
        super().__init__()

    def command_line(self):
        data = self.directory / 'data'
        data.mkdir(exist_ok=True)
        replication = ['--replSet', self.set_name, '--oplogSize', str(self.oplog_mb)] if self.set_name else []
        return [self.program, '--port', str(self.port), '--bind_ip', '127.0.0.1', '--dbpath', str(data),
                '--nounixsocket', '--wiredTigerCacheSizeGB', '0.25', '--setParameter', 'enableTestCommands=1',
                '--setParameter', 'diagnosticDataCollectionEnabled=false', *replication]

    def start(self):
        super().start()
        if self.set_name:
            self._initiate()
            wait_for(self._is_primary, 'a primary')

    def _initiate(self):
        members = [{'_id': 0, 'host': self.address}]
        with self.client() as client:
            try:
                client.command('admin', {'replSetInitiate': {'_id': self.set_name, 'members': members}})
            except mongo_wire.CommandError as error:
                if error.code != 23:    # AlreadyInitialized: a restart
                    raise

    def _is_primary(self):
        with self.client() as client:
            return client.command('admin', {'isMaster': 1})['ismaster']

    @property
    def url(self):
        return f'mongodb://{self.address}/?replicaSet={self.set_name}' if self.set_name else super().url

    def step_down(self):
        with self.client() as client:
            client.command('admin', {'replSetStepDown': 3600, 'force': True})

    def step_up(self):
        with self.client() as client:
            client.command('admin', {'replSetFreeze': 0})
        wait_for(self._is_primary, 'a primary')

    def kill_cursors(self):
        """Every cursor that waits for its next getMore."""
        with self.client() as client:
            idle = client.command('admin', {'aggregate': 1, 'cursor': {}, 'pipeline': [
                {'$currentOp': {'allUsers': True, 'idleCursors': True}}, {'$match': {'type': 'idleCursor'}}]})
            for one in idle['cursor']['firstBatch']:
                database, _, name = one['ns'].partition('.')
                client.command(database, {'killCursors': name, 'cursors': [one['cursor']['cursorId']]})

    def _oplog_begins(self, client):
        while True:
            try:
                first = client.find('local.oplog.rs', sort={'$natural': 1}, limit=1)[0]['ts']
                return first.seconds, first.increment
            except mongo_wire.CommandError as error:
                if error.code != 136:  # CappedPositionLost: what it found was trimmed under its eyes
                    raise

    def trim_oplog(self, before=None):
        """Writes until the oplog has lost what lies before a time: a small `oplog_mb` makes it short."""
        filler = [{'_id': place, 'filler': 'x' * 1_000_000} for place in range(8)]
        with self.client() as client:
            last = client.command('admin', {'ping': 1})['operationTime']
            goal = before or (last.seconds, last.increment)
            while True:
                if self._oplog_begins(client) >= goal:
                    return
                client.insert('lugger_filler.filler', *filler)
                client.delete('lugger_filler.filler', {})
