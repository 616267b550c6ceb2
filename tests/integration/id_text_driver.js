// The vectors as a driver would hand them to mongoId: objects known by _bsontype. Prints [name, text] pairs as JSON.
'use strict';
const { mongoId } = require(process.argv[2]);
const vectors = JSON.parse(require('fs').readFileSync(process.argv[3], 'utf8'));

function driverValue(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(driverValue);
  const [key, body] = Object.entries(value)[0] ?? [];
  switch (key) {
    case '$oid': return { _bsontype: 'ObjectId', toHexString: () => body };
    case '$numberInt': return Number(body);
    case '$numberLong': return { _bsontype: 'Long', toString: () => body };
    case '$numberDouble': return Number(body);
    case '$numberDecimal': return { _bsontype: 'Decimal128', toString: () => body };
    // A Date of JavaScript ends before MongoDB's does; no driver hands out later ones.
    case '$date': return new Date(Number(body.$numberLong));
    case '$binary': {
      const bytes = Buffer.from(body.base64, 'base64');
      return { _bsontype: 'Binary', sub_type: parseInt(body.subType, 16), position: bytes.length, buffer: Buffer.concat([bytes, Buffer.alloc(3)]) };
    }
    case '$timestamp': return { _bsontype: 'Timestamp', getHighBits: () => body.t | 0, getLowBits: () => body.i | 0 };
    case '$minKey': return { _bsontype: 'MinKey' };
    case '$maxKey': return { _bsontype: 'MaxKey' };
    case '$regularExpression': return { _bsontype: 'BSONRegExp', pattern: body.pattern, options: body.options };
    case '$code': return { _bsontype: 'Code', code: body, scope: value.$scope && driverValue(value.$scope) };
    case '$symbol': return { _bsontype: 'BSONSymbol', value: body };
    case '$dbPointer': return { _bsontype: 'DBPointer', ref: body.$ref, id: driverValue(body.$id) };
    default: return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, driverValue(field)]));
  }
}

console.log(JSON.stringify(vectors.map(({ name, id }) => [name, mongoId(driverValue(id))])));
