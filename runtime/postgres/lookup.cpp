#include "postgres/lookup.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "place/feed.hpp"
#include "postgres/array_text.hpp"
#include "postgres/binary_copy.hpp"

namespace lugger {
namespace {

constexpr size_t kMostKeys = 1000;
constexpr size_t kAnswerBytes = 1 << 20;  // what a question should bring
constexpr std::string_view kNoTable = "42P01", kNoColumn = "42703";

/// A snapshot as pg_current_snapshot() writes it: "xmin:xmax:xip,xip".
class Snapshot {
 public:
  explicit Snapshot(std::string_view text) {
    const auto number = [&] {
      uint64_t out = 0;
      for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1))
        out = out * 10 + static_cast<uint64_t>(text.front() - '0');
      if (!text.empty()) text.remove_prefix(1);
      return static_cast<uint32_t>(out);
    };
    number();
    end_ = number();
    while (!text.empty()) open_.push_back(number());
  }
  bool sees(uint32_t transaction) const {
    if (static_cast<int32_t>(transaction - end_) >= 0) return false;  // they wrap around
    return std::ranges::find(open_, transaction) == open_.end();
  }

 private:
  uint32_t end_ = 0;
  std::vector<uint32_t> open_;
};

[[noreturn]] void refuse_gone(const PgFollowed& followed) {
  throw position_lost(
      fmt::format("{} was dropped, renamed or made anew while it was followed", followed.shown),
      "the rows stand. Look at the table; to have a new one's rows, empty the target and "
      "copy it: lugger move SCRIPT --restart");
}

[[noreturn]] void refuse_column(const PgFollowed& followed, const Error& error) {
  throw Error(Code::kRead, fmt::format("{} was altered: {}", followed.shown, error.message()),
              "a column was dropped or renamed. Name the columns in the script as they are by now, "
              "and go on with --accept-changes");
}

}  // namespace

PgLookup::PgLookup(const PgFollowed& followed)
    : followed_(followed), session_(followed.url, "lookup"), pgvector_(followed.reading.wires) {
  session_.execute(fmt::format("SET row_security = {}", followed.reading.filtered ? "on" : "off"));
}

/// A row for each key: of one that is gone only the key's columns have values. None at all: the name
/// is that of another table by now.
std::string PgLookup::statement(std::span<const std::string_view> keys, uint32_t table) const {
  const PgReading& reading = followed_.reading;
  const size_t columns = reading.key.size();
  std::vector<ArrayText> arrays(columns);
  for (const std::string_view key : keys) {
    const std::vector<std::string> values =
        key_values(fmt::format("key:{}", key), columns, followed_.shown);
    for (size_t k = 0; k < columns; ++k) arrays[k].text(values[k]);
  }
  std::string given, names, same, out;
  for (size_t k = 0; k < columns; ++k) {
    given += fmt::format("{}{}::text[]", k == 0 ? "" : ", ",
                         PgSession::quote_literal(arrays[k].finish()));
    names += fmt::format("{}k{}", k == 0 ? "" : ", ", k);
    same += fmt::format("{}q.{} = k.k{}::{}", k == 0 ? "" : " AND ",
                        PgSession::quote_name(reading.key[k]), k, reading.key_types[k]);
  }
  for (const RowShape::Field& field : reading.shape.fields) {
    std::string column = "q." + PgSession::quote_name(field.name);
    const auto at = std::ranges::find(reading.key, field.name);
    if (at != reading.key.end()) {
      const auto k = static_cast<size_t>(at - reading.key.begin());
      column = fmt::format("coalesce({}, k.k{}::{})", column, k, reading.key_types[k]);
    }
    out += fmt::format("{}{}{}", out.empty() ? "SELECT " : ", ", column,
                       field.reads_as == ValueType::kPgText ? "::text" : "");
  }
  const std::string there = fmt::format("q.{} IS NOT NULL", PgSession::quote_name(reading.key[0]));
  const std::string quoted = PgSession::quote_table(reading.table);
  return fmt::format(
      "{}, {} FROM unnest({}) AS k({}) LEFT JOIN {} AS q ON {} WHERE {}::regclass::oid = {} ORDER "
      "BY {}",
      out, there, given, names, quoted, same, PgSession::quote_literal(quoted), table, there);
}

