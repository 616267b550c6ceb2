-- error: upsert
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  WHERE s.turn = 1
  ORDER BY s.c0 COLLATE "C"
  RETURNING t."id" AS c0, true AS fresh)
  SELECT *
  FROM (SELECT 1 AS turn, s.doc, ARRAY[s.c0::text] AS k, (CASE WHEN i.c0 IS NULL THEN 0 WHEN i.fresh THEN 1 ELSE 2 END)::int2 AS outcome, i.c0 IS NOT NULL AS wrote, false AS others, false AS gone
  FROM pg_temp.lugger_stage_0 s
  LEFT JOIN i ON i.c0 = s.c0
  WHERE s.turn = 1) told
  WHERE outcome <> 4;

-- error: rehearse
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  JOIN pg_temp.lugger_outcome o ON o.doc = s.doc AND o.k = ARRAY[s.c0::text] AND o.turn = s.turn
  WHERE s.turn = 1 AND o.outcome = 5
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  RETURNING t."id" AS c0)
  SELECT s.doc, ARRAY[s.c0::text]
  FROM pg_temp.lugger_stage_0 s
  JOIN i ON i.c0 = s.c0
  WHERE s.turn = 1;

-- error: differing children
SELECT doc, k, pg_catalog.bool_or(gone) AS gone
  FROM (SELECT coalesce(s."(doc)", t."(doc)") AS doc, coalesce(s."(k)", t."(k)") AS k, s."(doc)" IS NULL AS gone
  FROM (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", s.*
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN pg_temp.lugger_stage_1 s ON s.doc = p.doc AND s.c0 = p.c0) s FULL
  JOIN (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", t."user", t."ordinal", t."tag"
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN "tags" t ON t."user" = p.c0) t ON s."(doc)" = t."(doc)" AND t."user" = s.c0 AND t."ordinal" = s.c1
  WHERE s."(doc)" IS NULL OR t."(doc)" IS NULL OR pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(s.c0, s.c1, s.c2))) d
  GROUP BY doc, k;

-- skip: upsert
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  WHERE s.turn = 1
  ORDER BY s.c0 COLLATE "C"
  ON CONFLICT ("id") DO NOTHING
  RETURNING t."id" AS c0, t.xmax::text = '0' AS fresh)
  SELECT *
  FROM (SELECT 1 AS turn, s.doc, ARRAY[s.c0::text] AS k, (CASE WHEN i.c0 IS NULL THEN
  CASE WHEN t."id" IS NULL OR pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(s.c1, s.c2, s.c3::citext)) THEN 3 ELSE 4 END WHEN i.fresh THEN 1 ELSE 2 END)::int2 AS outcome, i.c0 IS NOT NULL AS wrote, false AS others, false AS gone
  FROM pg_temp.lugger_stage_0 s
  LEFT JOIN i ON i.c0 = s.c0
  LEFT JOIN "users" t ON t."id" = s.c0
  WHERE s.turn = 1) told
  WHERE outcome <> 4;

-- skip: differing children
SELECT doc, k, pg_catalog.bool_or(gone) AS gone
  FROM (SELECT coalesce(s."(doc)", t."(doc)") AS doc, coalesce(s."(k)", t."(k)") AS k, s."(doc)" IS NULL AS gone
  FROM (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", s.*
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN pg_temp.lugger_stage_1 s ON s.doc = p.doc AND s.c0 = p.c0) s FULL
  JOIN (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", t."user", t."ordinal", t."tag"
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN "tags" t ON t."user" = p.c0) t ON s."(doc)" = t."(doc)" AND t."user" = s.c0 AND t."ordinal" = s.c1
  WHERE s."(doc)" IS NULL OR t."(doc)" IS NULL OR pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(s.c0, s.c1, s.c2))) d
  GROUP BY doc, k;

-- update: upsert
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  WHERE s.turn = 1
  ORDER BY s.c0 COLLATE "C"
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  WHERE pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(EXCLUDED."v", EXCLUDED."js", EXCLUDED."tag")) AND true
  RETURNING t."id" AS c0, t.xmax::text = '0' AS fresh)
  SELECT 1 AS turn, s.doc, ARRAY[s.c0::text] AS k, (CASE WHEN i.c0 IS NULL THEN 4 WHEN i.fresh THEN 1 ELSE 2 END)::int2 AS outcome, i.c0 IS NOT NULL AS wrote, false AS others, false AS gone
  FROM pg_temp.lugger_stage_0 s
  JOIN i ON i.c0 = s.c0
  WHERE s.turn = 1;

