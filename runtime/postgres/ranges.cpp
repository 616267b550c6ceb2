#include "postgres/ranges.hpp"

#include <algorithm>
#include <charconv>

#include "base/digest.hpp"
#include "place/spec.hpp"

namespace lugger {
namespace {

constexpr uint64_t kLeastBlocks = 256;  // in a range: 2 MiB
constexpr uint64_t kRangesEach = 4;     // for each worker, so that none waits long for another
constexpr uint64_t kSampledBlocks = 400;
constexpr int kBlockRanges = 140000;  // first version that reads only the range's blocks

struct Relation {
  uint64_t blocks = 0, since = 0;
  std::string file;
  bool key_indexed = false;  // and none of its columns is nullable
};

/// nullopt: not a table that has blocks of its own with all its rows in them.
std::optional<Relation> look_at(PgSession& session, const PgReading& reading) {
  std::string key = "{";
  for (const std::string& name : reading.key) {
    if (key.size() > 1) key += ',';
    key += '"';
    for (const char c : name) {
      if (c == '"' || c == '\\') key += '\\';
      key += c;
    }
    key += '"';
  }
  // For the key: an index over all rows begins with its columns.
  const PgRows found = session.query(
      "SELECT pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8, "
      "pg_catalog.pg_relation_filenode(c.oid), "
      "pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), EXISTS (SELECT FROM "
      "pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND "
      "(SELECT pg_catalog.array_agg(a.attname::text ORDER BY k.n) FROM "
      "pg_catalog.unnest(i.indkey::int2[]) WITH "
      "ORDINALITY AS k(attnum, n) LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND "
      "a.attnum = k.attnum AND a.attnotnull WHERE k.n <= pg_catalog.cardinality($2::text[])) = "
      "$2::text[]) "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am m ON m.oid = c.relam WHERE c.oid = "
      "$1::regclass AND c.relkind IN ('r', 'm') AND m.amname = 'heap' AND NOT c.relhassubclass",
      {PgSession::quote_table(reading.table), key + "}"});
  if (found.size() == 0) return std::nullopt;
  return Relation{std::stoull(found.text(0, 0)), std::stoull(found.text(0, 2)), found.text(0, 1),
                  found.text(0, 3) == "t"};
}

std::vector<Partition> block_ranges(const Relation& table, uint64_t parts) {
  std::vector<Partition> out;
  const std::string by = uuid_text(uuid_v7().data());  // tells them from those of another process
  const uint64_t step = (table.blocks + parts - 1) / parts;
  for (uint64_t first = 0; first < table.blocks; first += step) {
    // The last range has no end: later blocks are read as far as the snapshot shows them.
    const uint64_t end = first + step < table.blocks ? first + step : 0;
    out.push_back({std::to_string(out.size()),
                   fmt::format("blocks:{}-{} file:{} since:{} by:{}", first, end, table.file,
                               table.since, by),
                   0});
  }
  return out;
}

/// Ranges between bounds that come from a sample of the table's blocks.
std::vector<Partition> key_ranges(PgSession& session, const PgReading& reading,
                                  const Relation& table, uint64_t parts) {
  std::string key, texts;
  for (const std::string& name : reading.key) {
    const std::string column = "q." + PgSession::quote_name(name);
    key += fmt::format("{}{}", key.empty() ? "" : ", ", column);
    texts += fmt::format("{}{}::text", texts.empty() ? "" : ", ", column);
  }
  const double percent =
      std::min(100.0, 100.0 * kSampledBlocks / static_cast<double>(table.blocks));
  const PgRows bounds = session.query(fmt::format(
      "SELECT {0} FROM (SELECT {1}, pg_catalog.row_number() OVER (ORDER BY {1}) AS lugger_row, "
      "pg_catalog.count(*) OVER "
      "() AS lugger_rows FROM {2} AS q TABLESAMPLE system ({3})) AS q WHERE lugger_row * {4} / "
      "lugger_rows > (lugger_row - 1) * {4} / lugger_rows AND lugger_row < lugger_rows ORDER BY "
      "{1}",
      texts, key, PgSession::quote_table(reading.table), percent, parts));
  std::vector<Partition> out;
  std::string above;
  const auto add = [&](const std::string& upto) {
    out.push_back(
        {std::to_string(out.size()),
         above + (above.empty() || upto.empty() ? "" : " ") + (upto.empty() ? "" : "upto:" + upto),
         0});
    above = "above:" + upto;
  };
  for (size_t i = 0; i < bounds.size(); ++i) {
    std::vector<std::string> values;
    for (size_t k = 0; k < reading.key.size(); ++k) values.push_back(bounds.text(i, k));
    add(key_text(values));
  }
  add("");
  return out;
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t out = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

std::vector<Partition> divide_reading(PgSession& session, const PgReading& reading, int parts) {
  const std::vector<Partition> whole{Partition{"0", "", 0}};
  // Policies add conditions, which may make the server read in another order.
  if (parts < 2 || reading.table.empty() || reading.filtered || session.pooled() ||
      session.server_version() < kBlockRanges)
    return whole;
  const std::optional<Relation> table = look_at(session, reading);
  if (!table || (!reading.key.empty() && !table->key_indexed)) return whole;
  const uint64_t most =
      std::min(table->blocks / kLeastBlocks, static_cast<uint64_t>(parts) * kRangesEach);
  if (most < 2) return whole;
  return reading.key.empty() ? block_ranges(*table, most)
                             : key_ranges(session, reading, *table, most);
}

PgRange range_of(const PgReading& reading, const Partition& partition, const Position& after) {
  PgRange out;
  const std::string& spec = partition.spec;
  const size_t keys = reading.key.size();
  const auto foreign = [&](std::string_view text, std::string_view what) {
    throw Error(Code::kConfig, fmt::format("\"{}\" is not a {} of {}", text, what, reading.shown),
                "it belongs to another source or key; run again with --restart");
  };
  if (keys != 0) {
    for (const auto& [name, values] : {std::pair("above", &out.above), {"upto", &out.upto}})
      if (spec_field(spec, name)) *values = key_values(spec, keys, reading.shown, name);
    if (!spec.empty() && out.above.empty() && out.upto.empty()) foreign(spec, "partition");
    if (!after.empty()) out.above = key_values(after, keys, reading.shown);
    return out;
  }
  if (spec.empty()) return out;
  const std::string_view blocks = spec_field(spec, "blocks").value_or("");
  const size_t dash = std::min(blocks.find('-'), blocks.size());
  const auto first = number(blocks.substr(0, dash)),
             end = number(blocks.substr(std::min(dash + 1, blocks.size()))),
             since = number(spec_field(spec, "since").value_or(""));
  const auto file = spec_field(spec, "file");
  if (!first || !end || !since || !file) foreign(spec, "partition");
  out.blocks = true;
  out.first = *first, out.end = *end, out.since = *since, out.file = *file;
  if (after.empty()) return out;
  const auto row = spec_field(after, "row");
  if (!row) foreign(after, "position");
  out.above = {fmt::format("({})", *row)};
  return out;
}

void refuse_written_since(PgSession& session, const PgReading& reading, const PgRange& range) {
  const std::string table = PgSession::quote_table(reading.table);
  std::string what;
  if (session.query("SELECT pg_catalog.pg_relation_filenode($1::regclass)", {table}).text(0, 0) !=
      range.file) {
    what = "was written anew (TRUNCATE, VACUUM FULL, CLUSTER or the like)";
  } else {
    // xmin has the low 32 bits of a transaction id; those below 3 are bootstrap and frozen rows.
    const PgRows written = session.query(fmt::format(
        "SELECT pg_catalog.count(*) FROM {0} AS q, (SELECT "
        "pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::int8"
        " AS next) AS s WHERE q.xmin::text::int8 > 2 AND ((s.next - q.xmin::text::int8) % "
        "4294967296 + 4294967296) % 4294967296 <= s.next - {1}",
        table, range.since));
    if (written.text(0, 0) == "0") return;
    what = fmt::format("was written to ({} rows)", written.text(0, 0));
  }
  throw Error(
      Code::kConfig,
      fmt::format("{} {} since the run began, and it is read without a key: rows that moved would "
                  "be lost, or read twice",
                  reading.shown, what),
      "begin again with --restart; with key = 'id' (unique columns) on the source, a run goes on "
      "whatever is written meanwhile");
}

}  // namespace lugger
