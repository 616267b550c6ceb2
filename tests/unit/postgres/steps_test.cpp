// Steps behind a load: constraints read from text, statements made of them.
#include "postgres/steps.hpp"

#include "postgres/constraint_text.hpp"
#include "sink_fixture.hpp"

namespace lugger::test {
namespace {

using Kind = ConstraintText::Kind;

StageStep step_of(ConstraintMapping constraint) {
  Mapping mapping = users({column("a", "int4"), column("b", "int4")});
  mapping.constraints.push_back(std::move(constraint));
  return stage_steps(PlanShape(mapping)).back();
}

}  // namespace

TEST_CASE("a constraint written as text is read as far as it matters") {
  const ConstraintText check = read_constraint("CHECK (age >= 0 AND name <> ')' )");
  CHECK(check.kind == Kind::kCheck);
  CHECK(check.expression == "age >= 0 AND name <> ')' ");
  const ConstraintText unique = read_constraint(R"(unique nulls not distinct (A, "We""ird"))");
  CHECK(unique.kind == Kind::kUnique);
  CHECK(unique.nulls_not_distinct);
  CHECK(unique.columns == std::vector<std::string>{"a", "We\"ird"});
  const ConstraintText foreign =
      read_constraint("foreign key (team, x) references sales.teams (id, x) on delete cascade");
  CHECK(foreign.kind == Kind::kForeign);
  CHECK(foreign.columns == std::vector<std::string>{"team", "x"});
  CHECK(foreign.references == "sales.teams");
  CHECK(foreign.referenced == std::vector<std::string>{"id", "x"});
  CHECK(read_constraint("foreign key (team) references teams").referenced.empty());
  CHECK(read_constraint("check /* ) */ (a > 0 -- )\n)").expression == "a > 0 -- )\n");
  CHECK(read_constraint("unique (Ä, \"Ä\")").columns == std::vector<std::string>{"Ä", "Ä"});
  for (const char* other :
       {"exclude using gist (a with &&)", "unique (a) deferrable", "check (a",
        "check (a) no inherit", "foreign key (a", "checked (a)", "check (a); drop table t",
        "constraint c check (a)", "unique (a) include (b)", ""}) {
    INFO(other);
    CHECK(read_constraint(other).kind == Kind::kOther);
  }
}

TEST_CASE("S0-13 NOT NULL comes by a check that is validated beside the traffic") {
  ConstraintMapping constraint;
  constraint.not_null = {"a", "b"};
  CHECK(
      step_statements(step_of(constraint), true) ==
      std::vector<std::string>{
          "ALTER TABLE \"users\" ADD CONSTRAINT \"users_lugger_not_null\" CHECK (\"a\" IS NOT NULL "
          "AND "
          "\"b\" IS NOT NULL) NOT VALID",
          "ALTER TABLE \"users\" VALIDATE CONSTRAINT \"users_lugger_not_null\"",
          "ALTER TABLE \"users\" ALTER COLUMN \"a\" SET NOT NULL, ALTER COLUMN \"b\" SET NOT NULL",
          "ALTER TABLE \"users\" DROP CONSTRAINT \"users_lugger_not_null\""});
}

TEST_CASE("a unique constraint is an index first") {
  ConstraintMapping constraint;
  constraint.unique = {"a", "b"};
  constraint.nulls_not_distinct = true;
  CHECK(step_statements(step_of(constraint), true) ==
        std::vector<std::string>{"CREATE UNIQUE INDEX CONCURRENTLY \"users_a_b_key\" ON \"users\" "
                                 "USING btree (\"a\", \"b\") NULLS "
                                 "NOT DISTINCT",
                                 "ALTER TABLE \"users\" ADD CONSTRAINT \"users_a_b_key\" UNIQUE "
                                 "USING INDEX \"users_a_b_key\""});
}

TEST_CASE("an index says all that CREATE INDEX can") {
  IndexMapping index;
  index.columns = {"a desc", "(lower(b)) COLLATE \"C\""};
  index.include = {"c"};
  index.with = {{"fillfactor", "70"}};
  index.opclass = "int4_ops";
  index.where = "a > 1";
  index.name = "n\"x";
  CHECK(index_statement(index_step(index, "s.users"), false) ==
        "CREATE INDEX \"n\"\"x\" ON \"s\".\"users\" USING btree (\"a\" int4_ops desc, (lower(b)) "
        "COLLATE \"C\") "
        "INCLUDE (\"c\") WITH (fillfactor = '70') WHERE a > 1");
  index.with = {{"fillfactor) --", "70"}};
  CHECK_THROWS_AS(index_step(index, "users"), Error);
}

}  // namespace lugger::test
