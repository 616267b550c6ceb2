#include "change/oplog_entry.hpp"

#include "value/datetime.hpp"

namespace lugger {
namespace {

// An operation of a transaction lies four levels deeper than the document that it writes.
constexpr int kEntryDepth = kMaxBsonDepth + 10;

Bytes document_or_none(const Value& value) {
  return value.type == ValueType::kDocument ? value.bytes() : Bytes();
}

uint64_t time_of(const Value& value) {
  return value.type == ValueType::kTimestamp ? static_cast<uint64_t>(value.i64) : 0;
}

void take_field(std::string_view name, const Value& value, OplogEntry& entry) {
  const bool text = value.type == ValueType::kString;
  if (name == "op" && text) {
    entry.op = value.text();
  } else if (name == "ns" && text) {
    entry.ns = value.text();
  } else if (name == "o") {
    entry.o = document_or_none(value);
  } else if (name == "o2") {
    entry.o2 = document_or_none(value);
  } else if (name == "ts") {
    entry.time = time_of(value);
  } else if (name == "ui" && value.type == ValueType::kBinary && value.size == 16) {
    entry.uuid = value.bytes();
  } else if (name == "lsid") {
    entry.session = document_or_none(value);
  } else if (name == "txnNumber") {
    entry.transaction = value;
  } else if (name == "prevOpTime") {
    entry.before = time_of(bson_field(document_or_none(value), "ts"));
  } else if (name == "multiOpType") {
    entry.vectored = value.i64 == 1;
  }
}

}  // namespace

std::string_view parse_entry(Bytes document, OplogEntry& entry) {
  const uint64_t number = entry.number, offset = entry.offset;
  entry = OplogEntry();
  entry.number = number;
  entry.offset = offset;
  BsonReader reader(document);
  while (reader.next()) take_field(reader.name(), reader.value(), entry);
  if (reader.fault() != BsonFault::kNone) return fault_text(reader.fault());
  if (entry.op.empty()) return "it has no op";
  if (entry.o.empty() && entry.op != "n") return "it has no o";
  return {};
}

std::string_view command_name(const OplogEntry& entry) {
  BsonReader reader(entry.o);
  return reader.next() ? reader.name() : std::string_view();
}

std::string_view database_of(std::string_view ns) { return ns.substr(0, ns.find('.')); }

std::string time_text(uint64_t time) {
  const uint64_t seconds = time >> 32;
  return fmt::format("{} (Timestamp({}, {}))",
                     iso_from_unix_ms(static_cast<int64_t>(seconds) * 1000), seconds,
                     time & 0xFFFFFFFF);
}

bool OplogReader::next(OplogEntry& entry) {
  Bytes document;
  ++number_;
  try {
    document = feed_->next();
  } catch (Error& error) {
    error.note("entry", std::to_string(number_));
    throw;
  }
  if (document.empty()) return false;
  bytes_ += document.size();
  entry.number = number_;
  entry.offset = feed_->offset();
  const BsonFault fault = validate_bson(document, kEntryDepth);
  if (fault != BsonFault::kNone)
    fail(entry, fmt::format("is not valid BSON: {}", fault_text(fault)));
  const std::string_view wrong = parse_entry(document, entry);
  if (!wrong.empty()) fail(entry, fmt::format("is not an entry of an oplog: {}", wrong));
  return true;
}

void OplogReader::fail(const OplogEntry& entry, std::string message, std::string hint) const {
  if (hint.empty()) {
    hint =
        "the oplog is damaged: copy or dump it again; oplog = false reads the dump without it, "
        "as it was at no one moment";
  }
  throw Error(Code::kRead, fmt::format("{}: entry {} {}", place_, entry.number, message),
              std::move(hint))
      .note("offset", std::to_string(entry.offset));
}

}  // namespace lugger
