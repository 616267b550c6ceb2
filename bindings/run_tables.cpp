// Runs as Lua tables: how far they are, what they did, what the ledger keeps; and the settings of a
// run.
#include <array>

#include "base/error.hpp"
#include "bindings/tables.hpp"
#include "bindings/words.hpp"

namespace lugger {

void push(lua_State* L, const RunSnapshot& snapshot) {
  lua_newtable(L);
  set(L, "run", snapshot.run);
  set(L, "stage", snapshot.stage);
  set(L, "tally", snapshot.tally);
  set(L, "total_bytes", snapshot.total_bytes);
  set(L, "seconds", snapshot.seconds);
  set(L, "resumed", snapshot.resumed);
  set_list(L, "steps", snapshot.steps);
  set(L, "steps_done", snapshot.steps_done);
  set(L, "steps_total", snapshot.steps_total);
  set(L, "waits_for", snapshot.waits_for);
}

void push(lua_State* L, const RunResult& result) {
  lua_newtable(L);
  set(L, "run", result.run);
  set(L, "job", result.job);
  set(L, "status", result.status);
  set(L, "tally", result.tally);
  set(L, "seconds", result.seconds);
  set(L, "resumed", result.resumed);
  set(L, "dry_run", result.dry_run);
  set(L, "unmapped", result.unmapped);
  set(L, "skip_reasons", result.skip_reasons);
  set(L, "reject_codes", result.reject_codes);
  set(L, "notes", result.notes);
  set(L, "warnings", result.warnings);
  set_list(L, "refused", result.refused);
  set(L, "constrained", result.constrained);
  set(L, "stage", result.stage);
  set(L, "error", result.error);
  set(L, "hint", result.hint);
  set(L, "error_code", result.error_code);
  set(L, "resume_command", result.resume_command);
}

void push(lua_State* L, const RunRecord& run) {
  lua_newtable(L);
  set(L, "run", run.run);
  set(L, "job", run.job);
  set(L, "script_hash", run.script_hash);
  set(L, "source", run.source);
  set(L, "source_identity", run.source_identity);
  set(L, "mode", run.mode);
  set(L, "status", run.status);
  set(L, "command", run.command);
  set(L, "started", run.started);
  set(L, "updated", run.updated);
  set(L, "message", run.message);
  set(L, "now", run.now);
  set(L, "tally", run.tally);
}

void push(lua_State* L, const RejectRecord& reject) {
  lua_newtable(L);
  set(L, "reject", reject.reject);
  set(L, "run", reject.run);
  set(L, "job", reject.job);
  set(L, "table", reject.table);
  set(L, "document_id", reject.document_id);
  set(L, "column", reject.column);
  set(L, "code", reject.code);
  set(L, "message", reject.message);
  set(L, "document", reject.document);
  set(L, "operation", operation_word(reject.operation));
  set(L, "at", reject.at);
}

void push(lua_State* L, const TypeCount& type) {
  lua_newtable(L);
  set(L, "type", type.type);
  set(L, "values", type.values);
}

void push(lua_State* L, const FieldSummary& field) {
  lua_newtable(L);
  set(L, "path", field.path);
  set(L, "seen", field.seen);
  set(L, "nulls", field.nulls);
  set_list(L, "types", field.types);
  set(L, "suggests", field.suggests);
  set(L, "note", field.note);
}

void push(lua_State* L, const Description& description) {
  lua_newtable(L);
  set(L, "info", description.info);
  set(L, "documents", description.documents);
  set(L, "malformed", description.malformed);
  set(L, "complete", description.complete);
  set_list(L, "fields", description.fields);
}

void push(lua_State* L, const OptionSpec& option) {
  static constexpr std::array<std::string_view, 6> kTypes = {"flag",   "number", "text",
                                                             "choice", "list",   "flag or text"};
  lua_newtable(L);
  set(L, "name", option.name);
  set(L, "type", kTypes[static_cast<size_t>(option.type)]);
  set(L, "help", option.help);
  set(L, "fallback", option.fallback);
  std::vector<std::string> choices;
  for (std::string_view rest = option.choices; !rest.empty();) {
    const size_t end = std::min(rest.find('|'), rest.size());
    choices.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  set(L, "choices", choices);
}

RunSettings read_settings(lua_State* L, int index) {
  static constexpr std::array<std::string_view, 16> kKeys = {
      "jobs",  "create",       "dry_run",         "restart",    "accept_changes",
      "again", "limit",        "retry_rejects",   "redact",     "stage",
      "force", "index_memory", "lock_timeout_ms", "lock_tries", "window",
      "join"};
  static constexpr std::array<std::string_view, 3> kStages = {"load", "index", "constrain"};
  RunSettings settings;
  if (lua_isnoneornil(L, index)) return settings;
  luaL_checktype(L, index, LUA_TTABLE);
  const auto number = [&](double least) {
    const double value = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || value < least)
      raise(Code::kConfig, "{} must be a number from {}", lua_tostring(L, -2), least);
    return value;
  };
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const std::string key = to_text(L, -2);
    const bool flag = lua_toboolean(L, -1) != 0;
    if (key == "jobs")
      settings.jobs = static_cast<int>(number(0));
    else if (key == "create")
      settings.create = flag;
    else if (key == "dry_run")
      settings.dry_run = flag;
    else if (key == "restart")
      settings.restart = flag;
    else if (key == "again")
      settings.again = flag;
    else if (key == "accept_changes")
      settings.accept_changes = flag;
    else if (key == "join")
      settings.join = flag;
    else if (key == "limit")
      settings.limit = static_cast<uint64_t>(number(0));
    else if (key == "redact")
      settings.redact = flag;
    else if (key == "retry_rejects")
      settings.retry_rejects = flag;
    else if (key == "stage")
      settings.stage = kStages[choice(key, to_text(L, -1), kStages)];
    else if (key == "force")
      settings.stages.force = flag;
    else if (key == "index_memory")
      settings.stages.memory = to_text(L, -1);
    else if (key == "lock_timeout_ms")
      settings.stages.lock_timeout_ms = static_cast<uint32_t>(number(1));
    else if (key == "lock_tries")
      settings.stages.lock_tries = static_cast<uint32_t>(number(1));
    else if (key == "window")
      settings.window = to_text(L, -1);
    else
      unknown_key("a run", key, kKeys);
  }
  return settings;
}

}  // namespace lugger
