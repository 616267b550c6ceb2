#include "postgres/parameters.hpp"

#include <libpq-fe.h>

#include <optional>

#include "postgres/error.hpp"
#include "postgres/fetch.hpp"
#include "postgres/wait.hpp"

namespace lugger {

namespace {

using ResultPtr = std::unique_ptr<PGresult, decltype(&PQclear)>;

/// The connection is out of pipeline mode again, whatever happened.
class Pipeline {
 public:
  explicit Pipeline(PGconn* connection) : connection_(connection) {
    PQenterPipelineMode(connection);
  }
  ~Pipeline() { PQexitPipelineMode(connection_); }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

 private:
  PGconn* connection_;
};

PgDiagnostics of_connection(PGconn* connection) {
  PgDiagnostics out;
  out.message = PQerrorMessage(connection);
  while (out.message.ends_with('\n')) out.message.pop_back();
  return out;
}

std::optional<PgDiagnostics> describe(PGconn* connection, const std::string& sql,
                                      std::vector<uint32_t>& types) {
  const Pipeline pipeline(connection);
  if (PQsendPrepare(connection, "", sql.c_str(), 0, nullptr) == 0 ||
      PQsendDescribePrepared(connection, "") == 0 || PQpipelineSync(connection) == 0)
    return of_connection(connection);
  std::optional<PgDiagnostics> failure;
  while (PQstatus(connection) == CONNECTION_OK) {
    const ResultPtr result(PQgetResult(connection), &PQclear);
    if (!result) continue;  // the end of one command's results
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_PIPELINE_SYNC) return failure;
    if (status == PGRES_FATAL_ERROR && !failure) failure = diagnostics_of(result.get());
    for (int i = 0; i < PQnparams(result.get()); ++i) types.push_back(PQparamtype(result.get(), i));
  }
  return failure ? failure : of_connection(connection);
}

}  // namespace

std::vector<uint32_t> pg_parameter_types(PgSession& session, const std::string& sql) {
  if (sql.find('\0') != std::string::npos)
    raise(Code::kConfig, "a statement must not hold a NUL byte");
  return waiting(session.wakeup(), [&] {
    std::vector<uint32_t> types;
    if (const auto failure = describe(session.raw(), sql, types))
      throw typed_error(session, *failure);
    return types;
  });
}

}  // namespace lugger
