/* hello_c MODEL.mace: the same library from C: loads the model and lists its inputs. */
#include <stdio.h>

#include "mace/mace_c.h"

static int fail(mace_status* status) {
  fprintf(stderr, "%s\n", mace_status_get_message(status));
  mace_status_free(status);
  return 1;
}

int main(int argc, char** argv) {
  mace_runtime* runtime = NULL;
  mace_model* model = NULL;
  mace_status* status = NULL;
  int32_t i;
  if (argc != 2) return 2;
  status = mace_runtime_create(NULL, &runtime);
  if (status != NULL) return fail(status);
  status = mace_model_load_file(runtime, argv[1], NULL, &model);
  if (status != NULL) return fail(status);
  for (i = 0; i < mace_model_input_count(model); ++i) {
    mace_tensor_info info = {sizeof(info)};
    status = mace_model_input_info(model, i, &info);
    if (status != NULL) return fail(status);
    printf("input %d: '%s', rank %d\n", (int)i, info.name, (int)info.rank);
  }
  mace_model_destroy(model);
  mace_runtime_destroy(runtime);
  return 0;
}
