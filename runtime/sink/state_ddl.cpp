#include "sink/state_ddl.hpp"

#include <array>

#include "net/pg_session.hpp"
#include "sink/state_pg.hpp"

namespace lugger {
namespace {

// A step is never changed once released; a new version appends one.
constexpr std::array<std::string_view, kStateVersion> kSteps = {R"sql(
CREATE TABLE {schema}.meta (version integer NOT NULL, since timestamptz NOT NULL DEFAULT now());
CREATE TABLE {schema}.runs (
  run text PRIMARY KEY,
  job text NOT NULL,
  script_hash text NOT NULL,
  source text NOT NULL,
  source_identity text NOT NULL,
  mode text NOT NULL,
  status text NOT NULL,
  command text NOT NULL,
  message text NOT NULL DEFAULT '',
  run_now text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX runs_job ON {schema}.runs (job, started_at);
CREATE TABLE {schema}.partitions (
  run text NOT NULL REFERENCES {schema}.runs ON DELETE CASCADE,
  partition text NOT NULL,
  ordinal integer,
  spec text NOT NULL DEFAULT '',
  position text NOT NULL DEFAULT '',
  bytes_total bigint NOT NULL DEFAULT 0,
  done boolean NOT NULL DEFAULT false,
  read bigint NOT NULL DEFAULT 0,
  inserted bigint NOT NULL DEFAULT 0,
  updated bigint NOT NULL DEFAULT 0,
  unchanged bigint NOT NULL DEFAULT 0,
  skipped bigint NOT NULL DEFAULT 0,
  rejected bigint NOT NULL DEFAULT 0,
  rows bigint NOT NULL DEFAULT 0,
  child_rows bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run, partition)
) WITH (fillfactor = 50);
CREATE TABLE {schema}.rejects (
  reject bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run text NOT NULL,
  job text NOT NULL,
  "table" text NOT NULL,
  document_id text NOT NULL,
  "column" text NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  document json,
  raw bytea,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX rejects_job ON {schema}.rejects (job, reject);
CREATE TABLE {schema}.leases (
  job text PRIMARY KEY,
  holder text NOT NULL,
  token text NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz
);
COMMENT ON COLUMN {schema}.leases.expires_at IS 'NULL: held by an advisory lock of the holder''s session';
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC;
INSERT INTO {schema}.meta (version) VALUES (1);
)sql",
                                                                // Fixes: what each wrote, and what
                                                                // stood there before.
                                                                R"sql(
CREATE TABLE {schema}.fixes (
  run text PRIMARY KEY REFERENCES {schema}.runs ON DELETE CASCADE,
  "table" text NOT NULL,
  condition text NOT NULL,
  key text[] NOT NULL,
  fields text[] NOT NULL,
  undoes text,
  images_until timestamptz NOT NULL
);
CREATE TABLE {schema}.images (
  run text NOT NULL REFERENCES {schema}.runs ON DELETE CASCADE,
  image bigint GENERATED ALWAYS AS IDENTITY,
  key text[] NOT NULL,
  fields text[] NOT NULL,
  before text[] NOT NULL,
  after text[] NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (run, image)
);
CREATE TABLE {schema}.fix_keys (
  run text NOT NULL REFERENCES {schema}.runs ON DELETE CASCADE,
  key text[] NOT NULL,
  PRIMARY KEY (run, key)
);
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC;
INSERT INTO {schema}.meta (version) VALUES (2);
)sql"};

}  // namespace

std::string state_step(int version, const std::string& schema) {
  constexpr std::string_view kMark = "{schema}";
  const std::string name = PgSession::quote_name(schema);
  std::string out(kSteps[static_cast<size_t>(version)]);
  for (size_t at = out.find(kMark); at != std::string::npos;
       at = out.find(kMark, at + name.size())) {
    out.replace(at, kMark.size(), name);
  }
  return out;
}

std::string state_ddl(const std::string& schema) {
  const std::string name = PgSession::quote_name(schema);
  std::string out =
      "BEGIN;\nCREATE SCHEMA " + name + ";\nREVOKE ALL ON SCHEMA " + name + " FROM PUBLIC;";
  for (int version = 0; version < kStateVersion; ++version) out += state_step(version, schema);
  out += "COMMIT;\n-- then, for the role that runs lugger:\n-- GRANT USAGE ON SCHEMA " + name +
         " TO role;\n-- GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + name +
         " TO role;\n";
  return out;
}

}  // namespace lugger
