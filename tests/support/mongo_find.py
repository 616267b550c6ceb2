"""Cursors over a collection: `find` with bounds, filters, sorts and batches as MongoDB has them."""
import bisect
import itertools

import bson
import mongo_match
import mongo_order
from mongo_wire import CommandError

BATCH_BYTES = 16 * 1024 * 1024
FIRST_BATCH = 101
BY_ID = ({'_id': 1}, '_id_')
PLANNER = 'error processing query: planner returned error :: caused by :: '


def index_named(collection, hint):
    """The index that a hint means: by its keys or by its name."""
    for index in collection.indexes:
        if hint in (index['name'], index['key']):
            return index
    raise CommandError(2, PLANNER + 'hint provided does not correspond to an existing index')


def bounds_of_command(collection, command):
    """`min` and `max` as a range of keys, with the server's refusals. A bound that is not given is MinKey or
    MaxKey, and the upper one is exclusive all the same: `min` alone never finds an `_id` that is MaxKey."""
    low, high = command.get('min') or {}, command.get('max') or {}
    hint = command.get('hint')
    if not low and not high:
        return mongo_order.MIN, mongo_order.MAX + b'\0'
    if not hint:
        raise CommandError(51173, PLANNER + 'When using min()/max() a hint of which index to use must be '
                           'provided')
    if low and high and list(low) != list(high):
        raise CommandError(51176, 'min and max must have the same field names')
    if any(bound and list(bound) != list(index_named(collection, hint)['key']) for bound in (low, high)):
        raise CommandError(51174, PLANNER + 'The index chosen is not compatible with min/max')
    if hint not in BY_ID:
        raise CommandError(51174, PLANNER + 'only bounds of the _id index are known here')
    first = mongo_order.key(low['_id']) if low else mongo_order.MIN
    last = mongo_order.key(high['_id']) if high else mongo_order.MAX
    if first >= last:
        raise CommandError(51175, PLANNER + 'The value provided for min() does not come before the value '
                           'provided for max() in the hinted index')
    return first, last


def bounds_of_filter(query, low, high):
    """Narrows a range of keys by what the filter says of `_id` at its top."""
    operand = query.get('_id')
    if '_id' not in query:
        return low, high
    if not mongo_match.is_condition(operand):
        operand = {'$eq': operand}
    for name, value in operand.items():
        if name not in ('$eq', '$gt', '$gte', '$lt', '$lte') or isinstance(value, bson.Regex):
            continue
        key = mongo_order.key(value)
        if name in ('$eq', '$gt', '$gte'):
            low = max(low, key if name != '$gt' else key + b'\0')
        if name in ('$eq', '$lt', '$lte'):
            high = min(high, key if name == '$lt' else key + b'\0')
        if key not in mongo_match.EXTREMES and name in ('$gt', '$gte'):
            high = min(high, mongo_order.next_bracket(key))
        if key not in mongo_match.EXTREMES and name in ('$lt', '$lte'):
            low = max(low, bytes([mongo_order.bracket(key)]))
    return low, high


class Cursor:
    """What getMore goes on with. `look` gives the collection as it is now, or None when it is gone."""
    stream = False

    def __init__(self, namespace, session=None):
        self.namespace, self.session, self.id = namespace, session, 0

    def batch(self, count):
        """The next documents as bytes; at most `count`, at most 16 MiB, and whether there are no more."""
        raise NotImplementedError


class ListCursor(Cursor):
    """Documents that are known already, as bytes."""

    def __init__(self, namespace, documents, session=None):
        super().__init__(namespace, session)
        self.documents, self.at = documents, 0

    def batch(self, count):
        end, size = self.at, 0
        while end < len(self.documents) and end - self.at < count:
            size += len(self.documents[end])
            if size > BATCH_BYTES and end > self.at:
                break
            end += 1
        found, self.at = self.documents[self.at:end], end
        return found, self.at == len(self.documents)


