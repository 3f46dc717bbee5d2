// How an element and an update become one (ScatterReduction).
#ifndef MACE_OPS_INDEX_SCATTER_REDUCTION_H_
#define MACE_OPS_INDEX_SCATTER_REDUCTION_H_

#include <type_traits>

#include "mace/ops/index/index_ops.h"
#include "mace/ops/movement/element_size.h"
#include "mace/ops/quantize/narrow_float.h"

namespace mace::ops {

template <typename T>
T Reduced(ScatterReduction reduction, T a, T b) {
  using Sum = std::conditional_t<std::is_floating_point_v<T>, T, uint64_t>;  // unsigned numbers may wrap
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a) return a;
    if (b != b) return b;
  }
  switch (reduction) {
    case ScatterReduction::kAdd:
      return static_cast<T>(static_cast<Sum>(a) + static_cast<Sum>(b));
    case ScatterReduction::kMultiply:
      return static_cast<T>(static_cast<Sum>(a) * static_cast<Sum>(b));
    case ScatterReduction::kMin:
      return b < a ? b : a;
    case ScatterReduction::kMax:
      return b > a ? b : a;
    default:
      return b;
  }
}

// Elements as they are stored, and Join(reduction, &element, update).
template <typename T>
struct PlainJoin {
  using Stored = T;
  static void Join(ScatterReduction reduction, T* element, T update) {
    *element = Reduced(reduction, *element, update);
  }
};
struct BoolJoin {
  using Stored = uint8_t;
  static void Join(ScatterReduction reduction, uint8_t* element, uint8_t update) {
    const bool is_or = reduction == ScatterReduction::kAdd || reduction == ScatterReduction::kMax;
    const bool a = *element != 0, b = update != 0;
    *element = static_cast<uint8_t>(is_or ? a || b : a && b);
  }
};
template <int kExponentBits, int kMantissaBits>
struct NarrowJoin {
  using Stored = uint16_t;
  static void Join(ScatterReduction reduction, uint16_t* element, uint16_t update) {
    const double joined = Reduced(reduction, WidenFloat(*element, kExponentBits, kMantissaBits),
                                  WidenFloat(update, kExponentBits, kMantissaBits));
    *element = RoundToNarrowFloat(joined, kExponentBits, kMantissaBits);
  }
};

// Calls function(Join{}) with the rule that fits `dtype` and `reduction`: replacing needs the width only.
template <typename Function>
Status DispatchReduction(DType dtype, ScatterReduction reduction, const Function& function) {
  if (reduction == ScatterReduction::kNone) {
    return DispatchElementSize(dtype, [&](auto zero) { return function(PlainJoin<decltype(zero)>{}); });
  }
  if (dtype == DType::kBool) return function(BoolJoin{});
  if (dtype == DType::kF16) return function(NarrowJoin<5, 10>{});
  if (dtype == DType::kBF16) return function(NarrowJoin<8, 7>{});
  return DispatchDType<float, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
                       uint64_t>(dtype, [&](auto zero) { return function(PlainJoin<decltype(zero)>{}); });
}

}  // namespace mace::ops

#endif  // MACE_OPS_INDEX_SCATTER_REDUCTION_H_
