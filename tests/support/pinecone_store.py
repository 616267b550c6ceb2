"""What the double of Pinecone keeps: an index with its namespaces and records, and when a write can be
seen. Records hold float32 and, in metadata, float64, as the service does."""
import bisect
import collections
import json
import math
import threading
import time
from array import array

DEFAULT = '__default__'
# gRPC's name of an error: HTTP's status and gRPC's number.
KINDS = {
    'INVALID_ARGUMENT': (400, 3), 'OUT_OF_RANGE': (400, 11), 'FAILED_PRECONDITION': (400, 9),
    'NOT_FOUND': (404, 5), 'ALREADY_EXISTS': (409, 6), 'PERMISSION_DENIED': (403, 7), 'FORBIDDEN': (403, 7),
    'QUOTA_EXCEEDED': (403, 8), 'RESOURCE_EXHAUSTED': (429, 8), 'UNPROCESSABLE_ENTITY': (422, 3),
    'UNIMPLEMENTED': (501, 12), 'INTERNAL': (500, 13), 'UNAVAILABLE': (503, 14), 'UNAUTHENTICATED': (401, 16),
}


class Refused(Exception):
    def __init__(self, message, kind='INVALID_ARGUMENT', status=None, headers=None):
        super().__init__(message)
        self.message, self.kind, self.headers = message, kind, headers or {}
        self.status, self.number = status or KINDS[kind][0], KINDS[kind][1]


def no_number(word):
    raise ValueError(f'{word} is no number of JSON')


def loads(text):
    """An integer's token -0 is a number with a sign; NaN and Infinity are none."""
    return json.loads(text, parse_constant=no_number,
                      parse_int=lambda digits: -0.0 if digits == '-0' else int(digits))


def dumps(value):
    return json.dumps(value, ensure_ascii=False, separators=(',', ':'))


