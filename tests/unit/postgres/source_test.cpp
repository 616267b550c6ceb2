#include "postgres/server.hpp"
#include "postgres/session.hpp"
#include "reading.hpp"
#include "registry/registry.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger::test {
namespace {

std::shared_ptr<PgServer> server() {
  try {
    return std::make_shared<PgServer>("");
  } catch (const Error& error) {
    WARN("no PostgreSQL server to test with: " << error.what());
    return nullptr;
  }
}

/// Fields of a row as text where they are text or numbers.
std::vector<std::string> fields(const std::string& tuple, const RowShape& shape) {
  const Document document{as_bytes(tuple).data(), static_cast<uint32_t>(tuple.size()),
                          Format::kPgRow, &shape};
  Arena arena;
  std::vector<std::string> out;
  PgRowReader reader(document, arena);
  while (reader.next()) {
    const Value& value = reader.value();
    switch (value.type) {
      case ValueType::kNull: out.emplace_back("NULL"); break;
      case ValueType::kInt32:
      case ValueType::kInt64: out.push_back(std::to_string(value.i64)); break;
      default: out.emplace_back(value.text());
    }
  }
  CHECK_FALSE(reader.malformed());
  return out;
}

}  // namespace

TEST_CASE("a PostgreSQL table, a query, and a resume by key") {
  const auto postgres = server();
  if (!postgres) return;
  const std::string url = postgres->url();
  PgSession session(url, "test");
  session.execute(
      "CREATE SCHEMA s; CREATE TABLE s.\"odd \"\"name\"(id int, part text, wide int4range, note "
      "text, PRIMARY KEY (part, id));"
      "INSERT INTO s.\"odd \"\"name\" SELECT i, 'p,' || i % 3, int4range(i, i + 1), nullif('note ' "
      "|| i, 'note 5') "
      "FROM generate_series(1, 100) i");
  const Options table =
      options({{"table", "s.odd \"name"}, {"key", std::vector<std::string>{"part", "id"}}});
  const auto source = open_source(url, table);
  CHECK(source->info().kind == "postgresql");
  CHECK(source->info().warnings.empty());
  const Partition part = source->split(4)[0];
  const auto whole = read_part(*source, part);
  REQUIRE(whole.size() == 100);

  Arena arena;
  Batch batch(arena);
  batch.max_documents = 9;
  const auto cursor = source->open(part);
  REQUIRE(cursor->fill(batch));
  const RowShape& shape = *batch.documents[0].shape;
  REQUIRE(shape.fields.size() == 4);
  CHECK(shape.fields[0].type_name == "integer");
  CHECK(shape.fields[2].reads_as == ValueType::kPgText);
  CHECK(fields(whole[0], shape) == std::vector<std::string>{"3", "p,0", "[3,4)", "note 3"});
  CHECK(std::any_of(whole.begin(), whole.end(),
                    [&](const std::string& row) { return fields(row, shape)[3] == "NULL"; }));
  size_t read = batch.documents.size();
  do {
    INFO(cursor->position());
    const auto rest = read_part(*source, part, cursor->position());
    REQUIRE(rest ==
            std::vector<std::string>(whole.begin() + static_cast<ptrdiff_t>(read), whole.end()));
    batch.clear();
    if (!cursor->fill(batch)) break;
    read += batch.documents.size();
  } while (true);
  CHECK(read == 100);

  CHECK(read_all(url, options({{"query",
                                "SELECT id, note AS n FROM s.\"odd \"\"name\" WHERE id < 11 ;\n"}}))
            .size() == 10);
  CHECK(read_all(url, options({{"query", "SELECT 1 AS a WHERE false"}})).empty());
}

TEST_CASE("what a PostgreSQL source cannot do is told") {
  const auto postgres = server();
  if (!postgres) return;
  const std::string url = postgres->url();
  const auto message = [&](const Options& given) {
    return std::string(error_of([&] { read_all(url, given); }).what());
  };
  CHECK_THAT(message({}), ContainsSubstring("needs a table or a query"));
  CHECK_THAT(message(options({{"table", "nowhere"}})), ContainsSubstring("nowhere"));
  CHECK_THAT(message(options({{"query", "SELECT 1 AS a, 2 AS a"}})),
             ContainsSubstring("two columns"));
  CHECK_THAT(message(options({{"query", "SELECT 1 AS id"}, {"key", "ids"}})),
             ContainsSubstring("did you mean id"));
  CHECK_THAT(
      message(options({{"query", "SELECT 7 AS id FROM generate_series(1, 2)"}, {"key", "id"}})),
      ContainsSubstring("not unique"));
  CHECK_THAT(message(options({{"query", "SELECT NULL::int AS id"}, {"key", "id"}})),
             ContainsSubstring("is NULL"));
  CHECK_THAT(message(options({{"query", "SELECT 1 / (3 - i) AS x FROM generate_series(1, 3) i"}})),
             ContainsSubstring("division by zero"));
  const auto source = open_source(url, options({{"query", "SELECT 1 AS id"}}));
  CHECK_FALSE(source->info().warnings.empty());
  CHECK_THAT(error_of([&] { source->open(source->split(1)[0], "key:1"); }).what(),
             ContainsSubstring("without a key"));
}

}  // namespace lugger::test
