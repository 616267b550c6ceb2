#include "verify/live_check.hpp"

#include <algorithm>

#include "change/id_key.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "verify/newer_rank.hpp"

namespace lugger {
namespace {

constexpr size_t kKeysAtOnce = 500;

uint64_t rank_of(const ComparedTable& table, const Value* slots) {
  return table.newer_compared < 0 ? 0 : newer_rank(slots[static_cast<size_t>(table.newer)]);
}

}  // namespace

std::string id_of(const Document& document) {
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  writer.append("_id", bson_field(document.bytes(), "_id"));
  writer.end();
  return std::string(out.text());
}

std::string id_key(std::string_view id) {
  ByteBuffer out;
  return make_id_key(bson_field(as_bytes(id), "_id"), out) ? std::string(out.text())
                                                           : std::string(id);
}

/// The digests of rows that belong to a document at hand.
class LiveCheck::RowsThere {
 public:
  explicit RowsThere(LiveCheck& check) : check_(check) {}
  void row(const TargetRow& row) {
    const auto root = check_.roots_.find(row.digests.root);
    if (root == check_.roots_.end()) return;
    const int newer = row.table.newer_compared;
    root->second.there[row.table.table].push_back(
        {row.digests.key, row.digests.row,
         newer < 0 ? 0 : newer_rank(row.values[static_cast<size_t>(newer)])});
  }

 private:
  LiveCheck& check_;
};

class LiveCheck::RowsShown {
 public:
  RowsShown(LiveCheck& check, ShownRows& shown) : check_(check), shown_(shown) {}
  void row(const TargetRow& row) {
    Shown& out = shown_[{row.table.table, row.digests.key}];
    out = {};
    for (size_t i = 0; i < row.table.columns.size(); ++i) {
      const ComparedColumn& column = row.table.columns[i];
      out.texts.push_back(server_text_or_null(row.values[i], column));
      out.columns.push_back(check_.digester_.column(column, row.values[i]));
    }
    for (size_t k = 0; k < row.table.key.size(); ++k) {
      const size_t i = row.table.key[k];
      out.key += fmt::format("{}{}={}", k == 0 ? "" : ", ", row.table.columns[i].name,
                             out.texts[i].value_or("NULL"));
    }
  }

