// Standard input, output and error, as the program finds and leaves them.
#pragma once

namespace lugger {

/// Those that the caller closed: the next file or connection would get their number, and be sent
/// what is printed. What is written to one fails, as it should.
void occupy_closed_streams();

/// The status to end with. What could not be written is told, and is a failure, whatever the
/// command came to. A reader that went away (`| head`) had enough.
int with_output_written(int status);

}  // namespace lugger
