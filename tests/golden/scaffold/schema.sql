-- lugger scaffold df56383f3bbe0992 (of what follows: once it is edited, scaffold leaves the file alone)
-- Tables, in the order they must be made: psql -v ON_ERROR_STOP=1 -f schema.sql
-- `lugger run --create` makes the same. NOT NULL beyond the keys comes in constraints.sql, when the
-- data is in.

-- shop.empty
CREATE TABLE "empty" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "mongo_id" text NOT NULL,
  "rest" jsonb
);
ALTER TABLE "empty" ADD CONSTRAINT "empty_pkey" PRIMARY KEY ("id");
ALTER TABLE "empty" ADD CONSTRAINT "empty_mongo_id_key" UNIQUE ("mongo_id");

-- shop.ids
CREATE TABLE "ids" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "mongo_id" text NOT NULL,
  "n" int4
);
ALTER TABLE "ids" ADD CONSTRAINT "ids_pkey" PRIMARY KEY ("id");
ALTER TABLE "ids" ADD CONSTRAINT "ids_mongo_id_key" UNIQUE ("mongo_id");

-- shop.log
CREATE TABLE "log" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "mongo_id" text NOT NULL,
  "line" text
);
ALTER TABLE "log" ADD CONSTRAINT "log_pkey" PRIMARY KEY ("id");
ALTER TABLE "log" ADD CONSTRAINT "log_mongo_id_key" UNIQUE ("mongo_id");

-- shop.orders
CREATE TABLE "orders" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "mongo_id" text NOT NULL,
  "user" uuid,
  "status" text,
  "total" jsonb,
  "placed_at" timestamptz
);
ALTER TABLE "orders" ADD CONSTRAINT "orders_pkey" PRIMARY KEY ("id");
ALTER TABLE "orders" ADD CONSTRAINT "orders_mongo_id_key" UNIQUE ("mongo_id");
CREATE TABLE "order_lines" (
  "order_id" uuid NOT NULL,
  "ordinal" int4 NOT NULL,
  "sku" text,
  "qty" int4,
  "price" numeric,
  "opts" text[]
);
ALTER TABLE "order_lines" ADD CONSTRAINT "order_lines_pkey" PRIMARY KEY ("order_id", "ordinal");

-- shop.raw
CREATE TABLE "raw" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "mongo_id" text NOT NULL,
  "u" jsonb,
  "a" int4,
  "p" jsonb,
  "s" jsonb,
  "cut" jsonb,
  "surrogate" jsonb,
  "n" int4,
  "b" bool,
  "dotted_name" int4
);
ALTER TABLE "raw" ADD CONSTRAINT "raw_pkey" PRIMARY KEY ("id");
ALTER TABLE "raw" ADD CONSTRAINT "raw_mongo_id_key" UNIQUE ("mongo_id");

-- shop.types
CREATE TABLE "types" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "mongo_id" text NOT NULL,
  "whole" int4,
  "frac" float8,
  "tiny" jsonb,
  "big" float8,
  "negzero" jsonb,
  "nan" jsonb,
  "inf" jsonb,
  "ninf" jsonb,
  "past53" int8,
  "min" jsonb,
  "max" jsonb,
  "zero" jsonb,
  "small" int8,
  "cents" numeric,
  "trailing" numeric,
  "huge" numeric,
  "exp" numeric,
  "empty" jsonb,
  "ascii" text,
  "unicode" text,
  "nul" jsonb,
  "quotes" text,
  "newline" text,
  "null_word" text,
  "backslash_n" text,
  "long" text,
  "combining" text,
  "rtl" text,
  "surrogate_edge" text,
  "epoch" timestamptz,
  "ms" timestamptz,
  "before" timestamptz,
  "y1" timestamptz,
  "y9999" timestamptz,
  "y10000" timestamptz,
  "bc" timestamptz,
  "past_pg" timestamptz,
  "far_bc" text,
  "n" jsonb,
  "u" jsonb,
  "t" jsonb,
  "f" text,
  "o" text,
  "ff" text,
  "generic" bytea,
  "func" jsonb,
  "old" jsonb,
  "uuid_old" jsonb,
  "uuid" uuid,
  "md5" jsonb,
  "user" jsonb,
  "r" jsonb,
  "c" jsonb,
  "scoped" jsonb,
  "s" text,
  "rdb" jsonb,
  "mixed" jsonb,
  "nested_empty" jsonb,
  "nulls" jsonb,
  "deep" jsonb,
  "odd_names" jsonb,
  "a" text,
  "b" text,
  "d" text,
  "e" text,
  "g" text,
  "h" jsonb,
  "i" text,
  "j" text,
  "k" text,
  "l" float8,
  "m" int4,
  "floats" float8[],
  "ints" int4[],
  "bad" jsonb,
  "short" float8[],
  "packed_f32" jsonb,
  "packed_i8" jsonb,
  "packed_bit" jsonb
);
ALTER TABLE "types" ADD CONSTRAINT "types_pkey" PRIMARY KEY ("id");
ALTER TABLE "types" ADD CONSTRAINT "types_mongo_id_key" UNIQUE ("mongo_id");

-- shop.users
CREATE TABLE "users" (
  "id" uuid DEFAULT gen_random_uuid() NOT NULL,
  "mongo_id" text NOT NULL,
  "email" text,
  "name" text,
  "age" int4,
  "address" jsonb,
  "tags" text[],
  "attrs" jsonb,
  "created_at" timestamptz,
  "balance" numeric,
  "visits" int8,
  "nick" text,
  "bio" text
);
ALTER TABLE "users" ADD CONSTRAINT "users_pkey" PRIMARY KEY ("id");
ALTER TABLE "users" ADD CONSTRAINT "users_mongo_id_key" UNIQUE ("mongo_id");
