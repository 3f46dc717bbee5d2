// What the tests of the C ABI share: a model, its session, and looking at statuses.
#ifndef TESTS_API_SESSION_TESTING_H_
#define TESTS_API_SESSION_TESTING_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "mace/mace_c.h"

namespace mace_test {

// A status that is taken apart and freed.
struct Outcome {
  explicit Outcome(mace_status* status)
      : code(mace_status_get_code(status)), message(mace_status_get_message(status)) {
    mace_status_free(status);
  }
  mace_status_code code;
  std::string message;
};
#define EXPECT_OK(call)                                  \
  do {                                                   \
    Outcome outcome(call);                               \
    EXPECT_EQ(outcome.code, MACE_OK) << outcome.message; \
  } while (false)
#define ASSERT_OK(call)                                  \
  do {                                                   \
    Outcome outcome(call);                               \
    ASSERT_EQ(outcome.code, MACE_OK) << outcome.message; \
  } while (false)

inline void ExpectError(mace_status* status, mace_status_code code, const std::string& part) {
  Outcome outcome(status);
  EXPECT_EQ(outcome.code, code) << outcome.message;
  EXPECT_NE(outcome.message.find(part), std::string::npos) << outcome.message;
}

template <typename T>
mace_tensor TensorOf(mace_dtype dtype, std::vector<int64_t> dims, std::vector<T>* values) {
  mace_tensor tensor = {};
  tensor.struct_size = sizeof(tensor);
  tensor.dtype = dtype;
  tensor.rank = static_cast<int32_t>(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) tensor.dims[i] = dims[i];
  if (values != nullptr) {
    tensor.data = values->data();
    tensor.byte_size = values->size() * sizeof(T);
  }
  return tensor;
}
inline mace_tensor Floats(std::vector<int64_t> dims, std::vector<float>* values) {
  return TensorOf(MACE_FLOAT32, std::move(dims), values);
}
inline mace_tensor Nothing() {
  mace_tensor tensor = {};
  tensor.struct_size = sizeof(tensor);
  return tensor;
}

class SessionTest : public ::testing::Test {
 protected:
  void Load(std::vector<uint8_t> bytes, const mace_runtime_options* options = nullptr,
            const mace_model_options* model_options = nullptr) {
    bytes_ = std::move(bytes);
    ASSERT_OK(mace_runtime_create(options, &runtime_));
    ASSERT_OK(mace_model_load_memory(runtime_, bytes_.data(), bytes_.size(), model_options, &model_));
    ASSERT_OK(mace_session_create(model_, &session_));
  }
  ~SessionTest() override {
    mace_session_destroy(session_);
    mace_model_destroy(model_);
    mace_runtime_destroy(runtime_);
  }
  std::vector<uint8_t> bytes_;
  mace_runtime* runtime_ = nullptr;
  mace_model* model_ = nullptr;
  mace_session* session_ = nullptr;
};

}  // namespace mace_test

#endif  // TESTS_API_SESSION_TESTING_H_