-- update: differing children
SELECT doc, k, pg_catalog.bool_or(gone) AS gone
  FROM (SELECT coalesce(s."(doc)", t."(doc)") AS doc, coalesce(s."(k)", t."(k)") AS k, s."(doc)" IS NULL AS gone
  FROM (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", s.*
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN pg_temp.lugger_stage_1 s ON s.doc = p.doc AND s.c0 = p.c0) s FULL
  JOIN (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", t."user", t."ordinal", t."tag"
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN "tags" t ON t."user" = p.c0) t ON s."(doc)" = t."(doc)" AND t."user" = s.c0 AND t."ordinal" = s.c1
  WHERE s."(doc)" IS NULL OR t."(doc)" IS NULL OR pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(s.c0, s.c1, s.c2))) d
  GROUP BY doc, k;

-- update, guarded: upsert
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  WHERE s.turn = 1
  ORDER BY s.c0 COLLATE "C"
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  WHERE pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(EXCLUDED."v", EXCLUDED."js", EXCLUDED."tag")) AND true
  RETURNING t."id" AS c0, t.xmax::text = '0' AS fresh)
  SELECT *
  FROM (SELECT 1 AS turn, s.doc, ARRAY[s.c0::text] AS k, (CASE WHEN i.c0 IS NULL THEN
  CASE WHEN t."id" IS NULL THEN 0 WHEN NOT pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(s.c1, s.c2, s.c3::citext)) THEN 4 WHEN true THEN 5 ELSE 3 END WHEN i.fresh THEN 1 ELSE 2 END)::int2 AS outcome, i.c0 IS NOT NULL AS wrote, false AS others, false AS gone
  FROM pg_temp.lugger_stage_0 s
  LEFT JOIN i ON i.c0 = s.c0
  LEFT JOIN "users" t ON t."id" = s.c0
  WHERE s.turn = 1) told
  WHERE outcome <> 4;

-- update, guarded: rehearse
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  JOIN pg_temp.lugger_outcome o ON o.doc = s.doc AND o.k = ARRAY[s.c0::text] AND o.turn = s.turn
  WHERE s.turn = 1 AND o.outcome = 5
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  RETURNING t."id" AS c0)
  SELECT s.doc, ARRAY[s.c0::text]
  FROM pg_temp.lugger_stage_0 s
  JOIN i ON i.c0 = s.c0
  WHERE s.turn = 1;

-- update, guarded: differing children
SELECT doc, k, pg_catalog.bool_or(gone) AS gone
  FROM (SELECT coalesce(s."(doc)", t."(doc)") AS doc, coalesce(s."(k)", t."(k)") AS k, s."(doc)" IS NULL AS gone
  FROM (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", s.*
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN pg_temp.lugger_stage_1 s ON s.doc = p.doc AND s.c0 = p.c0) s FULL
  JOIN (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", t."user", t."ordinal", t."tag"
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN "tags" t ON t."user" = p.c0) t ON s."(doc)" = t."(doc)" AND t."user" = s.c0 AND t."ordinal" = s.c1
  WHERE s."(doc)" IS NULL OR t."(doc)" IS NULL OR pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(s.c0, s.c1, s.c2))) d
  GROUP BY doc, k;

-- update, mending: upsert
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  WHERE s.turn = 1
  ORDER BY s.c0 COLLATE "C"
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  WHERE pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(EXCLUDED."v", EXCLUDED."js", EXCLUDED."tag")) AND (t."v" > EXCLUDED."v" OR t."v" IS NOT NULL AND EXCLUDED."v" IS NULL) IS NOT TRUE
  RETURNING t."id" AS c0, t.xmax::text = '0' AS fresh)
  SELECT *
  FROM (SELECT 1 AS turn, s.doc, ARRAY[s.c0::text] AS k, (CASE WHEN i.c0 IS NULL THEN
  CASE WHEN t."id" IS NULL OR pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(s.c1, s.c2, s.c3::citext)) THEN 3 ELSE 4 END WHEN i.fresh THEN 1 ELSE 2 END)::int2 AS outcome, i.c0 IS NOT NULL AS wrote, false AS others, false AS gone
  FROM pg_temp.lugger_stage_0 s
  LEFT JOIN i ON i.c0 = s.c0
  LEFT JOIN "users" t ON t."id" = s.c0
  WHERE s.turn = 1) told
  WHERE outcome <> 4;

