"""Queries and projections of MongoDB, as far as a reader of collections and change streams sends them."""
import re

import bson
import mongo_order
from mongo_wire import CommandError

MISSING = object()
TYPES = {
    'double': float, 'string': str, 'object': dict, 'array': list, 'binData': (bytes, bson.Binary),
    'undefined': bson.Undefined, 'objectId': bson.ObjectId, 'bool': bool, 'date': bson.Date,
    'null': type(None), 'regex': bson.Regex, 'dbPointer': bson.DBPointer, 'javascript': bson.Code,
    'symbol': bson.Symbol, 'javascriptWithScope': bson.CodeWithScope, 'int': (int, bson.Int32),
    'timestamp': bson.Timestamp, 'long': bson.Int64, 'decimal': bson.Decimal128, 'minKey': bson.MinKey,
    'maxKey': bson.MaxKey,
    'number': (float, int, bson.Int32, bson.Int64, bson.Decimal128),
}
NUMBERED = {1: 'double', 2: 'string', 3: 'object', 4: 'array', 5: 'binData', 6: 'undefined', 7: 'objectId',
            8: 'bool', 9: 'date', 10: 'null', 11: 'regex', 12: 'dbPointer', 13: 'javascript', 14: 'symbol',
            15: 'javascriptWithScope', 16: 'int', 17: 'timestamp', 18: 'long', 19: 'decimal', -1: 'minKey',
            127: 'maxKey'}
EXTREMES = (mongo_order.MIN, mongo_order.MAX)


def is_number(value):
    return isinstance(value, TYPES['number']) and not isinstance(value, bool)


def integer(value):
    """A number of any type as Python's."""
    return int(value.value if isinstance(value, (bson.Int32, bson.Int64)) else value)


def child(value, name):
    value = bson.plain(value)
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if isinstance(value, list) and name.isdigit() and int(name) < len(value):
        return value[int(name)]
    return MISSING


def values_at(value, path):
    """Every value that a dotted path leads to; elements of arrays on the way and at the end count too."""
    value = bson.plain(value)
    head, _, rest = path.partition('.')
    found = child(value, head)
    if isinstance(value, list):
        nested = [inner for element in value if isinstance(bson.plain(element), dict)
                  for inner in values_at(element, path)]
        return nested + ([] if found is MISSING else _tail(found, rest))
    return [MISSING] if found is MISSING else _tail(found, rest)


def _tail(found, rest):
    if rest:
        return values_at(found, rest)
    found = bson.plain(found)
    return [found, *found] if isinstance(found, list) else [found]


def has_type(value, operand):
    if value is MISSING:
        return False
    words = operand if isinstance(operand, list) else [operand]
    for word in words:
        word = word if isinstance(word, str) else NUMBERED[integer(word)]
        if isinstance(value, TYPES[word]) and not (isinstance(value, bool) and word in ('int', 'number')):
            return True
    return False


def ordered(operator, value, operand):
    """$gt and its brothers, inside of a bracket of types."""
    if operand is None and value is MISSING:
        return operator.endswith('e')
    if value is MISSING:
        return False
    mine, other = mongo_order.key(value), mongo_order.key(operand)
    if other not in EXTREMES:
        if mongo_order.bracket(mine) != mongo_order.bracket(other):
            return False
        if mongo_order.NAN in (mine, other):
            return mine == other and operator.endswith('e')
    return {'$gt': mine > other, '$gte': mine >= other, '$lt': mine < other, '$lte': mine <= other}[operator]


def equal(value, operand):
    if isinstance(operand, bson.Regex) and isinstance(value, str):
        return re.search(operand.pattern, value, re.I if 'i' in operand.options else 0) is not None
    if value is MISSING:
        return operand is None
    return mongo_order.key(value) == mongo_order.key(operand)


