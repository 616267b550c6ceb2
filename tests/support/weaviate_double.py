"""What lugger asks of a Weaviate, answered from memory, with faults on demand: for what a real server
cannot be made to do at will. What it answers is what v1.39.0 was seen to answer."""
import gzip
import itertools
import json
import math
import re
import secrets
import ssl
import struct
import threading
import time
import traceback
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

MOST_RESULTS = 10000


def single(number):
    """As float32, like every element of a vector there."""
    try:
        return struct.unpack('<f', struct.pack('<f', number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)


def shortest(number):
    """A float32 in the fewest digits that give it back, as the server writes it."""
    if number == int(number) and abs(number) < 1e15:
        return int(number) if number else number
    for digits in range(1, 10):
        text = f'{number:.{digits}g}'
        if single(float(text)) == number:
            return float(text)
    return number


def loads(text):
    """An integer's token -0 is a number with a sign."""
    return json.loads(text, parse_int=lambda digits: -0.0 if digits == '-0' else int(digits))


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b))


DISTANCES = {
    'cosine': lambda a, b: 1 - dot(a, b) / math.sqrt(dot(a, a) * dot(b, b)),
    'dot': lambda a, b: -dot(a, b),
    'l2-squared': lambda a, b: math.fsum((x - y) ** 2 for x, y in zip(a, b)),
    'manhattan': lambda a, b: math.fsum(abs(x - y) for x, y in zip(a, b)),
}


class Refused(Exception):
    def __init__(self, status, message, code=None):
        super().__init__(message)
        self.status, self.body = status, {'error': [{'message': message}]}
        if code is not None:
            self.body = {'code': code, 'message': message}


