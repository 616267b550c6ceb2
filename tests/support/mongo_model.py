"""What MongoDB's manual says of queries, projections and sorts, written once more: the model that
`find` is compared with.

Values are Extended JSON (canonical) as Python's json reads it: {"$numberInt": "5"}, strings, lists,
dicts. A document is a list of pairs inside the model, so that the order of its fields counts.
"""
import functools
import math
import re
from decimal import Decimal

MISSING = object()
NUMBERS = ('$numberInt', '$numberLong', '$numberDouble', '$numberDecimal')


class Doc(tuple):
    """Fields in their order: pairs of name and value."""


class Scalar(tuple):
    """(kind, value) with kind one of the words of $type."""


def load(value):
    """Extended JSON to the model's values."""
    if isinstance(value, list):
        return [load(item) for item in value]
    if isinstance(value, bool):
        return Scalar(('bool', value))
    if value is None:
        return Scalar(('null', None))
    if isinstance(value, str):
        return Scalar(('string', value))
    if len(value) == 1:
        (key, inner), = value.items()
        if key == '$numberInt':
            return Scalar(('int', int(inner)))
        if key == '$numberLong':
            return Scalar(('long', int(inner)))
        if key == '$numberDouble':
            return Scalar(('double', float(inner.replace('Infinity', 'inf'))))
        if key == '$numberDecimal':
            return Scalar(('decimal', Decimal(inner)))
        if key == '$date':
            return Scalar(('date', int(inner['$numberLong'])))
        if key == '$oid':
            return Scalar(('objectId', inner))
        if key == '$minKey':
            return Scalar(('minKey', None))
        if key == '$maxKey':
            return Scalar(('maxKey', None))
        if key == '$regularExpression':
            return Scalar(('regex', (inner['pattern'], inner['options'])))
    if '$regex' in value:   # with its options it is one condition
        value = {**value, '$regex': {'$regularExpression': {'pattern': value['$regex'],
                                                            'options': value.get('$options', '')}}}
        value.pop('$options', None)
    return Doc((key, load(inner)) for key, inner in value.items())


ORDER = {'minKey': 0, 'empty': 1, 'null': 2, 'int': 3, 'long': 3, 'double': 3, 'decimal': 3, 'string': 4,
         'object': 5, 'array': 6, 'objectId': 8, 'bool': 9, 'date': 10, 'regex': 12, 'maxKey': 20}


def kind(value):
    if value is MISSING:
        return 'null'
    if isinstance(value, list):
        return 'array'
    return 'object' if isinstance(value, Doc) else value[0]


def bracket(value):
    return ORDER[kind(value)]


def is_nan(value):
    return bracket(value) == 3 and math.isnan(value[1])


def exact(number):
    """A number that compares exactly with any other; infinities as floats."""
    return number if isinstance(number, float) and math.isinf(number) else Decimal(number)


def compare(a, b):
    """The order of BSON values: by type, then by value; NaN is the smallest number."""
    if bracket(a) != bracket(b):
        return -1 if bracket(a) < bracket(b) else 1
    word = kind(a)
    if word in ('minKey', 'maxKey', 'null', 'empty'):
        return 0
    if bracket(a) == 3:
        if is_nan(a) or is_nan(b):
            return is_nan(b) - is_nan(a)
        left, right = exact(a[1]), exact(b[1])
    elif word == 'object':
        for (name, one), (other_name, other) in zip(a, b):
            if bracket(one) != bracket(other):
                return -1 if bracket(one) < bracket(other) else 1
            if name != other_name:
                return -1 if name.encode() < other_name.encode() else 1
            if compare(one, other):
                return compare(one, other)
        left, right = len(a), len(b)
    elif word == 'array':
        for one, other in zip(a, b):
            if compare(one, other):
                return compare(one, other)
        left, right = len(a), len(b)
    elif word == 'string':
        left, right = a[1].encode(), b[1].encode()
    else:
        left, right = a[1], b[1]
    return (left > right) - (left < right)


