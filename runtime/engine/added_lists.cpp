#include "engine/added_lists.hpp"

#include "value/bson_reader.hpp"

namespace lugger {

namespace {

constexpr uint32_t kEmpty = 5;  // bytes of a document without fields
constexpr uint8_t kArrayElement = 4;

class Lists {
 public:
  Lists(const PlanShape& shape, std::span<uint8_t> row) : tables_(shape.tables()), row_(row) {}

  /// The fields of a row of the table, or of a document in it; `within` is its path with a dot.
  void fields(size_t table, Bytes document, const std::string& within) {
    for (BsonReader reader(document); reader.next();) {
      const Value& value = reader.value();
      if (value.type != ValueType::kDocument && value.type != ValueType::kArray) continue;
      const std::string path = within + std::string(reader.name());
      const size_t child = child_at(table, path);
      if (is_empty(value)) {
        const bool rows = child != kNone && !tables_[child].of_entries();
        if (rows || has_list(table, path)) make_list(reader.element());
      } else if (child != kNone) {
        rows(child, value.bytes());
      } else if (value.type == ValueType::kDocument) {
        fields(table, value.bytes(), path + ".");
      }
    }
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  static bool is_empty(const Value& value) noexcept {
    return value.type == ValueType::kDocument && value.size == kEmpty;
  }

  void rows(size_t child, Bytes array) {
    const bool whole = has_list(child, ".");
    for (BsonReader reader(array); reader.next();) {
      if (whole && is_empty(reader.value()))
        make_list(reader.element());
      else if (reader.value().type == ValueType::kDocument)
        fields(child, reader.value().bytes(), "");
    }
  }

  bool has_list(size_t table, std::string_view path) const {
    return std::ranges::any_of(tables_[table].columns, [&](const Column& column) {
      return column.type.is_array() && (column.from.empty() ? column.name : column.from) == path;
    });
  }

  size_t child_at(size_t table, std::string_view path) const {
    const size_t above = tables_[table].path.empty() ? 0 : tables_[table].path.size() + 1;
    for (size_t child = 0; child < tables_.size(); ++child) {
      if (tables_[child].parent != static_cast<int>(table)) continue;
      if (unmarked(tables_[child].path).substr(above) == path) return child;
    }
    return kNone;
  }

  void make_list(Bytes element) const noexcept {
    row_[static_cast<size_t>(element.data() - row_.data())] = kArrayElement;
  }

  const std::vector<TablePlan>& tables_;
  std::span<uint8_t> row_;
};

}  // namespace

void make_empty_lists(const PlanShape& shape, std::span<uint8_t> row) {
  Lists(shape, row).fields(0, row, "");
}

}  // namespace lugger
