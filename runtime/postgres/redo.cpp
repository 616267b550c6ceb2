#include "postgres/redo.hpp"

#include <algorithm>

namespace lugger {
namespace {

constexpr size_t kLeastWindow = 16;
// As many documents refused alone, and none that passed: it is not their values.
constexpr size_t kMostDoubted = 20;

/// Narrows [first, last) to the documents that load or delete anything.
void trim(const UnitDocuments& unit, size_t& first, size_t& last) {
  while (first < last && !unit.loads(first) && !unit.deletes(first)) ++first;
  while (last > first && !unit.loads(last - 1) && !unit.deletes(last - 1)) --last;
}

bool is_refusal(const Error& error) noexcept {
  const std::string& state = error.sqlstate();
  // Data, integrity, WITH CHECK OPTION, limits, RAISE in a trigger.
  for (std::string_view start : {"22", "23", "44", "54", "P0"}) {
    if (state.starts_with(start)) return true;
  }
  // Two rows set one: a trigger made their keys equal, or an equality that nobody could foresee.
  if (state == "21000") return true;
  // A row that row-level security forbids shares its state with missing rights on the table.
  return state == "42501" && error.message().find("row-level security") != std::string::npos;
}

/// ltree, tsvector, tsquery, hstore, jsonpath: a value is a syntax error, or an internal one; the
/// regtypes: what it names does not exist.
bool is_doubtful(const Error& error) noexcept {
  const std::string& state = error.sqlstate();
  if (state == "XX000" || state == "0A000") return true;
  // A table, column or function that is not there is the statement's fault.
  return state.starts_with("42") && state != "42501" && state != "42P01" && state != "42703" &&
         state != "42883";
}

/// Which documents are tried together. Where the server names the guilty one, those before it are
/// fit and go in by themselves: nothing is sent more than twice. Where it does not, halves find it.
/// Behind it the next fault is probably as far away as this one was.
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
    // No fault in half of the suspects: it is in the other.
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
  size_t behind_ = 0;   // the last guilty one
  size_t fit_ = 0;      // up to here they are
  size_t suspect_ = 0;  // one before it, or several, is guilty
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
  session.execute(
      "SET CONSTRAINTS ALL IMMEDIATE");  // a deferred refusal must fall on the piece it belongs to
  loader.start(false);
  Pieces pieces(unit.size());
  for (size_t doubted = 0; pieces.left();) {
    size_t first = pieces.first(), last = pieces.last();
    trim(unit, first, last);
    Tally piece;
    session.execute("SAVEPOINT lugger_piece");
    try {
      loader.start(true);
      if (first < last) {
        loader.write(unit, first, last);
        loader.finish(unit, piece);
      }
      session.execute("RELEASE SAVEPOINT lugger_piece");
    } catch (const Error& error) {
      if (!may_be_refusal(error)) throw;
      size_t guilty = loader.guilty(unit, error);
      loader.abort();
      session.execute("ROLLBACK TO SAVEPOINT lugger_piece");
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
