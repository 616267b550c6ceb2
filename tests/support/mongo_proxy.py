"""A proxy between a driver and any MongoDB peer that understands the messages, to break one of them.

    proxy = Proxy(server.port)
    rule = proxy.on('getMore', cut_after(), nth=2)      the second getMore is done, but its reply is lost
    ... a program reads from proxy.url ...
    rule.hits, proxy.count('getMore')
"""
import socket
import struct
import threading
import time

import mongo_wire
from mongo_wire import Message

EXHAUST_ALLOWED = 1 << 16
HELLO = ('hello', 'isMaster', 'ismaster')


class Cut(Exception):
    """The connection to the driver ends here."""


class Exchange:
    """One command on its way: `ask` does it once and gives the reply's message."""

    def __init__(self, request, ask):
        self.request, self.ask = request, ask


# Actions: each takes an exchange and gives the reply that the driver gets; None for silence.
def swallow_reply():
    """The server does it, the driver never hears of it and waits."""
    return lambda exchange: exchange.ask() and None


def cut_before():
    """The connection ends before the server hears of it."""
    def action(_):
        raise Cut
    return action


def cut_after():
    """The server does it, then the connection ends without the reply."""
    def action(exchange):
        exchange.ask()
        raise Cut
    return action


def delay(seconds):
    """The server hears of it so much later."""
    def action(exchange):
        time.sleep(seconds)
        return exchange.ask()
    return action


def replace(document):
    """The driver gets this reply and the server hears nothing."""
    return lambda exchange: Message(document)


def alter(change):
    """The reply's body goes through a function."""
    def action(exchange):
        reply = exchange.ask()
        return Message(change(reply.body), kind=reply.kind)
    return action


def fail(code, message='a planted error', labels=()):
    return replace(mongo_wire.CommandError(code, message, labels).reply())


def pass_on():
    """Nothing happens; for counting."""
    return lambda exchange: exchange.ask()


class Rule:
    def __init__(self, command, action, nth, times, where):
        self.command, self.action, self.where = command, action, where
        self.nth, self.times, self.met, self.hits = nth, times, 0, 0

    def takes(self, request):
        if next(iter(request)) != self.command or not self.where(request):
            return False
        self.met += 1
        if self.met < self.nth or (self.times and self.hits >= self.times):
            return False
        self.hits += 1
        return True


class Proxy:
    def __init__(self, port, set_name='rs0'):
        self.upstream, self.set_name = ('127.0.0.1', port), set_name
        self.rules, self.seen, self.lock = [], [], threading.Lock()
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.address, self.sockets, self.stopping = f'127.0.0.1:{self.port}', set(), False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        options = f'?replicaSet={self.set_name}' if self.set_name else '?directConnection=true'
        return f'mongodb://{self.address}/{options}'

    def client(self):
        return mongo_wire.MongoClient(self.port)

    def on(self, command, action, nth=1, times=1, where=lambda request: True):
        """From the `nth` such command on, `times` of them (0: all) go through the action."""
        rule = Rule(command, action, nth, times, where)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clear(self):
        with self.lock:
            self.rules, self.seen = [], []

    def count(self, command):
        """How many of a command came by."""
        return sum(next(iter(body)) == command for body in self.seen)

    def drop_connections(self):
        for one in list(self.sockets):
            _end(one)

    def stop(self):
        self.stopping = True
        _end(self.listener)
        self.listener.close()
        self.drop_connections()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _accept(self):
        while not self.stopping:
            try:
                driver, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(driver,), daemon=True).start()

    def _serve(self, driver):
        server = None
        try:
            server = socket.create_connection(self.upstream)
            for one in (driver, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sockets.add(one)
            while data := mongo_wire.receive_bytes(driver):
                self._exchange(driver, server, data)
        except (OSError, Cut):
            pass
        finally:
            for one in filter(None, (driver, server)):
                self.sockets.discard(one)
                _end(one)
                one.close()

    def _exchange(self, driver, server, data):
        request = mongo_wire.decode(data)
        if request.kind == mongo_wire.OP_MSG:   # one reply for one request, so that they can be told apart
            data = data[:16] + struct.pack('<I', request.flags & ~EXHAUST_ALLOWED) + data[20:]
        with self.lock:
            self.seen.append(request.body)
            rule = next((rule for rule in self.rules if rule.takes(request.body)), None)
        name, raw = next(iter(request.body)), []

        def ask():
            server.sendall(data)
            if request.flags & mongo_wire.MORE_TO_COME:
                return None
            answer = mongo_wire.receive_bytes(server)
            if answer is None:
                raise Cut
            raw.append(answer)
            return mongo_wire.decode(answer) if rule or name in HELLO else None

        reply = rule.action(Exchange(request, ask)) if rule else ask()
        if name in HELLO and reply:
            reply = Message(self._as_our_own(reply.body), kind=reply.kind)
        if reply is not None:
            kind = mongo_wire.OP_REPLY if request.kind == mongo_wire.OP_QUERY else mongo_wire.OP_MSG
            driver.sendall(Message(reply.body, answers=request.number, kind=kind).encode())
        elif raw and not rule:
            driver.sendall(raw[0])

    def _as_our_own(self, body):
        """A handshake in which the server's address is the proxy's, so that the driver stays here."""
        address = f'{self.upstream[0]}:{self.upstream[1]}'
        named = {name: self.address for name in ('me', 'primary')
                 if name in body and body[name] in (body.get('me'), address)}
        hosts = {'hosts': [self.address]} if 'hosts' in body else {}
        return {**body, **hosts, **named}


def _end(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
