-- lugger scaffold 8dc0a223d244824a (of what follows: once it is edited, scaffold leaves the file alone)
-- shop.users: 60 documents, 14.3 kB; every one was read.
-- lugger preview migrate/users.lua -n 5
-- lugger run migrate/users.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.users' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'id', on_conflict = 'update' }),
  columns = {
    -- computed from the _id: the same in every run, and in every table that refers to it
    { 'id', 'uuid', generate = 'v5' },
    -- to look rows up by the old id; lugger refs tells when it may go
    { 'mongo_id', 'text', from = '_id', required = true },
    { 'email', 'text' },
    { 'name', 'text' },
    -- 9 (15 %) strings, every one a number: a500000000000000000003e8, a500000000000000000003ef,
    -- a500000000000000000003f6
    { 'age', 'int4' },
    { 'address', 'jsonb', json = 'typed' }, -- 2 plain fields, which could be columns of their own
    { 'tags', 'text[]' }, -- up to 3 values; a GIN index finds rows by element
    { 'attrs', 'jsonb', json = 'typed' }, -- 2 plain fields, which could be columns of their own
    -- 6 (10 %) string (a500000000000000000003f0, a500000000000000000003f9,
    -- a50000000000000000000402), and all of these read as dates
    { 'created_at', 'timestamptz', from = 'createdAt' },
    { 'balance', 'numeric' }, -- numeric(4,2) holds every one
    { 'visits', 'int8' },
    { 'nick', 'text' }, -- in 25 % of the documents
    { 'bio', 'text' }, -- in 17 % of the documents
  },
  indexes = {
    -- email_1 { email: 1 }
    { table = 'users', name = 'users_email_1', columns = { 'email' }, unique = true, method = 'btree' },
    -- city_age { address.city: 1, age: -1 }
    {
      table = 'users',
      name = 'users_city_age',
      columns = { '(("address" ->> \'city\'))', 'age desc' },
      method = 'btree',
    },
    -- nick_1 { nick: 1 }
    { table = 'users', name = 'users_nick_1', columns = { 'nick' }, method = 'btree', where = '"nick" IS NOT NULL' },
    -- adults { age: 1 }
    { table = 'users', name = 'users_adults', columns = { 'age' }, method = 'btree', where = '"age" > 17' },
    -- lastSeen_1 { lastSeen: 1 }
    -- no equivalent: no column holds lastSeen; nearest: add a column, or { 'rest', 'jsonb', from =
    -- '*' }
    -- bio_text_name_text { _fts: text, _ftsx: 1 }
    -- words are found alike, ranking differs: ts_rank is not textScore; ask with WHERE
    -- (setweight(to_tsvector('simple', coalesce("bio", '')), 'B') ||
    -- setweight(to_tsvector('simple', coalesce("name", '')), 'A')) @@
    -- websearch_to_tsquery('simple', $1)
    {
      table = 'users',
      name = 'users_bio_text_name_text',
      columns = { '(setweight(to_tsvector(\'simple\', coalesce("bio", \'\')), \'B\') || setweight(to_tsvector(\'simple\', coalesce("name", \'\')), \'A\'))' },
      method = 'gin',
    },
    -- where_2dsphere { where: 2dsphere }
    -- no equivalent: distances on a sphere need PostGIS; nearest: CREATE EXTENSION postgis, then
    -- CREATE INDEX CONCURRENTLY ON "users" USING gist ((ST_GeomFromGeoJSON("where")::geography))
    -- flat_2d { flat: 2d }
    -- no equivalent: a flat 2d index; nearest: points, CREATE INDEX CONCURRENTLY ON "users" USING
    -- gist (point("flat"[0], "flat"[1])), asked by <-> and <@; every value must be a pair of
    -- numbers
    -- hash_hashed { hash: hashed }
    -- no equivalent: no column holds hash; nearest: add a column, or { 'rest', 'jsonb', from = '*'
    -- }
    -- attrs_wild { attrs.$**: 1 }
    -- answers equality, as in WHERE "attrs" @> '{"a": 1}'; ranges and sorting need an index of
    -- their own
    { table = 'users', name = 'users_attrs_wild', columns = { '("attrs") jsonb_path_ops' }, method = 'gin' },
    -- name_fr { name: 1 }
    -- a query uses it when it says COLLATE "mongo_fr_u_ks_level2", or when the column is declared
    -- with it; it takes case or accents as equal, so LIKE does not work with it
    {
      table = 'users',
      name = 'users_name_fr',
      columns = { '("name") COLLATE "mongo_fr_u_ks_level2"' },
      method = 'btree',
      setup = 'CREATE COLLATION IF NOT EXISTS "mongo_fr_u_ks_level2" (provider = icu, locale = \'fr-u-ks-level2\', deterministic = false)',
    },
    -- tags_hidden { tags: 1 }
    -- hidden in the source, so no query used it: not built; to build it: CREATE INDEX CONCURRENTLY
    -- "users_tags_hidden" ON "users" USING gin ("tags")
    -- answers WHERE "tags" @> ARRAY[$1]; = ANY("tags") does not use it
  },
  -- every document has these: made NOT NULL by the stage "constrain", not before
  not_null = { 'email', 'name', 'age', 'address', 'tags', 'attrs', 'created_at', 'balance', 'visits' },
  constraints = {
    { name = 'users_mongo_id_key', unique = { 'mongo_id' } },
  },
}
