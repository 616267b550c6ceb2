#include "weaviate/rows.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "store/read_back.hpp"
#include "store/unheld.hpp"
#include "value/bson_reader.hpp"
#include "weaviate/awake.hpp"
#include "weaviate/cursor.hpp"
#include "weaviate/object_id.hpp"
#include "weaviate/object_reader.hpp"
#include "weaviate/object_rows.hpp"
#include "weaviate/server.hpp"

namespace lugger {
namespace {

/// What is compared, once all tables are looked at.
struct ReadPlan {
  WeaviateClass of;
  const TablePlan* table = nullptr;
  ClassLayout layout;
  std::string tenant;
  std::vector<ComparedColumn> columns;
  std::vector<SlotLayout> slots;  // of the columns
  std::vector<size_t> key;        // of the columns, those of the key in its order
  std::shared_ptr<const ObjectIds> ids;
  std::shared_ptr<const void> held;  // the tenant, where it is not on by itself
};

constexpr std::string_view kForeign = " (id ";

/// The key that an object is shown by whose id is not made from its key: "d5 (id UUID)".
std::string foreign_key(const std::string& key, const std::string& id) {
  return fmt::format("{}{}{})", key, kForeign, id);
}

/// Its id; nullopt: the key is not of that form.
std::optional<Uuid> id_in_foreign_key(const std::optional<std::string>& key) {
  const size_t at = key ? key->rfind(kForeign) : std::string::npos;
  Uuid out;
  if (at == std::string::npos || !key->ends_with(')')) return std::nullopt;
  const std::string_view id = std::string_view(*key).substr(at + kForeign.size());
  if (!parse_uuid(id.substr(0, id.size() - 1), out.data())) return std::nullopt;
  return out;
}

/// Turns documents of a class into rows of the plan.
class RowMaker {
 public:
  explicit RowMaker(const ReadPlan& plan)
      : plan_(plan), fields_(plan.of), read_back_(plan.columns) {}

  bool give(Bytes document, RowTaker& taker) {
    read_back_.arena().reset();
    values_.clear();
    for (size_t i = 0; i < plan_.columns.size(); ++i) values_.push_back(value(document, i));
    tell_foreign(document);
    return taker.row({0, values_, hashes_});
  }

 private:
  /// The row of a key is the object whose id is made from it. The key of another one, which others
  /// made, gets the id: no row of the source is equal to it.
  void tell_foreign(Bytes document) {
    if (plan_.ids->is_key()) return;
    key_.clear();
    for (const size_t i : plan_.key) {
      const Value& part = values_[i];
      key_.push_back(part.absent() ? std::nullopt
                                   : std::optional(coerced_text(part, plan_.columns[i].type)));
    }
    const Value id = bson_field(document, "_id");
    const std::optional<Uuid> own = plan_.ids->of(key_);
    if (own && std::ranges::equal(Bytes(*own), Bytes(id.data, id.size))) return;
    values_[plan_.key[0]] = Value::of(
        ValueType::kPgText,
        read_back_.arena().copy(foreign_key(key_[0].value_or("NULL"), uuid_text(id.data))));
  }

  Value field(Bytes document, const SlotLayout& slot) const {
    if (slot.form == ObjectForm::kId) return bson_field(document, "_id");
    if (slot.form != ObjectForm::kVector) return bson_field(document, slot.name);
    if (slot.name.empty()) return bson_field(document, fields_.vector);
    const Value vectors = bson_field(document, fields_.vectors);
    return vectors.type == ValueType::kDocument ? bson_field(vectors.bytes(), slot.name) : Value();
  }

  Value value(Bytes document, size_t i) {
    const SlotLayout& slot = plan_.slots[i];
    const ColumnType& type = plan_.columns[i].type;
    Value in = field(document, slot);
    // One in the plan, and a list in Weaviate.
    if (slot.form == ObjectForm::kReference && !slot.array && in.type == ValueType::kArray)
      in = bson_field(in.bytes(), "0");
    const bool json = type.kind == Kind::kJson || type.kind == Kind::kJsonb;
    // JSON that was written as text.
    if (json && slot.form == ObjectForm::kText && in.type == ValueType::kString)
      in = Value::of(ValueType::kJson, in.text());
    return read_back_(i, in);
  }

  const ReadPlan& plan_;
  const ObjectFields fields_;
  ReadBack read_back_;
  std::vector<Value> values_, hashes_;
  KeyText key_;
};

constexpr char kNoCondition[] = "objects of Weaviate are verified all, not by a condition";

class WeaviateRowReader final : public RowReader {
 public:
  WeaviateRowReader(std::shared_ptr<HttpEndpoint> endpoint, const ReadPlan& plan)
      : endpoint_(std::move(endpoint)), plan_(plan), maker_(plan) {}