class ScanCursor(Cursor):
    """A walk that sees the collection anew with each batch: in the order of `_id`, or of insertion."""

    def __init__(self, namespace, look, command, session=None):
        super().__init__(namespace, session)
        self.look, collection = look, look()
        self.uuid = collection.uuid
        self.query = command.get('filter') or {}
        self.projection = command.get('projection') or {}
        self.left = abs(mongo_match.integer(command.get('limit') or 0)) or None
        self.skip = mongo_match.integer(command.get('skip') or 0)
        sort, hint = command.get('sort') or {}, command.get('hint')
        if hint and not (isinstance(hint, dict) and '$natural' in hint):
            index_named(collection, hint)
        self.low, self.high = bounds_of_filter(self.query, *bounds_of_command(collection, command))
        self.backwards = mongo_match.integer(sort.get('_id', 1)) < 0
        self.keys = self._fixed_keys(collection, sort, hint)
        if set(self.query) == {'_id'} and self._bounds_say_all():
            self.query = {}

    def _bounds_say_all(self):
        """Whether the range of keys answers the filter, so that documents need not be decoded."""
        operand = self.query['_id']
        if isinstance(operand, bson.Regex):
            return False
        names = operand if mongo_match.is_condition(operand) else {'$eq': operand}
        plain = all(name in ('$eq', '$gt', '$gte', '$lt', '$lte') for name in names)
        return plain and not any(isinstance(value, bson.Regex) or mongo_order.key(value) == mongo_order.NAN
                                 for value in names.values())

    def _fixed_keys(self, collection, sort, hint):
        """The keys in their order where it is not that of `_id`; None where it is."""
        operand = self.query.get('_id')
        if isinstance(operand, dict) and '$in' in operand and not any(
                isinstance(value, bson.Regex) for value in operand['$in']):
            keys = sorted({mongo_order.key(value) for value in operand['$in']} & collection.documents.keys())
            return iter(reversed(keys) if self.backwards else keys)
        if sort and list(sort) != ['_id'] and '$natural' not in sort:
            return iter(sorted_keys(collection, sort))
        natural = '$natural' in sort or (isinstance(hint, dict) and '$natural' in hint)
        if natural or not (sort or hint or '_id' in self.query):
            wanted = sort.get('$natural', 1)
            keys = list(collection.documents)
            return iter(keys if mongo_match.integer(wanted) > 0 else keys[::-1])
        return None

    def _walk(self, collection):
        """Keys from where the last batch ended."""
        if self.keys is not None:
            return self.keys
        first = bisect.bisect_left(collection.keys, self.low)
        end = bisect.bisect_left(collection.keys, self.high)
        if self.backwards:
            return (collection.keys[place] for place in range(end - 1, first - 1, -1))
        return itertools.islice(collection.keys, first, end)

    def _passed(self, key):
        if self.backwards:
            self.high = key
        else:
            self.low = key + b'\0'

    def batch(self, count):
        collection = self.look()
        if collection is None or collection.uuid != self.uuid:
            raise CommandError(175, f'collection dropped. UUID {self.uuid.hex()}')
        found, size, last = [], 0, None
        count = count if self.left is None else min(count, self.left)
        if count == 0:
            return [], self.left == 0
        if self.keys is None and not (self.backwards or self.query or self.projection or self.skip):
            return self._plain_batch(collection, count)
        for key in self._walk(collection):
            raw = self._wanted(collection.documents.get(key))
            if raw is not None:
                size += len(raw)
                if size > BATCH_BYTES and found:
                    if self.keys is not None:
                        self.keys = itertools.chain([key], self.keys)
                    break
                found.append(raw)
            last = key
            if len(found) == count:
                break
        else:
            last, self.left = None, 0
        if last is not None and self.keys is None:
            self._passed(last)
        if self.left:
            self.left -= len(found)
        return found, self.left == 0

    def _plain_batch(self, collection, count):
        """The same for documents that are sent as they are: the way that has to be fast."""
        first = bisect.bisect_left(collection.keys, self.low)
        end = bisect.bisect_left(collection.keys, self.high)
        likely = 2 * BATCH_BYTES * len(collection.keys) // max(1, collection.size) + 1
        keys = collection.keys[first:min(end, first + count, first + likely)]
        documents = [collection.documents[key] for key in keys]
        sizes = list(itertools.accumulate(map(len, documents)))
        taken = min(len(keys), max(1, bisect.bisect_right(sizes, BATCH_BYTES)))
        if taken:
            self._passed(keys[taken - 1])
        if self.left:
            self.left -= taken
        if first + taken == end and taken < count:
            self.left = 0
        return documents[:taken], self.left == 0

    def _wanted(self, raw):
        """The document as it is sent, or None."""
        if raw is None or not (self.query or self.projection or self.skip):
            return raw
        if self.query or self.projection:
            document = bson.decode(raw)
            if not mongo_match.matches(document, self.query):
                return None
            raw = bson.encode(mongo_match.project(document, self.projection)) if self.projection else raw
        if self.skip:
            self.skip -= 1
            return None
        return raw


def sorted_keys(collection, sort):
    """Keys by the values of other fields; the last field of the sort first, as each pass is stable."""
    documents = {key: bson.decode(raw) for key, raw in collection.documents.items()}
    keys = list(documents)
    for path, direction in reversed(list(sort.items())):
        keys.sort(key=lambda key: sort_key(documents[key], path), reverse=mongo_match.integer(direction) < 0)
    return keys


def sort_key(document, path):
    return min(mongo_order.key(None if value is mongo_match.MISSING else value)
               for value in mongo_match.values_at(document, path))
