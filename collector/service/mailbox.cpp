#include "collector/service/mailbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>

namespace arbiter::service {

Mailbox::Mailbox() : wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Mailbox::~Mailbox() {
  close();
  ::close(wake_);
}

void Mailbox::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);  // a full counter wakes as well
}

bool Mailbox::post(Letter letter) {
  if (closed_.load(std::memory_order_acquire)) return false;
  auto owned = std::make_unique<Letter>(std::move(letter));
  if (!letters_.push(owned.get())) return false;
  static_cast<void>(owned.release());
  // close() may have emptied the queue just before the push: then nobody else will, and this thread does.
  if (closed_.load(std::memory_order_seq_cst)) letters_.consume_all([](Letter* late) { delete late; });
  wake();
  return true;
}

bool Mailbox::run() {
  std::uint64_t count;
  if (read(wake_, &count, sizeof count) < 0) return false;
  bool ran = false;
  Letter* letter = nullptr;
  while (letters_.pop(letter)) {
    const std::unique_ptr<Letter> owned(letter);
    (*owned)();
    ran = true;
  }
  return ran;
}

void Mailbox::close() {
  closed_.store(true, std::memory_order_seq_cst);
  letters_.consume_all([](Letter* letter) { delete letter; });
}

}  // namespace arbiter::service
