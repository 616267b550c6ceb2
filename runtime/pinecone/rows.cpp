#include "pinecone/rows.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "base/url.hpp"
#include "pinecone/cursor.hpp"
#include "pinecone/record_writer.hpp"
#include "store/key_text.hpp"
#include "store/read_back.hpp"
#include "store/unheld.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"

namespace lugger {
namespace {

/// What is compared, once all tables are looked at.
struct ReadPlan {
  PineconeOpening opening;  // of no namespace yet
  RecordLayout layout;
  std::vector<ComparedColumn> columns;
  std::vector<size_t> key;  // slots of the plan, in the order of the key
  std::shared_ptr<PineconeFreshness> freshness;
};

/// Turns documents of an index into rows of the plan.
class RowMaker {
 public:
  explicit RowMaker(const ReadPlan& plan)
      : plan_(plan), namespace_(namespace_field(plan.opening.index)), read_back_(plan.columns) {}

  bool give(Bytes document, RowTaker& taker) {
    read_back_.arena().reset();
    values_.clear();
    const std::string id(bson_field(document, "_id").text());
    parts_ = parts_of_key_text(id, plan_.layout.id.size());
    // What others gave such an id is shown by it, and equal to nothing.
    if (!parts_) parts_.emplace(1, id);
    const Value metadata = plan_.layout.documents ? Value::of(ValueType::kDocument, document)
                                                  : bson_field(document, "metadata");
    for (size_t i = 0; i < plan_.columns.size(); ++i)
      values_.push_back(read_back_(i, field(document, metadata, plan_.columns[i].slot)));
    return taker.row({0, values_, hashes_});
  }

 private:
  Value field(Bytes document, const Value& metadata, size_t slot) {
    const RecordSlot& of = plan_.layout.slots[slot];
    switch (of.form) {
      case RecordForm::kId: return part_of_id(slot);
      case RecordForm::kNamespace: return bson_field(document, namespace_);
      case RecordForm::kValues:
        return bson_field(document, plan_.layout.documents ? of.name : "values");
      case RecordForm::kSparse:
        return bson_field(document, plan_.layout.documents ? of.name : "sparse_values");
      default: break;
    }
    if (metadata.type != ValueType::kDocument) return Value::null();
    return of.form == RecordForm::kMetadata ? rest_of(metadata)
                                            : bson_field(metadata.bytes(), of.name);
  }

  Value part_of_id(size_t slot) const {
    const auto at = std::ranges::find(plan_.layout.id, slot) - plan_.layout.id.begin();
    const auto part = static_cast<size_t>(at);
    if (part >= parts_->size()) return Value::null();
    return Value::of(ValueType::kString, std::string_view((*parts_)[part]));
  }

  /// The metadata without the fields that are columns.
  Value rest_of(const Value& metadata) {
    rest_.clear();
    BsonWriter writer(rest_);
    writer.begin_document();
    bool empty = true;
    for (BsonReader reader(metadata.bytes()); reader.next();) {
      if (plan_.layout.owns(reader.name()) || is_ours(reader.name())) continue;
      writer.append_element(reader.element());
      empty = false;
    }
    writer.end();
    if (empty) return Value::null();
    const uint8_t* copied = read_back_.arena().copy(rest_.view());
    return Value::of(ValueType::kDocument, Bytes(copied, rest_.size()));
  }

  /// Of a document index: what is no field of the document's own.
  bool is_ours(std::string_view name) const {
    if (!plan_.layout.documents) return false;
    return name == "_id" || name == namespace_ ||
           std::ranges::any_of(plan_.layout.slots, [name](const RecordSlot& slot) {
             return slot.form >= RecordForm::kValues && slot.form <= RecordForm::kSparse &&
                    slot.name == name;
           });
  }

