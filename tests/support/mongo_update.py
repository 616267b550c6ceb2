"""Updates of MongoDB with the description that change events give of them.

`update(document, change)` gives the new document, and what changed as `updateDescription` has it, or
None for a replacement.
"""
import copy
import decimal

import bson
import mongo_match
import mongo_order
from mongo_match import MISSING
from mongo_wire import CommandError


# Places inside documents
def get(value, parts):
    for part in parts:
        value = mongo_match.child(value, part)
        if value is MISSING:
            return MISSING
    return value


def put(value, parts, new):
    head, rest = parts[0], parts[1:]
    if isinstance(value, list):
        if not head.isdigit():
            raise CommandError(28, f"Cannot create field '{head}' in element")
        place = int(head)
        value.extend([None] * (place + 1 - len(value)))
        if rest and not isinstance(value[place], (dict, list)):
            value[place] = {}
        key = place
    elif isinstance(value, dict):
        key = head
        if rest and key not in value:
            value[key] = {}
    else:
        raise CommandError(28, f"Cannot create field '{head}' in element")
    if rest:
        put(value[key], rest, new)
    else:
        value[key] = new


def remove(value, parts):
    holder = get(value, parts[:-1])
    if isinstance(holder, dict):
        holder.pop(parts[-1], None)
    elif isinstance(holder, list) and parts[-1].isdigit() and int(parts[-1]) < len(holder):
        holder[int(parts[-1])] = None


def added(old, more):
    """The sum in the type that MongoDB gives it."""
    if isinstance(old, float) or isinstance(more, float):
        return float(getattr(old, 'value', old)) + float(getattr(more, 'value', more))
    if isinstance(old, bson.Decimal128) or isinstance(more, bson.Decimal128):
        total = sum(decimal.Decimal(getattr(v, 'text', getattr(v, 'value', v))) for v in (old, more))
        return bson.Decimal128(str(total))
    total = mongo_match.integer(old) + mongo_match.integer(more)
    wide = isinstance(old, bson.Int64) or isinstance(more, bson.Int64) or not -2**31 <= total < 2**31
    return bson.Int64(total) if wide else total


# Operators: each changes the document and names the places that it touched.
def _set(document, path, value):
    put(document, path.split('.'), value)
    return [path]


def _unset(document, path, _):
    remove(document, path.split('.'))
    return [path]


def _inc(document, path, value):
    old = get(document, path.split('.'))
    return _set(document, path, value if old is MISSING else added(old, value))


def _push(document, path, value):
    held = get(document, path.split('.'))
    items = value['$each'] if isinstance(value, dict) and '$each' in value else [value]
    if held is MISSING:
        return _set(document, path, list(items))
    places = [f'{path}.{len(held) + place}' for place in range(len(items))]
    held.extend(items)
    return places


def _pull(document, path, value):
    held = get(document, path.split('.'))
    if isinstance(held, list):
        held[:] = [one for one in held if not mongo_match.holds([one], value)]
    return [path]


def _rename(document, path, to):
    value = get(document, path.split('.'))
    if value is MISSING:
        return []
    return _unset(document, path, None) + _set(document, to, value)


OPERATORS = {'$set': _set, '$unset': _unset, '$inc': _inc, '$push': _push, '$pull': _pull, '$rename': _rename}


LOG_PADDING = 15     # what an entry of the log takes beside the difference


# Differences. A node says what changed at one level, in the order in which the server's log has it.
class Node:
    def __init__(self, array=False):
        self.array, self.size = array, None
        self.removed, self.updated, self.inserted, self.inner = [], {}, {}, {}


def same(one, other):
    return MISSING not in (one, other) and bson.encode({'v': one}) == bson.encode({'v': other})


def note_path(node, before, after, parts):
    """Adds to a node what became of one touched place."""
    name, rest = parts[0], parts[1:]
    old, new = mongo_match.child(before, name), mongo_match.child(after, name)
    if new is MISSING:
        if old is not MISSING and name not in node.removed:
            node.removed.append(name)
    elif old is MISSING:
        (node.updated if isinstance(after, list) else node.inserted)[name] = new
    elif rest and isinstance(old, (dict, list)) and type(old) is type(new):
        note_path(node.inner.setdefault(name, Node(isinstance(old, list))), old, new, rest)
    elif not same(old, new):
        node.updated[name] = new


def difference(before, after, padding=0):
    """What an update by pipeline is logged as; None where the new value itself is shorter."""
    node = Node(isinstance(after, list))
    if node.array:
        for place in range(len(after)):
            _compare(node, str(place), before, after)
        node.size = len(after) if len(after) < len(before) else None
    else:
        _walk_fields(node, before, after)
    return node if value_size(after) > node_size(node) + padding else None


def _walk_fields(node, before, after):
    """Both documents side by side: a field that is not at its place counts as removed and set anew."""
    old, new, gone = list(before), list(after), []
    while old and new:
        if old[0] == new[0]:
            _compare(node, new.pop(0), before, after)
        else:
            gone.append(old[0])
        old.pop(0)
    node.inserted = {name: after[name] for name in new}
    node.removed = old + sorted(name for name in gone if name not in node.inserted)


def _compare(node, name, before, after):
    old, new = mongo_match.child(before, name), mongo_match.child(after, name)
    if old is not MISSING and same(old, new):
        return
    nested = isinstance(old, (dict, list)) and type(old) is type(new)
    inner = difference(old, new) if nested else None
    if inner is None:
        node.updated[name] = new
    else:
        node.inner[name] = inner


