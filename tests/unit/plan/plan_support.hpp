// What the tests of plans share: documents as JSON through a mapping, rows as text.
#pragma once
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "catch.hpp"
#include "plan/plan.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {

inline Column column(std::string name, std::string_view type, std::string from = {}) {
  Column out;
  out.name = std::move(name);
  out.type = parse_column_type(type);
  out.from = std::move(from);
  if (out.from == "_id" && out.type.kind == Kind::kText) out.id_text_column = true;
  return out;
}

/// Runs documents, given as JSON, through a mapping and keeps the batch for looking at.
struct Fixture {
  explicit Fixture(Mapping mapping, RowHook* with = nullptr)
      : shape(std::make_shared<const PlanShape>(std::move(mapping))),
        plan(shape, with != nullptr),
        hook(with) {}

  void run(const std::vector<std::string>& documents) {
    for (const std::string& json : documents) bson.push_back(bson_from_json(json));
    for (const std::string& bytes : bson) {
      batch.documents.push_back({reinterpret_cast<const uint8_t*>(bytes.data()),
                                 static_cast<uint32_t>(bytes.size()), Format::kBson, nullptr});
    }
    plan.run(batch, hook);
  }
  /// A row's columns as text, NULL for null.
  std::string row(size_t table, size_t i) const {
    std::string out;
    const std::vector<Column>& columns = shape->tables()[table].columns;
    for (size_t c = 0; c < columns.size(); ++c) {
      const Value& value = batch.tables[table].row(i)[c];
      out += (c == 0 ? "" : " | ") +
             (value.type == ValueType::kNull ? "NULL" : coerced_text(value, columns[c].type));
    }
    return out;
  }

  Arena arena;
  Batch batch{arena};
  std::shared_ptr<const PlanShape> shape;
  Plan plan;
  RowHook* hook;
  std::vector<std::string> bson;
};

inline Mapping users() {
  Mapping mapping;
  mapping.table = "users";
  mapping.database = "shop";
  mapping.collection = "users";
  mapping.key = {"mongo_id"};
  mapping.columns = {column("mongo_id", "text", "_id"), column("city", "text", "address.city"),
                     column("age", "int4")};
  return mapping;
}

}  // namespace lugger::test
