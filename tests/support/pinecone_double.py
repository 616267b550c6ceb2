"""Pinecone's contract, answered from memory, with faults on demand: nobody can run the service itself. It
is made from the public API files, the pages and the official client, which judges it
(test_pinecone_double, test_pinecone_contract); what none of them says is marked (unverified).

    server = Pinecone(key='k')
    index = server.make('docs', 3, 'cosine')
    index.put({'a': ([1, 2, 3], {'title': 'x'})}, namespace='ns')
    ... server.url, server.faults, server.counts, index.records('ns'), server.stop()"""
import dataclasses
import gzip
import math
import re
import ssl
import sys
import threading
import time
import traceback
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pinecone_control as control
import pinecone_documents as documents
import pinecone_pages as pages
import pinecone_vectors as vectors
from pinecone_faults import Faults
from pinecone_store import Index, Refused, dumps, loads

VERSIONS = ('2024-04', '2024-07', '2024-10', '2025-01', '2025-04', '2025-10', '2026-04', '2026-07')
# (method, path with {} for a name, the call's name, the first version that has it, what answers)
CONTROL = (
    ('GET', '/indexes', 'indexes.list', '2024-04', control.list_indexes),
    ('POST', '/indexes', 'indexes.create', '2024-04', control.create_index),
    ('GET', '/indexes/{}', 'indexes.get', '2024-04', control.get_index),
    ('PATCH', '/indexes/{}', 'indexes.change', '2024-04', control.change_index),
    ('DELETE', '/indexes/{}', 'indexes.delete', '2024-04', control.delete_index),
)
DATA = (
    ('POST', '/describe_index_stats', 'stats', '2024-04', pages.stats),
    ('GET', '/vectors/list', 'list', '2024-04', vectors.list_ids),
    ('GET', '/vectors/fetch', 'fetch', '2024-04', vectors.fetch),
    ('POST', '/vectors/fetch_by_metadata', 'fetch_by_metadata', '2025-10', vectors.fetch_by_metadata),
    ('POST', '/vectors/upsert', 'upsert', '2024-04', vectors.upsert),
    ('POST', '/vectors/update', 'update', '2024-04', vectors.update),
    ('POST', '/vectors/delete', 'delete', '2024-04', vectors.delete),
    ('POST', '/query', 'query', '2024-04', vectors.query),
    ('GET', '/namespaces', 'namespaces.list', '2025-04', pages.list_namespaces),
    ('POST', '/namespaces', 'namespaces.create', '2025-10', pages.create_namespace),
    ('GET', '/namespaces/{}', 'namespaces.get', '2025-04', pages.get_namespace),
    ('DELETE', '/namespaces/{}', 'namespaces.delete', '2025-04', pages.delete_namespace),
    ('POST', '/records/namespaces/{}/upsert', 'records.upsert', '2025-01', pages.records),
    ('POST', '/records/namespaces/{}/search', 'records.search', '2025-01', pages.records),
    ('POST', '/bulk/imports', 'imports.start', '2024-10', pages.start_import),
    ('GET', '/bulk/imports', 'imports.list', '2024-10', pages.list_imports),
    *(('POST', f'/namespaces/{{}}/documents/{word}', f'documents.{word}', '2026-07', answer)
      for word, answer in documents.CALLS.items()),
)
OF_VECTORS = ('list', 'fetch', 'fetch_by_metadata', 'upsert', 'update', 'delete', 'query')
WRITES = ('upsert', 'update', 'delete', 'namespaces.create', 'namespaces.delete', 'documents.upsert',
          'documents.update', 'documents.delete')
SMALL = 65536   # a body that is kept for tests
STATUSES = {'indexes.create': 201, 'indexes.delete': 202}


def routes(table):
    return [(method, re.compile(re.escape(path).replace(r'\{\}', '([^/]+)')), *rest)
            for method, path, *rest in table]