  const ReadPlan& plan_;
  const std::string_view namespace_;
  ReadBack read_back_;
  std::optional<std::vector<std::string>> parts_;
  ByteBuffer rest_;
  std::vector<Value> values_, hashes_;
};

constexpr char kNoCondition[] = "records of Pinecone are verified all, not by a condition";

std::string part_spec(const std::string& name_space) {
  return "namespace:" + percent_encode(name_space);
}

PineconeOpening opening_of(const ReadPlan& plan, const std::string& name_space) {
  PineconeOpening out = plan.opening;
  out.name_space = name_space;
  return out;
}

PineconeData data_of(const ReadPlan& plan) {
  return PineconeData(plan.opening.data, plan.opening.index.documents);
}

/// The namespaces whose records are the table's.
std::vector<std::string> namespaces_of(const ReadPlan& plan) {
  if (!plan.layout.by_column) return {plan.layout.name_space};
  std::vector<std::string> out;
  for (const PineconeNamespace& one : data_of(plan).namespaces()) out.push_back(one.name);
  return out;
}

class PineconeRowReader final : public RowReader {
 public:
  explicit PineconeRowReader(const ReadPlan& plan) : plan_(plan), maker_(plan) {}

  bool read(const RowPart& part, RowTaker& taker) override {
    const std::string name = percent_decode(spec_field(part.rows, "namespace").value_or(""));
    const PineconeOpening opening = opening_of(plan_, name);
    PineconeData data(opening.data, opening.index.documents);
    plan_.freshness->wait(data, name);
    const std::unique_ptr<Cursor> cursor = open_records(opening, {});
    return each_document(*cursor, [&](Bytes document) { return maker_.give(document, taker); });
  }

  void read_keys(size_t, const std::vector<const KeyText*>& keys, RowTaker& taker) override {
    std::map<std::string, std::vector<std::string>> ids;
    for (const KeyText* key : keys) sort_in(*key, ids);
    for (auto& [name, wanted] : ids) {
      std::ranges::sort(wanted);
      wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
      RecordFetcher fetcher(opening_of(plan_, name));
      // What was just written may not show yet: what is missing is looked for until it is there, or
      // the patience is over.
      do {
        if (!fetch(fetcher, wanted, taker)) return;
      } while (!wanted.empty() && plan_.freshness->look_again(fetcher.data(), name));
    }
  }
  void read_roots(size_t table, const std::vector<const KeyText*>& roots,
                  RowTaker& taker) override {
    read_keys(table, roots, taker);
  }
  /// A namespace has one record of each id.
  void read_doubled(size_t, RowTaker&) override {}

 private:
  /// The id of a key, to those of its namespace.
  void sort_in(const KeyText& key, std::map<std::string, std::vector<std::string>>& ids) const {
    std::string name = plan_.layout.name_space;
    KeyText parts;
    for (size_t i = 0; i < key.size(); ++i) {
      if (plan_.key[i] == plan_.layout.by_column) {
        name = key[i] ? namespace_name(*key[i], plan_.opening.ids) : "";
      } else {
        parts.push_back(key[i]);
      }
    }
    const std::optional<std::string> id = key_text(parts);
    const std::optional<std::string>& shown = id ? id : parts.empty() ? std::nullopt : parts[0];
    if (!shown) return;
    std::string encoded = plan_.opening.ids.encoded(*shown);
    if (why_no_id(encoded).empty()) ids[name].push_back(std::move(encoded));
  }

  /// Leaves in `wanted` what was not there. False: the taker wants no more.
  bool fetch(RecordFetcher& fetcher, std::vector<std::string>& wanted, RowTaker& taker) {
    std::vector<std::string> missing;
    for (size_t from = 0; from < wanted.size();) {
      const size_t to = fetcher.fetch(wanted, from);
      for (; from < to; ++from) {
        const std::optional<Bytes> record = fetcher.reader().record(wanted[from]);
        if (!record) {
          missing.push_back(wanted[from]);
        } else if (!maker_.give(*record, taker)) {
          return false;
        }
      }
    }
    wanted = std::move(missing);
    return true;
  }

