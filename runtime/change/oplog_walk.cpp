#include "change/oplog_walk.hpp"

#include <algorithm>
#include <array>

#include "change/apply.hpp"

namespace lugger {
namespace {

constexpr int kNesting = 10;  // of applyOps inside of applyOps

// Entries for the server's own administration, which mongorestore skips too.
constexpr std::array<std::string_view, 7> kIgnoredOperations = {"n",  "ci", "cu", "cd",
                                                                "km", "xi", "xd"};
constexpr std::array<std::string_view, 8> kIgnoredCommands = {"startIndexBuild",
                                                              "abortIndexBuild",
                                                              "setMultikeyMetadata",
                                                              "dropIdent",
                                                              "createDatabaseMetadata",
                                                              "dropDatabaseMetadata",
                                                              "dbCheck",
                                                              "createIdent"};
// Commands whose first field names a collection and which change its indexes or options.
constexpr std::array<std::string_view, 8> kMetadataCommands = {
    "createIndexes", "commitIndexBuild", "dropIndexes", "deleteIndexes",
    "dropIndex",     "deleteIndex",      "collMod",     "convertToCapped"};

template <size_t N>
bool is_in(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_true(Bytes document, std::string_view name) {
  const Value value = bson_field(document, name);
  if (value.type == ValueType::kBinary) return true;  // dropTarget holds the uuid of what it drops
  const bool number = value.type == ValueType::kBool || value.type == ValueType::kInt32 ||
                      value.type == ValueType::kInt64;
  return number ? value.i64 != 0 : value.type == ValueType::kDouble && value.f64 != 0;
}

std::string text_of(Bytes document, std::string_view name) {
  const Value value = bson_field(document, name);
  return value.type == ValueType::kString ? std::string(value.text()) : std::string();
}

}  // namespace

void OplogWalk::run() {
  OplogEntry entry;
  while (reader_.next(entry)) {
    ++entries_;
    if (entry.time != 0) {
      if (first_ == 0) first_ = entry.time;
      last_ = std::max(last_, entry.time);
    }
    if (void_entries_.contains(entry.number)) continue;
    operation(entry, 0);
  }
}

std::string OplogWalk::when() const { return fmt::format("at {}", time_text(last_)); }

void OplogWalk::operation(const OplogEntry& entry, int depth) {
  if (entry.op == "c") return command(entry, depth);
  if (entry.op == "i" || entry.op == "u" || entry.op == "d") return change(entry);
  if (is_in(kIgnoredOperations, entry.op)) return;
  reader_.fail(entry,
               fmt::format("has the operation \"{}\", which this version does not know", entry.op),
               "oplog = false reads the dump without its oplog");
}

void OplogWalk::change(const OplogEntry& entry) {
  Change out;
  out.ns = entry.ns;
  out.time = entry.time;
  out.entry = entry.number;
  if (entry.op == "u") {
    const UpdateKind kind = update_kind(entry.o);
    if (kind == UpdateKind::kUnknown)
      reader_.fail(entry,
                   fmt::format("cannot be applied: {}", fault_text(ApplyFault::kUnknownVersion)),
                   "oplog = false reads the dump without its oplog");
    out.kind = kind == UpdateKind::kReplacement ? ChangeKind::kReplace : ChangeKind::kUpdate;
    out.id = bson_field(entry.o2, "_id");
    out.body = entry.o;
  } else {
    out.kind = entry.op == "i" ? ChangeKind::kInsert : ChangeKind::kDelete;
    out.id = bson_field(entry.o, "_id");
    if (entry.op == "i") out.body = entry.o;
  }
  // Old servers built indexes by an insert.
  if (out.kind == ChangeKind::kInsert && entry.ns.ends_with(".system.indexes")) {
    const std::string indexed = text_of(entry.o, "ns");
    if (!indexed.empty()) return namespaces_.note(indexed, {}, entry.o);
  }
  const size_t index = namespaces_.at(entry.ns, entry.uuid);
  Lineage& lineage = namespaces_.lineages()[index];
  switch (out.kind) {
    case ChangeKind::kInsert: ++lineage.inserts; break;
    case ChangeKind::kReplace: ++lineage.replacements; break;
    case ChangeKind::kUpdate: ++lineage.updates; break;
    case ChangeKind::kDelete: ++lineage.deletes; break;
  }
  if (take_) take_(index, out);
}

std::string OplogWalk::collection_of(const OplogEntry& entry) const {
  BsonReader reader(entry.o);
  if (!reader.next() || reader.value().type != ValueType::kString)
    reader_.fail(entry, fmt::format("is a {} that names no collection", command_name(entry)));
  return fmt::format("{}.{}", database_of(entry.ns), reader.value().text());
}

void OplogWalk::command(const OplogEntry& entry, int depth) {
  const std::string_view name = command_name(entry);
  if (name == "applyOps" || name == "commitTransaction" || name == "abortTransaction") {
    if (is_transaction(entry)) follow_transaction(entry, name);
    if (name == "applyOps") apply_operations(entry, depth);
    return;
  }
  if (names_command(entry, name)) return;
  if (is_in(kIgnoredCommands, name)) {
    ++ignored_[std::string(name)];
    return;
  }
  unknown_command(entry, name);
}

bool OplogWalk::names_command(const OplogEntry& entry, std::string_view name) {
  if (name == "create") {
    namespaces_.create(collection_of(entry), entry.uuid, entry.o);
  } else if (name == "drop") {
    namespaces_.drop(collection_of(entry), entry.uuid, "was dropped " + when());
  } else if (name == "dropDatabase") {
    namespaces_.drop_database(database_of(entry.ns), "was dropped with its database " + when());
  } else if (name == "renameCollection") {
    rename(entry);
  } else if (name == "emptycapped") {
    namespaces_.empty(collection_of(entry), entry.uuid, entry.number);
  } else if (is_in(kMetadataCommands, name)) {
    namespaces_.note(collection_of(entry), entry.uuid, entry.o);
  } else {
    return false;
  }
  return true;
}

void OplogWalk::rename(const OplogEntry& entry) {
  const std::string from = text_of(entry.o, "renameCollection"), to = text_of(entry.o, "to");
  if (from.empty() || to.empty())
    reader_.fail(entry, "is a renameCollection without its two names");
  namespaces_.rename(from, to, is_true(entry.o, "dropTarget"), entry.uuid, when());
}

void OplogWalk::unknown_command(const OplogEntry& entry, std::string_view name) {
  // The server's own databases contain no collections of users.
  const std::string_view database = database_of(entry.ns);
  if (database == "config" || database == "local") {
    ++ignored_[std::string(name)];
    return;
  }
  reader_.fail(entry, fmt::format("is the command \"{}\", which cannot be replayed", name),
               "dump again when it is not running; oplog = false reads the dump without its oplog");
}

void OplogWalk::apply_operations(const OplogEntry& entry, int depth) {
  const Value operations = bson_field(entry.o, "applyOps");
  if (operations.type != ValueType::kArray || depth == kNesting)
    reader_.fail(entry, "has an applyOps that is not a list of operations");
  OplogEntry inner;
  BsonReader reader(operations.bytes());
  while (reader.next()) {
    inner.number = entry.number;
    inner.offset = entry.offset;
    const std::string_view wrong = reader.value().type == ValueType::kDocument
                                       ? parse_entry(reader.value().bytes(), inner)
                                       : "it is not a document";
    if (!wrong.empty())
      reader_.fail(entry, fmt::format("has an operation that is none: {}", wrong));
    inner.time = entry.time;
    operation(inner, depth + 1);
  }
}

bool OplogWalk::is_transaction(const OplogEntry& entry) const {
  const bool numbered =
      entry.transaction.type == ValueType::kInt64 || entry.transaction.type == ValueType::kInt32;
  return numbered && !entry.session.empty() && !entry.vectored;
}

// The documents of a transaction are locked until it ends, so nobody else changes them between its
// entries. If it is committed, each entry can therefore be applied in its place. Only the numbers
// of entries whose transaction has not ended yet are kept.
void OplogWalk::follow_transaction(const OplogEntry& entry, std::string_view name) {
  std::string key(as_text(entry.session));
  key += fmt::format(" {}", entry.transaction.i64);
  const auto open = open_.find(key);
  if (name == "abortTransaction") {
    if (open == open_.end()) return;
    aborted_.insert(aborted_.end(), open->second.begin(), open->second.end());
    open_.erase(open);
    return;
  }
  const bool begins_before = name == "commitTransaction" || entry.before >> 32 != 0;
  if (open == open_.end() && begins_before) {
    reader_.fail(entry, "goes on with a transaction whose beginning is not in the oplog",
                 "take an oplog that begins earlier; oplog = false reads the dump without it");
  }
  if (name == "commitTransaction") {
    open_.erase(open);
    return;
  }
  const bool prepared = is_true(entry.o, "prepare");
  if (prepared || is_true(entry.o, "partialTxn")) {
    open_[key].push_back(entry.number);
  } else if (open != open_.end()) {
    open_.erase(open);
  }
}

std::vector<uint64_t> OplogWalk::uncommitted() const {
  std::vector<uint64_t> out = aborted_;
  for (const auto& [key, entries] : open_) out.insert(out.end(), entries.begin(), entries.end());
  return out;
}

}  // namespace lugger
