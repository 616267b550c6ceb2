// One worker's stream of rows to a store that keeps them as objects, each under an id of its own.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "place/state_file.hpp"
#include "place/target.hpp"
#include "store/batches.hpp"

namespace lugger {

/// The ledger, which the workers of a run share.
class RunLedger {
 public:
  explicit RunLedger(std::filesystem::path directory) : directory_(std::move(directory)) {}
  void add(const UnitRecord& unit) { add(unit, {}); }
  /// `settle` comes first, in the same transaction, with the keys of the unit's run.
  void add(const UnitRecord& unit, const std::function<void(RunKeys&)>& settle);
  /// Of the recorded units of a run.
  uint64_t rows(const std::string& run);
  /// Which of them a recorded unit of the run had; nullopt: none.
  std::optional<size_t> find_taken(const std::string& run, std::span<const KeyDigest> keys);
  /// The run takes no more rows.
  void forget_keys(const std::string& run);
  /// Keeps what a run loads into, the first time it is asked; false: it loaded into another.
  bool binds(const std::string& run, const std::string& identity);

 private:
  UnitLedger& open();

  const std::filesystem::path directory_;
  std::mutex mutex_;
  std::unique_ptr<UnitLedger> ledger_;
};

/// Makes objects of rows. Belongs to one worker.
class RowEncoder {
 public:
  virtual ~RowEncoder() = default;
  /// Appends the object. Otherwise says why the row is none, sets `column` (-1: none of them), and
  /// what was appended means nothing.
  virtual Failure append(const Value* row, int& column, ByteBuffer& out) = 0;
  /// Of the row that append() took last: its id, and what ObjectBatches is to keep apart.
  virtual std::string_view id() const = 0;
  virtual std::string_view group() const = 0;
  /// Of the row that append() refused last: in place of the failure's own words; "": those.
  virtual std::string why(const Refusal& refusal) const = 0;
};

/// Refuses the document of a row that the encoder refused.
void refuse_row(Batch& batch, size_t row, int column, Failure failure, const RowEncoder& encoder);

struct ObjectLoad {
  std::unique_ptr<RowEncoder> encoder;
  std::unique_ptr<ObjectBatches> batches;
  std::shared_ptr<RunLedger> ledger;
  std::string run;
  /// There were objects: a document counts as updated. Else one whose id came before in the run
  /// does, or is a conflict, as on_conflict says.
  bool replaces = false;
};

/// Objects are sent as soon as they fill a request, and may be sent again: only the ledger says that
/// a unit is done.
std::unique_ptr<RowSink> make_object_sink(const PlanShape& plan, ObjectLoad load);

}  // namespace lugger
