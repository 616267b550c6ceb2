// What becomes of each column of a mapping in a class of Weaviate.
#pragma once
#include <string>
#include <vector>

#include "base/options.hpp"
#include "plan/plan.hpp"
#include "weaviate/schema.hpp"

namespace lugger {

/// How a value stands in an object. An array's elements stand in that form.
enum class ObjectForm : uint8_t {
  kId,      // as the object's id
  kVector,  // as a vector: named, or without a name; an array as many vectors of a name
  kBool,
  kInt,  // exact up to 2^53
  kNumber,
  kText,
  kDate,  // RFC 3339
  kUuid,
  kBlob,       // base64
  kJson,       // as the JSON that it is: objects, coordinates
  kReference,  // to an object, by its id or beacon; always many in Weaviate
  kNone,       // nothing that the class has can hold it
};

struct SlotLayout {
  ObjectForm form = ObjectForm::kNone;
  bool array = false;
  std::string name;  // of the property or vector; of the one vector without a name ""
  std::string to;    // of a reference: the class, "" when they are several
};

struct ClassLayout {
  std::string class_name;
  std::string tenant;             // "": the class has none
  std::vector<SlotLayout> slots;  // one for each column of the table
  std::vector<std::string> problems, warnings;

  bool has_references() const noexcept;
};

struct LayoutOptions {
  std::string class_name, tenant;
  std::string tenant_state;  // where it is kept that the tenant was off; empty: it is not turned on
  std::string vector;        // the column that is the vector without a name
  std::string distance, index_type;  // of a class to be made

  /// "class Docs, tenant acme at http://host:8080"
  std::string told(const std::string& server) const;
};

/// `there` is the class as it is; nullptr: it is to be made.
ClassLayout class_layout(const PlanShape& plan, const WeaviateClass* there,
                         const LayoutOptions& options);
/// The JSON by which the class is made.
std::string class_definition(const PlanShape& plan, const ClassLayout& layout,
                             const LayoutOptions& options);
/// "int[]" for integer arrays: the property that a class gets for such a column.
std::string property_type_of(const ColumnType& type);

}  // namespace lugger