  bool read(const RowPart& part, RowTaker& taker) override {
    const auto cursor = open_objects(endpoint_, plan_.of, ObjectRange::of(part.rows), {});
    return each_document(*cursor, [&](Bytes document) { return maker_.give(document, taker); });
  }

  void read_keys(size_t, const std::vector<const KeyText*>& keys, RowTaker& taker) override {
    WeaviateServer server(endpoint_);
    ObjectReader reader(plan_.of, plan_.tenant);
    ByteBuffer document;
    // A key may look like that of a foreign object and be none.
    for (const KeyText* key : keys) {
      for (const auto& id : {plan_.ids->of(*key), id_in_foreign_key(key->front())}) {
        if (!id) continue;
        std::optional<std::string> object =
            server.object(plan_.of.name, plan_.tenant, uuid_text(id->data()));
        if (!object) continue;
        reader.read_object(std::move(*object));
        document.clear();
        if (reader.next(document) && !maker_.give(document.view(), taker)) return;
      }
    }
  }
  void read_roots(size_t table, const std::vector<const KeyText*>& roots,
                  RowTaker& taker) override {
    read_keys(table, roots, taker);
  }
  /// A class has one object of each id.
  void read_doubled(size_t, RowTaker&) override {}

 private:
  std::shared_ptr<HttpEndpoint> endpoint_;
  const ReadPlan& plan_;
  RowMaker maker_;
};

class WeaviateSnapshot final : public MovingSnapshot {
 public:
  WeaviateSnapshot(const std::shared_ptr<HttpEndpoint>& endpoint, const ReadPlan& plan, int readers)
      : MovingSnapshot(readers,
                       [&] { return std::make_unique<WeaviateRowReader>(endpoint, plan); }),
        plan_(plan) {}

  std::vector<RowPart> parts(size_t table, const std::string& where) override {
    if (!where.empty()) raise(Code::kConfig, kNoCondition);
    std::vector<RowPart> out;
    const size_t parts = readers() == 1 ? 1 : 4 * readers();
    for (const ObjectRange& range : object_ranges(plan_.tenant, parts))
      out.push_back({table, range.spec()});
    return out;
  }

 private:
  const ReadPlan& plan_;
};

/// Objects are deleted one by one: there is no transaction.
class WeaviateEraser final : public RowEraser, RowTaker {
 public:
  WeaviateEraser(std::shared_ptr<HttpEndpoint> endpoint, const ReadPlan& plan)
      : endpoint_(std::move(endpoint)), plan_(plan), maker_(plan) {}

  void erase(const std::vector<size_t>&, const std::string& where, RowChooser& chooser,
             std::vector<uint64_t>& erased) override {
    if (!where.empty()) raise(Code::kConfig, kNoCondition);
    chooser_ = &chooser;
    std::vector<Uuid> gone;
    const auto cursor = open_objects(endpoint_, plan_.of, {plan_.tenant, "", ""}, {});
    each_document(*cursor, [&](Bytes document) {
      if (maker_.give(document, *this)) gone.push_back(id_of(document));
      return true;
    });
    erased[0] = gone.size();
    WeaviateServer server(endpoint_);
    for (const Uuid& id : gone) server.erase(plan_.of.name, plan_.tenant, uuid_text(id.data()));
  }
  /// There are no child rows.
  void erase_orphans(size_t, size_t, const std::vector<const KeyText*>&) override {}

 private:
  bool row(const StoredRow& row) override { return chooser_->goes(row); }
  static Uuid id_of(Bytes document) {
    Uuid out{};
    const Value id = bson_field(document, "_id");
    std::copy_n(id.data, std::min<size_t>(id.size, out.size()), out.begin());
    return out;
  }

  std::shared_ptr<HttpEndpoint> endpoint_;
  const ReadPlan& plan_;
  RowMaker maker_;
  RowChooser* chooser_ = nullptr;
};

class WeaviateLook final : public RowsLook {
 public:
  WeaviateLook(const WeaviateAddress& address, LayoutOptions options, const PlanShape& plan,
               ReadPlan& read)
      : address_(address),
        options_(std::move(options)),
        plan_(plan),
        read_(read),
        server_(address.endpoint) {
    if (options_.class_name.empty()) options_.class_name = class_name_of(plan.tables()[0].name);
  }

  RowsFacts facts() override {
    return {"Weaviate " + server_.version(), options_.told(address_.endpoint->settings().base)};
  }

