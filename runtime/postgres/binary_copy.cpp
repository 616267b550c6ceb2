#include "postgres/binary_copy.hpp"

#include <algorithm>

#include "postgres/copy_rows.hpp"

namespace lugger {
namespace {

constexpr uint32_t kCriticalFlags = 0xFFFF0000;  // a reader must refuse those it does not know

[[noreturn]] void malformed(std::string_view what) {
  throw Error(Code::kRead,
              fmt::format("the rows that the server sent are not COPY BINARY: {}", what),
              "a pooler or proxy between lugger and the server may have changed them");
}

}  // namespace

TupleFields::TupleFields(Bytes tuple) : tuple_(tuple) {
  if (tuple.size() < 2) malformed("a row is cut short");
  count_ = load_be<uint16_t>(tuple.data());
}

std::optional<Bytes> TupleFields::next() {
  const Bytes rest = tuple_.subspan(offset_);
  if (rest.size() < 4) malformed("a row is cut short");
  const auto size = load_be<int32_t>(rest.data());
  offset_ += 4;
  if (size == -1) return std::nullopt;
  if (size < 0 || rest.size() - 4 < static_cast<size_t>(size)) malformed("a field is cut short");
  offset_ += static_cast<size_t>(size);
  return rest.subspan(4, static_cast<size_t>(size));
}

Bytes CopyTuples::behind_header(Bytes message) {
  if (message.size() < kCopyHeaderBytes ||
      !std::equal(std::begin(kCopySignature), std::end(kCopySignature), message.begin()))
    malformed("they do not begin with its signature");
  const uint8_t* at = message.data() + sizeof kCopySignature;
  if ((load_be<uint32_t>(at) & kCriticalFlags) != 0) malformed("the header has unknown flags");
  const auto extension = load_be<uint32_t>(at + 4);
  if (message.size() - kCopyHeaderBytes < extension) malformed("the header is cut short");
  return message.subspan(kCopyHeaderBytes + extension);
}

Bytes CopyTuples::of(Bytes message) {
  if (ended_) malformed("bytes follow their end");
  if (!begun_) {
    message = behind_header(message);
    begun_ = true;
    if (message.empty()) return {};
  }
  if (message.size() < 2) malformed("a row is cut short");
  const auto count = load_be<int16_t>(message.data());
  if (count == -1) {
    ended_ = true;
    return {};
  }
  if (count < 0 || static_cast<size_t>(count) != fields_) {
    malformed(fmt::format("a row has {} fields, and {} were asked for", count, fields_));
  }
  return message;
}

void CopyTuples::end() const {
  if (!ended_) malformed("they stop before their end");
}

BinaryCopy::BinaryCopy(PgSession& session, const std::string& select, size_t fields)
    : session_(session), tuples_(fields) {
  session_.copy_out_start(fmt::format("COPY ({}) TO STDOUT (FORMAT binary)", select));
}

bool BinaryCopy::next(Bytes& tuple) {
  while (!ended_) {
    Bytes message;
    if (!session_.copy_out_get(message)) {
      ended_ = true;
      tuples_.end();
      break;
    }
    bytes_ += message.size();
    tuple = tuples_.of(message);
    if (!tuple.empty()) return true;
  }
  return false;
}

}  // namespace lugger
