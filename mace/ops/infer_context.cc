#include "mace/graph/op_definition.h"
#include "mace/ops/common.h"

namespace mace {

bool InferContext::KnownInts(int i, IntList* list) const {
  const TensorView* view = known(i);
  if (view == nullptr || !ops::IsIntVector(*view)) return false;
  const int64_t count = view->elements();
  if (count > IntList::capacity()) return false;
  *list = IntList();
  for (int64_t element = 0; element < count; ++element) list->Push(ops::ReadInt(*view, element));
  return true;
}

}  // namespace mace
