// A real server, a plan, and documents written as JSON: what the sink's tests share.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "place/target.hpp"
#include "plan/plan.hpp"
#include "postgres/server.hpp"
#include "postgres/session.hpp"
#include "value/json_reader.hpp"

namespace lugger::test {

/// One server for the whole test program, a fresh database for each test.
class Database {
 public:
  Database();
  ~Database();
  const std::string& url() const { return url_; }
  PgSession& sql() { return *session_; }
  /// One value as text; "NULL" when it is.
  std::string value(const std::string& query);
  /// All rows, columns joined by "|", rows by "\n"; NULL is "NULL".
  std::string rows(const std::string& query);

 private:
  std::string name_, url_;
  std::unique_ptr<PgSession> session_;
};

inline Column column(std::string name, std::string_view type, std::string from = {}) {
  Column out;
  out.name = std::move(name);
  out.type = parse_column_type(type);
  out.from = std::move(from);
  return out;
}

/// users: mongo_id text key, then the columns given.
Mapping users(std::vector<Column> columns, OnConflict on_conflict = OnConflict::kError);

/// One run of a mapping into a database: documents in, counts out.
class Load {
 public:
  Load(const std::string& place, Mapping mapping, Options options = {});
  Load(Database& database, Mapping mapping, Options options = {})
      : Load(database.url(), std::move(mapping), std::move(options)) {}
  TargetReport inspect(bool create = true) { return target_->inspect(*shape_, create, true); }
  /// Inspects, creates, opens a sink. `mode` empty: the report's.
  Load& open(const std::string& mode = {});
  /// One commit unit of JSON documents, in batches of `batch` documents.
  UnitRecord unit(const std::vector<std::string>& documents, size_t batch = 100, bool done = true);
  /// A second reading gives the documents of all units.
  std::vector<std::string> finish(Tally& tally);
  /// As a process that ends: nothing of the target is open any more.
  void close() { sink_.reset(), target_.reset(); }
  const TargetReport& report() const { return report_; }
  Target& target() { return *target_; }
  const std::string& run() const { return run_; }
  const PlanShape& shape() const { return *shape_; }

 private:
  std::shared_ptr<const PlanShape> shape_;
  std::shared_ptr<Target> target_;
  std::unique_ptr<RowSink> sink_;
  TargetReport report_;
  void fill(Batch& batch, const std::vector<std::string>& documents, size_t first, size_t last);
  Plan plan_;
  std::string run_;
  std::vector<std::string> given_;
};

std::string counts(
    const Tally& tally);  // "inserted 2, updated 0, unchanged 0, skipped 0, rejected 1"

}  // namespace lugger::test
