CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE docs (
  id text PRIMARY KEY,
  embedding vector(4),
  small halfvec(4),
  terms sparsevec(1000),
  flags bit(4),
  metadata jsonb,
  body text
);
INSERT INTO docs VALUES
  ('cat',    '[0.9,0.1,0,-0]',     '[0.9,0.1,0,-0]',  '{3:0.5,812:1.25}/1000', B'1100', '{"kind": "animal", "legs": 4}', 'a cat'),
  ('dog',    '[0.8,0.3,0.1,1e-40]', '[0.8,0.3,0.1,0]', '{3:0.25}/1000',         B'1100', '{"kind": "animal", "legs": 4, "tags": ["tame", null]}', 'a dog'),
  ('car',    '[0,0.2,0.9,0.4]',    '[0,0.2,0.9,0.4]', '{77:1}/1000',           B'0011', '{"kind": "thing", "$oid": "no wrapper"}', E'a "car"\nof two lines'),
  ('nothing', NULL,                NULL,              '{}/1000',               NULL,    'null', 'undescribed'),
  ('id "with" quotes', '[0.5,0.5,0.5,0.5]', '[1,1,1,1]', '{1000:7}/1000',      B'0000', NULL, NULL);
