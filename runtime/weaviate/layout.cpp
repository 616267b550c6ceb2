#include "weaviate/layout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.hpp"
#include "plan/coerce.hpp"
#include "value/json_writer.hpp"
#include "weaviate/manifest.hpp"
#include "weaviate/object_id.hpp"

namespace lugger {
namespace {

bool is_integer(Kind kind) noexcept {
  return kind == Kind::kInt2 || kind == Kind::kInt4 || kind == Kind::kInt8;
}
bool is_float(Kind kind) noexcept { return kind == Kind::kFloat4 || kind == Kind::kFloat8; }
bool is_time(Kind kind) noexcept {
  return kind == Kind::kDate || kind == Kind::kTimestamp || kind == Kind::kTimestamptz;
}
bool is_json(Kind kind) noexcept { return kind == Kind::kJson || kind == Kind::kJsonb; }
bool is_vector(Kind kind) noexcept { return kind == Kind::kVector || kind == Kind::kHalfvec; }

bool is_vector_column(const Column& column) noexcept {
  return is_vector(column.type.kind) || is_vector_array(column.type);
}

std::string_view base_type_of(Kind kind) noexcept {
  if (kind == Kind::kBool) return "boolean";
  if (is_integer(kind)) return "int";
  if (is_float(kind)) return "number";
  if (is_time(kind)) return "date";
  if (kind == Kind::kUuid) return "uuid";
  return "text";
}

ObjectForm form_of(std::string_view type, Kind kind) noexcept {
  if (type == "text" || type == "string") return ObjectForm::kText;
  if (type == "boolean" && kind == Kind::kBool) return ObjectForm::kBool;
  if (type == "int" && is_integer(kind)) return ObjectForm::kInt;
  if (type == "number" && is_integer(kind)) return ObjectForm::kInt;
  if (type == "number" && is_float(kind)) return ObjectForm::kNumber;
  if (type == "date" && is_time(kind)) return ObjectForm::kDate;
  if (type == "uuid" && kind == Kind::kUuid) return ObjectForm::kUuid;
  return ObjectForm::kNone;
}

/// The form of a column in a property of this type.
SlotLayout fit(std::string_view type, const ColumnType& column) {
  SlotLayout out;
  if (column.is_array()) {
    out.array = true;
    if (type.ends_with("[]")) out.form = form_of(type.substr(0, type.size() - 2), column.element);
    return out;
  }
  out.form = form_of(type, column.kind);
  if (type == "blob" && column.kind == Kind::kBytea) out.form = ObjectForm::kBlob;
  const bool nested =
      type == "object" || type == "object[]" || type == "geoCoordinates" || type == "phoneNumber";
  if (nested && is_json(column.kind)) out.form = ObjectForm::kJson;
  return out;
}

/// The server does the same to the names of properties.
std::string property_name(std::string name) {
  if (!name.empty()) name[0] = to_lower(name[0]);
  return name;
}

std::string why_no_name(std::string_view name) {
  constexpr size_t kMost = 230;
  static constexpr std::string_view kReserved[] = {"id", "_id", "_additional"};
  static constexpr std::string_view kEndings[] = {"_searchable",  "_rangeable",      "_temp",
                                                  "__meta_count", "_propertyLength", "_nullState"};
  if (std::ranges::find(kReserved, name) != std::end(kReserved))
    return "Weaviate keeps that name for itself";
  for (const std::string_view ending : kEndings)
    if (name.ends_with(ending)) return fmt::format("Weaviate keeps names on {} for itself", ending);
  const bool good = !name.empty() && name.size() <= kMost && !is_digit(name[0]) &&
                    std::ranges::all_of(name, [](char c) {
                      return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_';
                    });
  return good ? "" : "names of properties and vectors are letters, digits and _";
}

class Maker {
 public:
  Maker(const PlanShape& plan, const WeaviateClass* there, const LayoutOptions& options)
      : table_(plan.tables()[0]), there_(there), options_(options), ids_(table_) {
    out_.class_name = options.class_name;
    out_.tenant = options.tenant;
    for (const Column& column : table_.columns) vectors_ += is_vector_column(column) ? 1 : 0;
    for (const Column& column : table_.columns) out_.slots.push_back(slot(column));
    check_twice();
    check_class();
    tell_ids();
    check_only_vector();
  }
  ClassLayout take() { return std::move(out_); }

 private:
  template <typename... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    out_.problems.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  void check_only_vector() {
    if (options_.vector.empty()) return;
    const auto column = std::ranges::find(table_.columns, options_.vector, &Column::name);
    if (column == table_.columns.end())
      return problem("vector = '{}' is no column", options_.vector);
    if (!is_vector_column(*column))
      problem("vector = '{}': the column is {}, and no vector", options_.vector, column->type.sql);
  }