  const ReadPlan& plan_;
  RowMaker maker_;
};

class PineconeSnapshot final : public MovingSnapshot {
 public:
  PineconeSnapshot(const ReadPlan& plan, int readers)
      : MovingSnapshot(readers, [&] { return std::make_unique<PineconeRowReader>(plan); }),
        plan_(plan) {}

  std::vector<RowPart> parts(size_t table, const std::string& where) override {
    if (!where.empty()) raise(Code::kConfig, kNoCondition);
    std::vector<RowPart> out;
    for (const std::string& name : namespaces_of(plan_)) out.push_back({table, part_spec(name)});
    return out;
  }

 private:
  const ReadPlan& plan_;
};

/// Records are deleted without a transaction.
class PineconeEraser final : public RowEraser, RowTaker {
 public:
  explicit PineconeEraser(const ReadPlan& plan) : plan_(plan), maker_(plan) {}

  void erase(const std::vector<size_t>&, const std::string& where, RowChooser& chooser,
             std::vector<uint64_t>& erased) override {
    constexpr size_t kMostIds = 1000;
    if (!where.empty()) raise(Code::kConfig, kNoCondition);
    chooser_ = &chooser;
    std::map<std::string, std::vector<std::string>> gone;
    uint64_t count = 0;
    for (const std::string& name : namespaces_of(plan_)) {
      const std::unique_ptr<Cursor> cursor = open_records(opening_of(plan_, name), {});
      each_document(*cursor, [&](Bytes document) {
        if (!maker_.give(document, *this)) return true;
        gone[name].push_back(plan_.opening.ids.encoded(bson_field(document, "_id").text()));
        ++count;
        return true;
      });
    }
    erased[0] = count;
    PineconeData data = data_of(plan_);
    for (const auto& [name, ids] : gone) {
      for (size_t from = 0; from < ids.size(); from += kMostIds)
        data.erase(name, std::span(ids).subspan(from, std::min(kMostIds, ids.size() - from)));
    }
  }
  /// There are no child rows.
  void erase_orphans(size_t, size_t, const std::vector<const KeyText*>&) override {}

 private:
  bool row(const StoredRow& row) override { return chooser_->goes(row); }

  const ReadPlan& plan_;
  RowMaker maker_;
  RowChooser* chooser_ = nullptr;
};

/// What the records say of the rows of the source: metadata has no nulls, an empty one is none.
class PineconeValues final : public TargetValues {
 public:
  PineconeValues(const TablePlan& table, const RecordLayout& layout, const RecordOptions& options)
      : layout_(layout), writer_(table, layout, options), unheld_(table) {}

  void apply(Batch& batch, KeyHashes&) override {
    RowSet& rows = batch.tables[0];
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
      int column = -1;
      record_.clear();
      const Failure failure = unheld_.append(writer_, rows.row(i), column, record_);
      if (failure != Failure::kNone) {
        refuse_row(batch, i, column, failure, writer_);
        continue;
      }
      for (size_t slot = 0; slot < layout_.slots.size(); ++slot)
        settle(rows.row(i)[slot], slot, batch.arena());
    }
  }

 private:
  void settle(Value& value, size_t slot, Arena& arena) {
    constexpr size_t kEmptySparse = 12;
    const RecordForm form = layout_.slots[slot].form;
    if (form == RecordForm::kNamespace) {
      const bool unnamed = value.absent() || value.text() == "__default__";
      if (unnamed) value = Value::of(ValueType::kString, std::string_view());
    } else if (form == RecordForm::kSparse) {
      if (!value.absent() && value.size == kEmptySparse) value = Value::null();
    } else if ((form == RecordForm::kMetadata || form == RecordForm::kJson) && !value.absent()) {
      json_.clear();
      static_cast<void>(writer_.settled(slot, value.text(), json_));
      value =
          json_.size() == 0 ? Value::null() : Value::of(ValueType::kJson, arena.copy(json_.text()));
    }
  }

