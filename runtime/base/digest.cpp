#include "base/digest.hpp"

// SHA1_* is called "deprecated", but EVP_DigestInit_ex allocates for every digest.
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <chrono>
#include <cstring>

#include "base/ascii.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {

static const EVP_MD* algorithm(DigestKind kind) noexcept {
  return kind == DigestKind::kSha256 ? EVP_sha256() : EVP_sha512();
}

static std::string as_string(const unsigned char* bytes, unsigned int size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string digest(DigestKind kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out, &size, algorithm(kind), nullptr) != 1)
    raise(Code::kBug, "libcrypto made no digest");
  return as_string(out, size);
}

std::string hmac(DigestKind kind, std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (HMAC(algorithm(kind), key.empty() ? "" : key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out,
           &size) == nullptr)
    raise(Code::kBug, "libcrypto made no HMAC");
  return as_string(out, size);
}

bool same_bytes(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string sha256_hex(std::string_view bytes) {
  return to_hex(as_bytes(digest(DigestKind::kSha256, bytes)));
}

Uuid uuid_v5(const Uuid& space, std::string_view name) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA_CTX context;
  SHA1_Init(&context);
  SHA1_Update(&context, space.data(), space.size());
  SHA1_Update(&context, name.data(), name.size());
  SHA1_Final(digest, &context);
  Uuid out;
  std::memcpy(out.data(), digest, out.size());
  out[6] = static_cast<unsigned char>((out[6] & 0x0F) | 0x50);
  out[8] = static_cast<unsigned char>((out[8] & 0x3F) | 0x80);
  return out;
}

Uuid uuid_v7() {
  Uuid out;
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    raise(Code::kBug, "the system gave no random bytes");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto ms =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  for (int i = 5; i >= 0; --i, ms >>= 8)
    out[static_cast<size_t>(i)] = static_cast<unsigned char>(ms);
  out[6] = static_cast<unsigned char>((out[6] & 0x0F) | 0x70);
  out[8] = static_cast<unsigned char>((out[8] & 0x3F) | 0x80);
  return out;
}

std::string uuid_text(const unsigned char* bytes) {
  const std::string hex = to_hex({bytes, 16});
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' +
         hex.substr(16, 4) + '-' + hex.substr(20);
}

bool parse_uuid(std::string_view text, unsigned char* out) noexcept {
  if (text.starts_with("urn:uuid:")) text.remove_prefix(9);
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}')
    text = text.substr(1, text.size() - 2);
  const bool hyphens = text.size() == 36;
  if (!hyphens && text.size() != 32) return false;
  size_t digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (hyphens && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return false;
      continue;
    }
    const int value = hex_digit(text[i]);
    if (value < 0) return false;
    unsigned char& byte = out[digits / 2];
    byte = static_cast<unsigned char>(digits % 2 == 0 ? value << 4 : byte | value);
    ++digits;
  }
  return digits == 32;
}

const Uuid& lugger_namespace() {
  static const Uuid space = uuid_v5(Uuid{}, "lugger");
  return space;
}

Uuid collection_namespace(std::string_view database, std::string_view collection) {
  std::string name(database);
  name += '.';
  name += collection;
  return uuid_v5(lugger_namespace(), name);
}

}  // namespace lugger
