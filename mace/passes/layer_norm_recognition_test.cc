#include "mace/ops/norm/norm.h"
#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

enum class Square { kPow, kMul, kDifference };
enum class Inverse { kDivBySqrt, kMulByRsqrt, kMulByReciprocal, kMulByQuotient, kMulByPow, kDivByPow };

class LayerNormRecognitionTest : public RecognitionTest {
 protected:
  ValueId Squared(ValueId x, ValueId mean, ValueId centred, Square square) {
    if (square == Square::kDifference) return Node(OpId::kSquaredDifference, {x, mean});
    if (square == Square::kMul) return Node(OpId::kMul, {centred, centred});
    return Node(OpId::kPow, {centred, Scalar(2)});
  }
  ValueId Divided(ValueId x, ValueId guarded, Inverse inverse) {
    const auto root = [&] { return Node(OpId::kSqrt, {guarded}); };
    switch (inverse) {
      case Inverse::kDivBySqrt:
        return Node(OpId::kDiv, {x, root()});
      case Inverse::kMulByRsqrt:
        return Node(OpId::kMul, {Node(OpId::kRsqrt, {guarded}), x});
      case Inverse::kMulByReciprocal:
        return Node(OpId::kMul, {x, Node(OpId::kReciprocal, {root()})});
      case Inverse::kMulByQuotient:
        return Node(OpId::kMul, {x, Node(OpId::kDiv, {Scalar(1), root()})});
      case Inverse::kMulByPow:
        return Node(OpId::kMul, {x, Node(OpId::kPow, {guarded, Scalar(-0.5f)})});
      case Inverse::kDivByPow:
        return Node(OpId::kDiv, {x, Node(OpId::kPow, {guarded, Scalar(0.5f)})});
    }
    return kNone;
  }
  ValueId Normal(ValueId x, const IntList& axes, Square square, Inverse inverse, float epsilon = 1e-3f) {
    const ValueId mean = Mean(x, axes), centred = Node(OpId::kSub, {x, mean});
    const ValueId variance = Mean(Squared(x, mean, centred, square), axes);
    return Divided(centred, Node(OpId::kAdd, {variance, Scalar(epsilon)}), inverse);
  }
  ValueId RootMeanSquare(ValueId x, const IntList& axes, Inverse inverse) {
    const ValueId squares = Mean(Node(OpId::kPow, {x, Scalar(2)}), axes);
    return Divided(x, Node(OpId::kAdd, {Scalar(1e-3f), squares}), inverse);
  }
  const ops::LayerNormalizationAttributes& Found() {
    for (const mace::Node& node : graph_.nodes) {
      if (node.op == OpId::kLayerNormalization)
        return node.attributes.as<ops::LayerNormalizationAttributes>();
    }
    static const ops::LayerNormalizationAttributes none = {.axis = 99};
    return none;
  }
};

TEST_F(LayerNormRecognitionTest, EverySpelling) {
  const Shape shape = {2, 3, 7};
  for (int square = 0; square < 3; ++square) {
    for (int inverse = 0; inverse < 6; ++inverse) {
      for (const bool has_scale : {false, true}) {
        for (const bool has_bias : {false, true}) {
          ExpectRecognised(RunLayerNormRecognition, shape,
                           [&](ValueId x) {
                             ValueId y = Normal(x, {-1}, Square(square), Inverse(inverse));
                             if (has_scale) y = Node(OpId::kMul, {Floats({7}), y});
                             return has_bias ? Node(OpId::kAdd, {y, Floats({7})}) : y;
                           },
                           {OpId::kLayerNormalization});
          EXPECT_EQ(Found().axis, 2);
          EXPECT_EQ(Found().epsilon, 1e-3f);
          EXPECT_FALSE(Found().root_mean_square);
        }
      }
    }
  }
}

TEST_F(LayerNormRecognitionTest, OfSeveralAxesAndOpenDimensions) {
  ExpectRecognised(RunLayerNormRecognition, {2, 3, 4, 5},
                   [&](ValueId x) {
                     const ValueId y = Normal(x, {3, 1, 2}, Square::kPow, Inverse::kDivBySqrt, 0.5f);
                     return Node(OpId::kMul, {y, Floats({3, 4, 5})});
                   },
                   {OpId::kLayerNormalization});
  EXPECT_EQ(Found().axis, 1);
  EXPECT_EQ(Found().epsilon, 0.5f);
  ExpectRecognised(RunLayerNormRecognition, {SymbolDim(0), kUnknownDim, 5},
                   [&](ValueId x) {
                     return Node(OpId::kMul,
                                 {Normal(x, {2}, Square::kPow, Inverse::kDivBySqrt), Floats({5})});
                   },
                   {OpId::kLayerNormalization});
}

