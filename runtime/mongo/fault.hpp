// What the driver says of a command that failed, as an error of ours.
#pragma once
#include <string>

#include "mongo/client.hpp"
#include "mongo/driver.hpp"

namespace lugger {

/// `reply`: what the server answered, if it did; `shown`: the place, without its secrets.
MongoFault fault_of(const bson_error_t& error, Bytes reply, const std::string& shown);

}  // namespace lugger
