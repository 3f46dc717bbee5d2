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
      best_ = IsMinimum() ? std::numeric_limits<T>::infinity() : -std::numeric_limits<T>::infinity();
    } else {
      best_ = IsMinimum() ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
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
        real_ += static_cast<double>(x) * static_cast<double>(x);
        break;
      case ReduceKind::kSumSquare:
        sum_ += static_cast<Sum>(x) * static_cast<Sum>(x);
        break;
      case ReduceKind::kL1:
        sum_ += Magnitude(x);
        break;
      case ReduceKind::kLogSumExp:
        AddPower(static_cast<double>(x));
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
      case ReduceKind::kL2:
        return FromReal(std::sqrt(real_));
      case ReduceKind::kMean:
        return Mean();
      case ReduceKind::kLogSum:
        if constexpr (std::is_floating_point_v<T>) return static_cast<T>(std::log(sum_));
        return FromReal(std::log(static_cast<double>(static_cast<T>(sum_))));
      case ReduceKind::kLogSumExp:
        return FromReal(std::log(real_) + highest_);
      default:
        return static_cast<T>(sum_);
    }
  }

 private:
  bool IsMinimum() const { return kind_ == ReduceKind::kMin; }
  // The powers are of the differences to the highest finite exponent so far, so that none overflows.
  void AddPower(double x) {
    if (std::isfinite(x) && (!has_highest_ || x > highest_)) {
      if (has_highest_ && std::isfinite(real_)) real_ *= std::exp(highest_ - x);
      highest_ = x;
      has_highest_ = true;
    }
    real_ += std::exp(std::isfinite(x) ? x - highest_ : x);
  }
  static Sum Magnitude(T x) {
    if constexpr (std::is_unsigned_v<T>) {
      return x;
    } else {
      return x < T{0} ? Sum{0} - static_cast<Sum>(x) : static_cast<Sum>(x);
    }
  }
  T Mean() const {
    if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(sum_ / static_cast<double>(count_));  // of no elements: NaN
    } else if constexpr (std::is_unsigned_v<T>) {
      return count_ == 0 ? T{0} : static_cast<T>(sum_ / static_cast<uint64_t>(count_));
    } else {
      return count_ == 0 ? T{0} : static_cast<T>(static_cast<int64_t>(sum_) / count_);
    }
  }
  // Cut off towards zero and, of integers, held inside the type.
  static T FromReal(double real) {
    if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(real);
    } else {
      const double behind = std::ldexp(1.0, std::numeric_limits<T>::digits);
      if (real >= behind) return std::numeric_limits<T>::max();
      return real > (std::is_signed_v<T> ? -behind : 0.0) ? static_cast<T>(real)
                                                          : std::numeric_limits<T>::min();
    }
  }

  ReduceKind kind_;
  Sum sum_;
  double real_ = 0;     // of squares or powers
  double highest_ = 0;  // exponent
  bool has_highest_ = false;
  T best_;
  int64_t count_ = 0;
};

}  // namespace mace::ops

#endif  // MACE_OPS_REDUCE_REDUCE_ACCUMULATOR_H_