TEST_F(LayerNormRecognitionTest, RootMeanSquare) {
  for (int inverse = 0; inverse < 6; ++inverse) {
    ExpectRecognised(
        RunLayerNormRecognition, {4, 6},
        [&](ValueId x) { return Node(OpId::kMul, {Floats({6}), RootMeanSquare(x, {1}, Inverse(inverse))}); },
        {OpId::kLayerNormalization});
    EXPECT_TRUE(Found().root_mean_square);
  }
}

// x * f + (bias - mean * f), f = scale / deviation.
TEST_F(LayerNormRecognitionTest, TheLineOfKeras) {
  const auto build = [&](ValueId x, bool has_scale, bool of_mean, const Shape& row) {
    const ValueId mean = Mean(x, {2});
    const ValueId variance = Mean(Node(OpId::kSquaredDifference, {x, mean}), {2});
    ValueId factor = Node(OpId::kRsqrt, {Node(OpId::kAdd, {variance, Scalar(1e-3f)})});
    if (has_scale) factor = Node(OpId::kMul, {factor, Floats(row)});
    const ValueId centre = Node(OpId::kMul, {of_mean ? mean : variance, factor});
    const ValueId shift = Node(OpId::kSub, {Floats(row), centre});
    return Node(OpId::kAdd, {Node(OpId::kMul, {x, factor}), shift});
  };
  for (const bool has_scale : {false, true}) {
    ExpectRecognised(RunLayerNormRecognition, {2, 3, 6},
                     [&](ValueId x) { return build(x, has_scale, true, {6}); }, {OpId::kLayerNormalization});
  }
  ExpectLeft(RunLayerNormRecognition, {2, 3, 6}, [&](ValueId x) { return build(x, true, false, {6}); });
  ExpectLeft(RunLayerNormRecognition, {2, 6, 6}, [&](ValueId x) { return build(x, true, true, {6, 1}); });
}

TEST_F(LayerNormRecognitionTest, OperandsThatAreNoRowsStayBehindIt) {
  for (const Shape& row : {Shape{1}, Shape{3, 1}, Shape{1, 7}, Shape{2, 3, 7}, Shape{1, 1, 1, 7}}) {
    ExpectRecognised(RunLayerNormRecognition, {2, 3, 7},
                     [&](ValueId x) {
                       return Node(OpId::kMul,
                                   {Normal(x, {2}, Square::kPow, Inverse::kDivBySqrt), Floats(row)});
                     },
                     {OpId::kLayerNormalization, OpId::kMul});
  }
  // Computed by the run; and a bias in front of the scale.
  ExpectRecognised(RunLayerNormRecognition, {7, 7},
                   [&](ValueId x) {
                     const ValueId row = Reduced(ops::ReduceKind::kMax, x, {0}, false);
                     return Node(OpId::kMul, {Normal(x, {1}, Square::kPow, Inverse::kDivBySqrt), row});
                   },
                   {OpId::kLayerNormalization, OpId::kMul, OpId::kReduce});
  ExpectRecognised(RunLayerNormRecognition, {7, 7},
                   [&](ValueId x) {
                     const ValueId y = Normal(x, {1}, Square::kPow, Inverse::kDivBySqrt);
                     return Node(OpId::kMul, {Node(OpId::kAdd, {y, Floats({7})}), Floats({7})});
                   },
                   {OpId::kLayerNormalization, OpId::kMul});
}

