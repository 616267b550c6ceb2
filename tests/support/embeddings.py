"""A double of an endpoint that speaks OpenAI's /v1/embeddings, over real HTTP, with faults on demand."""
import base64
import hashlib
import json
import math
import random
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def vector_of(text, dimensions=8, model='double'):
    """What the model makes of a text: the same each time, of length 1."""
    rng = random.Random(hashlib.sha256(f'{model}\0{text}'.encode()).digest())
    numbers = [rng.gauss(0, 1) for _ in range(dimensions)]
    length = math.sqrt(math.fsum(n * n for n in numbers))
    return [struct.unpack('<f', struct.pack('<f', n / length))[0] for n in numbers]


class Embeddings:
    """`fault(body)` is called before each request; what it gives, (status, headers, body), is the answer;
    'close' is none. `shape(data)` changes what would be answered."""

    def __init__(self, dimensions=8, key=None, as_text=False, most=None, in_order=False):
        self.dimensions, self.key, self.as_text, self.most = dimensions, key, as_text, most
        self.in_order = in_order
        self.requests, self.keys, self.fault, self.shape = [], set(), None, None
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *_):
                pass

            def do_POST(self):
                double.answer(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Programs that are stopped leave in the middle of an answer."""

        self.server = Server(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server.server_address[1]}/v1'

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def texts(self):
        return [text for body in self.requests for text in body['input']]

    def answer(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers.get('Content-Length') or 0)))
        self.requests.append(body)
        self.keys.add(handler.headers.get('Authorization'))
        fault = self.fault(body) if self.fault else None
        if fault == 'close':
            handler.close_connection = True
            return
        status, headers, reply = fault or (*self.reply(handler, body),)
        text = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header('Content-Length', str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def reply(self, handler, body):
        sent = handler.headers.get('Authorization')
        if self.key and sent != f'Bearer {self.key}':
            return 401, {}, {'error': {'message': f'wrong key: {sent}', 'type': 'auth'}}
        if handler.path != '/v1/embeddings':
            return 404, {}, {'error': {'message': f'no path {handler.path}'}}
        if self.most and len(body['input']) > self.most:
            return 413, {}, {'message': f'batch size {len(body["input"])} > {self.most}', 'code': 413}
        data = []
        for index, text in enumerate(body['input']):
            numbers = vector_of(text, body.get('dimensions') or self.dimensions,
                                body.get('model', 'double'))
            if self.as_text:
                numbers = base64.b64encode(struct.pack(f'<{len(numbers)}f', *numbers)).decode()
            data.append({'object': 'embedding', 'index': index, 'embedding': numbers})
        if not self.in_order:
            data.reverse()
        if self.shape:
            data = self.shape(data)
        return 200, {}, {'object': 'list', 'data': data, 'model': body.get('model'),
                         'usage': {'prompt_tokens': 1, 'total_tokens': 1}}
