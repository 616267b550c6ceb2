#include "verify/sign.hpp"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/whole_file.hpp"

namespace lugger {

namespace {

// minisign: "Ed" names a key, "ED" a signature over the BLAKE2b hash of the bytes.
constexpr std::string_view kKeyKind = "Ed", kSignatureKind = "ED";
constexpr std::string_view kUntrusted = "untrusted comment: ", kTrusted = "trusted comment: ";
constexpr size_t kIdBytes = 8;
using KeyId = std::array<unsigned char, kIdBytes>;
using Signature = std::array<unsigned char, crypto_sign_BYTES>;
using PublicKey = std::array<unsigned char, crypto_sign_PUBLICKEYBYTES>;

/// Overwritten with zeros when it is destroyed.
struct SecretKey {
  SecretKey() = default;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  ~SecretKey() { sodium_memzero(bytes.data(), bytes.size()); }
  KeyId id{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> bytes{};
};

void need_sodium() {
  if (sodium_init() < 0) raise(Code::kBug, "libsodium could not be started");
}

template <typename Array>
std::string_view view(const Array& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string line_of(std::string_view kind, const KeyId& id, std::string_view bytes) {
  std::string whole(kind);
  whole += view(id);
  whole += bytes;
  return to_base64(as_bytes(whole));
}

/// Kind, id and `size` bytes of a line; nullopt when the line does not have this form.
struct Parts {
  KeyId id{};
  std::string bytes;
};
std::optional<Parts> parts_of(std::string_view line, std::string_view kind, size_t size) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  const std::optional<std::string> whole = from_base64(line);
  if (!whole || whole->size() != kind.size() + kIdBytes + size || !whole->starts_with(kind))
    return std::nullopt;
  Parts out;
  std::memcpy(out.id.data(), whole->data() + kind.size(), kIdBytes);
  out.bytes = whole->substr(kind.size() + kIdBytes);
  return out;
}

std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void write_private(const std::string& path, const std::string& text) {
  if (write_new_file(path, text, S_IRUSR | S_IWUSR)) return;
  throw Error(Code::kConfig, fmt::format("cannot make {}: it is there", path),
              "there is a key already: verdicts signed by it would no longer check; move it away "
              "first, or name another with --key");
}

std::string read_private(const std::string& path) {
  struct stat found = {};
  if (stat(path.c_str(), &found) != 0) {
    throw Error(Code::kConfig,
                fmt::format("cannot read the key {}: {}", path, std::strerror(errno)),
                "lugger verdict key makes one");
  }
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error(Code::kConfig,
                fmt::format("the key {} may be read or written by others than its owner", path),
                "chmod 600 " + path + "; if others may have seen it, make a new one");
  }
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void read_secret(const std::string& path, SecretKey& out) {
  std::string text = read_private(path);
  std::string_view left = text;
  take_line(left);
  std::optional<Parts> parts = parts_of(take_line(left), kKeyKind, out.bytes.size());
  sodium_memzero(text.data(), text.size());
  if (!parts)
    throw Error(Code::kConfig, path + " is not a key of lugger's", "lugger verdict key makes one");
  out.id = parts->id;
  std::memcpy(out.bytes.data(), parts->bytes.data(), out.bytes.size());
  sodium_memzero(parts->bytes.data(), parts->bytes.size());
}

std::array<unsigned char, 64> hash_of(std::string_view bytes) {
  std::array<unsigned char, 64> out{};
  crypto_generichash(out.data(), out.size(), as_bytes(bytes).data(), bytes.size(), nullptr, 0);
  return out;
}

}  // namespace

std::string make_verdict_key(const std::string& secret, const std::string& open_key) {
  need_sodium();
  SecretKey key;
  PublicKey open_bytes{};
  crypto_sign_keypair(open_bytes.data(), key.bytes.data());
  randombytes_buf(key.id.data(), key.id.size());
  const std::filesystem::path directory = std::filesystem::path(secret).parent_path();
  std::error_code failed;
  if (!directory.empty()) std::filesystem::create_directories(directory, failed);
  std::string text = fmt::format("{}lugger secret key, keep it to yourself\n{}\n", kUntrusted,
                                 line_of(kKeyKind, key.id, view(key.bytes)));
  write_private(secret, text);
  sodium_memzero(text.data(), text.size());
  const std::string line = line_of(kKeyKind, key.id, view(open_bytes));
  try {
    write_whole_file(open_key, fmt::format("{}lugger public key {}\n{}\n", kUntrusted,
                                           to_hex(as_bytes(view(key.id))), line));
  } catch (...) {
    unlink(secret.c_str());  // half a key pair is useless
    throw;
  }
  return line;
}

std::string sign_verdict(std::string_view bytes, const std::string& secret,
                         std::string_view comment) {
  need_sodium();
  SecretKey key;
  read_secret(secret, key);
  Signature signature{}, whole{};
  const auto hash = hash_of(bytes);
  crypto_sign_detached(signature.data(), nullptr, hash.data(), hash.size(), key.bytes.data());
  std::string both(view(signature));
  both += comment;
  crypto_sign_detached(whole.data(), nullptr, as_bytes(both).data(), both.size(), key.bytes.data());
  return fmt::format("{}signed by lugger, key {}\n{}\n{}{}\n{}\n", kUntrusted,
                     to_hex(as_bytes(view(key.id))),
                     line_of(kSignatureKind, key.id, view(signature)), kTrusted, comment,
                     to_base64(as_bytes(view(whole))));
}

std::string check_verdict(std::string_view bytes, std::string_view signature,
                          std::string_view key) {
  need_sodium();
  if (key.starts_with(kUntrusted)) take_line(key);
  const std::optional<Parts> open_key =
      parts_of(take_line(key), kKeyKind, crypto_sign_PUBLICKEYBYTES);
  if (!open_key)
    throw Error(Code::kConfig, "this is not a public key of lugger's",
                "it is one line of base64 that begins with RW");
  take_line(signature);
  const std::optional<Parts> signed_by =
      parts_of(take_line(signature), kSignatureKind, crypto_sign_BYTES);
  std::string_view comment = take_line(signature);
  const std::optional<std::string> whole = from_base64(take_line(signature));
  if (!signed_by || !comment.starts_with(kTrusted) || !whole || whole->size() != crypto_sign_BYTES)
    return "the signature file is damaged, or none";
  comment.remove_prefix(kTrusted.size());
  if (signed_by->id != open_key->id)
    return fmt::format("it was signed by another key: {}, not {}",
                       to_hex(as_bytes(view(signed_by->id))), to_hex(as_bytes(view(open_key->id))));
  const auto* key_bytes = as_bytes(open_key->bytes).data();
  const auto hash = hash_of(bytes);
  if (crypto_sign_verify_detached(as_bytes(signed_by->bytes).data(), hash.data(), hash.size(),
                                  key_bytes) != 0)
    return "the file is not what was signed: a byte of it was changed";
  const std::string both = signed_by->bytes + std::string(comment);
  if (crypto_sign_verify_detached(as_bytes(*whole).data(), as_bytes(both).data(), both.size(),
                                  key_bytes) != 0)
    return "the comment in the signature file was changed";
  return {};
}

}  // namespace lugger