-- update, mending: differing children
SELECT doc, k, pg_catalog.bool_or(gone) AS gone
  FROM (SELECT coalesce(s."(doc)", t."(doc)") AS doc, coalesce(s."(k)", t."(k)") AS k, s."(doc)" IS NULL AS gone
  FROM (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", s.*
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN pg_temp.lugger_stage_1 s ON s.doc = p.doc AND s.c0 = p.c0) s FULL
  JOIN (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", t."user", t."ordinal", t."tag"
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN "tags" t ON t."user" = p.c0) t ON s."(doc)" = t."(doc)" AND t."user" = s.c0 AND t."ordinal" = s.c1
  WHERE s."(doc)" IS NULL OR t."(doc)" IS NULL OR pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(s.c0, s.c1, s.c2))
  UNION ALL
  SELECT p.doc, ARRAY[p.c0::text], true
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN "tags" t ON t."user" = p.c0
  GROUP BY p.doc, ARRAY[p.c0::text], t."user", t."ordinal" HAVING pg_catalog.count(*) > 1) d
  GROUP BY doc, k;

-- update, a view: upsert
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  WHERE s.turn = 1
  ORDER BY s.c0 COLLATE "C"
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  WHERE pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(EXCLUDED."v", EXCLUDED."js", EXCLUDED."tag")) AND true
  RETURNING t."id" AS c0, NULL::bool AS fresh)
  SELECT *
  FROM (SELECT 1 AS turn, s.doc, ARRAY[s.c0::text] AS k, (CASE WHEN i.c0 IS NULL THEN
  CASE WHEN t."id" IS NULL THEN 0 WHEN NOT pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(s.c1, s.c2, s.c3::citext)) THEN 4 WHEN true THEN 5 ELSE 3 END WHEN t."id" IS NULL THEN 1 ELSE 2 END)::int2 AS outcome, i.c0 IS NOT NULL AS wrote, false AS others, false AS gone
  FROM pg_temp.lugger_stage_0 s
  LEFT JOIN i ON i.c0 = s.c0
  LEFT JOIN "users" t ON t."id" = s.c0
  WHERE s.turn = 1) told
  WHERE outcome <> 4;

-- update, a view: rehearse
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  JOIN pg_temp.lugger_outcome o ON o.doc = s.doc AND o.k = ARRAY[s.c0::text] AND o.turn = s.turn
  WHERE s.turn = 1 AND o.outcome = 5
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  RETURNING t."id" AS c0)
  SELECT s.doc, ARRAY[s.c0::text]
  FROM pg_temp.lugger_stage_0 s
  JOIN i ON i.c0 = s.c0
  WHERE s.turn = 1;

-- update, a view: differing children
SELECT doc, k, pg_catalog.bool_or(gone) AS gone
  FROM (SELECT coalesce(s."(doc)", t."(doc)") AS doc, coalesce(s."(k)", t."(k)") AS k, s."(doc)" IS NULL AS gone
  FROM (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", s.*
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN pg_temp.lugger_stage_1 s ON s.doc = p.doc AND s.c0 = p.c0) s FULL
  JOIN (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", t."user", t."ordinal", t."tag"
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN "tags" t ON t."user" = p.c0) t ON s."(doc)" = t."(doc)" AND t."user" = s.c0 AND t."ordinal" = s.c1
  WHERE s."(doc)" IS NULL OR t."(doc)" IS NULL OR pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(s.c0, s.c1, s.c2))) d
  GROUP BY doc, k;

-- newer: upsert
WITH i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  WHERE s.turn = 1
  ORDER BY s.c0 COLLATE "C"
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  WHERE pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(EXCLUDED."v", EXCLUDED."js", EXCLUDED."tag")) AND (t."v" < EXCLUDED."v" OR t."v" IS NULL AND EXCLUDED."v" IS NOT NULL)
  RETURNING t."id" AS c0, t.xmax::text = '0' AS fresh)
  SELECT *
  FROM (SELECT 1 AS turn, s.doc, ARRAY[s.c0::text] AS k, (CASE WHEN i.c0 IS NULL THEN
  CASE WHEN t."id" IS NULL OR pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(s.c1, s.c2, s.c3::citext)) THEN 3 ELSE 4 END WHEN i.fresh THEN 1 ELSE 2 END)::int2 AS outcome, i.c0 IS NOT NULL AS wrote, false AS others, false AS gone
  FROM pg_temp.lugger_stage_0 s
  LEFT JOIN i ON i.c0 = s.c0
  LEFT JOIN "users" t ON t."id" = s.c0
  WHERE s.turn = 1) told
  WHERE outcome <> 4;

