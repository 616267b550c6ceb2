// COPY of a unit's rows, into the tables themselves or into staging tables.
#pragma once
#include "postgres/loader.hpp"

namespace lugger {

/// The first table's rows are sent while they are converted. The rows of the other tables wait in
/// buffers until the first COPY has ended: a connection runs one COPY at a time, and parents must
/// be inserted before their children.
class CopyLoader : public PgLoader {
 public:
  CopyLoader(PgLoad& load, bool staged);

  void start(bool again) override;
  void write(const UnitDocuments& unit, size_t first, size_t last) override;
  void finish(const UnitDocuments& unit, Tally& tally) override;
  void abort() noexcept override;
  size_t guilty(const UnitDocuments& unit, const Error& error) const override;

 protected:
  /// Ends all COPY commands.
  void finish_copies();
  uint64_t rows(size_t table) const noexcept { return streams_[table].rows; }
  size_t first_document() const noexcept { return first_; }
  size_t last_document() const noexcept { return last_; }

 private:
  struct Stream {
    RowEncoder encoder;
    ByteBuffer buffer;
    std::string sql;
    int64_t rows = 0;
  };
  void encode(size_t table, const UnitDocuments& unit, size_t first, size_t last);
  void send_chunk(Stream& stream);
  void finish_one(Stream& stream);

  bool staged_;
  std::vector<Stream> streams_;
  size_t copying_;  // table whose COPY is open; streams_.size(): none
  size_t refused_;  // table whose COPY ended last
  size_t first_ = 0, last_ = 0;
};

}  // namespace lugger
