#include "postgres/redo.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "postgres/later_states.hpp"
#include "postgres/set_aside.hpp"

namespace lugger {
namespace {

constexpr size_t kLeastWindow = 16;
// When this many documents were refused alone and none was loaded, their values are not the cause.
constexpr size_t kMostDoubted = 20;
constexpr std::string_view kUniqueViolation = "23505";

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
/// halving finds it. The next refused document is assumed to be as far away as this one was: behind
/// two in a row each is tried alone.
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
    const size_t distance = guilty + 1 - behind_;
    window_ = distance == 1 ? 1 : std::max(kLeastWindow, 2 * distance);
    behind_ = guilty + 1;
    if (guilty == at_) ++at_;
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

namespace {

struct RefusedOne {
  size_t document;  // size of the unit: nobody knows
  Error error;
};

std::string constraint_of(const Error& error) {
  for (const auto& [name, value] : error.notes())
    if (name == "constraint") return value;
  return {};
}

/// False: it cannot be done, and the transaction is to be rolled back to the savepoint before.
bool try_to_set_aside(PgLoad& load, const UnitDocuments& unit, const std::vector<size_t>& documents,
                      const std::set<std::string>& indexes) {
  try {
    return set_unique_values_aside(load, unit, documents, indexes);
  } catch (const Error& error) {
    if (!may_be_refusal(error)) throw;
    return false;
  }
}

enum class Constraints : uint8_t { kEach, kTogether };  // checked with each row, or behind all

/// Loads [first, last) in a savepoint. Nullopt: nothing of it was refused.
std::optional<RefusedOne> load_piece(PgLoad& load, PgLoader& loader, UnitDocuments& unit,
                                     size_t first, size_t last, Tally& tally,
                                     Constraints check = Constraints::kEach) {
  PgSession& session = load.session;
  Tally piece;
  // Outside of the savepoint: PostgreSQL empties a table in place only in the subtransaction that
  // made its file. Elsewhere each TRUNCATE leaves a version of the catalog's row, which all later
  // statements of the transaction must pass over.
  loader.start(true);
  session.execute("SAVEPOINT lugger_piece");
  try {
    if (check == Constraints::kTogether) session.execute("SET CONSTRAINTS ALL DEFERRED");
    if (first < last) {
      loader.write(unit, first, last);
      loader.finish(unit, piece);
    }
    if (check == Constraints::kTogether) session.execute("SET CONSTRAINTS ALL IMMEDIATE");
    session.execute("RELEASE SAVEPOINT lugger_piece");
  } catch (const Error& error) {
    if (!may_be_refusal(error)) throw;
    size_t guilty = loader.guilty(unit, error);
    loader.abort();
    // Released as well: savepoints of one name nest, and the next piece is to begin outside of it.
    session.execute("ROLLBACK TO SAVEPOINT lugger_piece; RELEASE SAVEPOINT lugger_piece");
    if (guilty >= unit.size() && last - first == 1) guilty = first;
    return RefusedOne{guilty, error};
  }
  tally += piece;
  return {};
}

/// Loads documents whose rows exchange values, which are set aside first: all of them, or those that
/// want no value of yet another row. The ones that load are taken out of `waiting`.
void exchange(PgLoad& load, PgLoader& loader, UnitDocuments& unit, Tally& tally,
              std::vector<RefusedOne>& waiting) {
  constexpr size_t kMost = 1000;
  constexpr int kRounds = 8;
  std::vector<size_t> some;
  std::set<std::string> indexes;
  for (const RefusedOne& one : waiting) {
    some.push_back(one.document);
    indexes.insert(constraint_of(one.error));
  }
  std::ranges::sort(some);
  for (int round = 0; round < kRounds && some.size() > 1 && some.size() <= kMost; ++round) {
    Tally gained;
    load.session.execute("SAVEPOINT lugger_exchange");
    for (const size_t document : some) unit.include(document);
    const bool aside = try_to_set_aside(load, unit, some, indexes);
    std::vector<size_t> refused;
    for (const size_t document : some) {
      if (!aside || load_piece(load, loader, unit, document, document + 1, gained))
        refused.push_back(document);
    }
    if (refused.empty()) {
      load.session.execute("RELEASE SAVEPOINT lugger_exchange");
      tally += gained;
      std::erase_if(waiting, [&](const RefusedOne& one) {
        return std::ranges::binary_search(some, one.document);
      });
      return;
    }
    load.session.execute(
        "ROLLBACK TO SAVEPOINT lugger_exchange; RELEASE SAVEPOINT lugger_exchange");
    for (const size_t document : some) unit.exclude(document);
    std::erase_if(some,
                  [&](size_t document) { return std::ranges::binary_search(refused, document); });
  }
}

/// Takes out of `refused`, and gives, those of which the unit has a later state. All are excluded
/// behind this.
std::vector<RefusedOne> take_outdated(const PgLoad& load, UnitDocuments& unit,
                                      std::vector<RefusedOne>& refused) {
  std::vector<RefusedOne> out;
  if (refused.empty()) return out;
  const LaterStates later(load, unit,
                          std::ranges::min(refused, {}, &RefusedOne::document).document);
  std::erase_if(refused, [&](RefusedOne& one) {
    unit.include(one.document);
    const bool outdated = later.has(one.document);
    unit.exclude(one.document);
    if (outdated) out.push_back(std::move(one));
    return outdated;
  });
  return out;
}

/// Documents that want unique values which rows of other documents had: those may have given them
/// up since. The ones that load are taken out of `waiting`.
void load_waiting(PgLoad& load, PgLoader& loader, UnitDocuments& unit, Tally& tally,
                  std::vector<RefusedOne>& waiting) {
  // The last first: of a chain each waits for a later one.
  for (bool again = true; again;) {
    again = false;
    for (size_t i = waiting.size(); i-- != 0;) {
      const size_t document = waiting[i].document;
      unit.include(document);
      if (load_piece(load, loader, unit, document, document + 1, tally)) {
        unit.exclude(document);
        continue;
      }
      waiting.erase(waiting.begin() + static_cast<ptrdiff_t>(i));
      again = true;
    }
  }
  if (waiting.size() < 2) return;
  // What is left may exchange values, which a deferrable constraint allows.
  const auto [least, most] = std::ranges::minmax(waiting, {}, &RefusedOne::document);
  std::vector<size_t> others;
  for (size_t i = least.document; i <= most.document; ++i) {
    if (unit.loads(i) || unit.deletes(i)) others.push_back(i);
  }
  for (const size_t other : others) unit.exclude(other);
  for (const RefusedOne& one : waiting) unit.include(one.document);
  const bool refused = load_piece(load, loader, unit, least.document, most.document + 1, tally,
                                  Constraints::kTogether)
                           .has_value();
  for (const RefusedOne& one : waiting) {
    if (refused) unit.exclude(one.document);
  }
  for (const size_t other : others) unit.include(other);
  if (!refused) return waiting.clear();
  exchange(load, loader, unit, tally, waiting);
}

}  // namespace

void load_in_pieces(PgLoad& load, PgLoader& loader, UnitDocuments& unit, Tally& tally,
                    const std::function<void(size_t document, const Error& error)>& refuse,
                    const std::function<void(size_t document)>& skip) {
  const OnConflict policy = load.plan.mapping().on_conflict;
  const bool updates = policy == OnConflict::kUpdate || policy == OnConflict::kNewer;
  // A deferred constraint must be checked in the piece that violates it.
  load.session.execute("SET CONSTRAINTS ALL IMMEDIATE");
  loader.start(false);
  Pieces pieces(unit.size());
  std::vector<RefusedOne> waiting, others;
  for (size_t doubted = 0; pieces.left();) {
    size_t first = pieces.first(), last = pieces.last();
    trim(unit, first, last);
    std::optional<RefusedOne> refused = load_piece(load, loader, unit, first, last, tally);
    if (!refused) {
      if (first < last) doubted = 0;
      pieces.taken();
      continue;
    }
    const size_t guilty = refused->document;
    if (guilty >= unit.size()) {
      pieces.refused_somewhere();
      continue;
    }
    doubted = is_refusal(refused->error) ? 0 : doubted + 1;
    if (doubted == kMostDoubted) throw refused->error;
    if (updates && refused->error.sqlstate() == kUniqueViolation) {
      waiting.push_back(std::move(*refused));
    } else if (updates) {
      others.push_back(std::move(*refused));
    } else {
      refuse(guilty, refused->error);
    }
    unit.exclude(guilty);
    pieces.refused(guilty);
  }
  // Those that wait may be later states of each other.
  for (const RefusedOne& one : waiting) unit.include(one.document);
  std::vector<RefusedOne> outdated = take_outdated(load, unit, waiting);
  load_waiting(load, loader, unit, tally, waiting);
  std::ranges::move(waiting, std::back_inserter(others));
  std::ranges::move(take_outdated(load, unit, others), std::back_inserter(outdated));
  const auto each = [&](const std::vector<RefusedOne>& list, auto&& tell) {
    for (const RefusedOne& one : list) {
      unit.include(one.document);
      tell(one);
      unit.exclude(one.document);
    }
  };
  const auto tell_refused = [&](const RefusedOne& one) { refuse(one.document, one.error); };
  each(others, tell_refused);
  if (!skip) return each(outdated, tell_refused);
  each(outdated, [&](const RefusedOne& one) { skip(one.document); });
}

}  // namespace lugger