-- newer: differing children
SELECT doc, k, pg_catalog.bool_or(gone) AS gone
  FROM (SELECT coalesce(s."(doc)", t."(doc)") AS doc, coalesce(s."(k)", t."(k)") AS k, s."(doc)" IS NULL AS gone
  FROM (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", s.*
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN pg_temp.lugger_stage_1 s ON s.doc = p.doc AND s.c0 = p.c0) s FULL
  JOIN (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", t."user", t."ordinal", t."tag"
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  JOIN "tags" t ON t."user" = p.c0) t ON s."(doc)" = t."(doc)" AND t."user" = s.c0 AND t."ordinal" = s.c1
  WHERE s."(doc)" IS NULL OR t."(doc)" IS NULL OR pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(s.c0, s.c1, s.c2))) d
  GROUP BY doc, k;

-- insert
INSERT INTO "users" ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  ORDER BY s.seq;

-- most of a key
SELECT pg_catalog.max(n)
  FROM (SELECT pg_catalog.count(*) AS n
  FROM pg_temp.lugger_stage_0 s
  GROUP BY s.c0) k;

-- turns
SELECT seq, n AS turn
  FROM (SELECT s.seq, pg_catalog.row_number() OVER (PARTITION BY s.c0
  ORDER BY s.doc, s.seq) AS n
  FROM pg_temp.lugger_stage_0 s) k
  WHERE n > 1;

-- mark children
INSERT INTO pg_temp.lugger_outcome
  SELECT -2, d.doc, d.k, 2, false, true, d.gone
  FROM (SELECT doc, k, pg_catalog.bool_or(gone) AS gone
  FROM (SELECT coalesce(s."(doc)", t."(doc)") AS doc, coalesce(s."(k)", t."(k)") AS k, s."(doc)" IS NULL AS gone
  FROM (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", s.*
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 2) p
  JOIN pg_temp.lugger_stage_1 s ON s.doc = p.doc AND s.c0 = p.c0) s FULL
  JOIN (SELECT p.doc AS "(doc)", ARRAY[p.c0::text] AS "(k)", t."user", t."ordinal", t."tag"
  FROM (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 2) p
  JOIN "tags" t ON t."user" = p.c0) t ON s."(doc)" = t."(doc)" AND t."user" = s.c0 AND t."ordinal" = s.c1
  WHERE s."(doc)" IS NULL OR t."(doc)" IS NULL OR pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(s.c0, s.c1, s.c2))) d
  GROUP BY doc, k) d;

-- settle marks
SET LOCAL enable_nestloop = off; WITH d AS (DELETE
  FROM pg_temp.lugger_outcome
  WHERE turn = -2
  RETURNING *), u AS (UPDATE pg_temp.lugger_outcome o SET others = true, gone = o.gone OR d.gone
  FROM d
  WHERE o.doc = d.doc AND o.k = d.k AND o.turn = 2 AND o.outcome = 2) INSERT INTO pg_temp.lugger_outcome
  SELECT 2, d.doc, d.k, d.outcome, d.wrote, d.others, d.gone
  FROM d
  WHERE NOT EXISTS (SELECT
  FROM pg_temp.lugger_outcome o
  WHERE o.doc = d.doc AND o.k = d.k AND o.turn = 2); SET LOCAL enable_nestloop = DEFAULT;

-- upsert counts
i AS (INSERT INTO "users" AS t ("id", "v", "js", "tag")
  SELECT s.c0, s.c1, s.c2, s.c3::citext
  FROM pg_temp.lugger_stage_0 s
  WHERE s.turn = 1
  ON CONFLICT ("id")
  DO UPDATE SET "v" = EXCLUDED."v", "js" = EXCLUDED."js", "tag" = EXCLUDED."tag"
  WHERE pg_catalog.record_image_ne(ROW(t."v", t."js", t."tag"), ROW(EXCLUDED."v", EXCLUDED."js", EXCLUDED."tag")) AND true
  RETURNING t."id" AS c0, t.xmax::text = '0' AS fresh)
  SELECT pg_catalog.count(*) FILTER (WHERE fresh), pg_catalog.count(*)
  FROM i;

-- remove children
DELETE
  FROM "tags" t USING (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 2) p
  JOIN pg_temp.lugger_outcome o ON o.doc = p.doc AND o.k = ARRAY[p.c0::text]
  WHERE o.turn = 2 AND o.others AND t."user" = p.c0;