def doubles(value):
    """Numbers as the service has them."""
    if isinstance(value, list):
        return [doubles(one) for one in value]
    if isinstance(value, dict):
        return {key: doubles(one) for key, one in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def floats(numbers, what='values'):
    if not isinstance(numbers, list) or not set(map(type, numbers)) <= {int, float}:
        raise Refused(f'{what}: a list of numbers is wanted')
    try:
        out = array('f', numbers)
    except OverflowError:
        out = array('f', [math.inf])
    if not all(map(math.isfinite, out)):
        raise Refused(f'{what}: a number is out of the range of a float')
    return out


def numbers_text(numbers):
    """Nine digits give any float32 back; how many the service writes is (unverified)."""
    if not numbers:
        return '[]'
    text = '%.9g,' * len(numbers) % tuple(numbers)
    return f"[{text.replace('-0,', '-0.0,')[:-1]}]"


class Sparse:
    __slots__ = ('indices', 'values')

    def __init__(self, indices, values):
        self.indices, self.values = indices, values

    def text(self):
        return f'{{"indices":{dumps(self.indices)},"values":{numbers_text(self.values)}}}'

    def dot(self, other):
        here = dict(zip(self.indices, self.values))
        return math.fsum(here.get(i, 0.0) * value for i, value in zip(other.indices, other.values))


class Record:
    """Of a vector index."""
    __slots__ = ('values', 'sparse', 'metadata', 'length')

    def __init__(self, values, sparse, metadata):
        self.values, self.sparse, self.metadata = values, sparse, metadata
        self.length = math.hypot(*values)

    def plain(self):
        """For tests to look behind the client's back."""
        out = {'values': list(self.values), 'metadata': self.metadata}
        if self.sparse:
            out['sparse'] = {'indices': self.sparse.indices, 'values': list(self.sparse.values)}
        return out


class Namespace:
    """`records` by id: a Record, or of a document index a dict of fields."""

    def __init__(self):
        self.records, self.order = {}, []

    def put(self, records):
        if not records.keys() <= self.records.keys():
            self.order = None
        self.records.update(records)

    def remove(self, ids):
        for one in ids:
            if self.records.pop(one, None) is not None:
                self.order = None

    def clear(self):
        self.records, self.order = {}, []

    def ids(self, after='', prefix=''):
        """Sorted as bytes are."""
        if self.order is None:
            self.order = sorted(self.records)
        start = max(bisect.bisect_right(self.order, after), bisect.bisect_left(self.order, prefix))
        if not prefix:
            return self.order[start:]
        found = []
        for one in self.order[start:]:
            if not one.startswith(prefix):
                break
            found.append(one)
        return found


class Index:
    """`fields` are those of the schema as API 2026-07 has it; `_values` and `_sparse_values` alone make a
    vector index, anything else one of documents.

    A write is seen `lag` seconds after it was taken, the counts of statistics `stats_lag` later;
    math.inf holds both back until `settle()`."""

    def __init__(self, name, fields, deployment, lag=0.0, stats_lag=0.0):
        self.name, self.fields, self.deployment = name, fields, deployment
        self.lag, self.stats_lag = lag, stats_lag
        self.tags, self.protected, self.read_capacity = None, 'disabled', None
        self.source_collection, self.created, self.going, self.port = None, time.monotonic(), None, None
        self.namespaces, self.known, self.schemas = {}, set(), {}
        self.lsn = self.reconciled = 0
        self.pending, self.counts, self.counting = collections.deque(), {}, collections.deque()
        self.lock = threading.RLock()

    @property
    def documents(self):
        return not self.fields.keys() <= {'_values', '_sparse_values'}

    @property
    def pods(self):
        return self.deployment['deployment_type'] == 'pod'

    @property
    def dimension(self):
        return self.fields.get('_values', {}).get('dimension')

    @property
    def metric(self):
        return self.fields.get('_values', {}).get('metric', 'dotproduct')

    @property
    def vector_type(self):
        return 'dense' if '_values' in self.fields else 'sparse'

    def own(self, name):
        """A vector index has one default namespace with two names; elsewhere it is a name like any."""
        return DEFAULT if name == '' and not self.documents else name

    def write(self, name, change):
        """`change(namespace)` is done when it may be seen."""
        with self.lock:
            self.known.add(name)
            self.lsn += 1
            self.pending.append((time.monotonic() + self.lag, self.lsn, name, change))

    def settle(self, everything=True):
        """What is due can be seen from here on."""
        with self.lock:
            now = time.monotonic()
            while self.pending and (everything or self.pending[0][0] <= now):
                _, self.reconciled, name, change = self.pending.popleft()
                space = self.namespaces.setdefault(name, Namespace())
                change(space)
                gone = name not in self.known and not space.records
                if gone:
                    del self.namespaces[name]
                count = None if gone else len(space.records)
                self.counting.append((now + self.stats_lag, name, count))
            while self.counting and (everything or self.counting[0][0] <= now):
                _, name, count = self.counting.popleft()
                self.counts[name] = count
                if count is None:
                    del self.counts[name]

    def space(self, name):
        """As readers see it."""
        self.settle(everything=False)
        return self.namespaces.get(name) or Namespace()

    # For tests, past HTTP.

    def put(self, records, namespace=''):
        """At once: {id: (values, metadata, sparse)}, the last two if need be; sparse is {index: value}."""
        made = {}
        for one, given in records.items():
            values, metadata, sparse = (*given, None, None)[:3] if isinstance(given, tuple) else (
                given, None, None)
            made[one] = Record(array('f', values or []), sparse and Sparse(
                list(sparse), array('f', sparse.values())), metadata and doubles(metadata))
        self.write(self.own(namespace), lambda space: space.put(made))
        self.settle()

    def records(self, namespace=''):
        """Everything that was taken, seen or not yet: {id: plain}."""
        with self.lock:
            self.settle()
            found = self.namespaces.get(self.own(namespace), Namespace()).records
            return {one: dict(record) if self.documents else record.plain()
                    for one, record in found.items()}