  const RecordLayout& layout_;
  RecordWriter writer_;
  UnheldValues unheld_;
  ByteBuffer record_, json_;
};

class PineconeLook final : public RowsLook {
 public:
  PineconeLook(const PineconeAddress& address, RecordOptions& options, const PlanShape& plan,
               ReadPlan& read)
      : address_(address), options_(options), plan_(plan), read_(read) {
    if (options_.index.empty()) options_.index = plan.tables()[0].name;
  }

  RowsFacts facts() override { return {"Pinecone", options_.told(address_.base())}; }

  StoredTable columns(size_t table, const std::vector<size_t>& slots) override {
    const std::optional<PineconeIndex> there = PineconeControl(address_).find_index(options_.index);
    if (!there) raise(Code::kVerify, "Pinecone has no index {}", options_.index);
    if (there->pods)
      raise(Code::kVerify, "{} is a pod index, whose ids cannot be listed", there->name);
    const TablePlan& plan = plan_.tables()[table];
    if (plan_.tables().size() > 1 || plan.key.empty())
      raise(Code::kVerify, "a job for Pinecone has a key and one table");
    read_.layout = record_layout(plan_, &*there, options_);
    StoredTable out;
    for (const size_t slot : slots) {
      const Column& column = plan.columns[slot];
      if (read_.layout.slots[slot].form == RecordForm::kNone) {
        out.altered.push_back({plan.name, column.name, column.type.sql, ""});
        continue;
      }
      ComparedColumn& compared = out.columns.emplace_back();
      compared.slot = slot;
      compared.name = column.name;
      compared.type = column.type;
      compared.as = {column.type.kind, column.type.element};
      read_.columns.push_back(compared);
    }
    read_.key = plan.key;
    read_.opening.index = *there;
    read_.opening.data = address_.data(there->host, there->documents);
    read_.opening.ids = options_.ids;
    return out;
  }

  void bind_key(ComparedTable&, std::vector<std::string>&) override {}

 private:
  const PineconeAddress& address_;
  RecordOptions& options_;
  const PlanShape& plan_;
  ReadPlan& read_;
};

class PineconeRows final : public Rows {
 public:
  PineconeRows(PineconeAddress address, RecordOptions options,
               std::shared_ptr<PineconeFreshness> freshness)
      : address_(std::move(address)), options_(std::move(options)) {
    read_.freshness = std::move(freshness);
  }

  std::unique_ptr<RowsLook> look(const PlanShape& plan) override {
    table_ = &plan.tables()[0];
    return std::make_unique<PineconeLook>(address_, options_, plan, read_);
  }
  uint64_t count(size_t) override {
    uint64_t out = 0;
    for (const PineconeNamespace& one : data_of(read_).namespaces())
      if (read_.layout.by_column || one.name == read_.layout.name_space) out += one.records;
    return out;
  }
  std::unique_ptr<TargetValues> values() override {
    return std::make_unique<PineconeValues>(*table_, read_.layout, options_);
  }
  std::unique_ptr<RowSnapshot> snapshot(int readers) override {
    return std::make_unique<PineconeSnapshot>(read_, readers);
  }
  std::unique_ptr<RowEraser> eraser() override { return std::make_unique<PineconeEraser>(read_); }

 private:
  PineconeAddress address_;
  RecordOptions options_;
  ReadPlan read_;
  const TablePlan* table_ = nullptr;
};

}  // namespace

std::unique_ptr<Rows> make_pinecone_rows(const PineconeAddress& address,
                                         const RecordOptions& options,
                                         std::shared_ptr<PineconeFreshness> freshness) {
  return std::make_unique<PineconeRows>(address, options, std::move(freshness));
}

}  // namespace lugger
