-- lugger scaffold 0658ef7a7b1db4d8 (of what follows: once it is edited, scaffold leaves the file alone)
-- Indexes, once every table is loaded. `lugger run --stage index` does the same, several at once.
-- CONCURRENTLY cannot stand in a transaction: psql -f, without -1.

-- shop.empty
-- no index looks into rest; when queries do, by containment (@>): CREATE INDEX CONCURRENTLY ON
-- "empty" USING gin ("rest" jsonb_path_ops)

-- shop.types
-- no index looks into rdb, mixed, nested_empty, nulls, deep, odd_names, ...; when queries do, by
-- containment (@>): CREATE INDEX CONCURRENTLY ON "types" USING gin ("rdb" jsonb_path_ops)

-- shop.users
-- email_1 { email: 1 }
CREATE UNIQUE INDEX CONCURRENTLY "users_email_1" ON "users" USING btree ("email");
-- city_age { address.city: 1, age: -1 }
CREATE INDEX CONCURRENTLY "users_city_age" ON "users" USING btree ((("address" ->> 'city')), "age" desc);
-- nick_1 { nick: 1 }
CREATE INDEX CONCURRENTLY "users_nick_1" ON "users" USING btree ("nick") WHERE "nick" IS NOT NULL;
-- adults { age: 1 }
CREATE INDEX CONCURRENTLY "users_adults" ON "users" USING btree ("age") WHERE "age" > 17;
-- lastSeen_1 { lastSeen: 1 }
-- no equivalent: no column holds lastSeen; nearest: add a column, or { 'rest', 'jsonb', from = '*'
-- }
-- bio_text_name_text { _fts: text, _ftsx: 1 }
-- words are found alike, ranking differs: ts_rank is not textScore; ask with WHERE
-- (setweight(to_tsvector('simple', coalesce("bio", '')), 'B') || setweight(to_tsvector('simple',
-- coalesce("name", '')), 'A')) @@ websearch_to_tsquery('simple', $1)
CREATE INDEX CONCURRENTLY "users_bio_text_name_text" ON "users" USING gin ((setweight(to_tsvector('simple', coalesce("bio", '')), 'B') || setweight(to_tsvector('simple', coalesce("name", '')), 'A')));
-- where_2dsphere { where: 2dsphere }
-- no equivalent: distances on a sphere need PostGIS; nearest: CREATE EXTENSION postgis, then CREATE
-- INDEX CONCURRENTLY ON "users" USING gist ((ST_GeomFromGeoJSON("where")::geography))
-- flat_2d { flat: 2d }
-- no equivalent: a flat 2d index; nearest: points, CREATE INDEX CONCURRENTLY ON "users" USING gist
-- (point("flat"[0], "flat"[1])), asked by <-> and <@; every value must be a pair of numbers
-- hash_hashed { hash: hashed }
-- no equivalent: no column holds hash; nearest: add a column, or { 'rest', 'jsonb', from = '*' }
-- attrs_wild { attrs.$**: 1 }
-- answers equality, as in WHERE "attrs" @> '{"a": 1}'; ranges and sorting need an index of their
-- own
CREATE INDEX CONCURRENTLY "users_attrs_wild" ON "users" USING gin (("attrs") jsonb_path_ops);
-- name_fr { name: 1 }
-- a query uses it when it says COLLATE "mongo_fr_u_ks_level2", or when the column is declared with
-- it; it takes case or accents as equal, so LIKE does not work with it
CREATE COLLATION IF NOT EXISTS "mongo_fr_u_ks_level2" (provider = icu, locale = 'fr-u-ks-level2', deterministic = false);
CREATE INDEX CONCURRENTLY "users_name_fr" ON "users" USING btree (("name") COLLATE "mongo_fr_u_ks_level2");
-- tags_hidden { tags: 1 }
-- hidden in the source, so no query used it: not built; to build it: CREATE INDEX CONCURRENTLY
-- "users_tags_hidden" ON "users" USING gin ("tags")
-- answers WHERE "tags" @> ARRAY[$1]; = ANY("tags") does not use it
