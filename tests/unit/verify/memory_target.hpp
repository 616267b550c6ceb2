// A target that is no server: rows of one table with a key and a number, held in memory.
#pragma once
#include <string>
#include <vector>

#include "place/target.hpp"

namespace lugger::test {

struct MemoryRow {
  std::string key;
  int64_t number = 0;
};

class MemoryTarget final : public Target {
 public:
  explicit MemoryTarget(std::vector<MemoryRow> held) : rows_(std::move(held)) {}

  std::string place() const override { return "memory"; }
  std::vector<TargetColumn> columns(const std::string&) override { return {}; }
  TargetReport inspect(const PlanShape&, bool, bool) override { return {}; }
  void create(const TargetReport&) override {}
  std::unique_ptr<State> state() override { throw Error(Code::kConfig, "memory keeps no books"); }
  std::unique_ptr<RowSink> open(const PlanShape&, const SinkOptions&) override { return nullptr; }
  std::vector<std::string> finish(const PlanShape&, const FinishWork&, Tally&) override {
    return {};
  }
  void discard(const PlanShape&, const std::string&) override {}
  std::unique_ptr<Rows> rows() override;

 private:
  std::vector<MemoryRow> rows_;
};

}  // namespace lugger::test