def field(document, name):
    """The last field of a name, or the element of a place."""
    if isinstance(document, list):
        return document[int(name)] if name.isdigit() and str(int(name)) == name and int(
            name) < len(document) else MISSING
    return next((value for key, value in reversed(document) if key == name), MISSING)


def leaves(value, names, by_place=False):
    """(value, whether its array's elements answer too) at the end of a path."""
    if not names:
        return [(value, not by_place)]
    if isinstance(value, Doc):
        return leaves(field(value, names[0]), names[1:])
    if not isinstance(value, list):
        return [(MISSING, True)]
    out = []
    for place, element in enumerate(value):
        if isinstance(element, Doc):
            out += leaves(element, names)
        if str(place) == names[0] and (len(names) == 1 or isinstance(element, (Doc, list))):
            out += leaves(element, names[1:], True)
    return out


def found_in(regex, value):
    """Python's `re` in the place of PCRE: alike for what the tests ask, which is literals, classes, `^`,
    `$`, `.`, `|`, `*`, `+`, `?` and groups. Unlike are possessive quantifiers, recursion, \\h, \\K, \\z,
    (?<name>...); and `i` beyond ASCII where a letter has several forms."""
    pattern, options = regex[1]
    if kind(value) == 'regex':
        return value[1] == regex[1]
    flags = sum(int(getattr(re, option.upper())) for option in options if option != 'u')
    return kind(value) == 'string' and re.search(pattern, value[1], flags) is not None


TYPES = {'number': ('int', 'long', 'double', 'decimal')}


def holds_for(operator, operand, value):
    """An operator of one value, an array taken as a whole."""
    if operator == '$regex':
        return found_in(operand, value)
    if operator == '$in' and any(kind(one) == 'regex' and found_in(one, value) for one in operand):
        return True
    if operator in ('$eq', '$in'):
        return any(compare(value, one) == 0 for one in (operand if operator == '$in' else [operand]))
    if operator in ('$lt', '$lte', '$gt', '$gte'):
        if bracket(value) != bracket(operand):
            return kind(operand) == ('maxKey' if 'l' in operator else 'minKey')
        if is_nan(value) or is_nan(operand):
            return operator.endswith('e') and is_nan(value) and is_nan(operand)
        order = compare(value, operand)
        return (order == 0 and operator.endswith('e')) or (order < 0 if 'l' in operator else order > 0)
    if operator == '$exists':
        return value is not MISSING
    if operator == '$type':
        return value is not MISSING and any(kind(value) in TYPES.get(word[1], (word[1],))
                                            for word in (operand if isinstance(operand, list) else [operand]))
    if operator == '$mod':
        if value is MISSING or bracket(value) != 3 or not math.isfinite(value[1]):
            return False
        whole, divisor = int(value[1]), int(operand[0][1])
        rest = abs(whole) % abs(divisor)
        return -2**63 <= whole < 2**63 and (-rest if whole < 0 else rest) == int(operand[1][1])
    if operator == '$size':
        return isinstance(value, list) and len(value) == int(operand[1])
    if operator == '$elemMatch':
        if not isinstance(value, list):
            return False
        if operand and operand[0][0].startswith('$') and operand[0][0] not in ('$and', '$or', '$nor'):
            return any(all(condition_of_value(name, inner, element) for name, inner in operand)
                       for element in value)
        return any(matches(operand, element) for element in value if isinstance(element, (Doc, list)))
    raise KeyError(operator)


def operators_of(operand):
    """The conditions of $not, which takes a regular expression too."""
    return [implied(operand)] if kind(operand) == 'regex' else operand


def condition_of_value(operator, operand, value):
    """An operator inside $elemMatch: of the element itself."""
    if operator == '$not':
        return not all(condition_of_value(name, inner, value) for name, inner in operators_of(operand))
    if operator in ('$ne', '$nin'):
        return not condition_of_value('$eq' if operator == '$ne' else '$in', operand, value)
    if operator == '$all':
        return bool(operand) and all(condition_of_value(*unwrapped(one), value) for one in operand)
    if operator == '$exists':
        return truthy(operand) == holds_for('$exists', operand, value)
    return holds_for(operator, operand, value)


