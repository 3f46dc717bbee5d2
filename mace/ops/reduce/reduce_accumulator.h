// One result of a reduction of numbers.
#ifndef MACE_OPS_REDUCE_REDUCE_ACCUMULATOR_H_
#define MACE_OPS_REDUCE_REDUCE_ACCUMULATOR_H_

#include <cmath>
#include <limits>
#include <type_traits>

#include "mace/ops/reduce/reduce.h"

namespace mace::ops {

// Elements are added one at a time. Floats are accumulated in double, integers modulo 2^64.
template <typename T>
class Accumulator {
 public:
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>;

  explicit Accumulator(ReduceKind kind) : kind_(kind), sum_(kind == ReduceKind::kProd ? 1 : 0) {
    // Of no elements the maximum is the lowest number there is, as ONNX says.
    if constexpr (std::is_floating_point_v<T>) {
      best_ =
          kind == ReduceKind::kMax ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
    } else {
      best_ = kind == ReduceKind::kMax ? std::numeric_limits<T>::min() : std::numeric_limits<T>::max();
    }
  }
  void Add(T x) {
    ++count_;
    switch (kind_) {
      case ReduceKind::kMax:
        if (x > best_ || x != x) best_ = x;  // a NaN stays
        break;
      case ReduceKind::kMin:
        if (x < best_ || x != x) best_ = x;
        break;
      case ReduceKind::kProd:
        sum_ *= static_cast<Sum>(x);
        break;
      case ReduceKind::kL2:
        squares_ += static_cast<double>(x) * static_cast<double>(x);
        break;
      case ReduceKind::kSumSquare:
        sum_ += static_cast<Sum>(x) * static_cast<Sum>(x);
        break;
      default:
        sum_ += static_cast<Sum>(x);
    }
  }
  T Result() const {
    switch (kind_) {
      case ReduceKind::kMax:
      case ReduceKind::kMin:
        return best_;
      case ReduceKind::kL2: {
        const double root = std::sqrt(squares_);
        if constexpr (std::is_floating_point_v<T>) {
          return static_cast<T>(root);
        } else {
          const double behind = std::ldexp(1.0, std::numeric_limits<T>::digits);
          return root < behind ? static_cast<T>(root) : std::numeric_limits<T>::max();
        }
      }
      case ReduceKind::kMean:
        if constexpr (std::is_floating_point_v<T>) {
          return static_cast<T>(sum_ / static_cast<double>(count_));  // of no elements: NaN
        } else {
          return count_ == 0 ? T{0} : static_cast<T>(static_cast<int64_t>(sum_) / count_);
        }
      default:
        return static_cast<T>(sum_);
    }
  }

 private:
  ReduceKind kind_;
  Sum sum_;
  double squares_ = 0;
  T best_;
  int64_t count_ = 0;
};

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_REDUCE_ACCUMULATOR_H_
