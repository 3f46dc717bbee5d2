#include "mace/api/structs.h"

namespace {

// A Status over a handle that somebody else owns.
class BorrowedStatus {
 public:
  explicit BorrowedStatus(const mace_status* handle)
      : status_(mace::Status::Adopt(reinterpret_cast<const mace::Status::Rep*>(handle))) {}
  ~BorrowedStatus() { status_.Detach(); }
  BorrowedStatus(const BorrowedStatus&) = delete;
  BorrowedStatus& operator=(const BorrowedStatus&) = delete;
  const mace::Status& get() const { return status_; }

 private:
  mace::Status status_;
};

}  // namespace

extern "C" {

const char* mace_version(void) { return MACE_VERSION; }

mace_status_code mace_status_get_code(const mace_status* status) {
  return static_cast<mace_status_code>(BorrowedStatus(status).get().code());
}

const char* mace_status_get_message(const mace_status* status) {
  return BorrowedStatus(status).get().message();
}

void mace_status_free(mace_status* status) {
  mace::Status::Adopt(reinterpret_cast<const mace::Status::Rep*>(status)).IgnoreError();
}

}  // extern "C"
