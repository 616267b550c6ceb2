#include "mongo/ddl.hpp"

#include "change/resume_token.hpp"
#include "place/identity.hpp"
#include "value/bson_reader.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

constexpr std::string_view kUnknown = "-";  // in place of a UUID

std::optional<DdlKind> kind_of(EventKind kind) {
  switch (kind) {
    case EventKind::kDrop: return DdlKind::kDrop;
    case EventKind::kRename: return DdlKind::kRename;
    case EventKind::kDropDatabase: return DdlKind::kDropDatabase;
    case EventKind::kCreate: return DdlKind::kCreate;
    case EventKind::kModify: return DdlKind::kCollMod;
    case EventKind::kCreateIndexes: return DdlKind::kCreateIndexes;
    case EventKind::kDropIndexes: return DdlKind::kDropIndexes;
    default: return std::nullopt;
  }
}

/// ": email_1 {\"email\":1} unique, ..." of an event that tells of indexes.
std::string indexes_of(const StreamEvent& event) {
  const Value indexes = bson_field(event.description, "indexes");
  if (indexes.type != ValueType::kArray) return {};
  std::string out;
  for (BsonReader reader(indexes.bytes()); reader.next();) {
    if (reader.value().type != ValueType::kDocument) continue;
    const Bytes index = reader.value().bytes();
    out += fmt::format("{}{}", out.empty() ? ": " : ", ", text_of(bson_field(index, "name")));
    const Value key = bson_field(index, "key"), unique = bson_field(index, "unique");
    if (key.type == ValueType::kDocument) out += ' ' + value_json(key);
    if (unique.type == ValueType::kBool && unique.i64 != 0) out += " unique";
  }
  return out;
}

std::string uuid_or_unknown(const ScanPlace& place) {
  return place.collection.uuid.empty() ? std::string(kUnknown) : place.collection.uuid;
}

std::string identity_with(const ScanPlace& place, std::string_view uuid) {
  return SourceIdentity{fmt::format("{} {}", place.deployment.set, uuid), place.name()}.text();
}

}  // namespace

std::optional<Ddl> ddl_of(const StreamEvent& event, const ScanPlace& place) {
  const std::optional<DdlKind> kind = kind_of(event.kind);
  if (!kind) return std::nullopt;
  const auto is_ours = [&](const EventNamespace& ns) {
    return ns.database == place.collection.database &&
           (ns.collection.empty() || ns.collection == place.collection.name);
  };
  const bool ours = is_ours(event.ns);
  if (!ours && !is_ours(event.to)) return std::nullopt;
  Ddl out;
  out.kind = *kind;
  const std::string_view word = kDdlWords[static_cast<size_t>(*kind)];
  out.what = fmt::format("{} {}{}", word, event.ns.text(), indexes_of(event));
  if (!event.to.empty()) out.what += fmt::format(" to {}", event.to.text());
  out.place = place.name();
  out.when = cluster_time_text(event.time);
  if (ours && *kind == DdlKind::kRename && event.to.database == place.collection.database)
    out.now = event.to.text();
  out.another = !ours;
  if (changes_all(*kind)) out.identity = identity_with(place, kUnknown);
  return out;
}

std::string identity_of(const ScanPlace& place) {
  return identity_with(place, uuid_or_unknown(place));
}

bool goes_on_from(std::string_view identity, const ScanPlace& place) {
  const std::string before = SourceIdentity::of(identity).data;
  const size_t space = before.rfind(' ');
  if (space == std::string::npos || before.substr(0, space) != place.deployment.set) return false;
  const std::string_view uuid = std::string_view(before).substr(space + 1);
  return uuid == kUnknown || place.collection.uuid.empty() || uuid == place.collection.uuid;
}

}  // namespace lugger