TEST_F(LayerNormRecognitionTest, LookalikesAreLeftAlone) {
  const Shape shape = {2, 4, 4};
  const auto left = [&](const Build& build) { ExpectLeft(RunLayerNormRecognition, shape, build); };
  const auto guarded = [&](ValueId variance) { return Node(OpId::kAdd, {variance, Scalar(1e-3f)}); };
  // Over an axis that is not the last; over different ones.
  left([&](ValueId x) { return Normal(x, {1}, Square::kPow, Inverse::kDivBySqrt); });
  left([&](ValueId x) { return Normal(x, {0, 2}, Square::kPow, Inverse::kDivBySqrt); });
  left([&](ValueId x) {
    const ValueId centred = Node(OpId::kSub, {x, Mean(x, {1})});
    return Divided(Node(OpId::kSub, {x, Mean(x, {2})}),
                   guarded(Mean(Node(OpId::kPow, {centred, Scalar(2)}), {2})), Inverse::kDivBySqrt);
  });
  // Epsilon behind the root; none; not constant; a row of them; below 0.
  left([&](ValueId x) {
    const ValueId mean = Mean(x, {2}), centred = Node(OpId::kSub, {x, mean});
    const ValueId variance = Mean(Squared(x, mean, centred, Square::kPow), {2});
    return Node(OpId::kDiv, {centred, guarded(Node(OpId::kSqrt, {variance}))});
  });
  left([&](ValueId x) {
    const ValueId mean = Mean(x, {2}), centred = Node(OpId::kSub, {x, mean});
    const ValueId variance = Mean(Squared(x, mean, centred, Square::kPow), {2});
    return Divided(centred, Node(OpId::kAdd, {variance, Floats({4}, {1, 2, 3, 4})}), Inverse::kDivBySqrt);
  });
  left([&](ValueId x) { return Normal(x, {2}, Square::kPow, Inverse::kMulByRsqrt, -1e-3f); });
  // A third power; the mean of another value; a sum for the mean; the variance of another value.
  left([&](ValueId x) {
    const ValueId centred = Node(OpId::kSub, {x, Mean(x, {2})});
    return Divided(centred, guarded(Mean(Node(OpId::kPow, {centred, Scalar(4)}), {2})), Inverse::kDivBySqrt);
  });
  left([&](ValueId x) {
    const ValueId mean = Mean(Node(OpId::kAbs, {x}), {2});
    const ValueId variance = Mean(Node(OpId::kSquaredDifference, {x, mean}), {2});
    return Divided(Node(OpId::kSub, {x, mean}), guarded(variance), Inverse::kDivBySqrt);
  });
  left([&](ValueId x) {
    const ValueId squares = Reduced(ops::ReduceKind::kSum, Node(OpId::kMul, {x, x}), {2});
    return Divided(x, guarded(squares), Inverse::kDivBySqrt);
  });
  left([&](ValueId x) {
    const ValueId other = Node(OpId::kAbs, {x});
    return Divided(other, guarded(Mean(Node(OpId::kMul, {x, x}), {2})), Inverse::kDivBySqrt);
  });
}

// What others read is computed anyway.
TEST_F(LayerNormRecognitionTest, ValuesThatAreReadElsewhereStay) {
  for (const bool is_output : {false, true}) {
    ExpectLeft(RunLayerNormRecognition, {2, 4}, [&](ValueId x) {
      const ValueId mean = Mean(x, {1}), centred = Node(OpId::kSub, {x, mean});
      const ValueId variance = Mean(Node(OpId::kMul, {centred, centred}), {1});
      Output(is_output ? variance : Node(OpId::kExp, {mean}), "other");
      return Divided(centred, Node(OpId::kAdd, {variance, Scalar(1e-3f)}), Inverse::kDivBySqrt);
    });
  }
}

// An epsilon of float64 that no float32 attribute holds.
TEST_F(LayerNormRecognitionTest, DoublesOnlyWithAnEpsilonThatFloatsHold) {
  for (const double epsilon : {0.0009765625, 1e-3}) {
    graph_ = Graph();
    const ValueId x = Input("x", {2, 4}, DType::kF64);
    const auto constant = [&](double element) {
      return Unwrap(graph_.AddConstant("", TensorView{&element, DType::kF64, Shape{}}, true));
    };
    const ValueId squares = Mean(Node(OpId::kMul, {x, x}), {1});
    const ValueId guarded = Node(OpId::kAdd, {squares, constant(epsilon)});
    Output(Node(OpId::kDiv, {x, Node(OpId::kSqrt, {guarded})}), "y");
    ASSERT_TRUE(RunLayerNormRecognition(&graph_).ok());
    EXPECT_EQ(Count(OpId::kLayerNormalization), epsilon == 1e-3 ? 0 : 1);
  }
}

}  // namespace
}  // namespace mace::passes
