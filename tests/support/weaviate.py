"""The Weaviate that tests run on: a real one, built once with Go and kept under LUGGER_TEST_CACHE
(~/.cache/lugger-tests), and where there is none the double. The last line of a test says which."""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import harness
from weaviate_double import Double, loads

VERSION = 'v1.39.0'
MODULE = f'github.com/weaviate/weaviate/cmd/weaviate-server@{VERSION}'
_told = set()


def tell(name):
    if name not in _told:
        _told.add(name)
        atexit.register(print, f'ran on {name}', flush=True)


def program():
    """None: nobody has built it here. LUGGER_TEST_WEAVIATE_BUILD=1 builds it, for minutes."""
    root = os.environ.get('LUGGER_TEST_CACHE') or os.path.expanduser('~/.cache/lugger-tests')
    folder = Path(root) / f'weaviate-{VERSION}'
    found = folder / 'weaviate-server'
    if not found.exists() and os.environ.get('LUGGER_TEST_WEAVIATE_BUILD') and shutil.which('go'):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(['nice', 'go', 'install', '-p', '2', '-ldflags', '-s -w', MODULE], check=True,
                       env={**os.environ, 'CGO_ENABLED': '0', 'GOBIN': str(folder)})
    return found if found.exists() else None


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


def free_pair():
    """A free port whose next one is free too."""
    while True:
        port = free_port()
        try:
            socket.create_server(('127.0.0.1', port + 1)).close()
            return port
        except OSError:
            pass


class Client:
    """Plain requests, to prepare a server and to look behind lugger's back."""

    def __init__(self, port, key=None):
        self.base, self.key = f'http://127.0.0.1:{port}/v1', key

    def ask(self, method, path, body=None):
        headers = {'Content-Type': 'application/json'}
        if self.key:
            headers['Authorization'] = f'Bearer {self.key}'
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            text = reply.read()
        return loads(text) if text else None

    def get(self, path):
        return self.ask('GET', path)

    def make(self, definition):
        return self.ask('POST', '/schema', definition)

    def add(self, objects):
        results = self.ask('POST', '/batch/objects', {'objects': objects})
        bad = [one['result'] for one in results if one['result'].get('status') != 'SUCCESS']
        assert not bad, bad

    def all(self, name, tenant=None):
        """Every object, by id."""
        found, after = {}, ''
        narrowed = f'&tenant={tenant}' if tenant else ''
        while True:
            path = f'/objects?class={name}&limit=500&include=vector{narrowed}'
            page = self.get(path + (f'&after={after}' if after else ''))['objects']
            if not page:
                return found
            found.update({one['id']: one for one in page})
            after = page[-1]['id']


class RealWeaviate:
    name = f'Weaviate {VERSION}'

    def __init__(self, key=None, **environment):
        self.directory = Path(tempfile.mkdtemp(prefix='lug-w-'))
        self.port, self.key, self.process, self.environment = free_port(), key, None, environment
        self.grpc_port = free_port()
        atexit.register(self.destroy)
        self.start()

    def settings(self):
        # A node looks for its own remote calls at the port behind Raft's, whatever it was told to listen on.
        gossip, raft = free_pair(), free_pair()
        out = {
            'PERSISTENCE_DATA_PATH': str(self.directory / 'data'), 'CLUSTER_HOSTNAME': 'node1',
            'CLUSTER_IN_LOCALHOST': 'true', 'CLUSTER_ADVERTISE_ADDR': '127.0.0.1',
            'CLUSTER_GOSSIP_BIND_PORT': gossip, 'CLUSTER_DATA_BIND_PORT': gossip + 1,
            'RAFT_PORT': raft, 'RAFT_INTERNAL_RPC_PORT': raft + 1, 'RAFT_BOOTSTRAP_EXPECT': 1,
            'RAFT_TIMEOUTS_MULTIPLIER': 1,  # a node alone need not wait for others to vote
            'GRPC_PORT': self.grpc_port, 'GO_PROFILING_DISABLE': 'true', 'DISABLE_TELEMETRY': 'true',
            'PROMETHEUS_MONITORING_ENABLED': 'false', 'DEFAULT_VECTORIZER_MODULE': 'none',
            'ENABLE_MODULES': '', 'OBJECTS_TTL_DELETE_SCHEDULE': '@daily',
            'DISK_USE_READONLY_PERCENTAGE': 0, 'DEFAULT_QUANTIZATION': 'none', 'GOMEMLIMIT': '1GiB',
            'LOG_LEVEL': 'error',
            'AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED': 'false' if self.key else 'true',
        }
        if self.key:
            out |= {'AUTHENTICATION_APIKEY_ENABLED': 'true', 'AUTHENTICATION_APIKEY_ALLOWED_KEYS': self.key,
                    'AUTHENTICATION_APIKEY_USERS': 'tests', 'AUTHORIZATION_ADMINLIST_ENABLED': 'true',
                    'AUTHORIZATION_ADMINLIST_USERS': 'tests'}
        return {key: str(value) for key, value in {**out, **self.environment}.items()}

    def start(self):
        command = [str(program()), '--host', '127.0.0.1', '--port', str(self.port), '--scheme', 'http']
        with open(self.directory / 'log', 'ab') as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=self.directory,
                                            env={'PATH': os.environ['PATH'], 'HOME': str(self.directory),
                                                 **self.settings()})
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                ready = f'http://127.0.0.1:{self.port}/v1/.well-known/ready'
                urllib.request.urlopen(ready, timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f'{self.name} did not come up:\n{self.log()}')

    def log(self):
        return (self.directory / 'log').read_bytes()[-2000:].decode('utf-8', 'replace')

    @property
    def url(self):
        return f'weaviate://127.0.0.1:{self.port}'

    def client(self):
        return Client(self.port, self.key)

    def stop(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    def destroy(self):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)


class DoubleWeaviate(Double):
    name = 'a double of Weaviate'

    def client(self):
        return Client(self.port, self.key)


def live_weaviate(key=None):
    """A fresh server."""
    server = RealWeaviate(key) if program() else DoubleWeaviate(key)
    tell(server.name)
    return server


def real_weaviate(key=None):
    if not program():
        harness.skip(f'Weaviate {VERSION} is not built here (LUGGER_TEST_WEAVIATE_BUILD=1 builds it with Go)')
    return live_weaviate(key)
