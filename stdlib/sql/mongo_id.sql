-- Canonical text and UUID of a MongoDB _id, the same that lugger writes into mongo_id and id columns. Forms: docs/id-text.md.
--   select lugger.mongo_id('{"$oid": "64f1c0a1b2c3d4e5f6071829"}'::json);
--   select lugger.mongo_uuid('shop.users', lugger.mongo_id(...));
-- Plain SQL and PL/pgSQL, PostgreSQL 14 and later; mongo_uuid needs the extension uuid-ossp or pgcrypto.
create schema if not exists lugger;

-- A finite number's one text: no trailing zeros, exponent form below 1e-6 and from 1e21, as JavaScript prints numbers.
create or replace function lugger.mongo_decimal(value numeric) returns text
language plpgsql immutable strict parallel safe as $$
declare
  plain text := abs(value)::text;
  whole text := split_part(plain, '.', 1);
  fraction text := split_part(plain, '.', 2);
  digits text := rtrim(ltrim(whole || fraction, '0'), '0');
  exponent int;
  sign text := case when value < 0 then '-' else '' end;
begin
  if value in ('NaN', 'Infinity', '-Infinity') then return value::text; end if;
  if value = 0 then return '0'; end if;
  exponent := case when whole <> '0' then length(whole) - 1
                   else -1 - (length(fraction) - length(ltrim(fraction, '0'))) end;
  if exponent between 0 and 20 then
    if length(digits) <= exponent + 1 then return sign || rpad(digits, exponent + 1, '0'); end if;
    return sign || left(digits, exponent + 1) || '.' || substr(digits, exponent + 2);
  elsif exponent between -6 and -1 then
    return sign || '0.' || repeat('0', -1 - exponent) || digits;
  end if;
  return sign || left(digits, 1) || case when length(digits) > 1 then '.' || substr(digits, 2) else '' end
    || 'e' || case when exponent > 0 then '+' else '' end || exponent;
end $$;

-- Every digit that a double stands for: MongoDB compares doubles with decimals exactly.
create or replace function lugger.mongo_double(value float8) returns numeric
language plpgsql immutable strict parallel safe as $$
declare
  bits bigint;
  mantissa bigint;
  exponent int;
  factor numeric;
  result numeric;
begin
  if value in ('NaN', 'Infinity', '-Infinity') then return value::numeric; end if;
  if value = 0 then return 0; end if;
  bits := ('x' || encode(float8send(abs(value)), 'hex'))::bit(64)::bigint;
  mantissa := bits & 4503599627370495;
  exponent := (bits >> 52)::int;
  if exponent = 0 then exponent := 1; else mantissa := mantissa | 4503599627370496; end if;
  exponent := exponent - 1075;
  while mantissa & 1 = 0 loop
    mantissa := mantissa >> 1;
    exponent := exponent + 1;
  end loop;
  factor := case when exponent < 0 then 0.5 else 2 end;
  exponent := abs(exponent);
  result := mantissa;
  while exponent > 0 loop
    if exponent & 1 = 1 then result := result * factor; end if;
    exponent := exponent >> 1;
    if exponent > 0 then factor := factor * factor; end if;
  end loop;
  return case when value < 0 then -result else result end;
end $$;

-- The number of a wrapper or a bare JSON number; null for anything else.
create or replace function lugger.mongo_number(ejson json) returns numeric
language plpgsql immutable strict parallel safe as $$
declare
  shown text := ejson #>> '{}';
begin
  if json_typeof(ejson) = 'number' then
    return case when shown ~ '^-?[0-9]+$' then shown::numeric else lugger.mongo_double(shown::float8) end;
  elsif json_typeof(ejson) <> 'object' or (select count(*) from json_object_keys(ejson)) <> 1 then
    return null;
  elsif ejson ->> '$numberDouble' is not null then
    return lugger.mongo_double((ejson ->> '$numberDouble')::float8);
  end if;
  return coalesce(ejson ->> '$numberInt', ejson ->> '$numberLong', ejson ->> '$numberDecimal')::numeric;
end $$;