class Double:
    """`fault(request)` is called before each request; what it gives is done in place of the answer:
    (status, headers, body), 'cut' for half an answer, 'close', or a number of seconds to be slow."""

    def __init__(self, key=None, limit=None, certificate=None):
        self.key, self.limit, self.fault, self.certificate = key, limit, None, certificate
        self.classes, self.objects, self.tenants, self.aliases, self.shards = {}, {}, {}, {}, {}
        self.read_only, self.requests, self.lock = False, [], threading.RLock()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def handle_any(self):
                double.answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Programs that are killed leave in the middle of an answer."""

        self.server = Server(('127.0.0.1', 0), Handler)
        if certificate:  # a file with the certificate and its key
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f'weaviate{"s" if self.certificate else ""}://127.0.0.1:{self.port}'

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    # One request.

    def answer(self, handler):
        length = int(handler.headers.get('Content-Length') or 0)
        body = handler.rfile.read(length)
        request = (handler.command, handler.path, body)
        self.requests.append((handler.command, handler.path, len(body)))
        fault = self.fault(request) if self.fault else None
        if fault == 'close':
            handler.close_connection = True
            return
        if isinstance(fault, (int, float)):
            time.sleep(fault)
            fault = None
        if isinstance(fault, tuple):
            status, headers, text = fault
            return self.send(handler, status, text.encode(), headers)
        try:
            if self.key and handler.headers.get('Authorization') != f'Bearer {self.key}':
                raise Refused(401, 'anonymous access not enabled. Please authenticate')
            with self.lock:
                status, reply = self.route(handler.command, handler.path, body)
        except Refused as refused:
            status, reply = refused.status, refused.body
        except Exception:  # a bug of the double must be seen, not waited for
            traceback.print_exc()
            status, reply = 418, {'error': [{'message': traceback.format_exc()}]}
        text = b'' if reply is None else json.dumps(reply, ensure_ascii=False).encode()
        # The encoder writes -0.0; the server writes it as an integer's token.
        text = re.sub(rb'(?<=[\[,: ])-0\.0(?=[,\]}])', b'-0', text)
        self.send(handler, status, text, {}, cut=fault == 'cut')

    @staticmethod
    def send(handler, status, text, headers, cut=False):
        zipped = 'gzip' in handler.headers.get('Accept-Encoding', '') and len(text) > 100
        if zipped:
            text = gzip.compress(text, 1)
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if zipped:
            handler.send_header('Content-Encoding', 'gzip')
        handler.send_header('Content-Length', str(len(text)))
        handler.end_headers()
        handler.wfile.write(text[:len(text) // 2] if cut else text)
        if cut:
            handler.close_connection = True

    def route(self, method, path, body):
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        names = [unquote(part) for part in parts.path.split('/')[2:]]
        if self.limit and len(body) > self.limit:
            raise Refused(413, 'http: request body too large')
        try:
            given = loads(body) if body else None
        except ValueError as error:
            raise Refused(400, f'parsing body failed: {error}') from error
        if names == ['meta']:
            return 200, {'hostname': 'double', 'version': '1.39.0', 'modules': {}}
        if names == ['.well-known', 'ready']:
            return 200, None
        if names[:1] == ['schema']:
            return self.schema(method, names[1:], given)
        if names[:1] == ['aliases']:
            return self.alias(method, names[1:], given)
        if names == ['batch', 'objects']:
            return 200, self.batch(given)
        if names == ['graphql']:
            return 200, self.graphql(given['query'])
        if names == ['objects']:
            return 200, {'objects': self.page(query)}
        if len(names) == 3 and names[0] == 'objects':
            return self.one(method, names[1], names[2], query.get('tenant', ''))
        raise Refused(404, f'no path {parts.path}')

    def alias(self, method, names, given):
        if method == 'POST':
            self.aliases[given['alias']] = given['class']
            return 200, given
        if method == 'PUT':
            self.aliases[names[0]] = given['class']
        if names[0] not in self.aliases:
            raise Refused(404, f'alias {names[0]} not found')
        return 200, {'alias': names[0], 'class': self.aliases[names[0]]}

    def schema(self, method, names, given):
        if not names and method == 'GET':
            return 200, {'classes': list(self.classes.values())}
        if not names:
            name = given['class']
            if name in self.classes:
                raise Refused(422, f'class name {name} already exists')
            self.classes[name] = {**given, 'multiTenancyConfig': given.get('multiTenancyConfig') or {
                'enabled': False}}
            self.objects[name], self.tenants[name] = {}, {}
            self.shards[name] = secrets.token_urlsafe(9)
            return 200, self.classes[name]
        name = names[0]
        if method == 'DELETE':
            self.classes.pop(name, None)
            self.objects.pop(name, None)
            return 200, None
        if name not in self.classes:
            raise Refused(404, f'class {name} not found')
        if names[1:] == ['shards']:
            names = self.tenants[name] or [self.shards[name]]
            return 200, [{'name': one, 'status': 'READY'} for one in names]
        if names[1:] == ['tenants']:
            for tenant in given if method != 'GET' else []:
                self.tenants[name][tenant['name']] = tenant.get('activityStatus', 'HOT')
            return 200, [{'name': one, 'activityStatus': status}
                         for one, status in self.tenants[name].items()]
        if method == 'PUT':
            self.classes[name] = {**self.classes[name], 'description': given.get('description', '')}
        if names[1:] == ['properties']:
            self.classes[name].setdefault('properties', []).append(given)
            return 200, given
        return 200, self.classes[name]

    # Objects.

    def batch(self, given):
        if not given.get('objects'):
            raise Refused(422, "invalid param 'objects': cannot be empty")
        for one in given['objects']:
            try:
                uuid.UUID(one['id'])
            except ValueError as error:
                words = f'objects.id in body must be of type uuid: "{one["id"]}"'
                raise Refused(422, words, 601) from error
        return [self.add(one) for one in given['objects']]

    def add(self, one):
        reply = dict(one)
        try:
            self.store(one)
            reply['result'] = {'status': 'SUCCESS'}
        except Refused as refused:
            reply['result'] = {'status': 'FAILED', 'errors': refused.body}
        return reply

    def store(self, one):
        name, tenant = one['class'], one.get('tenant', '')
        if self.read_only:
            raise Refused(422, 'store is read-only')
        if name not in self.classes:  # auto-schema
            self.schema('POST', [], {'class': name, 'properties': [], 'vectorizer': 'none'})
        about = self.classes[name]
        if about['multiTenancyConfig']['enabled']:
            status = self.tenants[name].get(tenant)
            if status is None:
                raise Refused(422, f'tenant not found: "{tenant}"')
            if status not in ('HOT', 'ACTIVE'):
                raise Refused(422, f"tenant not active: '{tenant}'")
        types = {one['name']: one['dataType'][0] for one in about.get('properties') or []}
        properties = {}
        for key, value in (one.get('properties') or {}).items():
            if value is not None and types.get(key, 'text')[0].isupper():
                properties[key] = [self.reference(name, key, one['beacon'], tenant) for one in value]
            elif value is not None:
                properties[key] = self.checked(key, types.get(key, 'text'), value)
        vectors = one.get('vectors') or {}
        if one.get('vector') and 'vectorConfig' in about:
            vectors = {**vectors, next(iter(about['vectorConfig'])): one['vector']}
        stored = {'class': name, 'id': str(uuid.UUID(one['id'])), 'properties': properties,
                  **dict.fromkeys(('creationTimeUnix', 'lastUpdateTimeUnix'), int(time.time() * 1000))}
        if tenant:
            stored['tenant'] = tenant
        if 'vectorConfig' in about:
            for vector in vectors:
                if vector not in about['vectorConfig']:
                    raise Refused(422, f'collection {name} does not have configuration for vector {vector}')
            stored['vectors'] = vectors
            self.objects[name][(tenant, stored['id'])] = stored     # it stays where the index refuses it
            stored['vectors'] = {key: self.floats(name, key, value) for key, value in vectors.items()}
        elif one.get('vector'):
            stored['vector'] = self.floats(name, '', one['vector'])
        self.objects[name][(tenant, stored['id'])] = stored

    def reference(self, name, key, beacon, tenant):
        to, object_id = beacon.split('/')[-2:]
        if not {(tenant, object_id), ('', object_id)} & self.objects.get(to, {}).keys():
            raise Refused(422, f"'cref' {name}:{key}: no object with id {object_id} found")
        return {'beacon': beacon, 'href': f'/v1/objects/{to}/{object_id}'}

    def floats(self, name, key, value):
        if value and isinstance(value[0], list):
            return [[shortest(single(number)) for number in row] for row in value]
        for other in itertools.islice(self.objects[name].values(), 1):
            known = other.get('vector') if not key else (other.get('vectors') or {}).get(key)
            if known and len(known) != len(value):
                raise Refused(422, f'new node has a vector with length {len(value)}. Existing nodes have '
                                   f"vectors with length {len(known)}: vector lengths don't match")
        return [shortest(single(number)) for number in value]

    @staticmethod
    def checked(key, type_name, value):
        wrong = {'int': lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
                 'number': lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
                 'text': lambda v: isinstance(v, str), 'boolean': lambda v: isinstance(v, bool),
                 'date': lambda v: isinstance(v, str), 'uuid': lambda v: isinstance(v, str)}
        base = type_name.removesuffix('[]')
        values = value if type_name.endswith('[]') and isinstance(value, list) else [value]
        for one in values:
            if base in wrong and not wrong[base](one):
                raise Refused(422, f"invalid {base} property '{key}' on class: requires a {base}, the given "
                                   f"value is '{one}'")
        if base == 'int':  # a double on its way
            whole = [int(float(one)) for one in values]
            return whole if type_name.endswith('[]') else whole[0]
        return value

    def of(self, name, tenant):
        if name not in self.classes:
            raise Refused(422, f'could not find class {name} in schema')
        if self.classes[name]['multiTenancyConfig']['enabled']:
            if not tenant:
                raise Refused(422, f'class {name} has multi-tenancy enabled, but no tenant was given')
            if tenant not in self.tenants[name]:
                raise Refused(422, f'tenant not found: "{tenant}"')
            if self.tenants[name][tenant] not in ('HOT', 'ACTIVE'):
                raise Refused(422, f"tenant not active: '{tenant}'")
        return {key[1]: one for key, one in self.objects[name].items() if key[0] == tenant}

    def page(self, query):
        found = self.of(query['class'], query.get('tenant', ''))
        limit, after = int(query.get('limit', 25)), query.get('after', '')
        if not after and limit > MOST_RESULTS:
            raise Refused(422, 'query maximum results exceeded')
        after = str(uuid.UUID(after)) if after else ''
        ids = sorted(one for one in found if one > after)[:limit]
        # A list does not say whose its objects are.
        hidden = ('tenant',) if 'vector' in query.get('include', '') else ('tenant', 'vector', 'vectors')
        return [{k: v for k, v in found[one].items() if k not in hidden} for one in ids]

    def one(self, method, name, object_id, tenant):
        found = self.of(name, tenant).get(object_id)
        if found is None:
            return 404, None
        if method == 'DELETE':
            del self.objects[name][(tenant, object_id)]
            return 204, None
        return 200, found

    def graphql(self, query):
        return self.search(query) if query.startswith('{ Get') else self.aggregate(query)

    def search(self, query):
        """Exact, whatever the index."""
        name, limit, tenant, numbers, vector, where, key = re.fullmatch(
            r'\{ Get \{ (\w+)\(limit: (\d+)(?:, tenant: ("[^"]*"))?, nearVector: \{vector: (\[[^\]]*\])'
            r'(?:, targetVectors: \["(\w+)"\])?\}(?:, where: (.*))?\) \{ ([\w ]*)'
            r'_additional \{ id distance \} \} \} \}', query).groups()
        about, wanted = self.classes[name], loads(numbers)
        index = about.get('vectorConfig', {}).get(vector) if vector else about
        distance = DISTANCES[index.get('vectorIndexConfig', {}).get('distance', 'cosine')]
        conditions = [(path, json.loads(value)) for path, value in re.findall(
            r'path: \["(\w+)"\], operator: Equal, value\w+: ("(?:[^"\\]|\\.)*"|[^}]*)', where or '')]
        hits = []
        for one in self.of(name, json.loads(tenant) if tenant else '').values():
            stored = one.get('vectors', {}).get(vector) if vector else one.get('vector')
            if stored and all(one['properties'].get(path) == value for path, value in conditions):
                hits.append((distance(wanted, stored), one))
        hits.sort(key=lambda hit: hit[0])
        return {'data': {'Get': {name: [
            {**{word: one['properties'].get(word) for word in key.split()},
             '_additional': {'id': one['id'], 'distance': far}} for far, one in hits[:int(limit)]]}}}

    def aggregate(self, query):
        name, tenant = re.fullmatch(
            r'\{ Aggregate \{ (\w+)(?:\(tenant: ("[^"]*")\))? \{ meta \{ count \} \} \} \}', query).groups()
        count = len(self.of(name, json.loads(tenant) if tenant else ''))
        return {'data': {'Aggregate': {name: [{'meta': {'count': count}}]}}}