  StoredTable columns(size_t table, const std::vector<size_t>& slots) override {
    std::optional<WeaviateClass> there = server_.find_class(options_.class_name);
    if (!there) raise(Code::kVerify, "Weaviate has no class {}", options_.class_name);
    options_.class_name = there->name;
    const TablePlan& plan = plan_.tables()[table];
    const ClassLayout layout = class_layout(plan_, &*there, options_);
    if (plan_.tables().size() > 1 || plan.key.empty())
      raise(Code::kVerify, "a job for Weaviate has a key and one table");
    StoredTable out;
    for (const size_t slot : slots) {
      const Column& column = plan.columns[slot];
      if (layout.slots[slot].form == ObjectForm::kNone) {
        out.altered.push_back({plan.name, column.name, property_type_of(column.type), ""});
        continue;
      }
      ComparedColumn& compared = out.columns.emplace_back();
      compared.slot = slot;
      compared.name = column.name;
      compared.type = column.type;
      compared.as = {column.type.kind, column.type.element};
      read_.columns.push_back(compared);
      read_.slots.push_back(layout.slots[slot]);
    }
    for (const size_t part : plan.key) {
      const auto at = std::ranges::find(read_.columns, part, &ComparedColumn::slot);
      if (at == read_.columns.end())
        raise(Code::kVerify, "the key column {} has no property in {}", plan.columns[part].name,
              there->name);
      read_.key.push_back(static_cast<size_t>(at - read_.columns.begin()));
    }
    read_.table = &plan;
    read_.layout = layout;
    read_.of = std::move(*there);
    read_.tenant = options_.tenant;
    read_.held =
        wake_tenant(address_.endpoint, options_.class_name, options_.tenant, options_.tenant_state);
    read_.ids = std::make_shared<ObjectIds>(plan);
    return out;
  }

  void bind_key(ComparedTable&, std::vector<std::string>&) override {}

 private:
  const WeaviateAddress& address_;
  LayoutOptions options_;
  const PlanShape& plan_;
  ReadPlan& read_;
  WeaviateServer server_;
};

/// What Weaviate cannot hold is replaced in the source's rows as it was during the load.
class HeldValues final : public TargetValues {
 public:
  HeldValues(const TablePlan& table, const ClassLayout& layout,
             const std::map<std::string, uint32_t>& lengths)
      : rows_(make_object_rows(table, layout, ObjectWay::kRest,
                               std::make_shared<VectorLengths>(layout, lengths))),
        unheld_(table) {}

  void apply(Batch& batch, KeyHashes&) override {
    RowSet& rows = batch.tables[0];
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
      int column = -1;
      object_.clear();
      static_cast<void>(unheld_.append(*rows_, rows.row(i), column, object_));
    }
  }

 private:
  std::unique_ptr<RowEncoder> rows_;
  UnheldValues unheld_;
  ByteBuffer object_;
};

class WeaviateRows final : public Rows {
 public:
  WeaviateRows(WeaviateAddress address, LayoutOptions options)
      : address_(std::move(address)), options_(std::move(options)) {}

  std::unique_ptr<RowsLook> look(const PlanShape& plan) override {
    return std::make_unique<WeaviateLook>(address_, options_, plan, read_);
  }
  uint64_t count(size_t) override {
    const std::optional<uint64_t> count =
        WeaviateServer(address_.endpoint).count(read_.of.name, read_.tenant);
    if (count) return *count;
    throw Error(Code::kConfig, "the server counts no objects: its GraphQL is off",
                "verify all of them, without --sample");
  }
  std::unique_ptr<TargetValues> values() override {
    if (read_.table == nullptr || !UnheldValues::any(*read_.table)) return nullptr;
    WeaviateServer server(address_.endpoint);
    return std::make_unique<HeldValues>(*read_.table, read_.layout,
                                        find_lengths(server, read_.of.name, read_.tenant));
  }
  std::unique_ptr<RowSnapshot> snapshot(int readers) override {
    return std::make_unique<WeaviateSnapshot>(address_.endpoint, read_, readers);
  }
  std::unique_ptr<RowEraser> eraser() override {
    return std::make_unique<WeaviateEraser>(address_.endpoint, read_);
  }

 private:
  WeaviateAddress address_;
  LayoutOptions options_;
  ReadPlan read_;
};

}  // namespace

std::unique_ptr<Rows> make_weaviate_rows(const WeaviateAddress& address,
                                         const LayoutOptions& options) {
  return std::make_unique<WeaviateRows>(address, options);
}

}  // namespace lugger
