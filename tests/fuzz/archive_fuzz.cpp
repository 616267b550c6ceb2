// Any bytes as an archive: every collection of its list is read to its end or to an Error.
#include <cstddef>

#include "../unit/files/memory_stream.hpp"
#include "base/error.hpp"
#include "files/archive_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lugger;
  // Pieces of a few bytes as well, so that every read crosses a seam.
  for (const size_t piece : {size_t{4096}, size_t{5}}) {
    const auto open = [&] {
      return ArchiveReader(std::make_unique<test::MemoryStream>(Bytes(data, size), piece), "fuzz");
    };
    try {
      const std::vector<ArchiveCollection> all = open().collections();
      ByteBuffer document;
      for (size_t i = 0; i < all.size() && i < 4; ++i) {
        ArchiveReader reader = open();
        reader.select(all[i].database, all[i].collection);
        for (uint32_t bytes = reader.next(); bytes != 0; bytes = reader.next()) {
          document.clear();
          reader.read(document.room(bytes));
        }
      }
    } catch (const Error&) {
    }
  }
  return 0;
}
