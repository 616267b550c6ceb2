// Canonical text of a MongoDB _id, the same that lugger writes into mongo_id columns. Forms: docs/id-text.md.
// For applications that write to MongoDB and PostgreSQL at once. No dependencies; takes what the driver gives as _id.
'use strict';

const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const base64Of = (bytes) => Buffer.from(bytes).toString('base64');

/** No trailing zeros, exponent form below 1e-6 and from 1e21, as JavaScript prints numbers. value = digits / 10 ** scale. */
function decimalText(negative, digits, scale) {
  digits = digits.replace(/^0+/, '');
  const exponent = digits.length - 1 - scale;
  digits = digits.replace(/0+$/, '');
  if (digits === '') return '0';
  const sign = negative ? '-' : '';
  if (exponent >= 0 && exponent <= 20) {
    if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0');
    return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
  }
  if (exponent < 0 && exponent >= -6) return `${sign}0.${'0'.repeat(-1 - exponent)}${digits}`;
  const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${rest}e${exponent > 0 ? '+' : ''}${exponent}`;
}

/** Text of an integer or a decimal: "-12.50", "1E+3", "NaN". */
function textOfDigits(text) {
  if (!/^[-+]?[0-9]/.test(text)) return text;
  const [, sign, whole, fraction = '', exponent = '0'] = /^([-+]?)([0-9]+)(?:\.([0-9]*))?(?:[eE]([-+]?[0-9]+))?$/.exec(text);
  return decimalText(sign === '-', whole + fraction, fraction.length - Number(exponent));
}

/** Every digit that a double stands for: MongoDB compares doubles with decimals exactly. */
function textOfDouble(value) {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return textOfDigits(BigInt(value).toString());
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const mantissa = (bits & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  const scale = 1075 - Math.max(biased, 1);  // not whole, so it is positive: m / 2^k is m * 5^k / 10^k
  return decimalText(value < 0, (mantissa * 5n ** BigInt(scale)).toString(), scale);
}

const uint32 = (value) => value >>> 0;

/** Seconds and increment of a Timestamp of any driver version. */
function timestampParts(value) {
  if (typeof value.getHighBits === 'function') return [uint32(value.getHighBits()), uint32(value.getLowBits())];
  return [uint32(value.t ?? value.high), uint32(value.i ?? value.low)];
}

function binaryParts(value) {
  if (value instanceof Uint8Array) return { bytes: value, subtype: 0 };
  if (value._bsontype === 'UUID') return { bytes: value.buffer ?? value.id, subtype: 4 };
  return { bytes: value.buffer.subarray(0, value.position ?? value.buffer.length), subtype: value.sub_type ?? 0 };
}

/** What kind of value this is: the driver's _bsontype, or the JavaScript type under the same names. */
function kindOf(value) {
  if (value === null) return 'Null';
  switch (typeof value) {
    case 'undefined': throw new TypeError('undefined is no _id');
    case 'string': return 'String';
    case 'boolean': return 'Bool';
    case 'number': return 'Double';
    case 'bigint': return 'Long';
    default:
  }
  if (value._bsontype === 'ObjectID') return 'ObjectId';
  if (value._bsontype === 'BSONSymbol') return 'Symbol';
  if (value._bsontype === 'UUID') return 'Binary';
  if (value._bsontype) return value._bsontype;
  if (value instanceof Date) return 'Date';
  if (value instanceof RegExp) return 'BSONRegExp';
  if (value instanceof Uint8Array) return 'Binary';
  return Array.isArray(value) ? 'Array' : 'Document';
}

/** Text of a number of any type; undefined for anything else. */
function numberText(value, kind) {
  switch (kind) {
    case 'Double': return textOfDouble(typeof value === 'number' ? value : value.value);
    case 'Int32': return textOfDouble(Number(value.value ?? value));
    case 'Long':
    case 'Decimal128': return textOfDigits(value.toString());
    default: return undefined;
  }
}

function checked(text) {
  if (text.includes('\0')) throw new TypeError('an _id with a NUL character cannot be kept as text');
  return text;
}

const quoted = (text) => JSON.stringify(checked(text));
const documentJson = (value) => `{${(value instanceof Map ? [...value] : Object.entries(value))
  .map(([key, field]) => `${quoted(key)}:${json(field)}`).join(',')}}`;

/** Canonical Extended JSON without spaces, finite numbers bare. */
function json(value) {
  if (value === undefined) return '{"$undefined":true}';
  const kind = kindOf(value);
  const number = numberText(value, kind);
  if (number !== undefined) return /[0-9]$/.test(number) ? number : `{"$numberDouble":"${number}"}`;
  switch (kind) {
    case 'Null': return 'null';
    case 'Bool': return String(value);
    case 'String': return quoted(value);
    case 'ObjectId': return `{"$oid":"${value.toHexString()}"}`;
    case 'Date': return `{"$date":{"$numberLong":"${value.getTime()}"}}`;
    case 'Binary': {
      const { bytes, subtype } = binaryParts(value);
      return `{"$binary":{"base64":"${base64Of(bytes)}","subType":"${hexOf([subtype])}"}}`;
    }
    case 'Timestamp': {
      const [seconds, increment] = timestampParts(value);
      return `{"$timestamp":{"t":${seconds},"i":${increment}}}`;
    }
    case 'BSONRegExp': {
      const options = [...(value.options ?? value.flags)].sort().join('');
      return `{"$regularExpression":{"pattern":${quoted(value.pattern ?? value.source)},"options":"${options}"}}`;
    }
    case 'Code': return `{"$code":${quoted(String(value.code))}${value.scope ? `,"$scope":${documentJson(value.scope)}` : ''}}`;
    case 'Symbol': return `{"$symbol":${quoted(value.value)}}`;
    case 'DBPointer': return `{"$dbPointer":{"$ref":${quoted(value.ref)},"$id":${json(value.id)}}}`;
    case 'MinKey': return '{"$minKey":1}';
    case 'MaxKey': return '{"$maxKey":1}';
    case 'DBRef': {
      const rest = value.db ? `,"$db":${quoted(value.db)}` : '';
      const fields = Object.entries(value.fields ?? {}).map(([key, field]) => `,${quoted(key)}:${json(field)}`).join('');
      return `{"$ref":${quoted(value.collection)},"$id":${json(value.oid)}${rest}${fields}}`;
    }
    case 'Array': return `[${value.map(json).join(',')}]`;
    default: return documentJson(value);
  }
}

/** The text of an _id. Throws for undefined and for strings with a NUL character. */
function mongoId(id) {
  const kind = kindOf(id);
  const number = numberText(id, kind);
  if (number !== undefined) return `$n:${number}`;
  switch (kind) {
    case 'Null': return '$null';
    case 'Bool': return `$b:${id}`;
    case 'String': return /^[0-9a-f]{24}$/i.test(id) || id.startsWith('$') ? `$s:${checked(id)}` : checked(id);
    case 'ObjectId': return id.toHexString();
    case 'Date': return `$d:${id.getTime()}`;
    case 'Binary': {
      const { bytes, subtype } = binaryParts(id);
      if (subtype !== 4 || bytes.length !== 16) return `$x:${hexOf([subtype])}:${base64Of(bytes)}`;
      return `$u:${hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`;
    }
    case 'Timestamp': return `$t:${timestampParts(id).join(':')}`;
    case 'MinKey': return '$min';
    case 'MaxKey': return '$max';
    case 'BSONRegExp': return `$r:${json(id)}`;
    case 'DBPointer': return `$p:${json(id)}`;
    case 'Code': return `$c:${json(id)}`;
    case 'Symbol': return `$k:${json(id)}`;
    default: return `$o:${json(id)}`;
  }
}

module.exports = { mongoId };
