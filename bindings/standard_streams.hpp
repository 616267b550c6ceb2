// Standard input, output and error at the start and the end of the program.
#pragma once
#include <string_view>

namespace lugger {

/// Opens standard streams that the caller closed. Otherwise the next file or connection would get
/// their descriptor, and printed text would go there. Writing to such a stream fails, as it should.
void occupy_closed_streams();

/// From here on every line on standard error is a JSON event (`--log json`).
void tell_as_events() noexcept;
/// Writes a line to standard error: "lugger: ...", or an event. The caller must mask secrets. Calls
/// may come from any thread.
void tell(std::string_view event, std::string_view text);

/// The exit status. When output could not be written this reports it and returns a failure,
/// whatever the command's status was. A reader that closed the pipe (`| head`) is no failure.
int with_output_written(int status);

}  // namespace lugger