  SlotLayout slot(const Column& column) {
    if (ids_.is_key() && &column == &table_.columns[table_.key[0]])
      return {ObjectForm::kId, false, "", ""};
    if (is_vector_column(column)) return vector(column);
    if (column.type.kind == Kind::kSparsevec) {
      problem(
          "column {} is a sparse vector, and Weaviate has none: as a text column it is kept, "
          "{{ '{}', 'text' }}",
          column.name, column.name);
      return {};
    }
    SlotLayout out;
    const std::string name = property_name(column.name);
    if (const std::string why = why_no_name(name); !why.empty()) {
      problem(
          "no property can be called {}: {}; name the column otherwise, {{ 'doc_id', ..., "
          "from = '{}' }}",
          name, why, column.from.empty() ? column.name : column.from);
      return out;
    }
    std::string type = property_type_of(column.type);
    if (there_ != nullptr) {
      const WeaviateProperty* property = there_->property(name);
      if (property == nullptr) {
        problem("the class {} has no property {}", there_->name, name);
        return out;
      }
      if (property->reference) return reference(column, *property);
      type = property->type;
    }
    out = fit(type, column.type);
    out.name = name;
    if (out.form == ObjectForm::kNone)
      problem("column {} is {}, which the property {}, {}, cannot hold", column.name,
              column.type.sql, name, type);
    warn_of(column, out, type);
    return out;
  }

  void warn_of(const Column& column, const SlotLayout& slot, std::string_view type) {
    const Kind kind = column.type.is_array() ? column.type.element : column.type.kind;
    if (slot.form == ObjectForm::kInt && kind == Kind::kInt8) {
      out_.warnings.push_back(fmt::format(
          "{}: integers beyond 2^53 become rejects, since Weaviate rounds them; as a text "
          "column they are kept",
          column.name));
    }
    if (slot.form == ObjectForm::kJson) {
      out_.warnings.push_back(fmt::format(
          "{}: Weaviate keeps numbers in a property of type {} as {}, so longer ones are rounded; "
          "as a text column they are kept",
          column.name, type,
          type == "geoCoordinates" ? "32-bit floats, about 7 digits" : "doubles, about 15 digits"));
    }
    const bool plain = kind == Kind::kText || kind == Kind::kVarchar || kind == Kind::kChar;
    if (slot.form == ObjectForm::kText && !plain) {
      out_.warnings.push_back(fmt::format("{}: {} is kept as text", column.name, column.type.sql));
    }
  }

  /// To objects of one class by their ids; of several, only beacons say which class.
  SlotLayout reference(const Column& column, const WeaviateProperty& property) {
    const bool several = property.type.find(',') != std::string::npos;
    const Kind kind = column.type.is_array() ? column.type.element : column.type.kind;
    SlotLayout out{ObjectForm::kReference, column.type.is_array(), property.name,
                   several ? "" : property.type};
    if (kind == (several ? Kind::kText : Kind::kUuid)) {
      out_.warnings.push_back(fmt::format(
          "{}: references to {} are written in a second pass, when all objects are there",
          column.name, property.type));
      return out;
    }
    out.form = ObjectForm::kNone;
    problem("column {} is {}, and references to {} are {}", column.name, column.type.sql,
            property.type,
            several ? "text or text[]: weaviate://localhost/CLASS/ID"
                    : "uuid or uuid[]: the ids of objects");
    return out;
  }

  SlotLayout vector(const Column& column) {
    SlotLayout out = vector_slot(column);
    out.array = is_vector_array(column.type);
    if (there_ == nullptr) {
      if (out.array && out.name.empty())
        problem("vector = '{}': many vectors of an object have a name", column.name);
      if (out.array && options_.index_type != "hnsw")
        out_.warnings.push_back(
            fmt::format("{}: many vectors of an object have an hnsw index, whatever `index` says",
                        column.name));
    } else if (there_->has_vector(out.name) && there_->has_many(out.name) != out.array) {
      problem("column {} is {}, and an object of {} has {} called {}", column.name, column.type.sql,
              there_->name, out.array ? "one vector" : "many vectors, such as vector[],", out.name);
    }
    return out;
  }

  SlotLayout vector_slot(const Column& column) {
    SlotLayout out{ObjectForm::kVector, false, column.name, ""};
    if (there_ == nullptr) {
      if (options_.vector == column.name) {
        out.name.clear();
        if (vectors_ > 1)
          problem("vector = '{}': a class with a vector without a name has no others", column.name);
      } else if (const std::string why = why_no_name(column.name); !why.empty()) {
        problem("no vector can be called {}: {}", column.name, why);
      }
      return out;
    }
    if (there_->vectors.empty()) {
      out.name.clear();
      if (vectors_ > 1)
        problem("the objects of {} have one vector, and {} is one of {} columns", there_->name,
                column.name, vectors_);
      return out;
    }
    if (there_->has_vector(column.name)) return out;
    if (vectors_ == 1 && there_->vectors.size() == 1) {
      out.name = there_->vectors[0];
      return out;
    }
    problem("column {} is none of the vectors of {}: {}", column.name, there_->name,
            fmt::join(there_->vectors, ", "));
    return out;
  }