def unwrapped(one):
    """An entry of $all."""
    return one[0] if isinstance(one, Doc) and one and one[0][0] == '$elemMatch' else implied(one)


def implied(value):
    """What a value in the place of a condition asks."""
    return ('$regex' if kind(value) == 'regex' else '$eq', value)


def truthy(value):
    if kind(value) == 'null' or (kind(value) == 'bool' and not value[1]):
        return False
    return bracket(value) != 3 or value[1] != 0


def condition(document, path, operator, operand):
    if operator == '$not':
        return not all(condition(document, path, name, inner) for name, inner in operators_of(operand))
    if operator in ('$ne', '$nin'):
        return not condition(document, path, '$eq' if operator == '$ne' else '$in', operand)
    if operator == '$all':
        return bool(operand) and all(condition(document, path, *unwrapped(one)) for one in operand)
    names = path.split('.')
    found = leaves(field(document, names[0]), names[1:])
    if operator == '$exists':
        return truthy(operand) == any(holds_for('$exists', operand, value) for value, _ in found)
    for value, open_array in found:
        if holds_for(operator, operand, value):
            return True
        if open_array and isinstance(value, list) and operator not in (
                '$size', '$elemMatch') and any(holds_for(operator, operand, one) for one in value):
            return True
    return False


def matches(query, document):
    for name, wanted in query:
        if name in ('$and', '$or', '$nor'):
            answers = [matches(one, document) for one in wanted]
            good = all(answers) if name == '$and' else any(answers) if name == '$or' else not any(answers)
        elif isinstance(wanted, Doc) and wanted and wanted[0][0].startswith('$'):
            good = all(condition(document, name, operator, operand) for operator, operand in wanted)
        else:
            good = condition(document, name, *implied(wanted))
        if not good:
            return False
    return True


def project(document, fields):
    """fields: {path: True or False}."""
    keeps = any(wanted for path, wanted in fields.items() if path != '_id') or (
        fields.get('_id') and len(fields) == 1)
    paths = {tuple(path.split('.'))
             for path, wanted in fields.items() if path != '_id' and wanted == bool(keeps)}
    if fields.get('_id', True) == bool(keeps):
        paths.add(('_id',))
    return pick(document, paths, bool(keeps)) if fields else document


def pick(value, paths, keeps):
    if isinstance(value, list):
        return [pick(element, paths, keeps)
                for element in value if isinstance(element, (Doc, list)) or not keeps]
    if not isinstance(value, Doc):
        return value
    out = []
    for name, inner in value:
        below = {path[1:] for path in paths if path[0] == name}
        if () in below:
            if keeps:
                out.append((name, inner))
        elif below and isinstance(inner, (Doc, list)):
            out.append((name, pick(inner, below, keeps)))
        elif not keeps:
            out.append((name, inner))
    return Doc(out)


def sort_keys(value, names):
    """Every value that a document sorts by."""
    if isinstance(value, list):
        if not value:
            return [Scalar(('null', None)) if names else Scalar(('empty', None))]
        if not names:
            return value
        placed = field(value, names[0])
        if placed is not MISSING:
            return sort_keys(placed, names[1:])
        return [key for element in value for key in (
                    sort_keys(element, names) if isinstance(element, Doc) else [Scalar(('null', None))])]
    if not names:
        return [value]
    return sort_keys(field(value, names[0]), names[1:]) if isinstance(value, Doc) else [MISSING]


def sorted_by(documents, keys):
    """Stable; keys: (path, 1 or -1), each by itself."""
    def order(a, b):
        for path, direction in keys:
            extreme = min if direction == 1 else max
            first, second = (extreme(sort_keys(one, path.split('.')), key=functools.cmp_to_key(compare))
                             for one in (a, b))
            if compare(first, second):
                return direction * compare(first, second)
        return 0
    return sorted(documents, key=functools.cmp_to_key(order))


def dump(value):
    """The model's value as it is compared: numbers with their kind."""
    if isinstance(value, list):
        return [dump(item) for item in value]
    if isinstance(value, Doc):
        return {'document': [[name, dump(inner)] for name, inner in value]}
    return [value[0], str(value[1])]
