#include "postgres/source.hpp"

#include "base/url.hpp"
#include "place/step_cursor.hpp"
#include "plan/infer.hpp"
#include "postgres/binary_copy.hpp"
#include "postgres/feed.hpp"
#include "postgres/manifest.hpp"
#include "postgres/ranges.hpp"
#include "postgres/read_snapshot.hpp"
#include "postgres/search.hpp"
#include "postgres/server.hpp"

namespace lugger {
namespace {

/// Everything that a cursor needs. It outlives the source's cursors, and the documents' shapes
/// outlive them too.
struct PgPlace {
  std::string url, shown, purpose = "source";
  bool pooled = false;
  PgPath path = PgPath::kTables;
  std::shared_ptr<PgServer> server;
  PgReading reading;
  ReadSnapshot snapshot{[this] { return std::make_unique<PgSession>(url, purpose, false, path); },
                        [this](PgSession& session) { return hold_reading(session, reading); }};
};

/// One COPY. Copies each tuple into the batch's arena, without the trailing columns: the key's
/// text, or the row's ctid.
class PgCursor : public StepCursor {
 public:
  PgCursor(PgPlace& place, const Partition& partition, const Position& after,
           const ReadSnapshot::Taken& taken)
      : place_(place),
        range_(range_of(place.reading, partition, after)),
        part_(partition.id),
        shared_(!partition.spec.empty()),
        session_(place.url, place.purpose, place.pooled, place.path),
        position_(after),
        last_(place.reading.key.size()),
        pgvector_(place.reading.wires) {
    if (shared_) {
      place_.snapshot.begin(session_, taken);
    } else {
      session_.begin();
      hold_reading(session_, place_.reading);
    }
    try {
      set_reading(session_, place_.reading);
      // A single process that reads from the beginning gives rows in physical order.
      if (range_.blocks)
        session_.execute(
            "SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0");
      copy_.emplace(session_, select_statement(place_.reading, range_),
                    place_.reading.shape.fields.size() + (range_.blocks ? 1 : last_.size()));
    } catch (...) {
      if (shared_) place_.snapshot.closed(part_, false);
      throw;
    }
  }
  ~PgCursor() override {
    if (shared_) place_.snapshot.closed(part_, ended_);
  }
  Position position() const override {
    if (rows_ == 0) return position_;
    if (!range_.blocks && last_.empty()) return fmt::format("rows:{}", rows_);
    return range_.blocks ? fmt::format("row:{},{}", row_ >> 16, row_ & 0xFFFF)
                         : key_position(last_);
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
    TupleFields fields(tuple);
    if (range_.blocks || !last_.empty()) {
      for (size_t i = 0; i < place_.reading.shape.fields.size(); ++i) fields.next();
      tuple = tuple.first(fields.offset());
    }
    if (range_.blocks) {
      keep_place(fields);
    } else if (!last_.empty()) {
      keep_key(fields);
    }
    ++rows_;
    add(batch, tuple);
    return true;
  }
  void keep_place(TupleFields& fields) {
    const std::optional<Bytes> tid = fields.next();
    if (!tid || tid->size() != 6) raise(Code::kRead, "the place of a row is not what a tid is");
    const uint64_t row =
        uint64_t{load_be<uint32_t>(tid->data())} << 16 | load_be<uint16_t>(tid->data() + 4);
    if (rows_ != 0 && row <= row_)
      raise(Code::kBug, "the server gave rows in another order than that of their places");
    row_ = row;
  }
  /// Keeps the key's text as the position.
  void keep_key(TupleFields& fields) {
    bool same = rows_ != 0;
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
      throw Error(Code::kConfig, fmt::format("the key is not unique: {} occurs twice", position()),
                  "a resume would lose such rows: add a column to the key, or read without one");
    }
  }
  void add(Batch& batch, Bytes tuple) {
    batch.source_bytes += tuple.size();
    tuple = pgvector_.needed() ? pgvector_.of(tuple, batch.arena()) : copied(batch, tuple);
    batch.documents.push_back(Document{tuple.data(), static_cast<uint32_t>(tuple.size()),
                                       Format::kPgRow, &place_.reading.shape});
  }
  Bytes copied(Batch& batch, Bytes tuple) const {
    uint8_t* to = batch.arena().allocate(tuple.size());
    std::memcpy(to, tuple.data(), tuple.size());
    store_be(to, static_cast<int16_t>(place_.reading.shape.fields.size()));
    return {to, tuple.size()};
  }