void PgLookup::run(std::span<const std::string_view> keys, uint32_t table, Deletes deletes,
                   Batch& batch) {
  while (!keys.empty()) {
    const auto some = keys.first(std::min(keys.size(), at_once_));
    const size_t bytes = batch.source_bytes;
    const size_t answered = ask(some, table, deletes, batch);
    if (answered == 0) refuse_gone(followed_);
    const size_t each = std::max<size_t>(1, (batch.source_bytes - bytes) / answered);
    at_once_ = std::clamp<size_t>(kAnswerBytes / each, 1, kMostKeys);
    keys = keys.subspan(some.size());
  }
}

/// For how many keys there was an answer. The lock comes before the snapshot: for a snapshot that is
/// older than an ALTER TABLE which writes the table anew, and was waited for, the table is empty.
size_t PgLookup::ask(std::span<const std::string_view> keys, uint32_t table, Deletes deletes,
                     Batch& batch) {
  size_t answered = 0;
  try {
    const PgRows now = session_.query("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; " +
                                      types_statement(followed_.reading, "ONLY "));
    check_types(session_, followed_.reading, now.types());
    BinaryCopy copy(session_, statement(keys, table), followed_.reading.shape.fields.size() + 1);
    for (Bytes tuple; copy.next(tuple); ++answered) add(tuple, deletes, batch);
    session_.commit();
  } catch (const Error& error) {
    session_.rollback();
    if (error.sqlstate() == kNoTable) refuse_gone(followed_);
    if (error.sqlstate() == kNoColumn) refuse_column(followed_, error);
    throw;
  }
  return answered;
}

Bytes PgLookup::copied(Bytes row, Batch& batch) const {
  uint8_t* to = batch.arena().allocate(row.size());
  std::memcpy(to, row.data(), row.size());
  store_be(to, static_cast<int16_t>(followed_.reading.shape.fields.size()));
  return {to, row.size()};
}

void PgLookup::add(Bytes tuple, Deletes deletes, Batch& batch) {
  const RowShape& shape = followed_.reading.shape;
  TupleFields fields(tuple);
  for (size_t i = 0; i < shape.fields.size(); ++i) fields.next();
  const Bytes row = tuple.first(fields.offset());
  const std::optional<Bytes> found = fields.next();
  const bool there = found && !found->empty() && found->front() != 0;
  if (!there && !deletes.missing) return;
  const Bytes kept = pgvector_.needed() ? pgvector_.of(row, batch.arena()) : copied(row, batch);
  batch.operations.resize(batch.documents.size(), Operation::kUpsert);
  const auto give = [&](Operation operation) {
    batch.operations.push_back(operation);
    batch.documents.push_back(
        Document{kept.data(), static_cast<uint32_t>(kept.size()), Format::kPgRow, &shape});
    batch.source_bytes += row.size();
  };
  if (!there || deletes.found) give(Operation::kDelete);
  if (there) give(Operation::kUpsert);
}

bool PgLookup::sees(std::span<const uint32_t> transactions) {
  constexpr int kAttempts = 50;
  constexpr auto kPause = std::chrono::milliseconds(10);
  if (transactions.empty()) return true;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt != 0) std::this_thread::sleep_for(kPause);
    const Snapshot now(session_.query("SELECT pg_catalog.pg_current_snapshot()::text").text(0, 0));
    if (std::ranges::all_of(transactions, [&](uint32_t one) { return now.sees(one); })) return true;
  }
  return false;
}

}  // namespace lugger
