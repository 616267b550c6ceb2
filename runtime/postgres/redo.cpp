#include "postgres/redo.hpp"

#include <algorithm>

namespace lugger {
namespace {

constexpr size_t kLeastWindow = 16;

/// Narrows [first, last) to the documents that load or delete anything.
void trim(const UnitDocuments& unit, size_t& first, size_t& last) {
  while (first < last && !unit.loads(first) && !unit.deletes(first)) ++first;
  while (last > first && !unit.loads(last - 1) && !unit.deletes(last - 1)) --last;
}

}  // namespace

bool is_refusal(const Error& error) noexcept {
  if (error.code() == Code::kConnect) return false;
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

bool is_transient(const Error& error) noexcept {
  return error.sqlstate() == "40P01" || error.sqlstate() == "40001";
}

void load_in_pieces(PgLoad& load, PgLoader& loader, UnitDocuments& unit, Tally& tally,
                    const std::function<void(size_t document, const Error& error)>& refuse) {
  PgSession& session = load.session;
  session.execute(
      "SET CONSTRAINTS ALL IMMEDIATE");  // a deferred refusal must fall on the piece it belongs to
  loader.start(false);
  size_t window = unit.size();
  for (size_t at = 0; at < unit.size();) {
    size_t first = at, last = std::min(unit.size(), at + window);
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
      if (!is_refusal(error)) throw;
      size_t guilty = loader.guilty(unit, error);
      loader.abort();
      session.execute("ROLLBACK TO SAVEPOINT lugger_piece");
      if (guilty >= unit.size() && last - first == 1) guilty = first;
      if (guilty >= unit.size()) {
        window = (last - first) / 2;  // halves: the server did not say which
        at = first;
      } else {
        refuse(guilty, error);
        unit.exclude(guilty);
        // What was sent up to here is fit; beyond it, the next fault is probably as far away as
        // this one was.
        window = std::max(kLeastWindow, 2 * (guilty - at + 1));
      }
      continue;
    }
    tally += piece;
    at = std::max(last, std::min(unit.size(), at + window));
    window = std::min(unit.size(), window * 2);
  }
}

}  // namespace lugger