  PgPlace& place_;
  const PgRange range_;
  const std::string part_;
  const bool shared_;  // reads in the snapshot that the parts share
  PgSession session_;
  std::optional<BinaryCopy> copy_;
  const Position position_;  // before the first row
  std::vector<std::string> last_;
  PgvectorTuples pgvector_;
  uint64_t row_ = 0, rows_ = 0;  // ctid of the last row; number of rows given
  bool ended_ = false;
};

class PgSource : public Source, public LogReader {
 public:
  PgSource(const std::string& place, const Options& options)
      : search_(pg_search_settings(options)) {
    place_.url = resolve_pg_url(place, place_.server);
    if (options.has("query")) place_.path = PgPath::kUser;
    const std::unique_ptr<PgSession> opened =
        options.flag("pooled")
            ? std::make_unique<PgSession>(place_.url, place_.purpose, true, place_.path)
            : PgSession::find_out(place_.url, place_.purpose, place_.path);
    PgSession& session = *opened;
    place_.pooled = session.pooled();
    place_.reading = describe_reading(session, options);
    place_.shown = fmt::format("{} {}", mask_secrets(place), place_.reading.shown);
    info_.kind = "postgresql";
    info_.rows = true;
    info_.moves = true;
    info_.place = mask_secrets(place);
    info_.database = session.query("SELECT pg_catalog.current_database()").text(0, 0);
    info_.collection = place_.reading.table.empty() ? "query" : place_.reading.table;
    info_.identity = place_.shown;
    if (!place_.reading.table.empty()) {
      info_.manifests = read_pg_manifests(session, place_.reading.table);
      for (VectorManifest& one : info_.manifests) one.column = escaped_path(one.column);
    }
    info_.key = place_.reading.key;
    followed_ = {place_.url,    place_.shown,   info_.database,
                 place_.pooled, place_.reading, options.text("publication")};
    if (place_.reading.filtered) {
      info_.warnings.push_back(
          place_.reading.shown +
          " is read with row_security = true: rows that the policies hide from "
          "this role are not read");
    }
    if (place_.reading.key.empty()) {
      info_.warnings.push_back(
          place_.reading.shown +
          (place_.reading.table.empty()
               ? " is read without a key: an interrupted run cannot be resumed, only started afresh"
               : " is read without a key: an interrupted run can be resumed only where the table "
                 "is "
                 "read in parts and nothing was written to it meanwhile"));
    }
  }

  SourceInfo info() const override { return info_; }
  const RowShape* row_shape() const override { return &place_.reading.shape; }
  std::vector<Partition> split(int parts) override {
    PgSession session(place_.url, place_.purpose, place_.pooled, place_.path);
    session.begin();
    set_reading(session, place_.reading);
    std::vector<Partition> out = divide_reading(session, place_.reading, parts);
    session.commit();
    std::set<std::string> ids, specs;
    for (const Partition& part : out) {
      ids.insert(part.id);
      specs.insert(part.spec);
    }
    place_.snapshot.expect(std::move(ids));
    const std::lock_guard lock(mutex_);
    divided_ = std::move(specs);
    return out;
  }
  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    if (!after.empty() && place_.reading.key.empty() && partition.spec.empty()) {
      throw Error(Code::kConfig,
                  fmt::format("{} was read without a key, so it cannot be resumed", place_.shown),
                  "set key = 'id' (unique columns) on the source, and run again with --restart");
    }
    // With a new snapshot, updated rows may have moved to blocks that were already read, or away
    // from them. Rows with a key are found by their key, wherever they are.
    const auto taken = [&](PgSession& session, bool lost) {
      const PgRange range = range_of(place_.reading, partition, after);
      if (range.blocks && (lost || !divided_here(partition)))
        refuse_written_since(session, place_.reading, range);
    };
    return std::make_unique<PgCursor>(place_, partition, after, taken);
  }
  std::unique_ptr<Search> search(const SearchSpec& spec) override {
    if (place_.reading.table.empty()) return nullptr;
    SearchSpec here = spec;
    here.table = place_.reading.table;
    if (here.key.empty()) here.key = place_.reading.key;
    return make_pg_search(place_.url, place_.pooled, here, search_);
  }
  void release() noexcept override { place_.snapshot.release(); }
  std::unique_ptr<Feed> feed() override { return make_pg_feed(followed_); }
  std::unique_ptr<FeedWatch> watch() override { return make_pg_watch(followed_); }
  std::string log_name() const override { return followed_.reader->name(); }

 private:
  bool divided_here(const Partition& partition) {
    const std::lock_guard lock(mutex_);
    return divided_.count(partition.spec) != 0;
  }

  const PgSearchSettings search_;
  PgPlace place_;
  PgFollowed followed_;
  SourceInfo info_;
  std::mutex mutex_;
  std::set<std::string> divided_;  // specs of the last split
};

constexpr auto kOptions = joined_options(
    kPgSearchOptions,
    std::array<OptionSpec, 6>{{
        {"table", OptionSpec::Type::kText, "The table to read: 'name' or 'schema.name'."},
        {"query", OptionSpec::Type::kText, "A SELECT to read instead of a table."},
        {"key", OptionSpec::Type::kList,
         "Unique, never NULL columns to read in the order of, so that a run can be resumed."},
        {"pooled", OptionSpec::Type::kFlag,
         "The server is reached through a pooler that keeps no session settings."},
        {"publication", OptionSpec::Type::kText,
         "The publication by which the table is followed; without it lugger makes one."},
        {"row_security", OptionSpec::Type::kFlag,
         "Read only the rows that row-level security shows to the role; without it such a table is "
         "refused."},
    }});

}  // namespace

std::unique_ptr<Source> make_postgres_source(const std::string& place, const Options& options) {
  return std::make_unique<PgSource>(place, options);
}

std::span<const OptionSpec> pg_source_options() { return kOptions; }

PlaceInfo look_at_postgres(const std::string& place, const Options&) {
  std::shared_ptr<PgServer> server;
  PgSession session(resolve_pg_url(place, server), "source");
  const PgRows rows = session.query(
      "SELECT pg_catalog.current_database(), n.nspname || '.' || c.relname, "
      "CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'collection' END, "
      "pg_catalog.pg_total_relation_size(c.oid) "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', "
      "'information_schema', 'lugger') "
      "AND n.nspname !~ '^pg_(toast|temp)' AND pg_catalog.has_table_privilege(c.oid, 'SELECT') "
      "ORDER BY 2");
  PlaceInfo out;
  for (size_t i = 0; i < rows.size(); ++i) {
    out.collections.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2),
                               mask_secrets(place),
                               std::strtoull(rows.text(i, 3).c_str(), nullptr, 10), ""});
  }
  return out;
}

}  // namespace lugger
