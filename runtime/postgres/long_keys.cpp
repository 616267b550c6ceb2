#include "postgres/long_keys.hpp"

#include "postgres/copy_loader.hpp"
#include "postgres/merge.hpp"
#include "postgres/redo.hpp"

namespace lugger {
namespace {

// Pages may be smaller than 8 kB, and a key may have further columns.
constexpr uint32_t kSurelyFits = 500;

/// Loads into temporary tables that have the same indexes as the keys will have.
class Trial : public CopyLoader {
 public:
  explicit Trial(PgLoad& load) : CopyLoader(load, true) {}

  void start(bool again) override {
    for (size_t t = 0; t < load_.tables.size(); ++t)
      load_.session.execute(again ? "TRUNCATE " + stage_table(t) : make_table(t));
    CopyLoader::start(again);
  }
  void finish(const UnitDocuments&, Tally&) override { finish_copies(); }

 private:
  std::string make_table(size_t t) const {
    const PgTableLayout& layout = load_.tables[t];
    std::string columns = "seq int8, doc int4", key;
    for (size_t f = 0; f < layout.fields.size(); ++f)
      columns += fmt::format(", {} {}", stage_column(f), layout.fields[f].plan_type);
    for (size_t f : layout.key) key += (key.empty() ? "" : ", ") + stage_column(f);
    std::string out = fmt::format("DROP TABLE IF EXISTS {0}; CREATE TEMPORARY TABLE {0} ({1})",
                                  stage_table(t), columns);
    if (!key.empty()) out += fmt::format("; CREATE INDEX ON {} ({})", stage_table(t), key);
    return out;
  }
};

/// Removes the name of the temporary index, which the user could not find.
Error key_error(const Error& error) {
  if (error.sqlstate() != "54000") return error;
  const std::string& message = error.message();
  return Error(Code::kConstraint,
               "the key is too long: " + message.substr(0, message.find(" for index")),
               "leave the document out, or make a key of its md5 in a hook", error.sqlstate());
}

}  // namespace

void find_long_keys(const PgLoad& load, const UnitDocuments& unit, size_t first,
                    std::vector<size_t>& found) {
  for (size_t t = 0; t < load.tables.size() && load.tables[t].own; ++t) {
    const PgTableLayout& layout = load.tables[t];
    unit.each_row(t, first, unit.size(), [&](const Value* row, size_t document) {
      for (size_t f : layout.key) {
        if (row[layout.fields[f].slot].size <= kSurelyFits) continue;
        if (found.empty() || found.back() != document) found.push_back(document);
      }
    });
  }
}

void refuse_long_keys(PgLoad& load, UnitDocuments& unit, const std::vector<size_t>& documents,
                      const std::function<void(size_t document, const Error& error)>& refuse) {
  if (documents.empty()) return;
  std::vector<uint32_t> steps(unit.size(), 0);
  for (size_t document : documents) steps[document] = 1;
  unit.set_steps(std::move(steps));
  unit.only_step(1);
  // Rolled back as a whole, including the tables.
  load.session.execute("SAVEPOINT lugger_keys");
  Trial trial(load);
  Tally nothing;
  load_in_pieces(load, trial, unit, nothing,
                 [&](size_t document, const Error& error) { refuse(document, key_error(error)); });
  load.session.execute("ROLLBACK TO SAVEPOINT lugger_keys; RELEASE SAVEPOINT lugger_keys");
  unit.all_steps();
}

std::string is_too_long(const std::vector<std::string>& quoted_columns) {
  std::string sum;
  for (const std::string& column : quoted_columns)
    sum += fmt::format("{}coalesce(pg_catalog.pg_column_size(t.{}), 0)", sum.empty() ? "" : " + ",
                       column);
  constexpr uint64_t kHeader = 4;  // of a value that is not short
  return fmt::format("{} > {}", sum, kLongestKey + kHeader);
}

}  // namespace lugger
