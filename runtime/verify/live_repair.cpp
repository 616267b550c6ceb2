#include "verify/live_repair.hpp"

#include <algorithm>
#include <charconv>
#include <thread>

#include "base/text.hpp"
#include "engine/follow.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/id_text.hpp"
#include "verify/extra_rows.hpp"

namespace lugger {
namespace {

constexpr int kPauseMs = 200;
constexpr double kLookSeconds = 5;

std::string id_with(const Value& id) {
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  writer.append("_id", id);
  writer.end();
  return std::string(out.text());
}

/// The ids whose rows may have this key, as far as its text tells.
std::vector<std::string> ids_like(std::string_view text) {
  std::vector<std::string> out;
  ByteBuffer safe;
  if (append_id_of_text(text, safe)) out.push_back(id_with(bson_field(safe.view(), "")));
  int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault == std::errc() && end == text.data() + text.size())
    out.push_back(id_with(Value::of(ValueType::kInt64, number)));
  std::string hex;
  std::ranges::copy_if(text, std::back_inserter(hex), [](char c) { return c != '-'; });
  const std::optional<std::string> uuid = hex.size() == 32 ? from_hex(hex) : std::nullopt;
  if (uuid) {
    Value binary = Value::of(ValueType::kUuid, std::string_view(*uuid));
    out.push_back(id_with(binary));
  }
  out.push_back(id_with(Value::of(ValueType::kString, text)));
  return out;
}

/// The id of a document that would have rows of this key: its key is made and compared.
std::optional<std::string> id_of_key(IdKeys& keys, const KeyText& key) {
  if (key.size() != 1 || !key.front()) return {};
  const std::vector<std::string> ids = ids_like(*key.front());
  const auto& made = keys.of(ids);
  for (size_t i = 0; i < ids.size(); ++i)
    if (made[i] && made[i]->text == key) return ids[i];
  return {};
}

void wait_for_answer(VerifyContext& context, State& state) {
  const std::string& job = context.job.spec.name;
  for (Stopwatch looked; !state.asked_keys(job, 1).empty();) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kPauseMs));
    if (context.stop.requested()) {
      throw Error(Code::kInterrupted, "stopped before all was repaired",
                  "what was asked for is repaired all the same, as long as the move goes on");
    }
    if (looked.seconds() < kLookSeconds) continue;
    looked = {};
    std::string holder;
    if (!context.job.open_target_once().state()->lease(job, holder)) continue;
    throw Error(Code::kConfig, fmt::format("the move of {} ended before it had repaired all", job),
                "start it again: it goes on with what was asked for; then verify");
  }
}

std::vector<std::string> extra_ids(const VerifyContext& context, const LiveWrong& wrong,
                                   RepairResult& result) {
  std::vector<std::string> out = wrong.extras;
  IdKeys keys(context);
  uint64_t unknown = 0;
  for (const KeyText& key : wrong.strangers) {
    if (std::optional<std::string> id = id_of_key(keys, key))
      out.push_back(std::move(*id));
    else
      ++unknown;
  }
  if (unknown != 0) {
    result.notes.push_back(
        fmt::format("{} rows stay: their keys do not tell an _id, so whoever follows cannot look "
                    "for them; stop "
                    "the move and pause the application, then lugger repair --apply --delete-extra",
                    unknown));
  }
  return out;
}

}  // namespace

bool ask_for_repair(VerifyContext& context, const LiveWrong& wrong, const Verdict& verdict,
                    const RepairOptions& options, RepairResult& result) {
  std::vector<std::string> ids = wrong.ids;
  uint64_t extra = 0;
  for (const uint64_t rows : wrong.extra_rows) extra += rows;
  result.extra_left = options.delete_extra ? 0 : extra;
  result.of_refused = wrong.refused;
  result.notes.clear();
  if (options.delete_extra && extra != 0) {
    WrongRows rows;
    rows.extra_rows = wrong.extra_rows;
    result.refused = why_not_delete(context, rows, verdict, options, result.deleted_of);
    if (options.apply && !result.refused.empty())
      throw Error(Code::kVerify, result.refused + "; nothing was written",
                  delete_hint(verdict, options));
    const std::vector<std::string> more = extra_ids(context, wrong, result);
    ids.insert(ids.end(), more.begin(), more.end());
  }
  result.documents += ids.size();
  ++result.rounds;
  if (!options.apply || ids.empty()) return false;
  const std::unique_ptr<State> state = context.job.open_target_once().state();
  const std::optional<RunRecord> run = state->latest_follow(context.job.spec.name);
  if (run) result.run = run->run;
  state->ask(context.job.spec.name, std::vector<std::string_view>(ids.begin(), ids.end()));
  result.applied = true;
  wait_for_answer(context, *state);
  return true;
}

}  // namespace lugger
