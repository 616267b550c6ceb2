CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE docs (
  namespace text,
  id text,
  embedding vector(4),
  sparse_values sparsevec(1000),
  metadata jsonb,
  PRIMARY KEY (namespace, id)
);
INSERT INTO docs VALUES
  ('acme', 'cat', '[0.9,0.1,0,-0]',      '{3:0.5,812:1.25}/1000', '{"kind": "animal", "legs": 4}'),
  ('acme', 'dog', '[0.8,0.3,0.1,1e-40]', '{3:0.25}/1000',         '{"kind": "animal", "tags": ["tame", ""]}'),
  ('beta', 'cat', '[0.1,0.2,0.9,0.4]',   NULL,                    '{"kind": "toy"}'),
  ('beta', 'id "with" quotes', '[0.5,0.5,0.5,0.5]', '{1000:7}/1000', NULL),
  ('',     'car', '[0,0.2,0.9,0.4]',     '{77:1}/1000',           '{"kind": "thing", "good": true}');
