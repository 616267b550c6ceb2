"""What a Pinecone does on a bad day, set by tests: `server.faults.add(quota(), call='upsert')`."""
import dataclasses
import threading

HTML = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>'


@dataclasses.dataclass
class Fault:
    """`kind`: 'answer' in place of the work; 'cut' (the work is done, half of the answer comes); 'close'
    (nothing is done, no answer); 'lost' (the work is done, no answer); 'slow' (the work after `seconds`);
    'drip' (half of the answer, the other half after `seconds`)."""
    kind: str
    status: int = 0
    headers: dict = dataclasses.field(default_factory=dict)
    body: object = ''       # text, or (gRPC's name, message) for an error as the plane writes it
    seconds: float = 0.0


CUT, CLOSE, LOST = Fault('cut'), Fault('close'), Fault('lost')


def slow(seconds):
    return Fault('slow', seconds=seconds)


def drip(seconds):
    return Fault('drip', seconds=seconds)


def status(code, message='try again later', kind='UNAVAILABLE', retry_after=None):
    headers = {} if retry_after is None else {'Retry-After': str(retry_after)}
    return Fault('answer', code, headers, (kind, message))


def rate(retry_after=0.2):
    """Too many requests a second: to be tried again. The words are (unverified)."""
    return status(429, 'Too many requests: you have reached the limit of 100 requests per second for this '
                  'operation in this namespace', 'RESOURCE_EXHAUSTED', retry_after)


def quota(what='write'):
    """The month's units are used up: not to be tried again. The words are (unverified)."""
    return status(429, f"Request failed. You've reached your {what} unit limit for the current month "
                  f'(2000000). To continue, upgrade your plan.', 'RESOURCE_EXHAUSTED')


def html(code=502):
    return Fault('answer', code, {'Content-Type': 'text/html'}, HTML)


@dataclasses.dataclass
class Planned:
    fault: Fault
    call: str = None        # 'upsert', 'list', 'indexes.get', ...; None: any
    index: str = None
    after: int = 0          # so many such requests pass first
    times: int = 1


class Faults:
    """`hook(request)` is asked first: what it gives is done. `reshape(request, reply)` changes the reply
    of a request that went well, a dict, in place or by what it gives back."""

    def __init__(self):
        self.planned, self.hook, self.reshape, self.fired = [], None, None, []
        self.lock = threading.Lock()

    def add(self, fault, call=None, times=1, after=0, index=None):
        self.planned.append(Planned(fault, call, index, after, times))

    def clear(self):
        self.planned, self.hook, self.reshape = [], None, None

    def of(self, request):
        with self.lock:
            fault = self.hook(request) if self.hook else None
            for one in self.planned if fault is None else []:
                if one.call not in (None, request.call) or one.index not in (None, request.index):
                    continue
                if one.after:
                    one.after -= 1
                elif one.times:
                    one.times -= 1
                    fault = one.fault
                    break
            if fault:
                self.fired.append((request.call, fault))
            return fault
