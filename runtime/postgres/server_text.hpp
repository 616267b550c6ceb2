// What only the server can spell: values of types without a form of ours, cast there and read back
// as text, a batch at a time.
#pragma once
#include "place/compared.hpp"
#include "plan/batch.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// Throws what the server says when it cannot cast from one type to the other, whatever the value.
/// `cast`: "::public.money".
void require_cast(PgSession& session, const std::string& from, const std::string& cast);

class ServerText {
 public:
  ServerText(PgSession& session, const std::vector<ComparedTable>& tables);
  /// False: no column needs it.
  bool needed() const noexcept { return needed_; }
  /// Puts the server's text in the place of each such value. A document with a value that the
  /// server refuses is refused here too, as it was when it was loaded.
  void apply(Batch& batch);

 private:
  void apply(Batch& batch, const ComparedTable& table, const ComparedColumn& column);
  void convert(Batch& batch, const ComparedTable& table, const ComparedColumn& column, size_t first,
               size_t last);
  PgSession& session_;
  const std::vector<ComparedTable>& tables_;
  bool needed_ = false;
  std::vector<size_t> rows_;  // with a value, of the column under way
};

}  // namespace lugger
