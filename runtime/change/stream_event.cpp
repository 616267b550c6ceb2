#include "change/stream_event.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "change/resume_token.hpp"
#include "value/bson_reader.hpp"

namespace lugger {
namespace {

/// operationType by EventKind, up to kAbortIndexBuild.
constexpr std::array<std::string_view, static_cast<size_t>(EventKind::kRest)> kOperations = {
    "insert",
    "update",
    "replace",
    "delete",
    "drop",
    "rename",
    "dropDatabase",
    "invalidate",
    "create",
    "createIndexes",
    "dropIndexes",
    "modify",
    "shardCollection",
    "reshardCollection",
    "refineCollectionShardKey",
    "startIndexBuild",
    "abortIndexBuild"};

EventKind kind_of(std::string_view operation) noexcept {
  const auto found = std::find(kOperations.begin(), kOperations.end(), operation);
  return found == kOperations.end() ? EventKind::kOther
                                    : static_cast<EventKind>(found - kOperations.begin());
}

Bytes document_or_none(const Value& value) noexcept {
  return value.type == ValueType::kDocument ? value.bytes() : Bytes();
}

std::string_view text_or_none(const Value& value) noexcept {
  return value.type == ValueType::kString ? value.text() : std::string_view();
}

EventNamespace namespace_of(const Value& value) noexcept {
  const Bytes fields = document_or_none(value);
  return {text_or_none(bson_field(fields, "db")), text_or_none(bson_field(fields, "coll"))};
}

/// A count of fragments; 0: it is none.
uint32_t count_of(const Value& value) noexcept {
  const bool integer = value.type == ValueType::kInt32 || value.type == ValueType::kInt64;
  return integer && value.i64 > 0 && value.i64 <= UINT32_MAX ? static_cast<uint32_t>(value.i64) : 0;
}

/// What is read of an event before its kind is known.
struct Raw {
  StreamEvent event;
  Value document_key, split;
};

void take_field(std::string_view name, const Value& value, Raw& raw) noexcept {
  StreamEvent& event = raw.event;
  if (name == "_id") {
    event.token = document_or_none(value);
  } else if (name == "operationType") {
    event.operation = text_or_none(value);
  } else if (name == "clusterTime") {
    if (value.type == ValueType::kTimestamp) event.time = static_cast<uint64_t>(value.i64);
  } else if (name == "ns") {
    event.ns = namespace_of(value);
  } else if (name == "documentKey") {
    raw.document_key = value;
  } else if (name == "fullDocument") {
    event.document = value;
  } else if (name == "to") {
    event.to = namespace_of(value);
  } else if (name == "operationDescription") {
    event.description = document_or_none(value);
  } else if (name == "lsid") {
    event.session = document_or_none(value);
  } else if (name == "txnNumber") {
    event.transaction = value;
  } else if (name == "wallTime") {
    if (value.type == ValueType::kDate) event.wall_ms = value.i64;
  } else if (name == "splitEvent") {
    raw.split = value;
  }
}

/// What the event lacks; "": nothing.
std::string_view lack_of(const StreamEvent& event) noexcept {
  if (event.token.empty()) return "_id, the resume token";
  if (event.kind == EventKind::kRest) return {};
  if (event.operation.empty()) return "operationType";
  if (event.time == 0) return "clusterTime";
  const bool document = changes_document(event.kind);
  const bool collection =
      document || event.kind == EventKind::kDrop || event.kind == EventKind::kRename;
  if ((collection || event.kind == EventKind::kDropDatabase) && event.ns.empty()) return "ns.db";
  if (collection && event.ns.collection.empty()) return "ns.coll";
  if (document && event.id.type == ValueType::kMissing) return "documentKey._id";
  const bool rename = event.kind == EventKind::kRename;
  if (rename && (event.to.empty() || event.to.collection.empty())) return "to, the new name";
  return {};
}

[[noreturn]] void refuse(const StreamEvent& event, std::string_view wrong) {
  Error error(Code::kRead, fmt::format("an event of the change stream cannot be read: {}", wrong),
              "no position behind it is stored; if it comes again, look at it with mongosh, "
              "db.watch([], {startAfter: ...}): the server or a proxy sends what MongoDB does not");
  if (!event.operation.empty()) error.note("operation", event.operation);
  if (!event.ns.empty()) error.note("collection", event.ns.text());
  if (!event.token.empty()) error.note("token", to_hex(event.token));
  throw error;
}

void take_split(const Value& split, StreamEvent& event) {
  if (split.type == ValueType::kMissing) return;
  const Bytes fields = document_or_none(split);
  event.fragment = count_of(bson_field(fields, "fragment"));
  event.fragments = count_of(bson_field(fields, "of"));
  if (event.fragment == 0 || event.fragment > event.fragments)
    refuse(event, "its splitEvent is not a fragment's number and their count");
}

}  // namespace

std::string EventNamespace::text() const {
  if (collection.empty()) return std::string(database);
  return fmt::format("{}.{}", database, collection);
}

StreamEvent read_stream_event(Bytes bytes) {
  Raw raw;
  StreamEvent& event = raw.event;
  if (const BsonFault fault = validate_bson(bytes); fault != BsonFault::kNone)
    refuse(event, fault_text(fault));
  for (BsonReader reader(bytes); reader.next();) take_field(reader.name(), reader.value(), raw);
  take_split(raw.split, event);
  event.kind = event.fragment > 1 ? EventKind::kRest : kind_of(event.operation);
  event.id = bson_field(document_or_none(raw.document_key), "_id");
  if (event.time == 0) event.time = token_time(event.token).value_or(0);
  if (const std::string_view lack = lack_of(event); !lack.empty())
    refuse(event, fmt::format("it has no {}", lack));
  const ValueType full = event.document.type;
  if (full != ValueType::kMissing && full != ValueType::kNull && full != ValueType::kDocument)
    refuse(event, fmt::format("its fullDocument is of type {}", type_word(full)));
  return event;
}

}  // namespace lugger
