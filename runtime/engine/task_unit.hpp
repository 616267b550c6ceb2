// The open unit of a task: the documents that its cursors gave, what the script made of each, and
// the rows for its writers.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/task.hpp"
#include "engine/task_ids.hpp"
#include "place/target.hpp"

namespace lugger {

/// A batch that a cursor of the task filled.
struct GivenBatch final : Batch {
  enum class Mark : uint8_t { kNone, kRows, kSkipped, kRejected };
  /// Where a writer's unit has the document's rows.
  struct Seat {
    Batch* batch = nullptr;
    uint32_t document = 0;
  };

  explicit GivenBatch(Arena& arena) : Batch(arena) {}
  /// The cursor has filled it. `every`: all its documents are counted, not only those named.
  void begin(bool every);
  Seat& seat(size_t writer, uint32_t document);

  bool every = false;
  std::vector<Mark> marks;    // one a document
  std::vector<uint8_t> told;  // rows that count it are in a unit
  std::vector<std::pair<uint32_t, std::string>> skip_reasons;

 private:
  std::vector<Seat> seats_;  // of one writer at a time
  size_t seats_of_ = SIZE_MAX;
};

/// Where rows of a task go.
class TaskWriter {
 public:
  TaskWriter(Arena& arena, TaskOutput output);

  Target& target() const noexcept { return *target_; }
  const std::shared_ptr<const PlanShape>& shape() const noexcept { return shape_; }
  const Plan& plan() const noexcept { return *plan_; }
  TargetReport report;

  void write(GivenBatch& batch);
  void add(Bytes row, std::string_view table, GivenDocument of);
  /// First of all writers: converts the rows that were added. Adds a record for each document that
  /// could not be converted and marks it as rejected; returns how many rows belong to no document.
  uint64_t convert(std::vector<RejectRecord>& rejects);
  /// Then of one writer after the other: decides what is loaded, each document once.
  void settle(size_t number);
  /// What is to be loaded, in order.
  void send(RowSink& sink) const;
  void clear() noexcept;

 private:
  struct Row {
    size_t table;
    GivenDocument of;
  };
  /// A batch that is written as it is, or rows that were added one by one.
  struct Piece {
    explicit Piece(Arena& arena) : batch(arena), loose(arena), added(arena) {
      loose.of_script = true;
    }
    GivenBatch* whole = nullptr;
    Batch batch;  // for the sink
    Batch loose;  // for the sink: rows that belong to no document
    Batch added;  // one document a row
    std::vector<Row> rows;
  };

  Piece& next_piece(GivenBatch* whole);
  size_t table_of(Bytes row, std::string_view table) const;
  std::string id_of(const Document& row) const;
  void settle_whole(size_t number, Piece& piece);
  void settle_rows(size_t number, Piece& piece);
  GivenBatch::Seat seat_of_row(size_t number, Piece& piece, size_t row);

  Arena& arena_;
  std::shared_ptr<Target> target_;
  std::shared_ptr<const PlanShape> shape_, row_shape_;
  std::unique_ptr<AddedIds> ids_;
  std::unique_ptr<Plan> plan_, row_plan_;
  ByteBuffer added_;  // the row under way
  std::vector<std::unique_ptr<Piece>> pieces_;
  size_t used_ = 0;
};

}  // namespace lugger