 private:
  LiveCheck& check_;
  ShownRows& shown_;
};

IdKeys::IdKeys(const VerifyContext& context)
    : own_(context.comparison.tables.front()), plan_(context.shape), digester_(context.seed) {}

const std::vector<std::optional<IdKeys::Key>>& IdKeys::of(const std::vector<std::string>& ids) {
  batch_.clear();
  arena_.reset();
  for (const std::string& id : ids) {
    batch_.documents.push_back(
        {arena_.copy(as_bytes(id)), static_cast<uint32_t>(id.size()), Format::kBson, nullptr});
    batch_.operations.push_back(Operation::kDelete);
  }
  plan_.run(batch_, nullptr);
  keys_.assign(ids.size(), std::nullopt);
  const RowSet& rows = batch_.tables.front();
  for (size_t i = 0; i < rows.rows(); ++i) {
    const uint32_t document = rows.document(i);
    if (!rows.live(i) || batch_.fates[document] != Fate::kDelete) continue;
    const auto slot = [&](size_t k) -> const Value& {
      return rows.row(i)[own_.columns[own_.key[k]].slot];
    };
    Key& key = keys_[document].emplace();
    for (size_t k = 0; k < own_.key.size(); ++k)
      key.text.push_back(server_text_or_null(slot(k), own_.columns[own_.key[k]]));
    key.digest = digester_.key(own_, slot).root;
  }
  return keys_;
}

LiveCheck::LiveCheck(VerifyContext& context)
    : context_(context),
      plan_(context.shape, static_cast<bool>(context.job.spec.hook)),
      id_keys_(context),
      hook_(context.job.make_hook(context.now)),
      values_(context.rows->values()),
      digester_(context.seed) {
  context.job.embed_with(plan_, EmbedMode::kKept);
}

void LiveCheck::add_root(const Digest& root, uint32_t document, const KeyText& key) {
  const auto [at, fresh] = roots_.try_emplace(root);
  if (!fresh) return;
  at->second.document = document;
  at->second.key = key;
  at->second.expected.resize(context_.comparison.tables.size());
  at->second.there.resize(context_.comparison.tables.size());
}

/// The rows that the documents should have, by the keys of their own rows.
void LiveCheck::make_roots(Batch& batch) {
  roots_.clear();
  const auto& keys = id_keys_.of(ids_);
  for (uint32_t i = 0; i < keys.size(); ++i)
    if (keys[i]) add_root(keys[i]->digest, i, keys[i]->text);
  for (const ComparedTable& table : context_.comparison.tables) {
    const RowSet& rows = batch.tables[table.table];
    for (size_t i = 0; i < rows.rows(); ++i) {
      const uint32_t document = rows.document(i);
      if (!rows.live(i) || batch.fates[document] != Fate::kLoad) continue;
      const Value* slots = rows.row(i);
      const RowDigests digests = digester_.digest(table, [&](size_t c) -> const Value& {
        const ComparedColumn& column = table.columns[c];
        return column.hash < 0 ? slots[column.slot] : hashes_.of(table, i, c);
      });
      KeyText key;
      for (const size_t c : table.root)
        key.push_back(server_text_or_null(slots[table.columns[c].slot], table.columns[c]));
      add_root(digests.root, document, key);
      roots_.at(digests.root)
          .expected[table.table]
          .push_back({digests.key, digests.row, rank_of(table, slots), slots});
    }
  }
}

void LiveCheck::read(RowReader& reader, RowTaker& taker, const std::vector<const KeyText*>& keys) {
  for (const ComparedTable& table : context_.comparison.tables) {
    for (size_t at = 0; at < keys.size(); at += kKeysAtOnce) {
      const auto first = keys.begin() + static_cast<std::ptrdiff_t>(at);
      const size_t count = std::min(kKeysAtOnce, keys.size() - at);
      reader.read_roots(table.table, {first, first + static_cast<std::ptrdiff_t>(count)}, taker);
    }
  }
}

void LiveCheck::compare_table(size_t t, Root& root, TableVerdict& found) {
  std::vector<Row>&expected = root.expected[t], &there = root.there[t];
  found.source += expected.size(), found.target += there.size();
  for (Row& row : expected) {
    const auto same_key = [&](const Row& other) { return !other.met && other.key == row.key; };
    const auto at = std::ranges::find_if(there, same_key);
    if (at == there.end()) {
      ++found.missing;
      continue;
    }
    at->met = row.met = true;
    if (at->row == row.row)
      ++found.equal;
    else if (context_.keeps_newer() && at->newer > row.newer)
      ++found.newer, ++found.older;
    else
      ++found.different;
  }
  for (const Row& row : there) found.extra += row.met ? 0 : 1;
}

bool LiveCheck::compare(Root& root, bool spare, std::vector<TableVerdict>& tables) {
  bool equal = true, newer = false;
  std::vector<TableVerdict> counts(tables.size());
  for (const ComparedTable& table : context_.comparison.tables) {
    TableVerdict found;
    compare_table(table.table, root, found);
    // The children of a row that stays because it is newer stay with it.
    newer = newer || (table.own && found.newer != 0);
    if (newer && !table.own) {
      found = {};
      found.source = found.older = root.expected[table.table].size();
      found.target = found.newer = root.there[table.table].size();
    }
    equal = equal && found.missing + found.extra + found.different == 0;
    counts[table.table] = std::move(found);
  }
  if (!equal && spare) {
    // A reject need not have a row: one that is not the document's is superfluous.
    for (std::vector<Row>& expected : root.expected) expected.clear();
    for (std::vector<Row>& there : root.there)
      for (Row& row : there) row.met = false;
    return compare(root, false, tables);
  }
  for (size_t t = 0; t < tables.size(); ++t) add_counts(tables[t], counts[t]);
  return equal;
}

RowFinding LiveCheck::finding(FindingKind kind, size_t t, const Row& row, const Row* there,
                              const ShownRows& shown) {
  const ComparedTable& table = context_.comparison.tables[t];
  RowFinding out;
  out.kind = kind;
  out.table = table.name;
  const auto found = shown.find({t, there != nullptr ? there->key : row.key});
  const Shown* stored = found == shown.end() ? nullptr : &found->second;
  if (stored != nullptr) out.key = stored->key;
  for (size_t k = 0; k < table.key.size() && stored == nullptr && row.slots != nullptr; ++k) {
    const ComparedColumn& column = table.columns[table.key[k]];
    out.key += fmt::format("{}{}={}", k == 0 ? "" : ", ", column.name,
                           server_text_or_null(row.slots[column.slot], column).value_or("NULL"));
  }
  const bool both = kind == FindingKind::kDifferent && stored != nullptr;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const ComparedColumn& column = table.columns[i];
    if (both && (column.hash >= 0 ||
                 digester_.column(column, row.slots[column.slot]) == stored->columns[i]))
      continue;
    ColumnDifference difference;
    difference.column = column.name;
    if (kind != FindingKind::kExtra && row.slots != nullptr)
      difference.source = server_text_or_null(row.slots[column.slot], column);
    if (kind != FindingKind::kMissing && stored != nullptr) difference.target = stored->texts[i];
    out.columns.push_back(std::move(difference));
  }
  return out;
}

