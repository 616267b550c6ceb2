#include "postgres/binary_rows.hpp"

#include <libpq-fe.h>

#include "postgres/error.hpp"
#include "postgres/wait.hpp"

namespace lugger {

void PgBinaryRows::Clear::operator()(pg_result* result) const noexcept { PQclear(result); }

size_t PgBinaryRows::size() const noexcept { return static_cast<size_t>(PQntuples(result_.get())); }

size_t PgBinaryRows::columns() const noexcept {
  return static_cast<size_t>(PQnfields(result_.get()));
}

bool PgBinaryRows::null(size_t row, size_t column) const noexcept {
  return PQgetisnull(result_.get(), static_cast<int>(row), static_cast<int>(column)) != 0;
}

Bytes PgBinaryRows::bytes(size_t row, size_t column) const noexcept {
  const char* data = PQgetvalue(result_.get(), static_cast<int>(row), static_cast<int>(column));
  const int size = PQgetlength(result_.get(), static_cast<int>(row), static_cast<int>(column));
  return {reinterpret_cast<const uint8_t*>(data), static_cast<size_t>(size)};
}

Bytes PgBinaryRows::tuple(size_t row, size_t columns, Arena& arena) const {
  size_t size = 2;
  for (size_t c = 0; c < columns; ++c) size += 4 + bytes(row, c).size();
  uint8_t* const tuple = arena.allocate(size);
  store_be(tuple, static_cast<int16_t>(columns));
  uint8_t* at = tuple + 2;
  for (size_t c = 0; c < columns; ++c) {
    const Bytes field = bytes(row, c);
    store_be<int32_t>(at, null(row, c) ? -1 : static_cast<int32_t>(field.size()));
    at += 4;
    if (!field.empty()) std::memcpy(at, field.data(), field.size());
    at += field.size();
  }
  return {tuple, size};
}

PgBinaryRows query_binary(PgSession& session, const std::string& sql, const PgParams& params) {
  std::vector<const char*> values;
  values.reserve(params.size());
  for (const auto& param : params) values.push_back(param ? param->c_str() : nullptr);
  PGconn* connection = session.raw();
  PgBinaryRows out;
  waiting(session.wakeup(), [&] {
    out.result_.reset(PQexecParams(connection, sql.c_str(), static_cast<int>(values.size()),
                                   nullptr, values.data(), nullptr, nullptr, 1));
    if (PQresultStatus(out.result_.get()) == PGRES_TUPLES_OK) return;
    PgDiagnostics diagnostics = diagnostics_of(out.result_.get());
    if (diagnostics.message.empty()) diagnostics.message = PQerrorMessage(connection);
    Error error = pg_error(diagnostics, PQstatus(connection) == CONNECTION_OK);
    if (!diagnostics.position.empty()) error.note("position", diagnostics.position);
    throw error;
  });
  return out;
}

}  // namespace lugger
