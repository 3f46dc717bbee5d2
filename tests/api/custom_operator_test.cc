// Operators that the application brings, through the C ABI.
#include <cstring>

#include "tests/api/session_testing.h"
#include "tests/api/test_models.h"

namespace mace_test {
namespace {

// What the function below shall do, and what it saw.
struct Scaler {
  float factor = 3;
  int32_t answer = MACE_OK;
  const char* message = nullptr;
  bool allocate = true;
  int64_t cut = 0;  // rows less than there are
  std::vector<uint8_t> options;
  int calls = 0;
};

int32_t Scale(void* context, mace_operator_call* call) {
  auto* self = static_cast<Scaler*>(context);
  ++self->calls;
  size_t size = 0;
  const auto* options = static_cast<const uint8_t*>(mace_operator_options(call, &size));
  self->options.assign(options, options + size);
  EXPECT_EQ(mace_operator_input_count(call), 1);
  EXPECT_EQ(mace_operator_output_count(call), 1);
  EXPECT_EQ(mace_operator_output_dtype(call, 0), MACE_FLOAT32);
  EXPECT_EQ(mace_operator_output_dtype(call, 1), 0);
  mace_tensor x = Nothing();
  ExpectError(mace_operator_input(call, 1, &x), MACE_INVALID_ARGUMENT, "input 1 of 1");
  ExpectError(mace_operator_input(call, -1, &x), MACE_INVALID_ARGUMENT, "input -1 of 1");
  if (mace_status* status = mace_operator_input(call, 0, &x); status != nullptr) {
    mace_status_free(status);
    return MACE_INTERNAL;
  }
  EXPECT_EQ(x.dtype, MACE_FLOAT32);
  if (self->message != nullptr) mace_operator_fail(call, self->message);
  if (!self->allocate || self->answer != MACE_OK) return self->answer;
  void* y = nullptr;
  const int64_t negative[] = {-1};
  ExpectError(mace_operator_allocate_output(call, 0, 1, negative, &y), MACE_INVALID_ARGUMENT, "is -1");
  ExpectError(mace_operator_allocate_output(call, 0, 99, x.dims, &y), MACE_INVALID_ARGUMENT, "rank 99");
  ExpectError(mace_operator_allocate_output(call, 7, 1, x.dims, &y), MACE_INVALID_ARGUMENT, "output 7");
  x.dims[0] -= self->cut;
  mace_status* status = mace_operator_allocate_output(call, 0, x.rank, x.dims, &y);
  EXPECT_EQ(status, nullptr);
  ExpectError(mace_operator_allocate_output(call, 0, x.rank, x.dims, &y), MACE_INVALID_ARGUMENT, "before");
  const size_t count = static_cast<size_t>(x.dims[0] * x.dims[1]);
  for (size_t i = 0; i < count; ++i) {
    static_cast<float*>(y)[i] = self->factor * static_cast<const float*>(x.data)[i];
  }
  return MACE_OK;
}

class CustomOperatorTest : public SessionTest {
 protected:
  CustomOperatorTest() { EXPECT_EQ(mace_runtime_create(nullptr, &runtime_), nullptr); }
  mace_status* Register(const char* name) {
    const mace_custom_operator custom = {sizeof(custom), name, &scaler_, &Scale};
    return mace_runtime_register_operator(runtime_, &custom);
  }
  mace_status* LoadCustom() {
    bytes_ = CustomModel();
    return mace_model_load_memory(runtime_, bytes_.data(), bytes_.size(), nullptr, &model_);
  }
  mace_status* Run(std::vector<float>* x, mace_tensor* y) {
    const mace_tensor in = Floats({static_cast<int64_t>(x->size()) / 4, 4}, x);
    *y = Nothing();
    return mace_session_run(session_, &in, 1, y, 1, nullptr);
  }
  Scaler scaler_;
};

TEST_F(CustomOperatorTest, ComputesItsNodes) {
  ASSERT_OK(Register("Scaled"));
  ASSERT_OK(LoadCustom());
  ASSERT_OK(mace_session_create(model_, &session_));
  std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8};
  mace_tensor y;
  for (int64_t cut : {0, 1, 2, 0}) {
    scaler_.cut = cut;
    ASSERT_OK(Run(&x, &y));
    ASSERT_EQ(y.dims[0], 2 - cut);
    for (int64_t i = 0; i < y.dims[0] * 4; ++i) {
      EXPECT_EQ(static_cast<const float*>(y.data)[i], 6 * x[static_cast<size_t>(i)]);
    }
  }
  EXPECT_EQ(scaler_.calls, 4);
  EXPECT_EQ(scaler_.options, (std::vector<uint8_t>{7, 9}));
}

TEST_F(CustomOperatorTest, ErrorsEndTheRun) {
  ASSERT_OK(Register("Scaled"));
  ASSERT_OK(LoadCustom());
  ASSERT_OK(mace_session_create(model_, &session_));
  std::vector<float> x = {1, 2, 3, 4};
  mace_tensor y;
  scaler_.answer = MACE_UNSUPPORTED;
  ExpectError(Run(&x, &y), MACE_UNSUPPORTED, "operator 'Scaled': the application's function failed");
  scaler_.message = "no such factor";
  ExpectError(Run(&x, &y), MACE_UNSUPPORTED, "operator 'Scaled': no such factor");
  scaler_.answer = 99;
  ExpectError(Run(&x, &y), MACE_INTERNAL, "no such factor");
  scaler_.answer = MACE_OK;
  scaler_.allocate = false;
  ExpectError(Run(&x, &y), MACE_INTERNAL, "did not allocate output 0");
  scaler_.allocate = true;
  ASSERT_OK(Run(&x, &y));
}

TEST_F(CustomOperatorTest, HasToBeRegisteredBeforeAModelNeedsIt) {
  ExpectError(LoadCustom(), MACE_FAILED_PRECONDITION, "'Scaled', which the application has to register");
  ExpectError(Register(nullptr), MACE_INVALID_ARGUMENT, "name");
  ExpectError(Register(""), MACE_INVALID_ARGUMENT, "0 bytes");
  ExpectError(Register(std::string(2000, 'x').c_str()), MACE_INVALID_ARGUMENT, "2000 bytes");
  ExpectError(mace_runtime_register_operator(nullptr, nullptr), MACE_INVALID_ARGUMENT, "runtime");
  const mace_custom_operator empty = {sizeof(empty), "Scaled", nullptr, nullptr};
  ExpectError(mace_runtime_register_operator(runtime_, &empty), MACE_INVALID_ARGUMENT, "run");
  ASSERT_OK(Register("Scaled"));
  ExpectError(Register("Scaled"), MACE_FAILED_PRECONDITION, "registered already");
  ASSERT_OK(LoadCustom());
}

}  // namespace
}  // namespace mace_test
