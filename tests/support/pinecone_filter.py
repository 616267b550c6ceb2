"""Metadata as Pinecone takes it, and its filters."""
import math
import operator

from pinecone_store import Refused, doubles, dumps

SHOWN = 16  # bytes of a value that a refusal shows


def shown(value):
    text = dumps(doubles(value)).encode('utf-8', 'replace')
    return text[:SHOWN].decode('utf-8', 'ignore') + '...' if len(text) > SHOWN else text.decode()


def number(key, value):
    try:
        return float(value)
    except OverflowError:
        raise Refused(f"Metadata value for field '{key}' is out of the range of a double") from None


def valid_text(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused('invalid UTF-8: a surrogate without its other half') from None
    return text


def metadata_value(key, value):
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return number(key, value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [valid_text(one) for one in value]
    raise Refused('Metadata value must be a string, number, boolean or list of strings, got '
                  f"'{shown(value)}' for field '{key}'")


def metadata_of(given, limit):
    """A null is dropped, not refused: so says the official client's source, which quotes the service's."""
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Refused('metadata must be an object')
    for key in given:
        if key.startswith('$'):
            raise Refused(f"Metadata key '{key}' must not start with '$'")
        valid_text(key)
    kept = {key: metadata_value(key, value) for key, value in given.items() if value is not None}
    size = len(dumps(kept).encode())
    if size > limit:  # measured as JSON (unverified)
        raise Refused(f'metadata size is {size} bytes, which exceeds the limit of {limit} bytes per vector')
    return kept


# Filters: compiled into a function of the metadata. A field that is missing is not equal to anything and
# so passes $ne and $nin (unverified).

ORDERS = {'$gt': operator.gt, '$gte': operator.ge, '$lt': operator.lt, '$lte': operator.le}
MISSING = object()


def same(here, wanted):
    if isinstance(here, list):
        return any(same(one, wanted) for one in here)
    return here is not MISSING and isinstance(here, bool) == isinstance(wanted, bool) and here == wanted


def scalar(op, value):
    if not isinstance(value, (str, int, float, bool)):
        raise Refused(f'the {op} operator takes a string, a number or a boolean, got {shown(value)}')
    return value


def one_test(op, value):
    if op in ('$eq', '$ne'):
        wanted, yes = scalar(op, value), op == '$eq'
        return lambda here: same(here, wanted) == yes
    if op in ('$in', '$nin'):
        if not isinstance(value, list):
            raise Refused(f'the {op} operator takes a list')
        wanted, yes = [scalar(op, one) for one in value], op == '$in'
        return lambda here: any(same(here, one) for one in wanted) == yes
    if op in ORDERS:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Refused(f'the {op} operator takes a number, got {shown(value)}')
        order = ORDERS[op]
        return lambda here: isinstance(here, float) and not math.isnan(here) and order(here, value)
    if op == '$exists':
        if not isinstance(value, bool):
            raise Refused('the $exists operator takes a boolean')
        return lambda here: (here is not MISSING) == value
    raise Refused(f'{op} is not a valid operator')


def field_test(key, wanted):
    if not isinstance(wanted, dict):
        wanted = {'$eq': wanted}
    if not wanted:
        raise Refused(f"the filter of field '{key}' is empty")
    tests = [one_test(op, value) for op, value in wanted.items()]
    return lambda metadata: all(test(metadata.get(key, MISSING)) for test in tests)


def compiled(given):
    """None passes everything."""
    if given is None:
        return lambda metadata: True
    if not isinstance(given, dict):
        raise Refused('a filter is an object')
    tests = []
    for key, value in given.items():
        if key in ('$and', '$or'):
            if not isinstance(value, list) or not value:
                raise Refused(f'the {key} operator takes a list of filters')
            inner, quantifier = [compiled(one) for one in value], all if key == '$and' else any
            tests.append(lambda metadata, inner=inner, quantifier=quantifier: quantifier(
                test(metadata) for test in inner))
        elif key.startswith('$'):
            raise Refused(f'{key} is not a valid operator')
        else:
            tests.append(field_test(key, value))
    return lambda metadata: all(test(metadata or {}) for test in tests)
