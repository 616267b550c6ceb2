#include "postgres/pgoutput.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "postgres/query.hpp"

namespace lugger {
namespace {

constexpr int64_t kEpoch = 946'684'800'000'000;  // 2000-01-01 in Unix microseconds

}  // namespace

class PgOutput::Fields {
 public:
  explicit Fields(Bytes bytes) : left_(bytes) {}
  template <typename T>
  T number() {
    return load_be<T>(take(sizeof(T)).data());
  }
  std::string_view text() {
    const auto end = std::find(left_.begin(), left_.end(), uint8_t{0});
    if (end == left_.end()) cut_short();
    const std::string_view out = as_text(take(static_cast<size_t>(end - left_.begin())));
    take(1);
    return out;
  }
  Bytes take(size_t n) {
    if (left_.size() < n) cut_short();
    const Bytes out = left_.first(n);
    left_ = left_.subspan(n);
    return out;
  }

 private:
  [[noreturn]] static void cut_short() {
    throw Error(Code::kRead, "a message of pgoutput is cut short",
                "a proxy between lugger and the server may have changed it");
  }
  Bytes left_;
};

PgOutput::PgOutput(uint32_t table, std::vector<std::string> key, std::string shown)
    : table_(table), key_(std::move(key)), shown_(std::move(shown)) {}

const PgOutputEvent& PgOutput::read(Bytes message) {
  event_.kind = PgOutputEvent::Kind::kOther;
  event_.keys.clear();
  event_.gone = 0;
  Fields fields(message);
  switch (fields.number<uint8_t>()) {
    case 'B':
      event_.kind = PgOutputEvent::Kind::kBegin;
      event_.lsn = fields.number<uint64_t>();
      event_.micros = fields.number<int64_t>() + kEpoch;
      event_.xid = fields.number<uint32_t>();
      break;
    case 'C':
      event_.kind = PgOutputEvent::Kind::kCommit;
      fields.take(1 + sizeof(uint64_t));  // flags, and where the commit begins
      event_.lsn = fields.number<uint64_t>();
      event_.micros = fields.number<int64_t>() + kEpoch;
      break;
    case 'R': relation(fields); break;
    case 'I':
    case 'U': row(fields, false); break;
    case 'D': row(fields, true); break;
    case 'T': truncate(fields); break;
    default: break;
  }
  return event_;
}

void PgOutput::relation(Fields fields) {
  if (fields.number<uint32_t>() != table_) return;
  fields.text();   // schema
  fields.text();   // name
  fields.take(1);  // replica identity
  columns_.assign(fields.number<uint16_t>(), 0);
  size_t found = 0;
  for (size_t& column : columns_) {
    fields.take(1);  // flags
    const std::string_view name = fields.text();
    fields.take(2 * sizeof(uint32_t));  // type and its modifier
    const auto at = std::ranges::find(key_, name);
    if (at == key_.end()) continue;
    column = 1 + static_cast<size_t>(at - key_.begin());
    ++found;
  }
  if (found == key_.size()) return;
  throw Error(Code::kRead,
              fmt::format("changes of {} come without all columns of its key: {}", shown_,
                          fmt::join(key_, ", ")),
              "a column was renamed or dropped, or the publication lacks it");
}

void PgOutput::row(Fields fields, bool deleted) {
  if (fields.number<uint32_t>() != table_) return;
  event_.kind = PgOutputEvent::Kind::kRow;
  before_.clear();
  auto tuple = fields.number<uint8_t>();
  if (tuple == 'K' || tuple == 'O') {
    read_key(fields, before_);
    event_.keys.push_back(key_text(before_));
    if (deleted) {
      event_.gone = 1;
      return;
    }
    tuple = fields.number<uint8_t>();
  }
  if (tuple != 'N') raise(Code::kRead, "{}: a change of a row has a tuple '{}'", shown_, tuple);
  read_key(fields, after_);
  if (after_ == before_) return;
  event_.gone = event_.keys.size();
  event_.keys.push_back(key_text(after_));
}

void PgOutput::read_key(Fields& fields, std::vector<std::string>& values) {
  values.resize(key_.size());
  const auto count = fields.number<uint16_t>();
  if (count != columns_.size())
    raise(Code::kRead, "{}: a changed row has {} columns, and {} were told of", shown_, count,
          columns_.size());
  for (const size_t column : columns_) {
    const auto kind = fields.number<uint8_t>();
    const bool has = kind == 't' || kind == 'b';
    const Bytes value = has ? fields.take(fields.number<uint32_t>()) : Bytes();
    if (column == 0) continue;
    if (kind == 't') {
      values[column - 1] = as_text(value);
    } else if (kind == 'u' && before_.size() == key_.size()) {
      values[column - 1] = before_[column - 1];  // large, and not changed
    } else {
      throw Error(Code::kRead, fmt::format("a change of {} came without its key", shown_),
                  "the key must be among the columns of its replica identity");
    }
  }
}

void PgOutput::truncate(Fields fields) {
  const auto count = fields.number<uint32_t>();
  fields.take(1);  // options
  for (uint32_t i = 0; i < count; ++i)
    if (fields.number<uint32_t>() == table_) event_.kind = PgOutputEvent::Kind::kTruncate;
}

}  // namespace lugger
