/* The example of mace_c.h, compiled as C and run by header_examples_test.cc. `net.mace` is in the current folder. */
#include "tests/api/header_example_c.h"

#include <string.h>

#include "mace/mace_c.h"

/* -Wextra means C code that forgot a field; here the fields behind struct_size are zero on purpose. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static mace_status_code code_of(mace_status* status) {
  const mace_status_code code = mace_status_get_code(status);
  mace_status_free(status);
  return code;
}

int RunHeaderExampleInC(float pixels[4], float scores[4]) {
#include "mace_c_example.inc"
  if (status != NULL) return (int)code_of(status);
  if (out.byte_size != 16) return -1;
  memcpy(scores, out.data, 16);
  mace_session_destroy(session);
  mace_model_destroy(model);
  mace_runtime_destroy(runtime);
  return 0;
}
