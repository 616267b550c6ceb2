// Standard input, output and error, as the program finds and leaves them.
#pragma once
#include <string_view>

namespace lugger {

/// Those that the caller closed: the next file or connection would get their number, and be sent
/// what is printed. What is written to one fails, as it should.
void occupy_closed_streams();

/// From here on every line on standard error is an event: `--log json`.
void tell_as_events() noexcept;
/// A line on standard error: "lugger: ...", or as an event. Secrets are the caller's to mask. Calls
/// may come from any thread.
void tell(std::string_view event, std::string_view text);

/// The status to end with. What could not be written is told, and is a failure, whatever the
/// command came to. A reader that went away (`| head`) had enough.
int with_output_written(int status);

}  // namespace lugger