def value_size(value):
    return len(bson.encode({'v': value})) - 8


def node_size(node):
    """The bytes that the log takes for what changed."""
    inner = sum(3 + len(name) + node_size(one) for name, one in node.inner.items())
    if node.array:
        return 9 + inner + (7 if node.size is not None else 0) + sum(
            3 + len(name) + value_size(value) for name, value in node.updated.items())
    groups = [{name: False for name in node.removed}, node.updated, node.inserted]
    return 5 + inner + sum(8 + sum(2 + len(name) + value_size(value) for name, value in group.items())
                           for group in groups if group)


def described(node):
    """A node as `updateDescription`."""
    out = {'updatedFields': {}, 'removedFields': [], 'truncatedArrays': []}
    _flatten(node, '', out)
    return out


def _flatten(node, prefix, out):
    out['removedFields'] += [prefix + name for name in node.removed]
    if node.size is not None:
        out['truncatedArrays'].append({'field': prefix[:-1], 'newSize': node.size})
    names = [*node.updated, *node.inserted, *node.inner]
    for name in sorted(names, key=int) if node.array else names:
        if name in node.inner:
            _flatten(node.inner[name], f'{prefix}{name}.', out)
        else:
            out['updatedFields'][prefix + name] = (node.updated | node.inserted)[name]


# Pipelines
def computed(document, operand):
    """The expressions that tests update with."""
    if isinstance(operand, str) and operand.startswith('$$'):
        return document
    if isinstance(operand, str) and operand.startswith('$'):
        return get(document, operand[1:].split('.'))
    if isinstance(operand, list):
        return [computed(document, one) for one in operand]
    if not mongo_match.is_condition(operand):
        return {name: computed(document, one) for name, one in operand.items()} if isinstance(
            operand, dict) else operand
    (name, inner), = operand.items()
    if name == '$literal':
        return inner
    inner = computed(document, inner)
    if name == '$slice':
        return inner[0][:inner[1]] if len(inner) == 2 else inner[0][inner[1]:inner[1] + inner[2]]
    if name == '$concatArrays':
        return [one for part in inner for one in part]
    if name == '$add':
        total = inner[0]
        for one in inner[1:]:
            total = added(total, one)
        return total
    if name == '$mergeObjects':
        return {key: value for part in inner for key, value in part.items()}
    raise CommandError(168, f'Unrecognized expression {name!r}')


def by_pipeline(document, stages):
    after = copy.deepcopy(document)
    for stage in stages:
        (name, operand), = bson.plain(stage).items()
        if name in ('$set', '$addFields'):
            values = {path: computed(after, value) for path, value in operand.items()}
            for path, value in values.items():
                put(after, path.split('.'), value)
        elif name in ('$unset', '$project'):
            paths = [operand] if isinstance(operand, str) else list(operand)
            for path in paths:
                remove(after, path.split('.'))
        elif name in ('$replaceWith', '$replaceRoot'):
            after = computed(after, operand['newRoot'] if name == '$replaceRoot' else operand)
        else:
            raise CommandError(72, f'{name} is not allowed to be used within an update')
    return after


def is_operators(change):
    return isinstance(change, dict) and bool(change) and next(iter(change)).startswith('$')


def by_paths(before, after, touched):
    """How servers before deltas logged operators: every path as it was named."""
    values = {path: get(after, path.split('.')) for path in touched}
    changed = {path: value for path, value in values.items()
               if value is MISSING or not same(get(before, path.split('.')), value)}
    return {'updatedFields': {path: value for path, value in changed.items() if value is not MISSING},
            'removedFields': [path for path, value in changed.items() if value is MISSING
                              and get(before, path.split('.')) is not MISSING]}


def update(document, change, inserting=False, deltas=True):
    """(document after, description or None). The description is empty when nothing changed. Without
    `deltas` it is as servers before 4.7 give it."""
    if isinstance(change, list):
        after = by_pipeline(document, change)
        node = difference(document, after, LOG_PADDING) if deltas else None
        description = described(node) if node else None
    elif is_operators(change):
        after, node, touched = copy.deepcopy(document), Node(), []
        for name, fields in change.items():
            if name == '$setOnInsert':
                name, fields = '$set', fields if inserting else {}
            if name not in OPERATORS:
                raise CommandError(9, f'Unknown modifier: {name}. Expected a valid update modifier or '
                                   'pipeline-style update specified as an array')
            for path, value in fields.items():
                touched += OPERATORS[name](after, path, value)
        touched.sort()
        for path in touched:
            note_path(node, document, after, path.split('.'))
        after = in_order(document, after, touched)
        description = described(node) if deltas else by_paths(document, after, touched)
    else:
        after = {'_id': document['_id'], **change} if '_id' in document else dict(change)
        description = None
    if '_id' in document and mongo_order.key(after.get('_id')) != mongo_order.key(document['_id']):
        raise CommandError(66, "Performing an update on the path '_id' would modify the immutable field "
                           "'_id'")
    return after, description


def in_order(before, after, touched):
    """New fields come in the order of their names, as the server adds them."""
    new = [path for path in touched if '.' not in path and path not in before]
    for path in new:
        if path in after:
            after[path] = after.pop(path)
    return after