void LiveCheck::tell(const Root& root, const ShownRows& shown, std::vector<RowFinding>& out) {
  for (const ComparedTable& table : context_.comparison.tables) {
    const std::vector<Row>& there = root.there[table.table];
    for (const Row& row : root.expected[table.table]) {
      const auto at = std::ranges::find(there, row.key, &Row::key);
      if (at == there.end())
        out.push_back(finding(FindingKind::kMissing, table.table, row, nullptr, shown));
      else if (at->row != row.row && !(context_.keeps_newer() && at->newer > row.newer))
        out.push_back(finding(FindingKind::kDifferent, table.table, row, &*at, shown));
    }
    for (const Row& row : there)
      if (!row.met) out.push_back(finding(FindingKind::kExtra, table.table, row, &row, shown));
  }
}

void LiveCheck::run(Batch& batch, RowReader& reader, KnownRejects::Pass* rejects, bool details,
                    const std::function<void(Judgement&&)>& use) {
  ids_.clear();
  for (const Document& document : batch.documents) ids_.push_back(id_of(document));
  plan_.run(batch, hook_.get());
  if (values_) values_->apply(batch, hashes_);
  make_roots(batch);
  std::vector<const KeyText*> keys;
  for (const auto& [digest, root] : roots_) keys.push_back(&root.key);
  RowsThere there(*this);
  TargetRows<RowsThere> rows(context_, there);
  read(reader, rows, keys);

  const size_t tables = context_.comparison.tables.size();
  std::vector<Judgement> out(batch.documents.size());
  std::vector<const Root*> wrong;
  for (size_t i = 0; i < out.size(); ++i) {
    out[i].id = ids_[i];
    out[i].tables.resize(tables);
    out[i].there = batch.operation(i) != Operation::kDelete;
    out[i].refused = batch.fates[i] == Fate::kReject;
    out[i].kept_reject = rejects != nullptr && batch.fates[i] == Fate::kLoad &&
                         rejects->takes(batch.documents[i], context_.shape->mapping());
  }
  keys.clear();
  for (auto& [digest, root] : roots_) {
    Judgement& one = out[root.document];
    if (!compare(root, one.kept_reject, one.tables)) {
      one.equal = false;
      wrong.push_back(&root);
      keys.push_back(&root.key);
    }
    SeenKey& seen = one.keys.emplace_back();
    seen.key = root.key;
    seen.id = one.id;
    for (const std::vector<Row>& of_table : root.there) seen.rows.push_back(of_table.size());
  }
  if (details && !wrong.empty()) {
    ShownRows shown;
    RowsShown show(*this, shown);
    TargetRows<RowsShown> again(context_, show);
    read(reader, again, keys);
    for (const Root* root : wrong) tell(*root, shown, out[root->document].findings);
  }
  for (Judgement& one : out) use(std::move(one));
}

}  // namespace lugger
