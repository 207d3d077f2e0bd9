#include "collector/crypt/stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "collector/crypt/keyring.hpp"

namespace arbiter::crypt {
namespace {

unsigned char* chars(std::string& s, std::size_t at) { return reinterpret_cast<unsigned char*>(s.data()) + at; }
const unsigned char* chars(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

std::array<unsigned char, 24> about_of(const StreamHeader& header) {
  std::array<unsigned char, sizeof header.magic + sizeof header.key> about;
  std::copy(header.magic.begin(), header.magic.end(), about.begin());
  std::copy(header.key.begin(), header.key.end(), about.begin() + sizeof header.magic);
  return about;
}

}  // namespace

StreamEncryptor::StreamEncryptor(const Cipher& cipher) {
  header_.magic = kStreamMagic;
  header_.key = cipher.id();
  crypto_secretstream_xchacha20poly1305_init_push(&state_, header_.start.data(), cipher.key().data());
}

void StreamEncryptor::piece(std::string_view plain, unsigned char tag) {
  const std::size_t at = out_.size();
  out_.resize(at + plain.size() + kPieceOverhead);
  // Which key it says it is, and that it is such a file, is authenticated with each piece.
  const auto about = about_of(header_);
  crypto_secretstream_xchacha20poly1305_push(&state_, chars(out_, at), nullptr, chars(plain), plain.size(), about.data(), about.size(),
                                             tag);
}

std::string_view StreamEncryptor::add(std::string_view plain) {
  out_.clear();
  gathered_.append(plain);
  std::size_t at = 0;
  for (; gathered_.size() - at > kPiece; at += kPiece)  // one piece at least is the last
    piece(std::string_view(gathered_).substr(at, kPiece), crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
  gathered_.erase(0, at);
  return out_;
}

std::string_view StreamEncryptor::finish() {
  out_.clear();
  piece(gathered_, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
  gathered_.clear();
  return out_;
}

Result<StreamDecryptor> StreamDecryptor::begin(std::span<const std::byte> header, const Keyring& keys) {
  StreamDecryptor stream;
  if (header.size() < sizeof(StreamHeader)) return Error{"is not an encrypted file"};
  std::memcpy(&stream.header_, header.data(), sizeof(StreamHeader));
  if (stream.header_.magic != kStreamMagic) return Error{"is not an encrypted file"};
  const auto cipher = keys.find(stream.header_.key);
  if (cipher == nullptr) return Error{"is encrypted under " + key_name(stream.header_.key) + ", which was not given", ENOKEY};
  if (crypto_secretstream_xchacha20poly1305_init_pull(&stream.state_, stream.header_.start.data(), cipher->key().data()) != 0)
    return Error{"its header is damaged"};
  return stream;
}

bool StreamDecryptor::piece(std::string_view encrypted, std::string& plain) {
  if (done_ || encrypted.size() < kPieceOverhead || encrypted.size() > kPiece + kPieceOverhead) return false;
  const std::size_t at = plain.size();
  plain.resize(at + encrypted.size() - kPieceOverhead);
  const auto about = about_of(header_);
  unsigned char tag = 0;
  if (crypto_secretstream_xchacha20poly1305_pull(&state_, chars(plain, at), nullptr, &tag, chars(encrypted), encrypted.size(), about.data(),
                                                 about.size()) != 0) {
    plain.resize(at);
    return false;
  }
  done_ = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
  return done_ || encrypted.size() == kPiece + kPieceOverhead;
}

std::string encrypt_text(const Cipher& cipher, std::string_view plain) {
  StreamEncryptor stream(cipher);
  std::string out;
  out.reserve(encrypted_bytes(plain.size()));
  out.append(stream.header()).append(stream.add(plain)).append(stream.finish());
  return out;
}

Result<std::string> decrypt_text(const Keyring& keys, std::string_view encrypted) {
  auto stream = StreamDecryptor::begin(std::as_bytes(std::span(encrypted)), keys);
  if (!stream) return stream.error();
  encrypted.remove_prefix(sizeof(StreamHeader));
  std::string plain;
  while (!stream->done()) {
    const std::string_view piece = encrypted.substr(0, kPiece + kPieceOverhead);
    encrypted.remove_prefix(piece.size());
    if (!stream->piece(piece, plain)) return Error{"is damaged, or was changed"};
  }
  if (!encrypted.empty()) return Error{"is damaged, or was changed"};
  return Result<std::string>(boost::system::in_place_value, std::move(plain));
}

bool is_encrypted(std::string_view bytes) {
  return bytes.size() >= sizeof(StreamHeader) && std::memcmp(bytes.data(), kStreamMagic.data(), kStreamMagic.size()) == 0;
}

}  // namespace arbiter::crypt
