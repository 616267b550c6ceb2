// Hashes, all from libcrypto and std: identity of scripts and sources, version 5 UUIDs.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace lugger {

using Uuid = std::array<unsigned char, 16>;

/// Lowercase hex of SHA-256.
std::string sha256_hex(std::string_view bytes);

enum class DigestKind : uint8_t { kSha256, kSha512 };
/// The bytes of a digest, 32 or 64.
std::string digest(DigestKind kind, std::string_view bytes);
/// RFC 2104.
std::string hmac(DigestKind kind, std::string_view key, std::string_view bytes);
/// Takes the same time wherever the bytes differ; their lengths are no secret.
bool same_bytes(std::string_view a, std::string_view b) noexcept;

/// RFC 9562 section 5.5: SHA-1 of namespace and name.
Uuid uuid_v5(const Uuid& space, std::string_view name);
/// RFC 9562 section 5.7: Unix milliseconds, then random bits.
Uuid uuid_v7();
std::string uuid_text(const unsigned char* bytes);
/// The usual spellings: hyphenated, 32 digits, braces, "urn:uuid:"; upper or lower case.
bool parse_uuid(std::string_view text, unsigned char* out) noexcept;

/// The namespace of every row id lugger computes: uuid_v5(nil namespace, "lugger").
const Uuid& lugger_namespace();
/// The namespace of one collection: uuid_v5(lugger_namespace(), "database.collection").
Uuid collection_namespace(std::string_view database, std::string_view collection);

}  // namespace lugger
