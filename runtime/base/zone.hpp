// Time zones of the system's database, by number. A number stands for its zone as long as the
// process lives.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace lugger {

/// "Europe/Berlin". 0: there is no such zone; -1: no database is installed. Numbers begin at 2.
int32_t find_zone(std::string_view name);

/// Seconds east of UTC at a Unix time.
int32_t zone_offset(int32_t zone, int64_t unix_seconds) noexcept;

/// The Unix time of a local time, which is given as if it were UTC. As in PostgreSQL, a time that
/// clocks skip is read with the offset before the change, one that they show twice with the offset
/// behind it.
int64_t zone_instant(int32_t zone, int64_t local_seconds) noexcept;

std::string zone_name(int32_t zone);
/// "CEST".
std::string zone_abbreviation(int32_t zone, int64_t unix_seconds);
/// The names of all zones, a line each.
std::string zone_names();

}  // namespace lugger
