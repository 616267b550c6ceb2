// Fixes and undos as what the engine works on.
#include "base/error.hpp"
#include "fix/engine.hpp"
#include "postgres/server.hpp"

namespace lugger {

namespace {

std::string options_text(const Options& options, std::string_view name, std::string_view what) {
  std::string text = options.text(name);
  if (text.empty())
    throw Error(Code::kConfig, fmt::format("the fix names no {}", name), std::string(what));
  return text;
}

}  // namespace

std::unique_ptr<FixRun> start_fix(const FixSpec& spec, const FixSettings& settings) {
  EngineSpec engine;
  engine.kind = "fix";
  engine.target = spec.target;
  engine.target_options = spec.target_options;
  engine.table =
      options_text(spec.target_options, "table", "add table = '...' to lugger.target(...)");
  engine.name = spec.name.empty() ? "fix " + engine.table : spec.name;
  engine.where = spec.query.empty() ? spec.where : "key in (" + spec.query + ")";
  engine.key = spec.target_options.list("key");
  engine.set = spec.set;
  engine.max_rows = spec.max_rows;
  engine.batch_rows = spec.batch_rows;
  engine.retention_seconds = spec.retention_seconds;
  engine.throttle = spec.throttle;
  engine.script_hash = spec.script_hash;
  engine.resume_command = spec.resume_command;
  engine.now = spec.now;
  engine.key_query = spec.query;
  engine.key_params = spec.params;
  engine.source = [spec](const FixTable& table, const std::string& now, const std::string& kept) {
    return hook_source(table, spec, {spec.where, spec.query, spec.params, kept}, now);
  };
  return std::make_unique<FixEngine>(std::move(engine), settings);
}

std::unique_ptr<FixRun> start_undo(const UndoSpec& spec, const FixSettings& settings) {
  EngineSpec engine;
  std::shared_ptr<PgServer> server;
  const std::string schema = spec.target_options.text("state_schema", "lugger");
  // Without the flag a pooler may stand between all the same.
  const std::string url = resolve_pg_url(spec.target, server);
  const std::unique_ptr<PgSession> session = spec.target_options.flag("pooled")
                                                 ? std::make_unique<PgSession>(url, "undo", true)
                                                 : PgSession::find_out(url, "undo");
  const FixRecord record = find_fix(*session, schema, spec.run);
  engine.kind = "undo";
  engine.target = spec.target;
  engine.target_options = spec.target_options;
  engine.table = record.table;
  engine.name = "undo " + record.run;
  engine.where = spec.where;
  engine.undoes = record.run;
  engine.key = record.key;
  engine.set = record.fields;
  engine.batch_rows = spec.batch_rows;
  engine.retention_seconds = spec.retention_seconds;
  engine.throttle = spec.throttle;
  engine.script_hash = spec.where;
  engine.resume_command = spec.resume_command;
  engine.now = spec.now;
  engine.source = [schema, run = record.run, where = spec.where](
                      const FixTable& table, const std::string&, const std::string&) {
    return image_source(table, schema, run, where);
  };
  return std::make_unique<FixEngine>(std::move(engine), settings);
}

}  // namespace lugger
