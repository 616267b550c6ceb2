#include "weaviate/object_rows.hpp"

#include "weaviate/object_message.hpp"
#include "weaviate/object_text.hpp"
#include "weaviate/object_writer.hpp"

namespace lugger {
namespace {

/// 0: not known.
uint32_t length_of(const Value& vector) {
  if (vector.type == ValueType::kVector) return vector.size / sizeof(float);
  if (vector.type == ValueType::kHalfVector) return vector.size / sizeof(uint16_t);
  return 0;
}

/// Of one of many: "[1,2]".
uint32_t length_of(std::string_view text) {
  return static_cast<uint32_t>(std::ranges::count(text, ',')) + 1;
}

class ObjectRows final : public RowEncoder {
 public:
  ObjectRows(const TablePlan& table, ClassLayout layout, ObjectWay way,
             std::shared_ptr<VectorLengths> lengths)
      : table_(table), layout_(std::move(layout)), lengths_(std::move(lengths)) {
    if (way == ObjectWay::kGrpc) {
      inner_ = std::make_unique<ObjectMessages>(table, layout_);
    } else {
      inner_ = std::make_unique<ObjectWriter>(table, layout_, false);
    }
    for (size_t i = 0; i < layout_.slots.size(); ++i)
      if (layout_.slots[i].form == ObjectForm::kVector) vectors_.push_back(i);
  }

  Failure append(const Value* row, int& column, ByteBuffer& out) override {
    words_.clear();
    const Failure failure = inner_->append(row, column, out);
    return failure == Failure::kNone ? check_lengths(row, column) : failure;
  }
  std::string_view id() const override { return inner_->id(); }
  std::string_view group() const override { return inner_->group(); }
  std::string why(const Refusal& refusal) const override {
    if (!words_.empty() || refusal.column < 0) return words_;
    const Column& column = table_.columns[static_cast<size_t>(refusal.column)];
    return why_unheld(column, refusal.failure, refusal.value);
  }

 private:
  Failure check_lengths(const Value* row, int& column) {
    for (const size_t slot : vectors_) {
      if (row[slot].absent()) continue;
      column = static_cast<int>(slot);
      if (!layout_.slots[slot].array) {
        if (!fits(slot, length_of(row[slot]))) return Failure::kDimensions;
        continue;
      }
      std::string_view text = row[slot].text();
      for (size_t at = 0; (at = text.find('[')) != std::string_view::npos;) {
        text.remove_prefix(at + 1);
        if (!fits(slot, length_of(text.substr(0, text.find(']'))))) return Failure::kDimensions;
      }
    }
    return Failure::kNone;
  }

  bool fits(size_t slot, uint32_t length) {
    if (length == 0) return true;
    const uint32_t other = lengths_->other_than(slot, length);
    if (other != 0) {
      words_ = fmt::format("{}: a vector of {} dimensions, and the others of {} have {}",
                           table_.columns[slot].name, length, layout_.class_name, other);
    }
    return other == 0;
  }

  const TablePlan& table_;
  const ClassLayout layout_;
  const std::shared_ptr<VectorLengths> lengths_;
  std::unique_ptr<RowEncoder> inner_;
  std::vector<size_t> vectors_;  // slots
  std::string words_;
};

}  // namespace

std::unique_ptr<RowEncoder> make_object_rows(const TablePlan& table, ClassLayout layout,
                                             ObjectWay way,
                                             std::shared_ptr<VectorLengths> lengths) {
  return std::make_unique<ObjectRows>(table, std::move(layout), way, std::move(lengths));
}

}  // namespace lugger