@dataclasses.dataclass
class Limits:
    body: int = 2 * 1024 * 1024
    body_status: int = 413      # older reports show 400 with gRPC's number 11
    url: int = 8192             # (unverified)
    vectors: int = 1000         # of an upsert
    ids: int = 1000             # of a fetch and of a delete
    page: int = 100             # of a list
    short_page: int = None      # a list's page is cut to so many, and its token still leads on
    metadata: int = 40960
    sparse: int = 1000
    result: int = 4 * 1024 * 1024
    token_seconds: float = None
    rates: dict = dataclasses.field(default_factory=dict)   # {call: requests a second}
    read_units: int = None      # of the month
    write_units: int = None
    indexes: int = None
    ready_after: float = 0      # seconds that an index is made
    gone_after: float = 0       # and unmade


@dataclasses.dataclass
class Ask:
    """One request, as the calls see it and as tests find it in `server.requests`."""
    server: object = dataclasses.field(repr=False)
    method: str
    path: str
    headers: dict
    size: int
    call: str = None
    index: str = None
    version: str = None
    queries: dict = None        # {name: [values]}
    query: dict = None          # {name: first value}
    body: object = None
    units: int = 0
    status: int = None
    raw: bytes = dataclasses.field(default=None, repr=False)

    @property
    def limits(self):
        return self.server.limits

    def read(self, units):
        self.spend('read_units', 'read', units)

    def wrote(self, units):
        self.spend('write_units', 'write', units)

    def spend(self, name, what, units):
        most, counts = getattr(self.limits, name), self.server.counts
        with self.server.lock:
            if most is not None and counts.get(name, 0) + units > most:
                raise Refused(f"Request failed. You've reached your {what} unit limit for the current month "
                              f'({most}). To continue, upgrade your plan.', 'RESOURCE_EXHAUSTED')
            counts[name] = counts.get(name, 0) + units
        self.units += units


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def handle_any(self):
        self.server.double.answer(self, self.server.index)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """Programs that are killed leave in the middle of an answer."""


