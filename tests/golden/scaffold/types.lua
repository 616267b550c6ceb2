-- lugger scaffold 4b72bdb2ce9191fb (of what follows: once it is edited, scaffold leaves the file alone)
-- shop.types: 24 documents, 72.8 kB; every one was read.
-- lugger preview migrate/types.lua -n 5
-- lugger run migrate/types.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.types' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'types', key = 'id', on_conflict = 'update' }),
  columns = {
    -- computed from the _id: the same in every run, and in every table that refers to it
    { 'id', 'uuid', generate = 'v5' },
    -- to look rows up by the old id; lugger refs tells when it may go
    { 'mongo_id', 'text', from = '_id', required = true },
    { 'whole', 'int4' }, -- every double is whole; in 4.2 % of the documents
    { 'frac', 'float8' }, -- in 4.2 % of the documents
    { 'tiny', 'jsonb', json = 'typed' }, -- mixed: 1 (50 %) decimal (decimal); in 8.3 % of the documents
    { 'big', 'float8' }, -- in 4.2 % of the documents
    { 'negzero', 'jsonb', json = 'typed' }, -- mixed: 1 (50 %) decimal (decimal); in 8.3 % of the documents
    -- mixed: 1 (33 %) decimal (decimal), 1 (33 %) array (vectors); NaN or infinite 1 time:
    -- non_finite = "keep", "null" or "reject"; in 13 % of the documents
    { 'nan', 'jsonb', json = 'typed' },
    -- mixed: 1 (50 %) decimal (decimal); NaN or infinite 1 time: non_finite = "keep", "null" or
    -- "reject"; in 8.3 % of the documents
    { 'inf', 'jsonb', json = 'typed' },
    -- mixed: 1 (50 %) decimal (decimal); NaN or infinite 1 time: non_finite = "keep", "null" or
    -- "reject"; in 8.3 % of the documents
    { 'ninf', 'jsonb', json = 'typed' },
    -- every double is whole; 1 integer beyond 2^53: JavaScript and doubles lose the last digits; in
    -- 8.3 % of the documents
    { 'past53', 'int8' },
    -- mixed: 1 (33 %) int64 (int64), 1 (33 %) minKey (minmax); 1 integer beyond 2^53: JavaScript
    -- and doubles lose the last digits; in 13 % of the documents
    { 'min', 'jsonb', json = 'typed' },
    -- mixed: 1 (25 %) int64 (int64), 1 (25 %) timestamp (timestamp), 1 (25 %) maxKey (minmax); 1
    -- integer beyond 2^53: JavaScript and doubles lose the last digits; in 17 % of the documents
    { 'max', 'jsonb', json = 'typed' },
    { 'zero', 'jsonb', json = 'typed' }, -- mixed: 1 (50 %) objectId (objectid); in 8.3 % of the documents
    { 'small', 'int8' }, -- in 4.2 % of the documents
    { 'cents', 'numeric' }, -- numeric(4,2) holds every one; in 4.2 % of the documents
    -- numeric(4,3) holds every one; in 4.2 % of the documents; "trailing" is a word of SQL: write
    -- it in quotes
    { 'trailing', 'numeric' },
    { 'huge', 'numeric' }, -- numeric alone holds every one; in 4.2 % of the documents
    { 'exp', 'numeric' }, -- numeric(4) holds every one; in 4.2 % of the documents
    -- mixed: 1 (20 %) binary (binary), 1 (20 %) regex (regex), 1 (20 %) document (object), 1 (20 %)
    -- array (array); in 21 % of the documents
    { 'empty', 'jsonb', json = 'typed' },
    { 'ascii', 'text' }, -- in 4.2 % of the documents
    { 'unicode', 'text' }, -- in 4.2 % of the documents
    -- 1 with a NUL byte (string), kept as {"$string": ...}; { ..., 'text', nul = 'replace', utf8 =
    -- 'replace' } would alter them; in 4.2 % of the documents
    { 'nul', 'jsonb', json = 'typed', nul = 'tag' },
    { 'quotes', 'text' }, -- in 4.2 % of the documents
    { 'newline', 'text' }, -- in 4.2 % of the documents
    { 'null_word', 'text' }, -- in 4.2 % of the documents
    { 'backslash_n', 'text' }, -- in 4.2 % of the documents
    { 'long', 'text' }, -- in 4.2 % of the documents
    { 'combining', 'text' }, -- in 4.2 % of the documents
    { 'rtl', 'text' }, -- in 4.2 % of the documents
    { 'surrogate_edge', 'text' }, -- in 4.2 % of the documents
    { 'epoch', 'timestamptz' }, -- in 4.2 % of the documents
    { 'ms', 'timestamptz' }, -- in 4.2 % of the documents
    { 'before', 'timestamptz' }, -- in 4.2 % of the documents
    { 'y1', 'timestamptz' }, -- in 4.2 % of the documents
    { 'y9999', 'timestamptz' }, -- in 4.2 % of the documents
    { 'y10000', 'timestamptz' }, -- in 4.2 % of the documents
    { 'bc', 'timestamptz' }, -- in 4.2 % of the documents
    { 'past_pg', 'timestamptz' }, -- in 4.2 % of the documents
    { 'far_bc', 'text' }, -- 1 date outside PostgreSQL's years; in 4.2 % of the documents
    { 'n', 'jsonb', json = 'typed' }, -- nothing but null
    { 'u', 'jsonb', json = 'typed' }, -- nothing but null
    { 't', 'jsonb', json = 'typed' }, -- mixed: 1 (50 %) timestamp (timestamp); in 8.3 % of the documents
    -- 1 (25 %) bool (bool), 1 (25 %) int32 (booleans-as-strings) become text; 50 % of the strings
    -- spell numbers; in 17 % of the documents
    { 'f', 'text' },
    { 'o', 'text' }, -- in 4.2 % of the documents
    { 'ff', 'text' }, -- in 4.2 % of the documents
    { 'generic', 'bytea' }, -- in 4.2 % of the documents
    { 'func', 'jsonb', json = 'typed' }, -- binaries of subtype 1, which bytea would forget; in 4.2 % of the documents
    { 'old', 'jsonb', json = 'typed' }, -- binaries of subtype 2, which bytea would forget; in 4.2 % of the documents
    -- binaries of subtype 3, which bytea would forget; if a Java driver wrote the old UUIDs: { ...,
    -- 'uuid', old_uuid = 'java' } (or csharp, python); 1 uuid of the old binary subtype 3: old_uuid
    -- says whose; in 4.2 % of the documents
    { 'uuid_old', 'jsonb', json = 'typed' },
    { 'uuid', 'uuid' }, -- in 4.2 % of the documents
    { 'md5', 'jsonb', json = 'typed' }, -- binaries of subtype 5, which bytea would forget; in 4.2 % of the documents
    -- binaries of subtype 128, which bytea would forget; in 4.2 % of the documents; "user" is a
    -- word of SQL: write it in quotes
    { 'user', 'jsonb', json = 'typed' },
    { 'r', 'jsonb', json = 'typed' }, -- mixed: 1 (50 %) document (dbref); in 8.3 % of the documents
    -- mixed: 1 (25 %) code (code); 33 % of the strings spell numbers; in 17 % of the documents
    { 'c', 'jsonb', json = 'typed' },
    { 'scoped', 'jsonb', json = 'typed' }, -- no column type holds codeWithScope; in 4.2 % of the documents
    { 's', 'text' }, -- in 4.2 % of the documents
    -- 3 plain fields, which could be columns of their own; in 4.2 % of the documents
    { 'rdb', 'jsonb', json = 'typed' },
    -- elements of several types; a GIN index (jsonb_path_ops) finds rows by element; in 8.3 % of
    -- the documents
    { 'mixed', 'jsonb', json = 'typed' },
    -- elements are of type array; a GIN index (jsonb_path_ops) finds rows by element; in 4.2 % of
    -- the documents
    { 'nested_empty', 'jsonb', json = 'typed' },
    -- nothing but null in it; a GIN index (jsonb_path_ops) finds rows by element; in 4.2 % of the
    -- documents
    { 'nulls', 'jsonb', json = 'typed' },
    { 'deep', 'jsonb', json = 'typed' }, -- in 4.2 % of the documents
    -- 8 plain fields, which could be columns of their own; in 4.2 % of the documents
    { 'odd_names', 'jsonb', json = 'typed' },
    { 'a', 'text' }, -- in 13 % of the documents
    { 'b', 'text' }, -- in 13 % of the documents
    { 'd', 'text' }, -- in 13 % of the documents
    { 'e', 'text' }, -- 1 (33 %) int32 (booleans-as-strings) become text; in 13 % of the documents
    -- 1 (33 %) int64 (dates-as-strings) become text; 50 % of the strings spell numbers; in 13 % of
    -- the documents
    { 'g', 'text' },
    { 'h', 'jsonb', json = 'typed' }, -- mixed: 1 (50 %) string (numbers-as-strings); in 8.3 % of the documents
    { 'i', 'text' }, -- in 8.3 % of the documents
    { 'j', 'text' }, -- in 8.3 % of the documents
    { 'k', 'text' }, -- in 8.3 % of the documents
    { 'l', 'float8' }, -- in 4.2 % of the documents
    { 'm', 'int4' }, -- in 4.2 % of the documents
    { 'floats', 'float8[]' }, -- up to 3 values; a GIN index finds rows by element; in 4.2 % of the documents
    { 'ints', 'int4[]' }, -- up to 3 values; a GIN index finds rows by element; in 4.2 % of the documents
    -- elements of several types; a GIN index (jsonb_path_ops) finds rows by element; in 4.2 % of
    -- the documents
    { 'bad', 'jsonb', json = 'typed' },
    { 'short', 'float8[]' }, -- up to 2 values; a GIN index finds rows by element; in 4.2 % of the documents
    -- binaries of subtype 9, which bytea would forget; in 4.2 % of the documents
    { 'packed_f32', 'jsonb', json = 'typed' },
    -- binaries of subtype 9, which bytea would forget; in 4.2 % of the documents
    { 'packed_i8', 'jsonb', json = 'typed' },
    -- binaries of subtype 9, which bytea would forget; in 4.2 % of the documents
    { 'packed_bit', 'jsonb', json = 'typed' },
  },
  indexes = {
    -- no index looks into rdb, mixed, nested_empty, nulls, deep, odd_names, ...; when queries do,
    -- by containment (@>): CREATE INDEX CONCURRENTLY ON "types" USING gin ("rdb" jsonb_path_ops)
  },
  constraints = {
    { name = 'types_mongo_id_key', unique = { 'mongo_id' } },
  },
}
