#include "postgres/redo.hpp"

#include <algorithm>

namespace lugger {
namespace {

constexpr size_t kLeastWindow = 16;
// When this many documents were refused alone and none was loaded, their values are not the cause.
constexpr size_t kMostDoubted = 20;

/// Narrows [first, last) to the documents that load or delete anything.
void trim(const UnitDocuments& unit, size_t& first, size_t& last) {
  while (first < last && !unit.loads(first) && !unit.deletes(first)) ++first;
  while (last > first && !unit.loads(last - 1) && !unit.deletes(last - 1)) --last;
}

bool is_refusal(const Error& error) noexcept {
  const std::string& state = error.sqlstate();
  // Data exceptions, integrity violations, WITH CHECK OPTION, limits, RAISE in a trigger.
  for (std::string_view start : {"22", "23", "44", "54", "P0"}) {
    if (state.starts_with(start)) return true;
  }
  // Two rows update the same row: a trigger made their keys equal, or their equality could not be
  // foreseen.
  if (state == "21000") return true;
  // A row that row-level security forbids has the same SQLSTATE as missing privileges on the table.
  return state == "42501" && error.message().find("row-level security") != std::string::npos;
}

/// True for errors that may come from a value or from the statement. For ltree, tsvector, tsquery,
/// hstore and jsonpath, a bad value is a syntax error or an internal one; for the reg* types, the
/// named object does not exist.
bool is_doubtful(const Error& error) noexcept {
  const std::string& state = error.sqlstate();
  if (state == "XX000" || state == "0A000") return true;
  // A missing table, column or function is an error of the statement.
  return state.starts_with("42") && state != "42501" && state != "42P01" && state != "42703" &&
         state != "42883";
}

/// Decides which documents are tried together. Where the server names the refused document, all
/// before it are good and are loaded by themselves, so nothing is sent more than twice. Otherwise
/// halving finds it. The next refused document is assumed to be as far away as this one was.
class Pieces {
 public:
  explicit Pieces(size_t size) : size_(size), window_(size) {}

  bool left() const noexcept { return at_ < size_; }
  size_t first() const noexcept { return at_; }
  size_t last() const noexcept {
    if (fit_ > at_) return fit_;
    if (suspect_ > at_) return at_ + std::max<size_t>(1, (suspect_ - at_) / 2);
    return std::min(size_, at_ + window_);
  }

  void taken() noexcept {
    // No error in one half of the suspects: the bad document is in the other half.
    const bool searching = fit_ > at_ || suspect_ > at_;
    at_ = last();
    if (!searching) window_ = std::min(size_, window_ * 2);
  }
  void refused(size_t guilty) noexcept {
    window_ = std::max(kLeastWindow, 2 * (guilty + 1 - behind_));
    behind_ = guilty + 1;
    fit_ = guilty;
    suspect_ = 0;
  }
  void refused_somewhere() noexcept {
    suspect_ = last();
    fit_ = 0;
  }

 private:
  size_t size_, window_;
  size_t at_ = 0;
  size_t behind_ = 0;   // after the last refused document
  size_t fit_ = 0;      // documents before this one are good
  size_t suspect_ = 0;  // a document before this one is bad
};

}  // namespace

bool may_be_refusal(const Error& error) noexcept {
  return error.code() != Code::kConnect && (is_refusal(error) || is_doubtful(error));
}

bool is_transient(const Error& error) noexcept {
  return error.sqlstate() == "40P01" || error.sqlstate() == "40001";
}

void load_in_pieces(PgLoad& load, PgLoader& loader, UnitDocuments& unit, Tally& tally,
                    const std::function<void(size_t document, const Error& error)>& refuse) {
  PgSession& session = load.session;
  // A deferred constraint must be checked in the piece that violates it.
  session.execute("SET CONSTRAINTS ALL IMMEDIATE");
  loader.start(false);
  Pieces pieces(unit.size());
  for (size_t doubted = 0; pieces.left();) {
    size_t first = pieces.first(), last = pieces.last();
    trim(unit, first, last);
    Tally piece;
    // Outside of the savepoint: PostgreSQL empties a table in place only in the subtransaction that
    // made its file. Elsewhere each TRUNCATE leaves a version of the catalog's row, which all later
    // statements of the transaction must pass over.
    loader.start(true);
    session.execute("SAVEPOINT lugger_piece");
    try {
      if (first < last) {
        loader.write(unit, first, last);
        loader.finish(unit, piece);
      }
      session.execute("RELEASE SAVEPOINT lugger_piece");
    } catch (const Error& error) {
      if (!may_be_refusal(error)) throw;
      size_t guilty = loader.guilty(unit, error);
      loader.abort();
      // Released as well: savepoints of one name nest, and the next piece is to begin outside of it.
      session.execute("ROLLBACK TO SAVEPOINT lugger_piece; RELEASE SAVEPOINT lugger_piece");
      if (guilty >= unit.size() && last - first == 1) guilty = first;
      if (guilty >= unit.size()) {
        pieces.refused_somewhere();
        continue;
      }
      doubted = is_refusal(error) ? 0 : doubted + 1;
      if (doubted == kMostDoubted) throw;
      refuse(guilty, error);
      unit.exclude(guilty);
      pieces.refused(guilty);
      continue;
    }
    if (first < last) doubted = 0;
    tally += piece;
    pieces.taken();
  }
}

}  // namespace lugger
