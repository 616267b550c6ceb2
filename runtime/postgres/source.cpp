#include "postgres/source.hpp"

#include "base/url.hpp"
#include "place/step_cursor.hpp"
#include "postgres/binary_copy.hpp"
#include "postgres/query.hpp"
#include "postgres/server.hpp"

namespace lugger {
namespace {

/// Everything a cursor needs; it outlives the source's cursors, and so do the documents' shapes.
struct PgPlace {
  std::string url, shown, purpose = "source";
  bool pooled = false;
  std::shared_ptr<PgServer> server;
  PgReading reading;
};

/// One COPY. Each tuple is copied into the batch's arena, without the text of the key that stands
/// behind its columns.
class PgCursor : public StepCursor {
 public:
  PgCursor(const PgPlace& place, const Position& after)
      : place_(place),
        session_(place.url, place.purpose, place.pooled),
        last_(place.reading.key.size()) {
    std::vector<std::string> from;
    if (!after.empty()) {
      from = key_values(after, last_.size(), place_.shown);
      last_ = from;
      has_last_ = true;
    }
    begin_reading(session_, place_.reading);
    copy_.emplace(session_, select_statement(place_.reading, from),
                  place_.reading.shape.fields.size() + last_.size());
  }
  Position position() const override {
    return has_last_ && !last_.empty() ? key_position(last_) : Position();
  }
  uint64_t bytes() const override { return copy_->bytes(); }

 private:
  bool step(Batch& batch) override {
    try {
      return !ended_ && row(batch);
    } catch (Error& error) {
      error.note("source", place_.shown);
      throw;
    }
  }
  bool row(Batch& batch) {
    Bytes tuple;
    if (!copy_->next(tuple)) {
      session_.commit();
      ended_ = true;
      return false;
    }
    add(batch, last_.empty() ? tuple : without_key(tuple));
    return true;
  }
  /// Takes the key's text off the end of a tuple and keeps it as the position.
  Bytes without_key(Bytes tuple) {
    TupleFields fields(tuple);
    for (size_t i = 0; i < place_.reading.shape.fields.size(); ++i) fields.next();
    const size_t end = fields.offset();
    bool same = has_last_;
    for (size_t i = 0; i < last_.size(); ++i) {
      const std::optional<Bytes> value = fields.next();
      if (!value) {
        throw Error(
            Code::kConfig, fmt::format("key column {} is NULL in a row", place_.reading.key[i]),
            "a key is unique and never NULL: choose another, or leave those rows out by a query");
      }
      const std::string_view text = as_text(*value);
      if (text == last_[i]) continue;
      same = false;
      last_[i].assign(text);
    }
    if (same) {
      throw Error(Code::kConfig,
                  fmt::format("the key is not unique: {} occurs twice", key_position(last_)),
                  "a resume would lose such rows: add a column to the key, or read without one");
    }
    has_last_ = true;
    return tuple.first(end);
  }
  void add(Batch& batch, Bytes tuple) {
    uint8_t* to = batch.arena().allocate(tuple.size());
    std::memcpy(to, tuple.data(), tuple.size());
    store_be(to, static_cast<int16_t>(place_.reading.shape.fields.size()));
    batch.documents.push_back(
        Document{to, static_cast<uint32_t>(tuple.size()), Format::kPgRow, &place_.reading.shape});
    batch.source_bytes += tuple.size();
  }

  const PgPlace& place_;
  PgSession session_;
  std::optional<BinaryCopy> copy_;
  std::vector<std::string> last_;
  bool has_last_ = false, ended_ = false;
};

class PgSource : public Source {
 public:
  PgSource(const std::string& place, const Options& options) {
    place_.url = resolve_pg_url(place, place_.server);
    const std::unique_ptr<PgSession> opened =
        options.flag("pooled") ? std::make_unique<PgSession>(place_.url, place_.purpose, true)
                               : PgSession::find_out(place_.url, place_.purpose);
    PgSession& session = *opened;
    place_.pooled = session.pooled();
    place_.reading = describe_reading(session, options);
    place_.shown = fmt::format("{} {}", mask_secrets(place), place_.reading.shown);
    info_.kind = "postgresql";
    info_.rows = true;
    info_.moves = true;
    info_.place = mask_secrets(place);
    info_.database = session.query("SELECT current_database()").text(0, 0);
    info_.collection = place_.reading.table.empty() ? "query" : place_.reading.table;
    info_.identity = place_.shown;
    if (place_.reading.filtered) {
      info_.warnings.push_back(
          place_.reading.shown +
          " is read with row_security = true: rows that the policies hide from "
          "this role are not read");
    }
    if (place_.reading.key.empty()) {
      info_.warnings.push_back(
          place_.reading.shown +
          " is read without a key: an interrupted run cannot be resumed, only started afresh");
    }
  }

  SourceInfo info() const override { return info_; }
  std::vector<Partition> split(int) override { return {Partition{"0", "", 0}}; }
  std::unique_ptr<Cursor> open(const Partition&, const Position& after) override {
    if (!after.empty() && place_.reading.key.empty()) {
      throw Error(Code::kConfig,
                  fmt::format("{} was read without a key, so it cannot be resumed", place_.shown),
                  "set key = 'id' (unique columns) on the source, and run again with --restart");
    }
    return std::make_unique<PgCursor>(place_, after);
  }

 private:
  PgPlace place_;
  SourceInfo info_;
};

constexpr OptionSpec kOptions[] = {
    {"table", OptionSpec::Type::kText, "The table to read: 'name' or 'schema.name'."},
    {"query", OptionSpec::Type::kText, "A SELECT to read instead of a table."},
    {"key", OptionSpec::Type::kList,
     "Unique, never NULL columns to read in the order of, so that a run can be resumed."},
    {"pooled", OptionSpec::Type::kFlag,
     "The server is reached through a pooler that keeps no session settings."},
    {"row_security", OptionSpec::Type::kFlag,
     "Read only the rows that row-level security shows to the role; without it such a table is "
     "refused."},
};

}  // namespace

std::unique_ptr<Source> make_postgres_source(const std::string& place, const Options& options) {
  return std::make_unique<PgSource>(place, options);
}

std::span<const OptionSpec> pg_source_options() { return kOptions; }

PlaceInfo look_at_postgres(const std::string& place, const Options&) {
  std::shared_ptr<PgServer> server;
  PgSession session(resolve_pg_url(place, server), "source");
  const PgRows rows = session.query(
      "SELECT current_database(), n.nspname || '.' || c.relname, "
      "CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'collection' END, "
      "pg_total_relation_size(c.oid) "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', "
      "'information_schema', 'lugger') "
      "AND n.nspname !~ '^pg_(toast|temp)' AND has_table_privilege(c.oid, 'SELECT') ORDER BY 2");
  PlaceInfo out;
  for (size_t i = 0; i < rows.size(); ++i) {
    out.collections.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2),
                               mask_secrets(place),
                               std::strtoull(rows.text(i, 3).c_str(), nullptr, 10), ""});
  }
  return out;
}

}  // namespace lugger
