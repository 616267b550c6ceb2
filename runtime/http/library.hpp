// libcurl, loaded when the first HTTP server is spoken to. Only client.cpp calls it.
#pragma once
#include <cstddef>
#include <cstdint>

// The parts of curl.h that are called: an option's number is its type's base plus its place in the
// list, and neither has changed since libcurl.so.4 exists. So neither a build nor a run without HTTP
// needs the library.
extern "C" {
struct CurlHandle;
struct CurlList;
}

namespace lugger::curl {

inline constexpr int kLong = 0, kObject = 10000, kFunction = 20000, kOffset = 30000;

enum Option : int {
  kWriteData = kObject + 1,
  kUrl = kObject + 2,
  kErrorBuffer = kObject + 10,
  kWriteFunction = kFunction + 11,
  kPostFields = kObject + 15,
  kUserAgent = kObject + 18,
  kHttpHeader = kObject + 23,
  kHeaderData = kObject + 29,
  kCustomRequest = kObject + 36,
  kNoProgress = kLong + 43,
  kPost = kLong + 47,
  kProgressData = kObject + 57,
  kVerifyPeer = kLong + 64,
  kCaFile = kObject + 65,
  kHeaderFunction = kFunction + 79,
  kForbidReuse = kLong + 75,
  kHttpGet = kLong + 80,
  kVerifyHost = kLong + 81,
  kHttpVersion = kLong + 84,
  kBufferSize = kLong + 98,
  kNoSignal = kLong + 99,
  kAcceptEncoding = kObject + 102,
  kPostFieldSize = kOffset + 120,
  kTimeoutMs = kLong + 155,
  kConnectTimeoutMs = kLong + 156,
  kTcpKeepAlive = kLong + 213,
  kProgressFunction = kFunction + 219,
  kProtocols = kObject + 318,
};

// HTTP/2 where TLS agrees on it, and at once where there is no TLS.
inline constexpr long kHttp2Tls = 4, kHttp2 = 5;

enum Info : int { kResponseCode = 0x200000 + 2 };

enum Result : int {
  kOk = 0,
  kAborted = 42,
  kPeerNotVerified = 60,
  kCaFileBad = 77,
};

inline constexpr size_t kErrorBytes = 256;

using OnBody = size_t (*)(char* bytes, size_t size, size_t count, void* self);
using OnProgress = int (*)(void* self, int64_t, int64_t, int64_t, int64_t);

/// The functions of the library that are called.
struct Library {
  int (*global_init)(long flags) = nullptr;
  CurlHandle* (*easy_init)() = nullptr;
  void (*easy_cleanup)(CurlHandle*) = nullptr;
  int (*easy_setopt)(CurlHandle*, int option, ...) = nullptr;
  int (*easy_perform)(CurlHandle*) = nullptr;
  int (*easy_getinfo)(CurlHandle*, int info, ...) = nullptr;
  const char* (*easy_strerror)(int) = nullptr;
  CurlList* (*slist_append)(CurlList*, const char*) = nullptr;
  void (*slist_free_all)(CurlList*) = nullptr;
};

/// Loads the library at the first call. Error{config}, naming the package, when it is not installed.
const Library& library();

}  // namespace lugger::curl
