// Oplogs for tests: entries as Extended JSON, and documents back as text.
#pragma once
#include "base/error.hpp"
#include "catch.hpp"
#include "change/oplog_summary.hpp"
#include "value/json_reader.hpp"
#include "value/json_writer.hpp"

namespace lugger::test {

inline std::string bson(const std::string& json) { return bson_from_json(json); }
inline std::string text(Bytes document) {
  return document_json({document.data(), static_cast<uint32_t>(document.size())},
                       JsonStyle::kRelaxed);
}

/// Documents in memory as a feed.
class MemoryFeed : public OplogFeed {
 public:
  explicit MemoryFeed(const std::vector<std::string>& documents) : documents_(documents) {}
  Bytes next() override {
    if (at_ == documents_.size()) return {};
    offset_ = end_;
    end_ += documents_[at_].size();
    return as_bytes(documents_[at_++]);
  }
  uint64_t offset() const override { return offset_; }

 private:
  const std::vector<std::string>& documents_;
  size_t at_ = 0;
  uint64_t offset_ = 0, end_ = 0;
};

/// Entries get a time of their own: 100, 101, ...
class Oplog {
 public:
  Oplog() = default;
  explicit Oplog(std::initializer_list<std::string> entries) {
    for (const std::string& entry : entries) add(entry);
  }
  /// Fields of an entry without the outer braces: op: "i" is written "'op': 'i'".
  Oplog& add(std::string fields) {
    std::replace(fields.begin(), fields.end(), '\'', '"');
    documents_.push_back(
        bson(fmt::format("{{\"ts\": {{\"$timestamp\": {{\"t\": {}, \"i\": 1}}}}, {}}}",
                         100 + documents_.size(), fields)));
    return *this;
  }
  Oplog& add_bytes(std::string bytes) {
    documents_.push_back(std::move(bytes));
    return *this;
  }
  OpenOplog open() const {
    return [this] { return std::make_unique<MemoryFeed>(documents_); };
  }
  OplogSummary summary() const { return summarise_oplog(open(), "oplog.bson"); }
  /// "i shop.a 1" and the like, of all collections.
  std::vector<std::string> changes() const {
    std::vector<std::string> out;
    const OplogSummary found = summary();
    walk_changes(open(), "oplog.bson", found, [&](const Change& change) {
      out.push_back(fmt::format("{} {} {}", "irud"[static_cast<size_t>(change.kind)], change.ns,
                                value_json(change.id)));
    });
    return out;
  }

 private:
  std::vector<std::string> documents_;
};

template <typename Function>
Error error_of(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error was raised");
  return Error(Code::kBug, "unreachable");
}

}  // namespace lugger::test
