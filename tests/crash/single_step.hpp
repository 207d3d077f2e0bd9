// A child that runs one piece of code instruction by instruction, and is killed by SIGKILL after any of them.
//
//   SteppedChild child([&](SteppedChild::Inside& inside) {
//     ... prepare ...
//     inside.wait_for_parent();                 // as often as there is something for the parent to do
//     inside.stepped([&] { producer.record(event); });
//   });
//   child.wait();  child.resume();              // for each wait_for_parent()
//   const Way way = child.walk();               // once: the address of every instruction of `stepped`
//   child.kill_after(k, way);                   // in another child: k instructions into it
//
// What an instruction is, the processor says (PTRACE_SINGLESTEP). A system call is one instruction here: what the kernel does inside it
// is not cut in two. All children are forked from the same state and go the same way, which is checked: so a kill need not step there from
// the first instruction; it lets the child run to the last address that comes up for the first time, and steps from there. Only a clock may
// lead elsewhere: it is read from a page that the kernel writes, and read again when the two meet. Then there is another try.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

namespace arbiter::test {

// Where each instruction lies: that before which the child stands after 0, 1, 2, ... instructions. The last is behind the end.
using Way = std::vector<std::uint64_t>;

class SteppedChild {
  struct Shared;

 public:
  class Inside {
   public:
    explicit Inside(Shared& shared) : shared_(&shared) {}
    void wait_for_parent();
    template <class Code>
    void stepped(Code&& code) {
      wait_for_parent();
      enter();
      code();
      leave();
    }

   private:
    void enter();
    void leave();
    Shared* shared_;
  };

  explicit SteppedChild(const std::function<void(Inside&)>& code);
  ~SteppedChild();
  SteppedChild(const SteppedChild&) = delete;
  SteppedChild& operator=(const SteppedChild&) = delete;

  void wait();    // until it waits for us
  void resume();  // lets it go on
  // Both when it waits before its stepped code. Both kill and reap it.
  Way walk();
  [[nodiscard]] bool kill_after(std::size_t instructions, const Way& way);  // false: it went another way, and is killed somewhere

  static bool permitted();  // may processes be traced here?

 private:
  void step();
  void step_inside();
  bool run_to(std::uint64_t address);
  std::uint64_t address() const;
  void kill_and_reap();

  pid_t pid_ = -1;
  Shared* shared_;
};

}  // namespace arbiter::test