-- insert children
INSERT INTO "tags" ("user", "ordinal", "tag")
  SELECT s.c0, s.c1, s.c2
  FROM pg_temp.lugger_stage_1 s
  JOIN pg_temp.lugger_outcome o ON o.doc = s.doc AND (o.k[1])::text = s.c0 AND o.turn = 2 AND (o.outcome = 1 OR o.others)
  ORDER BY s.seq;

-- remove children, in place
DELETE
  FROM "tags" t USING (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 2) p
  JOIN pg_temp.lugger_outcome o ON o.doc = p.doc AND o.k = ARRAY[p.c0::text]
  WHERE o.turn = 2 AND o.others AND o.gone AND t."user" = p.c0;

-- set children
INSERT INTO "tags" AS t ("user", "ordinal", "tag")
  SELECT s.c0, s.c1, s.c2
  FROM pg_temp.lugger_stage_1 s
  JOIN pg_temp.lugger_outcome o ON o.doc = s.doc AND (o.k[1])::text = s.c0 AND o.turn = 2 AND o.others
  ON CONFLICT ("user", "ordinal")
  DO UPDATE SET "user" = EXCLUDED."user", "ordinal" = EXCLUDED."ordinal", "tag" = EXCLUDED."tag"
  WHERE pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(EXCLUDED."user", EXCLUDED."ordinal", EXCLUDED."tag"));

-- insert children, in place
INSERT INTO "tags" ("user", "ordinal", "tag")
  SELECT s.c0, s.c1, s.c2
  FROM pg_temp.lugger_stage_1 s
  JOIN pg_temp.lugger_outcome o ON o.doc = s.doc AND (o.k[1])::text = s.c0 AND o.turn = 2 AND o.outcome = 1
  ORDER BY s.seq;

-- remove children that do not come again
DELETE
  FROM "tags" t USING (SELECT *
  FROM pg_temp.lugger_stage_0
  WHERE turn = 1) p
  WHERE t."user" = p.c0 AND NOT EXISTS (SELECT
  FROM pg_temp.lugger_stage_1 s
  WHERE t."user" = s.c0 AND t."ordinal" = s.c1);

-- set all children
INSERT INTO "tags" AS t ("user", "ordinal", "tag")
  SELECT s.c0, s.c1, s.c2
  FROM pg_temp.lugger_stage_1 s
  ON CONFLICT ("user", "ordinal")
  DO UPDATE SET "user" = EXCLUDED."user", "ordinal" = EXCLUDED."ordinal", "tag" = EXCLUDED."tag"
  WHERE pg_catalog.record_image_ne(ROW(t."user", t."ordinal", t."tag"), ROW(EXCLUDED."user", EXCLUDED."ordinal", EXCLUDED."tag"));

-- children of a guarded table
WITH i AS (INSERT INTO "tags" AS t ("user", "ordinal", "tag")
  SELECT s.c0, s.c1, s.c2
  FROM pg_temp.lugger_stage_1 s
  JOIN pg_temp.lugger_outcome o ON o.doc = s.doc AND (o.k[1])::text = s.c0 AND o.turn = 1 AND (o.outcome = 1 OR o.others)
  ORDER BY s.seq
  RETURNING t."user" AS c0, t."ordinal" AS c1)
  SELECT o.doc, o.k, i.c0 IS NOT NULL AS taken
  FROM pg_temp.lugger_stage_1 s
  JOIN pg_temp.lugger_outcome o ON o.doc = s.doc AND (o.k[1])::text = s.c0 AND o.turn = 1 AND (o.outcome = 1 OR o.others)
  LEFT JOIN i ON i.c0 = s.c0 AND i.c1 = s.c1;

-- remove children of what was deleted
DELETE
  FROM "tags" t USING gone p
  WHERE t."user" = p.c0;

-- remove what was deleted
DELETE
  FROM "users" t USING gone p
  WHERE t."id" = p.c0
  RETURNING p.doc;

-- what stands of what was deleted
SELECT p.doc
  FROM gone p
  JOIN "users" t ON t."id" = p.c0;

-- insert children, one statement a batch
INSERT INTO "tags" ("user", "ordinal", "tag")
  SELECT s.c0, s.c1, s.c2
  FROM stage_1 s
  JOIN outcome o ON o.doc = s.doc AND (o.k[1])::text = s.c0 AND o.turn = 1 AND (o.outcome = 1 OR o.others)
  ORDER BY s.seq;

