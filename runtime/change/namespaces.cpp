#include "change/namespaces.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "change/oplog_entry.hpp"

namespace lugger {

bool Namespaces::is_vacant(std::string_view ns) const {
  const auto found = names_.find(ns);
  if (found != names_.end()) return found->second == kVacant;
  return std::find(dropped_.begin(), dropped_.end(), database_of(ns)) != dropped_.end();
}

size_t Namespaces::begin(std::string_view ns, Bytes uuid) {
  Lineage made;
  made.ns = ns;
  made.uuid = as_text(uuid);
  made.claims.push_back({made.ns, is_vacant(ns)});
  lineages_.push_back(std::move(made));
  names_[std::string(ns)] = lineages_.size() - 1;
  last_ = kVacant;
  return lineages_.size() - 1;
}

size_t Namespaces::at(std::string_view ns, Bytes uuid) {
  if (last_ != kVacant && ns == last_ns_) return last_;
  const auto found = names_.find(ns);
  const size_t index =
      found == names_.end() || found->second == kVacant ? begin(ns, uuid) : found->second;
  if (lineages_[index].uuid.empty()) lineages_[index].uuid = as_text(uuid);
  last_ns_ = ns;
  last_ = index;
  return index;
}

void Namespaces::create(std::string_view ns, Bytes uuid, Bytes command) {
  const auto found = names_.find(ns);
  size_t index = found == names_.end() ? kVacant : found->second;
  const bool another = index != kVacant && !uuid.empty() && !lineages_[index].uuid.empty() &&
                       lineages_[index].uuid != as_text(uuid);
  if (another) drop(ns, {}, "was made anew");
  if (index == kVacant || another) index = begin(ns, uuid);
  lineages_[index].created = true;
  lineages_[index].commands.emplace_back(as_text(command));
}

void Namespaces::drop(std::string_view ns, Bytes uuid, std::string how) {
  Lineage& lineage = lineages_[at(ns, uuid)];
  lineage.ns.clear();
  lineage.gone = std::move(how);
  names_[std::string(ns)] = kVacant;
  last_ = kVacant;
}

void Namespaces::drop_database(std::string_view database, const std::string& how) {
  std::vector<std::string> inside;
  for (const auto& [ns, index] : names_) {
    if (index != kVacant && database_of(ns) == database) inside.push_back(ns);
  }
  for (const std::string& ns : inside) drop(ns, {}, how);
  dropped_.emplace_back(database);
}

void Namespaces::rename(std::string_view from, std::string_view to, bool drop_target, Bytes uuid,
                        const std::string& when) {
  const size_t index = at(from, uuid);
  const auto target = names_.find(to);
  const bool taken = target != names_.end() && target->second != kVacant;
  if (drop_target || taken) drop(to, {}, fmt::format("gave way to {} {}", from, when));
  Lineage& lineage = lineages_[index];
  lineage.claims.push_back({std::string(to), is_vacant(to)});
  lineage.ns = to;
  names_[std::string(from)] = kVacant;
  names_[std::string(to)] = index;
  last_ = kVacant;
}

void Namespaces::empty(std::string_view ns, Bytes uuid, uint64_t entry) {
  Lineage& lineage = lineages_[at(ns, uuid)];
  lineage.empty_at = entry;
  lineage.inserts = lineage.replacements = lineage.updates = lineage.deletes = 0;
}

void Namespaces::note(std::string_view ns, Bytes uuid, Bytes command) {
  lineages_[at(ns, uuid)].commands.emplace_back(as_text(command));
}

namespace {

bool claims(const Lineage& lineage, const DumpFile& file, bool by_uuid) {
  if (by_uuid && (file.uuid.empty() || lineage.uuid != file.uuid)) return false;
  return std::any_of(lineage.claims.begin(), lineage.claims.end(), [&](const Lineage::Claim& one) {
    return one.ns == file.ns && (by_uuid || !one.needs_uuid);
  });
}

/// The collection whose documents a file holds: found by uuid, otherwise the first with that name.
size_t owner_of(const std::vector<Lineage>& lineages, const DumpFile& file) {
  for (const bool by_uuid : {true, false}) {
    for (size_t i = 0; i < lineages.size(); ++i) {
      if (claims(lineages[i], file, by_uuid)) return i;
    }
  }
  return EndState::kNone;
}

}  // namespace

std::vector<EndState> end_states(const std::vector<Lineage>& lineages,
                                 const std::vector<std::string>& dropped_databases,
                                 const std::vector<DumpFile>& files) {
  std::vector<EndState> out;
  std::vector<size_t> file_of(lineages.size(), EndState::kNone);
  for (size_t i = 0; i < files.size(); ++i) {
    const size_t owner = owner_of(lineages, files[i]);
    const bool dropped = std::find(dropped_databases.begin(), dropped_databases.end(),
                                   database_of(files[i].ns)) != dropped_databases.end();
    if (owner == EndState::kNone) {
      if (!dropped) out.push_back({files[i].ns, i, EndState::kNone});
    } else if (file_of[owner] == EndState::kNone) {
      file_of[owner] = i;
    }
  }
  for (size_t i = 0; i < lineages.size(); ++i) {
    const Lineage& lineage = lineages[i];
    // A collection neither in the dump nor created in the oplog's time is incomplete.
    if (lineage.ns.empty() || (file_of[i] == EndState::kNone && !lineage.created)) continue;
    out.push_back({lineage.ns, file_of[i], i});
  }
  return out;
}

std::string reason_gone(const std::vector<Lineage>& lineages, std::string_view ns) {
  for (const Lineage& lineage : lineages) {
    for (const Lineage::Claim& claim : lineage.claims) {
      if (claim.ns != ns || lineage.ns == ns) continue;
      return lineage.ns.empty() ? lineage.gone : fmt::format("is called {} at its end", lineage.ns);
    }
  }
  return {};
}

}  // namespace lugger