  void tell_ids() {
    if (ids_.is_key() || table_.key.empty()) return;
    std::string key;
    for (const size_t slot : table_.key)
      key += (key.empty() ? "" : ", ") + table_.columns[slot].name;
    out_.warnings.push_back(
        fmt::format("ids of Weaviate are UUIDs: each is made from {} (version 5), which stays a "
                    "property",
                    key));
  }

  void check_twice() {
    for (size_t i = 0; i < out_.slots.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const SlotLayout &a = out_.slots[i], &b = out_.slots[j];
        const bool same = !a.name.empty() && a.name == b.name &&
                          (a.form == ObjectForm::kVector) == (b.form == ObjectForm::kVector);
        if (same) problem("two columns would be {} in Weaviate", a.name);
      }
    }
  }

  void check_class() {
    if (there_ == nullptr) return;
    if (there_->tenants && options_.tenant.empty())
      problem("the class {} has tenants: say which, tenant = '...'", there_->name);
    if (!there_->tenants && !options_.tenant.empty())
      problem("the class {} has no tenants, and tenant = '{}' was given", there_->name,
              options_.tenant);
    if (there_->expires)
      out_.warnings.push_back(
          fmt::format("the objects of {} delete themselves after a time: they may be gone when "
                      "they are verified",
                      there_->name));
  }

  const TablePlan& table_;
  const WeaviateClass* there_;
  const LayoutOptions& options_;
  ObjectIds ids_;
  size_t vectors_ = 0;
  ClassLayout out_;
};

/// The distance that the target names, or else that of the column's manifest.
std::string distance_of(const Column& column, const Mapping& mapping,
                        const LayoutOptions& options) {
  if (!options.distance.empty()) return options.distance;
  const auto one = std::ranges::find(mapping.manifests, column.name, &VectorManifest::column);
  if (one == mapping.manifests.end() || one->metric.empty()) return "cosine";
  if (one->metric == "l2") return "l2-squared";
  return one->metric == "l1" ? "manhattan" : one->metric;
}

std::string index_of(const LayoutOptions& options, const std::string& distance, bool many) {
  return fmt::format(R"("vectorIndexType":{},"vectorIndexConfig":{{"distance":{}{}}})",
                     json_text(many ? "hnsw" : options.index_type), json_text(distance),
                     many ? R"(,"multivector":{"enabled":true})" : "");
}

}  // namespace

std::string LayoutOptions::told(const std::string& server) const {
  return fmt::format("class {}{} at {}", class_name, tenant.empty() ? "" : ", tenant " + tenant,
                     server);
}

bool ClassLayout::has_references() const noexcept {
  return std::ranges::any_of(
      slots, [](const SlotLayout& slot) { return slot.form == ObjectForm::kReference; });
}

std::string property_type_of(const ColumnType& type) {
  if (type.is_array()) return std::string(base_type_of(type.element)) + "[]";
  return type.kind == Kind::kBytea ? "blob" : std::string(base_type_of(type.kind));
}

ClassLayout class_layout(const PlanShape& plan, const WeaviateClass* there,
                         const LayoutOptions& options) {
  return Maker(plan, there, options).take();
}

std::string class_definition(const PlanShape& plan, const ClassLayout& layout,
                             const LayoutOptions& options) {
  const std::vector<Column>& columns = plan.tables()[0].columns;
  std::string properties, vectors, only;
  for (size_t i = 0; i < layout.slots.size(); ++i) {
    const SlotLayout& slot = layout.slots[i];
    if (slot.form == ObjectForm::kVector) {
      const std::string index = index_of(options, distance_of(columns[i], plan.mapping(), options),
                                         slot.array && !slot.name.empty());
      if (slot.name.empty()) {
        only = R"(,"vectorizer":"none",)" + index;
      } else {
        vectors += fmt::format(R"({}{}:{{"vectorizer":{{"none":{{}}}},{}}})",
                               vectors.empty() ? "" : ",", json_text(slot.name), index);
      }
    } else if (!slot.name.empty()) {
      properties += fmt::format(R"({}{{"name":{},"dataType":[{}]}})", properties.empty() ? "" : ",",
                                json_text(slot.name), json_text(property_type_of(columns[i].type)));
    }
  }
  std::string out =
      fmt::format(R"({{"class":{},"properties":[{}])", json_text(layout.class_name), properties);
  if (!vectors.empty()) out += fmt::format(R"(,"vectorConfig":{{{}}})", vectors);
  if (vectors.empty()) out += only.empty() ? R"(,"vectorizer":"none")" : only;
  const std::string description = description_with("", plan.mapping().manifests, plan, layout);
  if (!description.empty()) out += R"(,"description":)" + json_text(description);
  if (!layout.tenant.empty()) out += R"(,"multiTenancyConfig":{"enabled":true})";
  return out + "}";
}

}  // namespace lugger