-- Unix milliseconds of what stands under $date: canonical {"$numberLong": ..}, a bare number, or relaxed ISO text.
create or replace function lugger.mongo_ms(date json) returns bigint
language sql immutable strict parallel safe as $$
  select case json_typeof(date)
    when 'object' then (date ->> '$numberLong')::bigint
    when 'number' then (date #>> '{}')::bigint
    else round(extract(epoch from (date #>> '{}')::timestamptz) * 1000)::bigint end
$$;

-- A wrapper ({"$oid": ..} and so on) in the one spelling ids use; null when it is a plain document.
create or replace function lugger.mongo_wrapper(ejson json, ordered boolean) returns text
language plpgsql immutable strict parallel safe as $$
declare
  keys text[] := array(select k from json_object_keys(ejson) with ordinality as o(k, n) order by n);
  body json := ejson -> keys[1];
  code boolean := keys = '{$code}' or keys = '{$code,$scope}' or keys = '{$scope,$code}';
  number numeric := lugger.mongo_number(ejson);
  shown text;
begin
  if number is not null then
    shown := lugger.mongo_decimal(number);
    return case when number in ('NaN', 'Infinity', '-Infinity') then '{"$numberDouble":"' || shown || '"}' else shown end;
  elsif code then
    return '{"$code":' || to_json(ejson ->> '$code')
      || case when cardinality(keys) = 2 then ',"$scope":' || lugger.mongo_json(ejson -> '$scope', ordered) else '' end || '}';
  elsif cardinality(keys) <> 1 then
    return null;
  end if;
  return case keys[1]
    when '$oid' then '{"$oid":"' || lower(ejson ->> '$oid') || '"}'
    when '$date' then '{"$date":{"$numberLong":"' || lugger.mongo_ms(body) || '"}}'
    when '$binary' then '{"$binary":{"base64":' || to_json(body ->> 'base64') || ',"subType":"'
      || lpad(lower(body ->> 'subType'), 2, '0') || '"}}'
    when '$uuid' then '{"$binary":{"base64":"' || encode(uuid_send((ejson ->> '$uuid')::uuid), 'base64') || '","subType":"04"}}'
    when '$timestamp' then '{"$timestamp":{"t":' || (body ->> 't') || ',"i":' || (body ->> 'i') || '}}'
    when '$regularExpression' then '{"$regularExpression":{"pattern":' || to_json(body ->> 'pattern')
      || ',"options":' || to_json(body ->> 'options') || '}}'
    when '$dbPointer' then '{"$dbPointer":{"$ref":' || to_json(body ->> '$ref')
      || ',"$id":{"$oid":"' || lower(body -> '$id' ->> '$oid') || '"}}}'
    when '$symbol' then '{"$symbol":' || to_json(ejson ->> '$symbol') || '}'
    when '$undefined' then '{"$undefined":true}'
    when '$minKey' then '{"$minKey":1}'
    when '$maxKey' then '{"$maxKey":1}'
  end;
end $$;

-- Canonical Extended JSON without spaces, numbers bare. ordered: the order of the fields is the document's own.
create or replace function lugger.mongo_json(ejson json, ordered boolean) returns text
language plpgsql immutable strict parallel safe as $$
declare
  wrapped text;
begin
  case json_typeof(ejson)
    when 'number' then return lugger.mongo_decimal(lugger.mongo_number(ejson));
    when 'string' then return to_json(ejson #>> '{}')::text;
    when 'array' then
      return '[' || coalesce((select string_agg(lugger.mongo_json(v, ordered), ',' order by n)
                              from json_array_elements(ejson) with ordinality as e(v, n)), '') || ']';
    when 'object' then
      wrapped := lugger.mongo_wrapper(ejson, ordered);
      if wrapped is not null then return wrapped; end if;
      if not ordered and (select count(*) from json_object_keys(ejson)) > 1 then
        raise exception 'jsonb does not keep the order of fields, which is part of a document _id'
          using errcode = 'invalid_parameter_value', hint = 'Pass the _id as json.';
      end if;
      return '{' || coalesce((select string_agg(to_json(k) || ':' || lugger.mongo_json(v, ordered), ',' order by n)
                              from json_each(ejson) with ordinality as e(k, v, n)), '') || '}';
    else return ejson::text;  -- null, true, false
  end case;
end $$;

create or replace function lugger.mongo_id_text(ejson json, ordered boolean) returns text
language plpgsql immutable strict parallel safe as $$
declare
  shown text := ejson #>> '{}';
  number numeric := lugger.mongo_number(ejson);
  form text;
  key text;
begin
  if number is not null then return '$n:' || lugger.mongo_decimal(number); end if;
  if json_typeof(ejson) = 'null' then return '$null'; end if;
  if json_typeof(ejson) = 'boolean' then return '$b:' || shown; end if;
  if json_typeof(ejson) = 'string' then
    return case when shown ~ '^([0-9a-fA-F]{24}$|\$)' then '$s:' else '' end || shown;
  end if;
  form := lugger.mongo_json(ejson, ordered);
  if json_typeof(ejson) = 'array' or lugger.mongo_wrapper(ejson, ordered) is null then return '$o:' || form; end if;
  ejson := form;
  key := (select k from json_object_keys(ejson) with ordinality as o(k, n) order by n limit 1);
  return case key
    when '$oid' then ejson ->> '$oid'
    when '$date' then '$d:' || (ejson -> '$date' ->> '$numberLong')
    when '$timestamp' then '$t:' || (ejson -> '$timestamp' ->> 't') || ':' || (ejson -> '$timestamp' ->> 'i')
    when '$minKey' then '$min'
    when '$maxKey' then '$max'
    when '$regularExpression' then '$r:' || form
    when '$dbPointer' then '$p:' || form
    when '$code' then '$c:' || form
    when '$symbol' then '$k:' || form
    when '$binary' then
      case when ejson -> '$binary' ->> 'subType' = '04' and length(decode(ejson -> '$binary' ->> 'base64', 'base64')) = 16
        then '$u:' || encode(decode(ejson -> '$binary' ->> 'base64', 'base64'), 'hex')::uuid
        else '$x:' || (ejson -> '$binary' ->> 'subType') || ':' || (ejson -> '$binary' ->> 'base64') end
  end;
end $$;

-- The id's text. Give documents as json: jsonb forgets the order of their fields, and is refused where that matters.
create or replace function lugger.mongo_id(ejson json) returns text
language sql immutable strict parallel safe as $$ select lugger.mongo_id_text(ejson, true) $$;
create or replace function lugger.mongo_id(ejson jsonb) returns text
language sql immutable strict parallel safe as $$ select lugger.mongo_id_text(ejson::json, false) $$;

-- Version 5 UUID of a name in a name space.
create or replace function lugger.uuid_v5(space uuid, name text) returns uuid
language plpgsql immutable strict parallel safe as $$
declare
  installed_in text;
  hash bytea;
  result uuid;
begin
  select n.nspname into installed_in from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'uuid-ossp';
  if found then
    execute format('select %I.uuid_generate_v5($1, $2)', installed_in) into result using space, name;
    return result;
  end if;
  select n.nspname into installed_in from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pgcrypto';
  if not found then
    raise exception 'lugger.mongo_uuid needs SHA-1' using hint = 'create extension "uuid-ossp" (or pgcrypto)';
  end if;
  execute format('select %I.digest($1, ''sha1'')', installed_in) into hash using uuid_send(space) || convert_to(name, 'UTF8');
  hash := set_byte(hash, 6, (get_byte(hash, 6) & 15) | 80);
  hash := set_byte(hash, 8, (get_byte(hash, 8) & 63) | 128);
  return encode(substr(hash, 1, 16), 'hex')::uuid;
end $$;

-- The id column of generate = 'v5': namespace is "database.collection", id the canonical text of the _id.
create or replace function lugger.mongo_uuid(namespace text, id text) returns uuid
language sql immutable strict parallel safe as $$
  select lugger.uuid_v5(lugger.uuid_v5(lugger.uuid_v5('00000000-0000-0000-0000-000000000000', 'lugger'), namespace), id)
$$;
