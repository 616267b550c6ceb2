#include "postgres/fetch.hpp"

#include <libpq-fe.h>

#include <charconv>

#include "postgres/error.hpp"
#include "postgres/wait.hpp"

namespace lugger {

namespace {

using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;

class Fetch {
 public:
  Fetch(PgSession& session, const FetchBounds& bounds, const StopFlag& stop)
      : session_(session), connection_(session.raw()), bounds_(bounds), stop_(stop) {}

  PgFetched run(const std::string& sql, const PgParams& params) {
    session_.take_notices();  // those of other statements
    const StopScope scope(stop_, StopLevel::kFinish);
    const PgWait wait(session_.wakeup());
    send(sql, params);
    while (const ResultPtr result{PQgetResult(connection_), &PQclear}) take(result.get());
    if (failure_) {
      Error error = typed_error(session_, *failure_);
      if (wait.stopped(error)) throw Error(Code::kInterrupted, "interrupted");
      throw error;
    }
    out_.notices = session_.take_notices();
    return std::move(out_);
  }

 private:
  void send(const std::string& sql, const PgParams& params) {
    std::vector<const char*> values;
    values.reserve(params.size());
    for (const auto& param : params) values.push_back(param ? param->c_str() : nullptr);
    const int sent = params.empty() ? PQsendQuery(connection_, sql.c_str())
                                    : PQsendQueryParams(connection_, sql.c_str(),
                                                        static_cast<int>(values.size()), nullptr,
                                                        values.data(), nullptr, nullptr, 0);
    if (sent == 0) fail();
    PQsetSingleRowMode(connection_);
  }
  void take(const PGresult* result) {
    switch (PQresultStatus(result)) {
      case PGRES_SINGLE_TUPLE: return take_row(result);
      case PGRES_TUPLES_OK:
        if (!open_) begin(result);
        return end(result);
      case PGRES_COMMAND_OK: begin(result); return end(result);
      case PGRES_EMPTY_QUERY: return;
      case PGRES_COPY_IN: PQputCopyEnd(connection_, "COPY wants a file"); return;
      case PGRES_COPY_OUT: return skip_copy();
      default:
        open_ = false;
        if (!failure_) failure_ = diagnostics_of(result);
    }
  }
  void begin(const PGresult* result) {
    PgResultSet set;
    for (int column = 0; column < PQnfields(result); ++column) {
      set.names.emplace_back(PQfname(result, column));
      set.types.push_back(PQftype(result, column));
    }
    out_.results.push_back(std::move(set));
    open_ = true;
  }
  void end(PGresult const* result) {
    PgResultSet& set = out_.results.back();
    set.command = PQcmdStatus(const_cast<PGresult*>(result));
    const std::string_view affected = PQcmdTuples(const_cast<PGresult*>(result));
    std::from_chars(affected.data(), affected.data() + affected.size(), set.affected);
    open_ = false;
  }
  void take_row(const PGresult* result) {
    if (!open_) begin(result);
    PgResultSet& set = out_.results.back();
    ++set.count;
    if ((bounds_.rows != 0 && set.rows.size() >= bounds_.rows) || kept_bytes_ > bounds_.bytes)
      return;
    auto& row = set.rows.emplace_back();
    row.reserve(set.names.size());
    for (int column = 0; column < PQnfields(result); ++column) {
      if (PQgetisnull(result, 0, column) != 0) {
        row.emplace_back();
        continue;
      }
      const auto size = static_cast<size_t>(PQgetlength(result, 0, column));
      row.emplace_back(std::string(PQgetvalue(result, 0, column), size));
      kept_bytes_ += size + sizeof(std::string);
    }
  }
  void skip_copy() {
    char* bytes = nullptr;
    while (PQgetCopyData(connection_, &bytes, 0) > 0) PQfreemem(bytes);
    if (failure_) return;
    failure_.emplace();
    failure_->sqlstate = "0A000";
    failure_->message = "COPY to standard output is for psql: lugger psql";
  }
  [[noreturn]] void fail() {
    PgDiagnostics diagnostics;
    diagnostics.message = PQerrorMessage(connection_);
    while (diagnostics.message.ends_with('\n')) diagnostics.message.pop_back();
    throw pg_error(diagnostics, session_.alive());
  }

  PgSession& session_;
  PGconn* connection_;
  FetchBounds bounds_;
  const StopFlag& stop_;
  PgFetched out_;
  std::optional<PgDiagnostics> failure_;
  size_t kept_bytes_ = 0;
  bool open_ = false;  // a result set is open for rows
};

void refuse_nul(const std::string& sql, const PgParams& params) {
  // libpq takes C strings, and would silently cut the text at a NUL.
  const auto holds_nul = [](const auto& text) { return text.find('\0') != std::string::npos; };
  if (holds_nul(sql)) raise(Code::kConfig, "a statement must not hold a NUL byte");
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i] && holds_nul(*params[i]))
      raise(Code::kCoerce, "parameter ${} holds a NUL byte, which PostgreSQL text cannot hold",
            i + 1);
  }
}

}  // namespace

Error typed_error(const PgSession& session, const PgDiagnostics& diagnostics) {
  Error error = pg_error(diagnostics, session.alive());
  if (session.alive()) error.with_hint(diagnostics.hint);
  if (!diagnostics.position.empty()) error.note("position", diagnostics.position);
  return error;
}

PgFetched pg_fetch(PgSession& session, const std::string& sql, const PgParams& params,
                   const FetchBounds& bounds, const StopFlag& stop) {
  refuse_nul(sql, params);
  return Fetch(session, bounds, stop).run(sql, params);
}

PgTransaction pg_transaction(PgSession& session) noexcept {
  if (!session.alive()) return PgTransaction::kLost;
  switch (PQtransactionStatus(session.raw())) {
    case PQTRANS_INERROR: return PgTransaction::kFailed;
    case PQTRANS_INTRANS:
    case PQTRANS_ACTIVE: return PgTransaction::kOpen;
    default: return PgTransaction::kNone;
  }
}

}  // namespace lugger
