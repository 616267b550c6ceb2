// What the merge says to the server, statement by statement, beside tests/data/sql/merge.sql: a
// change of its SQL is seen as one. LUGGER_WRITE_GOLDEN=1 writes the file anew.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "catch.hpp"
#include "postgres/merge.hpp"
#include "test_data.hpp"

namespace lugger::test {
namespace {

PgField field(const std::string& name, const std::string& type) {
  PgField out;
  out.column = name;
  out.name = PgSession::quote_name(name);
  out.plan_type = type;
  return out;
}

/// users (id, v, js json, tag, which only the server can cast), with rows of tags.
std::vector<PgTableLayout> layouts() {
  PgTableLayout users;
  users.name = "users";
  users.table = "\"users\"";
  users.fields = {field("id", "text"), field("v", "int4"), field("js", "json"),
                  field("tag", "text")};
  users.fields[0].text_key = true;
  users.fields[0].update = false;
  users.fields[3].cast = users.fields[3].compare_cast = "::citext";
  users.key = {0};
  users.newer = stage_column(1);
  PgTableLayout tags;
  tags.name = "tags";
  tags.table = "\"tags\"";
  tags.fields = {field("user", "text"), field("ordinal", "int4"), field("tag", "text")};
  tags.key = {0, 1};
  tags.root_key = {0};
  tags.own = false;
  tags.depth = 1;
  tags.found_by_root = true;
  return {users, tags};
}

/// A line a clause.
std::string folded(std::string text) {
  for (const std::string_view clause :
       {" SELECT ", " FROM ", " LEFT JOIN ", " JOIN ", " WHERE ", " ON CONFLICT ", " RETURNING ",
        " ORDER BY ", " GROUP BY ", " UNION", " CASE ", " DO UPDATE "}) {
    for (size_t at = text.find(clause); at != std::string::npos; at = text.find(clause, at + 4))
      if (!text.substr(0, at).ends_with("LEFT") && !text.substr(0, at).ends_with("DISTINCT"))
        text.replace(at, 1, "\n  ");
  }
  return text;
}

struct Variant {
  std::string name;
  OnConflict policy;
  bool guarded = false, mend = false, view = false;
};

void render(const Variant& variant, std::string& out) {
  std::vector<PgTableLayout> tables = layouts();
  for (PgTableLayout& table : tables) {
    table.guarded = variant.guarded;
    table.mend = variant.mend;
    table.has_xmax = !variant.view;
  }
  const MergeSql sql(tables, variant.policy, MergeSql::Relations::kTemporary);
  const auto say = [&](std::string_view what, const std::string& text) {
    out += fmt::format("-- {}: {}\n{};\n\n", variant.name, what, folded(text));
  };
  say("upsert", fmt::format("WITH {} {}", sql.upsert_with(0, 1), sql.upsert_outcome(0, 1)));
  if (variant.guarded) say("rehearse", "WITH " + sql.rehearse(0, 1));
  say("differing children", sql.differing_children(1, 1));
}

std::string rendered() {
  std::string out;
  for (const Variant& variant :
       {Variant{"error", OnConflict::kError, true}, Variant{"skip", OnConflict::kSkip},
        Variant{"update", OnConflict::kUpdate},
        Variant{"update, guarded", OnConflict::kUpdate, true},
        Variant{"update, mending", OnConflict::kUpdate, false, true},
        Variant{"update, a view", OnConflict::kUpdate, true, false, true},
        Variant{"newer", OnConflict::kNewer}})
    render(variant, out);
  const std::vector<PgTableLayout> tables = layouts();
  const MergeSql sql(tables, OnConflict::kUpdate, MergeSql::Relations::kTemporary);
  const MergeSql in_one(tables, OnConflict::kUpdate, MergeSql::Relations::kExpressions);
  const auto say = [&](std::string_view what, const std::string& text) {
    out += fmt::format("-- {}\n{};\n\n", what, folded(text));
  };
  say("insert", sql.insert(0));
  say("most of a key", sql.most_of_a_key(0));
  say("turns", sql.turns(0));
  say("mark children", sql.mark_children(1, 2, Outcome::kUpdated, false));
  say("settle marks", sql.settle_marks(2));
  say("upsert counts", sql.upsert_with(0, 1, true) + " " + sql.upsert_counts());
  say("remove children", sql.remove_children(1, 2));
  say("insert children", sql.insert_children(1, 2));
  std::vector<PgTableLayout> settable = layouts();
  settable[1].in_place = true;
  const MergeSql in_place(settable, OnConflict::kUpdate, MergeSql::Relations::kTemporary);
  say("remove children, in place", in_place.remove_children(1, 2));
  say("set children", in_place.set_children(1, 2));
  say("insert children, in place", in_place.insert_children(1, 2));
  say("remove children that do not come again", in_place.remove_missing_children(1));
  say("set all children", in_place.set_all_children(1));
  say("children of a guarded table",
      fmt::format("WITH {} {}", sql.children_with(1, 1), sql.children_taken(1, 1)));
  say("remove children of what was deleted", in_one.remove_gone_children(1));
  say("remove what was deleted", in_one.remove_gone(0));
  say("what stands of what was deleted", in_one.standing_of_gone(0));
  say("insert children, one statement a batch", in_one.insert_children(1, 1));
  return out;
}

}  // namespace

TEST_CASE("the SQL of a merge is what it was") {
  const std::string file = test_data() + "/sql/merge.sql", text = rendered();
  if (std::getenv("LUGGER_WRITE_GOLDEN") != nullptr) std::ofstream(file) << text;
  std::stringstream kept;
  kept << std::ifstream(file).rdbuf();
  CHECK(text == kept.str());
}

}  // namespace lugger::test
