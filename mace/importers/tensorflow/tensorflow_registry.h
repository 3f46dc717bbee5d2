// Converters of TensorFlow's operators, one or a few families to a file (convert_*.cc), and what they share.
#ifndef MACE_IMPORTERS_TENSORFLOW_TENSORFLOW_REGISTRY_H_
#define MACE_IMPORTERS_TENSORFLOW_TENSORFLOW_REGISTRY_H_

#include "mace/importers/tensorflow/tensorflow_context.h"

namespace mace::importers::tensorflow {

#define MACE_TENSORFLOW_CONVERTER(Name) Results Convert##Name(Call& call, const TensorflowOp& entry)

// convert_functions.cc
MACE_TENSORFLOW_CONVERTER(FunctionCall);
MACE_TENSORFLOW_CONVERTER(FunctionIf);
MACE_TENSORFLOW_CONVERTER(FunctionCase);
MACE_TENSORFLOW_CONVERTER(FunctionWhile);

// convert_elementwise.cc
MACE_TENSORFLOW_CONVERTER(Const);
MACE_TENSORFLOW_CONVERTER(Nothing);   // no results
MACE_TENSORFLOW_CONVERTER(Identity);  // every output is its input
MACE_TENSORFLOW_CONVERTER(Unary);
MACE_TENSORFLOW_CONVERTER(UnaryMath);
MACE_TENSORFLOW_CONVERTER(Composed);  // unary functions made of others: UnaryForm
MACE_TENSORFLOW_CONVERTER(LeakyRelu);
MACE_TENSORFLOW_CONVERTER(Binary);
MACE_TENSORFLOW_CONVERTER(ComposedBinary);  // BinaryForm
MACE_TENSORFLOW_CONVERTER(Bitwise);
MACE_TENSORFLOW_CONVERTER(Mod);
MACE_TENSORFLOW_CONVERTER(AddN);
MACE_TENSORFLOW_CONVERTER(Select);
MACE_TENSORFLOW_CONVERTER(Cast);
MACE_TENSORFLOW_CONVERTER(Bitcast);
MACE_TENSORFLOW_CONVERTER(ClipByValue);
MACE_TENSORFLOW_CONVERTER(FakeQuant);

enum UnaryForm : int {
  kSquare,
  kExpm1,
  kLog1p,
  kErfc,
  kRelu6,
  kIsNan,
  kIsInf,
  kIsFinite,
  kL2Loss,
  kInvert,
  kOnesLike,
  kZerosLike,
};
enum BinaryForm : int {
  kNotEqual,
  kFloorDiv,
  kTruncateDiv,
  kDivNoNan,
  kMulNoNan,
  kAtan2,
  kXdivy,
  kXlogyForm,
};

// convert_layers.cc
MACE_TENSORFLOW_CONVERTER(Convolution);
MACE_TENSORFLOW_CONVERTER(Depthwise);
MACE_TENSORFLOW_CONVERTER(ConvolutionTranspose);
MACE_TENSORFLOW_CONVERTER(Pool);
MACE_TENSORFLOW_CONVERTER(MaxPoolWithArgmax);
MACE_TENSORFLOW_CONVERTER(BiasAdd);
MACE_TENSORFLOW_CONVERTER(FusedBatchNorm);
MACE_TENSORFLOW_CONVERTER(BatchNorm);
MACE_TENSORFLOW_CONVERTER(MatMul);
MACE_TENSORFLOW_CONVERTER(BatchMatMul);
MACE_TENSORFLOW_CONVERTER(Softmax);
MACE_TENSORFLOW_CONVERTER(LocalResponse);
MACE_TENSORFLOW_CONVERTER(Einsum);

// convert_shape.cc
MACE_TENSORFLOW_CONVERTER(Shape);
MACE_TENSORFLOW_CONVERTER(ShapeN);
MACE_TENSORFLOW_CONVERTER(Rank);
MACE_TENSORFLOW_CONVERTER(Size);
MACE_TENSORFLOW_CONVERTER(Reshape);
MACE_TENSORFLOW_CONVERTER(ExpandDims);
MACE_TENSORFLOW_CONVERTER(Squeeze);
MACE_TENSORFLOW_CONVERTER(BroadcastTo);
MACE_TENSORFLOW_CONVERTER(BroadcastShape);
MACE_TENSORFLOW_CONVERTER(Fill);
MACE_TENSORFLOW_CONVERTER(Range);
MACE_TENSORFLOW_CONVERTER(LinSpace);
MACE_TENSORFLOW_CONVERTER(EnsureShape);

// convert_movement.cc
MACE_TENSORFLOW_CONVERTER(Transpose);
MACE_TENSORFLOW_CONVERTER(Concat);
MACE_TENSORFLOW_CONVERTER(Split);
MACE_TENSORFLOW_CONVERTER(SplitV);
MACE_TENSORFLOW_CONVERTER(Pack);
MACE_TENSORFLOW_CONVERTER(Unpack);
MACE_TENSORFLOW_CONVERTER(Slice);
MACE_TENSORFLOW_CONVERTER(StridedSlice);
MACE_TENSORFLOW_CONVERTER(Tile);
MACE_TENSORFLOW_CONVERTER(Pad);
MACE_TENSORFLOW_CONVERTER(MirrorPad);
MACE_TENSORFLOW_CONVERTER(Reverse);
MACE_TENSORFLOW_CONVERTER(ReverseSequence);
MACE_TENSORFLOW_CONVERTER(SpaceToBatch);
MACE_TENSORFLOW_CONVERTER(BatchToSpace);
MACE_TENSORFLOW_CONVERTER(SpaceToDepth);
MACE_TENSORFLOW_CONVERTER(Resize);
MACE_TENSORFLOW_CONVERTER(Roll);
MACE_TENSORFLOW_CONVERTER(MatrixBandPart);
MACE_TENSORFLOW_CONVERTER(MatrixDiag);
MACE_TENSORFLOW_CONVERTER(MatrixDiagPart);

// convert_indices.cc
MACE_TENSORFLOW_CONVERTER(Gather);
MACE_TENSORFLOW_CONVERTER(GatherNd);
MACE_TENSORFLOW_CONVERTER(ScatterNd);
MACE_TENSORFLOW_CONVERTER(TensorScatter);
MACE_TENSORFLOW_CONVERTER(OneHot);
MACE_TENSORFLOW_CONVERTER(Where);
MACE_TENSORFLOW_CONVERTER(Unique);
MACE_TENSORFLOW_CONVERTER(TopK);
MACE_TENSORFLOW_CONVERTER(InvertPermutation);
MACE_TENSORFLOW_CONVERTER(NonMaxSuppression);
MACE_TENSORFLOW_CONVERTER(CropAndResize);
MACE_TENSORFLOW_CONVERTER(Bucketize);
MACE_TENSORFLOW_CONVERTER(DynamicStitch);

// convert_reduce.cc
MACE_TENSORFLOW_CONVERTER(Reduce);
MACE_TENSORFLOW_CONVERTER(ArgReduce);
MACE_TENSORFLOW_CONVERTER(Cumulate);

// convert_lists.cc: TensorList and TensorArray, as tensors with one axis in front.
MACE_TENSORFLOW_CONVERTER(ListReserve);
MACE_TENSORFLOW_CONVERTER(ListFromTensor);
MACE_TENSORFLOW_CONVERTER(ListSetItem);
MACE_TENSORFLOW_CONVERTER(ListGetItem);
MACE_TENSORFLOW_CONVERTER(ListStack);
MACE_TENSORFLOW_CONVERTER(ListLength);
MACE_TENSORFLOW_CONVERTER(ListPushBack);
MACE_TENSORFLOW_CONVERTER(ListPopBack);
MACE_TENSORFLOW_CONVERTER(ListGather);
MACE_TENSORFLOW_CONVERTER(ArrayNew);
MACE_TENSORFLOW_CONVERTER(ArrayWrite);
MACE_TENSORFLOW_CONVERTER(ArrayRead);
MACE_TENSORFLOW_CONVERTER(ArrayGather);
MACE_TENSORFLOW_CONVERTER(ArrayScatter);
MACE_TENSORFLOW_CONVERTER(ArraySize);

// convert_complex.cc: complex numbers, as pairs of floats on one more axis.
MACE_TENSORFLOW_CONVERTER(Fourier);  // FourierForm
MACE_TENSORFLOW_CONVERTER(Complex);
MACE_TENSORFLOW_CONVERTER(ComplexPart);  // variant: 0, the real one, or 1
MACE_TENSORFLOW_CONVERTER(ComplexAbs);
MACE_TENSORFLOW_CONVERTER(Conjugate);
MACE_TENSORFLOW_CONVERTER(Product);  // of real or complex numbers

enum FourierForm : int { kTwoAxes = 1, kInverse = 2, kRealSide = 4 };  // flags

#undef MACE_TENSORFLOW_CONVERTER

// ---- what several families share

// [N, C, spatial...] as [N, spatial..., C], and back.
ValueId ToChannelsLast(Call& call, ValueId value);
ValueId ToChannelsFirst(Call& call, ValueId value);
// The elements of an integer operand as int64.
ValueId AsInt64(Call& call, ValueId value);
// One element as a list of one.
ValueId AsList(Call& call, ValueId value);
ValueId ShapeValue(Call& call, ValueId value);  // int64 [rank]
ValueId ConcatLists(Call& call, std::initializer_list<ValueId> lists);
ValueId AsTensorflowInt(Call& call, ValueId value, std::string_view attribute, DType missing);
// A Slice along one axis.
ValueId SliceAxis(Call& call, ValueId value, int64_t axis, int64_t begin, int64_t end, int64_t step = 1);

}  // namespace mace::importers::tensorflow

#endif  // MACE_IMPORTERS_TENSORFLOW_TENSORFLOW_REGISTRY_H_