OPERATORS = {
    '$eq': lambda values, operand: any(equal(value, operand) for value in values),
    '$ne': lambda values, operand: not any(equal(value, operand) for value in values),
    '$in': lambda values, operand: any(equal(value, one) for value in values for one in operand),
    '$nin': lambda values, operand: not any(equal(value, one) for value in values for one in operand),
    '$exists': lambda values, operand: bool(operand) == any(value is not MISSING for value in values),
    '$type': lambda values, operand: any(has_type(value, operand) for value in values),
    '$not': lambda values, operand: not holds(values, operand),
    '$regex': lambda values, operand: any(equal(value, operand if isinstance(operand, bson.Regex)
                                                else bson.Regex(operand)) for value in values),
    '$mod': lambda values, operand: any(is_number(value) and integer(value) % integer(operand[0])
                                        == integer(operand[1]) for value in values),
    **{name: lambda values, operand, name=name: any(ordered(name, value, operand) for value in values)
       for name in ('$gt', '$gte', '$lt', '$lte')},
}


def is_condition(operand):
    return isinstance(operand, dict) and bool(operand) and next(iter(operand)).startswith('$')


def holds(values, operand):
    if not is_condition(operand):
        return OPERATORS['$eq'](values, operand)
    for name, inner in operand.items():
        if name not in OPERATORS:
            raise CommandError(2, f'unknown operator: {name}')
        if not OPERATORS[name](values, inner):
            return False
    return True


def expression(document, operand):
    """The few expressions of $expr that compare a path with a value."""
    if isinstance(operand, str) and operand.startswith('$'):
        return values_at(document, operand[1:])[0]
    if isinstance(operand, dict) and '$literal' in operand:
        return operand['$literal']
    return operand


def expr_holds(document, operand):
    (name, sides), = operand.items()
    if name in ('$and', '$or'):
        return (all if name == '$and' else any)(expr_holds(document, side) for side in sides)
    left, right = (expression(document, side) for side in sides)
    if left is MISSING:
        return False
    mine, other = mongo_order.key(left), mongo_order.key(right)
    return {'$gt': mine > other, '$gte': mine >= other, '$lt': mine < other, '$lte': mine <= other,
            '$eq': mine == other, '$ne': mine != other}[name]


def matches(document, query):
    """Whether a decoded document answers a query."""
    for name, operand in query.items():
        if name == '$and':
            held = all(matches(document, one) for one in operand)
        elif name == '$or':
            held = any(matches(document, one) for one in operand)
        elif name == '$nor':
            held = not any(matches(document, one) for one in operand)
        elif name == '$expr':
            held = expr_holds(document, operand)
        elif name == '$comment':
            held = True
        elif name.startswith('$'):
            raise CommandError(2, f'unknown top level operator: {name}')
        else:
            held = holds(values_at(document, name), operand)
        if not held:
            return False
    return True


def project(document, wanted):
    """A projection of whole fields and dotted paths, by what to keep or by what to leave out."""
    if not wanted:
        return document
    flags = {name: operand for name, operand in wanted.items() if name != '_id'}
    keeps = any(operand not in (0, False) for operand in flags.values()) if flags else bool(wanted['_id'])
    tree = {}
    for name, operand in wanted.items():
        place, parts = tree, name.split('.')
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = operand
    if keeps:
        tree.setdefault('_id', 1)
        return _kept(document, tree)
    return _left(document, tree)


def _each(value, rest, step):
    value = bson.plain(value)
    if isinstance(value, dict):
        return step(value, rest)
    if isinstance(value, list):
        return [_each(inner, rest, step) for inner in value]
    return MISSING if step is _kept else value


def _kept(document, tree):
    out = {}
    for name, value in document.items():
        rest = tree.get(name)
        if isinstance(rest, dict) and not is_condition(rest):
            inner = _each(value, rest, _kept)
            if inner is not MISSING:
                out[name] = inner
        elif rest:
            out[name] = value
    return out


def _left(document, tree):
    out = {}
    for name, value in document.items():
        rest = tree.get(name, 1)
        if isinstance(rest, dict):
            out[name] = _each(value, rest, _left)
        elif rest:
            out[name] = value
    return out