class Pinecone:
    """`url` is the control plane; every index is a host of its own, which the control plane names with
    http:// or, when `bare`, without a scheme as the service does: then a `certificate` (a file with one
    and its key) makes both planes speak TLS. `oldest` is the version
    that a request without one gets, and the oldest that is answered."""

    def __init__(self, key=None, certificate=None, bare=False, oldest='2025-10', wrong_key=401, zipped=False):
        self.key, self.certificate, self.bare, self.zipped = key, certificate, bare, zipped
        self.oldest, self.wrong_key = oldest, wrong_key
        self.limits, self.faults, self.lsn_headers = Limits(), Faults(), True
        self.lag = self.stats_lag = 0.0     # of indexes that are made from here on
        self.indexes, self.listeners, self.requests, self.counts, self.spent = {}, {}, [], {}, {}
        self.lock, self.planes = threading.RLock(), {True: routes(CONTROL), False: routes(DATA)}
        self.port = self.listen(None)

    @property
    def url(self):
        return f'http{"s" if self.certificate else ""}://127.0.0.1:{self.port}'

    def listen(self, index):
        listener = Listener(('127.0.0.1', 0), Handler)
        listener.double, listener.index = self, index
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            listener.socket = context.wrap_socket(listener.socket, server_side=True)
        threading.Thread(target=listener.serve_forever, args=(0.1,), daemon=True).start()
        self.listeners[index.name if index else None] = listener
        return listener.server_address[1]

    def host_of(self, index):
        scheme = '' if self.bare else 'https://' if self.certificate else 'http://'
        return f'{scheme}127.0.0.1:{index.port}'

    def serve(self, index):
        with self.lock:
            index.lag, index.stats_lag = self.lag, self.stats_lag
            index.port = self.listen(index)
            self.indexes[index.name] = index

    def forget(self, index):
        with self.lock:
            self.indexes.pop(index.name, None)
            listener = self.listeners.pop(index.name, None)
        if listener:
            listener.shutdown()
            listener.server_close()

    def make(self, name, dimension=None, metric='cosine', fields=None, pods=False):
        """For tests, past HTTP: no dimension makes a sparse index, `fields` one of documents."""
        if fields is None:
            fields = control.fields_before({'dimension': dimension, 'metric': metric} if dimension else {
                'vector_type': 'sparse'})
        about = {'environment': 'us-east-1-aws', 'pod_type': 'p1.x1', 'replicas': 1, 'shards': 1} if pods \
            else {'cloud': 'aws', 'region': 'us-east-1'}
        index = Index(name, control.fields_of({'fields': fields}), {
            'deployment_type': 'pod' if pods else 'managed', **about})
        self.serve(index)
        return index

    def stop(self):
        for listener in list(self.listeners.values()):
            listener.shutdown()
            listener.server_close()

    # One request.

    def answer(self, handler, index):
        length = int(handler.headers.get('Content-Length') or 0)
        ask = Ask(self, handler.command, handler.path, dict(handler.headers.items()), length,
                  index=index and index.name, raw=handler.rfile.read(length))
        parts = urlsplit(handler.path)
        work = self.route(ask, parts.path)
        with self.lock:
            self.requests.append(ask)
            self.counts[ask.call] = self.counts.get(ask.call, 0) + 1
        fault = self.faults.of(ask)
        if fault and fault.kind == 'close':
            handler.close_connection = True
            return
        if fault and fault.kind == 'slow':
            time.sleep(fault.seconds)
        headers = {'x-pinecone-request-id': str(uuid.uuid4())}
        try:
            if fault and fault.kind == 'answer':
                raise Refused(fault.body[1], fault.body[0], fault.status, fault.headers) if isinstance(
                    fault.body, tuple) else Raw(fault)
            text = self.work(ask, index, parts, work, headers)
            ask.status = STATUSES.get(ask.call, 200)
        except Refused as refused:
            ask.status, text = refused.status, dumps(self.refusal(refused, index))
            headers.update(refused.headers)
        except Raw as raw:
            ask.status, text = raw.fault.status, raw.fault.body
            headers.update(raw.fault.headers)
        except Exception:  # a bug of the double must be seen, not waited for
            traceback.print_exc()
            ask.status, text = 418, dumps({'message': traceback.format_exc()})
        ask.raw, ask.body = None, ask.body if length <= SMALL else None
        self.send(handler, ask.status, text.encode(), headers, fault)

    def route(self, ask, path):
        for method, pattern, call, since, answer in self.planes[ask.index is None]:
            match = pattern.fullmatch(path)
            if match and method == ask.method:
                ask.call = call
                return since, answer, [unquote(one) for one in match.groups()]
        return None

    def refusal(self, refused, index):
        if index is None:
            return {'error': {'code': refused.kind, 'message': refused.message}, 'status': refused.status}
        return {'code': refused.number, 'message': refused.message, 'details': []}

    def work(self, ask, index, parts, found, headers):
        """The text of the answer to a request that no fault kept away."""
        if len(ask.path) > self.limits.url:
            raise Refused('URI Too Long', 'INVALID_ARGUMENT', 414)
        given = {name.lower(): value for name, value in ask.headers.items()}
        if self.key and given.get('api-key') != self.key:
            raise Refused('Invalid API key' if given.get('api-key') else 'API key is missing',
                          'UNAUTHENTICATED' if self.wrong_key == 401 else 'FORBIDDEN', self.wrong_key)
        ask.version = given.get('x-pinecone-api-version') or self.oldest
        if ask.version not in VERSIONS or ask.version < self.oldest:
            raise Refused(f'API version {ask.version} is not supported')    # (unverified)
        if found is None or ask.version < found[0]:
            raise Refused(f'no {ask.method} {parts.path} in API version {ask.version}', 'NOT_FOUND')
        if ask.size > self.limits.body:
            raise Refused(f'Error, message length too large: found {ask.size} bytes, the limit is: '
                          f'{self.limits.body} bytes', 'OUT_OF_RANGE', self.limits.body_status)
        self.hurry(ask)
        ask.queries = parse_qs(parts.query, keep_blank_values=True)
        ask.query = {name: values[0] for name, values in ask.queries.items()}
        try:
            ask.body = loads(ask.raw) if ask.raw else None
        except ValueError as error:
            raise Refused(f'invalid JSON: {error}') from None
        reply = self.reply(ask, index, found, headers)
        if self.faults.reshape:
            reply = loads(reply) if isinstance(reply, str) else reply
            reply = self.faults.reshape(ask, reply) or reply
        return '' if reply is None else reply if isinstance(reply, str) else dumps(reply)

    def reply(self, ask, index, found, headers):
        _, answer, names = found
        if index is None:
            with self.lock:
                return answer(self, ask, *names)
        if self.indexes.get(index.name) is not index:
            raise Refused(f'Index {index.name} not found', 'NOT_FOUND')
        if not control.state(self, index)['ready']:
            raise Refused(f'Index {index.name} is not ready', 'UNAVAILABLE')
        if index.documents == (ask.call in OF_VECTORS) and ask.call.split('.')[0] in (
                *OF_VECTORS, 'documents'):
            raise Refused(self.other_api(index), 'FAILED_PRECONDITION')
        with index.lock:
            reply = answer(index, ask, *names)
            if self.lsn_headers and ask.call in WRITES:
                headers['x-pinecone-lsn-committed'] = str(index.lsn)
            elif self.lsn_headers:
                headers['x-pinecone-lsn-reconciled'] = str(index.reconciled)
        return reply

    @staticmethod
    def other_api(index):
        """The words are (unverified)."""
        kind, other = ('document', 'Documents') if index.documents else ('vector', 'Vectors')
        return f'Index {index.name} is a {kind} index: use the {other} API'

    def hurry(self, ask):
        """So many requests in each second of the clock."""
        most = self.limits.rates.get(ask.call)
        if most is None:
            return
        now = time.monotonic()
        with self.lock:
            second, count = self.spent.get((ask.index, ask.call), (0, 0))
            count = count + 1 if second == math.floor(now) else 1
            self.spent[(ask.index, ask.call)] = (math.floor(now), count)
        if count > most:
            raise Refused(f'Too many requests: you have reached the limit of {most} {ask.call} requests per '
                          f'second for index {ask.index}', 'RESOURCE_EXHAUSTED',
                          headers={'Retry-After': f'{math.floor(now) + 1 - now:.3f}'})

    def send(self, handler, status, text, headers, fault):
        kind = fault.kind if fault else None
        if kind == 'lost':
            handler.close_connection = True
            return
        if self.zipped and len(text) > 200 and 'gzip' in handler.headers.get('Accept-Encoding', ''):
            text, headers = gzip.compress(text, 1), {**headers, 'Content-Encoding': 'gzip'}
        handler.send_response(status)
        for name, value in {'Content-Type': 'application/json', **headers}.items():
            handler.send_header(name, value)
        handler.send_header('Content-Length', str(len(text)))
        handler.end_headers()
        half = len(text) // 2 if kind in ('cut', 'drip') else len(text)
        handler.wfile.write(text[:half])
        if kind == 'drip':
            handler.wfile.flush()
            time.sleep(fault.seconds)
            handler.wfile.write(text[half:])
        if kind == 'cut':
            handler.close_connection = True


class Raw(Exception):
    """An answer that no call wrote."""

    def __init__(self, fault):
        super().__init__()
        self.fault = fault


def main():
    """By hand: prints where it is, serves until standard input ends."""
    server = Pinecone()
    print(server.url, flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == '__main__':
    main()
