// MatMul and FullyConnected as GEMMs. Transpositions that only a MatMul reads, or that only read a MatMul's
// result, are read and written through strides: attention moves no bytes between its projections.
#include "mace/backends/cpu/lower_integer.h"
#include "mace/backends/cpu/lowering_table.h"
#include "mace/kernels/gemm/gemm.h"
#include "mace/kernels/half.h"
#include "mace/ops/matmul/block_matmul.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"

namespace mace::cpu {
namespace {

using kernels::GemmPackParams;
using kernels::GemmParams;
using kernels::GemmRhs;
using kernels::kGemmBatchRank;

// An operand as a batch of matrices: `rank` batch axes, then rows and columns; strides in elements.
struct Matrices {
  ValueId value = kNone;  // whose bytes are read: the operand, or what it is the transposition of
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t strides[kMaxRank] = {};

  int64_t rows() const { return dims[rank - 2]; }
  int64_t columns() const { return dims[rank - 1]; }
  int64_t row_stride() const { return strides[rank - 2]; }
  int64_t column_stride() const { return strides[rank - 1]; }
};

Matrices DenseMatrices(Lowering& lowering, ValueId value) {
  const Shape& shape = lowering.shape(value);
  Matrices matrices;
  matrices.value = value;
  matrices.rank = shape.rank;
  int64_t stride = 1;
  for (int i = shape.rank - 1; i >= 0; --i) {
    matrices.dims[i] = shape[i];
    matrices.strides[i] = stride;
    stride *= shape[i];
  }
  return matrices;
}

// The operand, looking through a transposition that was put off.
Matrices OperandMatrices(Lowering& lowering, ValueId value) {
  const NodeId producer = lowering.PutOffProducer(value, OpId::kTranspose);
  if (producer == kNone) return DenseMatrices(lowering, value);
  const Node& node = lowering.node(producer);
  const IntList& perm = node.attributes.as<ops::TransposeAttributes>().perm;
  const Matrices source = DenseMatrices(lowering, node.inputs[0]);
  Matrices matrices = source;
  for (int i = 0; i < source.rank; ++i) {
    const int axis = static_cast<int>(perm.empty() ? source.rank - 1 - i : perm[i]);
    matrices.dims[i] = source.dims[axis];
    matrices.strides[i] = source.strides[axis];
  }
  return matrices;
}

void SwapLastAxes(Matrices* matrices) {
  const int last = matrices->rank - 1;
  const int64_t dim = matrices->dims[last], stride = matrices->strides[last];
  matrices->dims[last] = matrices->dims[last - 1];
  matrices->strides[last] = matrices->strides[last - 1];
  matrices->dims[last - 1] = dim;
  matrices->strides[last - 1] = stride;
}

// Batch axes, joined where all three tensors allow it.
struct BatchLoops {
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t lhs[kMaxRank] = {}, rhs[kMaxRank] = {}, out[kMaxRank] = {};
};

// Stride of batch axis `axis` of `out_rank` axes, 0 where the operand is broadcast. rhs strides count
// matrices.
int64_t BatchStride(const Matrices& matrices, int axis, int out_rank) {
  const int own = axis - (out_rank - matrices.rank);
  return own < 0 || matrices.dims[own] == 1 ? 0 : matrices.strides[own];
}

BatchLoops JoinBatch(const Matrices& lhs, const Matrices& rhs_index, const Matrices& out) {
  BatchLoops loops;
  for (int axis = 0; axis < out.rank - 2; ++axis) {
    if (out.dims[axis] == 1) continue;
    const int64_t dim = out.dims[axis];
    const int64_t l = BatchStride(lhs, axis, out.rank), r = BatchStride(rhs_index, axis, out.rank);
    const int64_t o = out.strides[axis];
    const int last = loops.rank - 1;
    if (last >= 0 && loops.lhs[last] == l * dim && loops.rhs[last] == r * dim && loops.out[last] == o * dim) {
      loops.dims[last] *= dim;
      loops.lhs[last] = l;
      loops.rhs[last] = r;
      loops.out[last] = o;
      continue;
    }
    loops.dims[loops.rank] = dim;
    loops.lhs[loops.rank] = l;
    loops.rhs[loops.rank] = r;
    loops.out[loops.rank++] = o;
  }
  return loops;
}

void SetBatch(const BatchLoops& loops, GemmParams* params) {
  for (int i = 0; i < loops.rank; ++i) {
    const int at = kGemmBatchRank - loops.rank + i;
    params->batch[at] = loops.dims[i];
    params->lhs_batch_strides[at] = loops.lhs[i];
    params->rhs_batch_strides[at] = loops.rhs[i];
    params->out_batch_strides[at] = loops.out[i];
  }
}

// Of a product of two matrices.
struct GemmShape {
  int64_t rows, columns, depth;
};

Status SetGemm(Lowering& lowering, const GemmParams& params, StepSpec* spec) {
  spec->multiply_adds = params.rows * params.columns * params.depth;
  for (int64_t count : params.batch) spec->multiply_adds *= count;
  return lowering.SetKernel({"gemm_f32", lowering.kernels().gemm->gemm_f32, params.isa, &params.panels},
                            &params, spec);
}

// The right-hand side is one known matrix: packed once per model. pack(params, floats) writes the packed form
// of `weights`, which `hash` tells from others of the same constant.
template <typename Pack>
Status EmitKnownProduct(Lowering& lowering, const Cluster& cluster, const GemmShape& shape,
                        const WeightSource& weights, FormatHash hash, const char* reason, const Pack& pack) {
  const ValueId lhs = lowering.node(cluster.nodes[0]).inputs[0];
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<GemmParams>());
  params->isa = lowering.kernels().gemm_isa;
  params->rows = shape.rows;
  params->columns = shape.columns;
  params->depth = shape.depth;
  params->lhs_stride =
      lowering.storage().IsPadded(lhs) ? lowering.storage().PixelStride(lhs) / 4 : shape.depth;
  params->out_stride = lowering.storage().IsPadded(cluster.output)
                           ? lowering.storage().PixelStride(cluster.output) / 4
                           : shape.columns;
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, lhs));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Operand{}));
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, cluster.output));
  MACE_RETURN_IF_ERROR(lowering.AddPostOps(cluster, &spec, &params->post_ops));
  MACE_RETURN_IF_ERROR(kernels::PrepareGemm(params));
  hash.Add(shape.columns).Add(shape.depth).Add(params->packed_floats).AddPanels(params->panels);
  const auto bytes = static_cast<size_t>(kernels::GemmPackedBytes(*params));
  MACE_ASSIGN_OR_RETURN(spec.operands[1], lowering.Packed(weights, hash.value(), bytes, [&](uint8_t* packed) {
    return pack(*params, reinterpret_cast<float*>(packed));
  }));
  MACE_RETURN_IF_ERROR(SetGemm(lowering, *params, &spec));
  spec.reason = reason;
  return lowering.Emit(cluster, std::move(spec));
}

Status EmitKnownRhs(Lowering& lowering, const Cluster& cluster, int64_t rows, const GemmRhs& rhs,
                    int64_t columns, const LayerWeights& sources) {
  FormatHash hash("gemm");
  hash.Add(sources.bias.constant).Add(static_cast<int64_t>(rhs.dtype)).Add(rhs.column_stride);
  hash.Add(rhs.depth_strides[2]);
  const char* reason = rhs.dtype == DType::kF16 ? "weights packed from f16" : "";
  return EmitKnownProduct(lowering, cluster, {rows, columns, rhs.depth()}, sources.weights, hash, reason,
                          [&](const GemmParams& params, float* packed) {
                            kernels::PackGemmMatrix(params, rhs, packed);
                            return Status::Ok();
                          });
}

// The step that packs a right-hand side which a run computes, into a slot of its own.
Status EmitPack(Lowering& lowering, const Cluster& cluster, const Matrices& rhs, const BatchLoops& batch,
                int64_t matrices, Operand* packed) {
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<GemmPackParams>());
  params->isa = lowering.kernels().gemm_isa;
  params->columns = rhs.columns();
  params->depth = rhs.rows();
  params->column_stride = rhs.column_stride();
  params->depth_stride = rhs.row_stride();
  for (int i = 0; i < batch.rank; ++i) {
    params->batch[kGemmBatchRank - batch.rank + i] = batch.dims[i];
    params->batch_strides[kGemmBatchRank - batch.rank + i] = batch.rhs[i];
  }
  MACE_RETURN_IF_ERROR(kernels::PrepareGemmPack(params));
  packed->bytes = params->packed_floats * 4 * matrices;
  MACE_ASSIGN_OR_RETURN(packed->slot, lowering.builder().AddSlot(kNone, packed->bytes));
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.SetKernel(
      {"gemm_pack_f32", lowering.kernels().gemm->gemm_pack_f32, params->isa}, params, &spec));
  spec.reason = "the right-hand side is computed by the run";
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, rhs.value));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(*packed));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(Operand{}));  // no bias
  return lowering.Emit(cluster, std::move(spec));
}

// The result's place: through the strides of the only transposition that reads it, where there is one that
// leaves rows whole.
Matrices OutputMatrices(Lowering& lowering, ValueId output, NodeId* transpose) {
  *transpose = lowering.OnlyPutOffReader(output, OpId::kTranspose);
  if (*transpose == kNone) return DenseMatrices(lowering, output);
  const Node& node = lowering.node(*transpose);
  const IntList& perm = node.attributes.as<ops::TransposeAttributes>().perm;
  const Matrices target = DenseMatrices(lowering, node.outputs[0]);
  if (perm.empty() || perm[target.rank - 1] != target.rank - 1) {
    *transpose = kNone;
    return DenseMatrices(lowering, output);
  }
  Matrices matrices = target;
  for (int i = 0; i < target.rank; ++i) {
    matrices.dims[perm[i]] = target.dims[i];
    matrices.strides[perm[i]] = target.strides[i];
  }
  return matrices;
}

Status LowerBatchedMatMul(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::MatMulAttributes>();
  Matrices lhs = OperandMatrices(lowering, node.inputs[0]);
  if (attributes.transpose_a) SwapLastAxes(&lhs);
  if (lhs.column_stride() != 1 && lhs.columns() > 1) {
    lhs = DenseMatrices(lowering, node.inputs[0]);
    if (attributes.transpose_a) *refusal = "no fast kernel reads a transposed left-hand side";
  }
  Matrices rhs = OperandMatrices(lowering, node.inputs[1]);
  if (attributes.transpose_b) SwapLastAxes(&rhs);
  NodeId transpose = kNone;
  const Matrices out = OutputMatrices(lowering, cluster.output, &transpose);

  // Packed matrices stand in the order of the right-hand side's own batch axes.
  Matrices rhs_index = rhs;
  int64_t matrices = 1;
  for (int axis = rhs.rank - 3; axis >= 0; --axis) {
    rhs_index.strides[axis] = matrices;
    matrices *= rhs.dims[axis];
  }
  Matrices rhs_as_out = rhs;  // loops over the right-hand side alone
  const BatchLoops pack_loops = JoinBatch(rhs, rhs, rhs_as_out);
  const BatchLoops loops = JoinBatch(lhs, rhs_index, out);
  if (loops.rank > kGemmBatchRank || pack_loops.rank > kGemmBatchRank) *refusal = "too many batch axes";
  if (*refusal != nullptr) return Status::Ok();

  Operand packed;
  MACE_RETURN_IF_ERROR(EmitPack(lowering, cluster, rhs, pack_loops, matrices, &packed));
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<GemmParams>());
  params->isa = lowering.kernels().gemm_isa;
  params->rows = lhs.rows();
  params->columns = rhs.columns();
  params->depth = lhs.columns();
  params->lhs_stride = lhs.rows() == 1 ? lhs.columns() : lhs.row_stride();
  params->out_stride = out.rows() == 1 ? out.columns() : out.row_stride();
  SetBatch(loops, params);
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, lhs.value));
  MACE_RETURN_IF_ERROR(spec.operands.PushBack(packed));
  const ValueId target = transpose == kNone ? cluster.output : lowering.node(transpose).outputs[0];
  MACE_RETURN_IF_ERROR(
      lowering.AddOperand(&spec, transpose == kNone ? target : lowering.TakeOver(transpose)));
  MACE_RETURN_IF_ERROR(lowering.AddPostOps(cluster, &spec, &params->post_ops));
  MACE_RETURN_IF_ERROR(kernels::PrepareGemm(params));
  MACE_RETURN_IF_ERROR(SetGemm(lowering, *params, &spec));
  Cluster all = cluster;
  if (transpose != kNone && all.node_count < Cluster::kMaxNodes) all.nodes[all.node_count++] = transpose;
  return lowering.Emit(all, std::move(spec));
}

}  // namespace

Status LowerFullyConnected(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  if (IsQuantized(lowering, node.inputs[0])) return LowerIntegerFullyConnected(lowering, cluster, refusal);
  LayerWeights sources;
  *refusal = lowering.FindLayerWeights(node, &sources);
  if (*refusal != nullptr) return Status::Ok();
  const Shape& shape = sources.weights.view->shape;
  GemmRhs rhs = kernels::GemmRhsFromNK(sources.weights.data(), sources.weights.dtype(), shape[0], shape[1],
                                       sources.bias.data());
  rhs.bias_dtype = sources.bias.dtype();
  const Shape& x = lowering.shape(node.inputs[0]);
  return EmitKnownRhs(lowering, cluster, x.Product(0, x.rank - 1), rhs, shape[0], sources);
}

Status LowerMatMul(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::MatMulAttributes>();
  const Shape& a = lowering.shape(node.inputs[0]);
  const Shape& b = lowering.shape(node.inputs[1]);
  if (!lowering.IsF32(node.inputs[0]) || !lowering.IsF32(node.inputs[1])) {
    *refusal = "no fast kernel for these element types";
    return Status::Ok();
  }
  const WeightSource weights = lowering.Weights(node.inputs[1]);
  const bool is_one_matrix = b.rank >= 2 ? b.Product(0, b.rank - 2) == 1 : !attributes.transpose_b;
  if (weights.view != nullptr && is_one_matrix && !(attributes.transpose_a && a.rank >= 2)) {
    int64_t depth = b.rank == 1 ? b[0] : b[b.rank - 2], columns = b.rank == 1 ? 1 : b[b.rank - 1];
    if (attributes.transpose_b) std::swap(depth, columns);
    const void* data = weights.view->data;
    const DType dtype = weights.view->dtype;
    const GemmRhs rhs = attributes.transpose_b ? kernels::GemmRhsFromNK(data, dtype, columns, depth)
                                               : kernels::GemmRhsFromKN(data, dtype, columns, depth);
    return EmitKnownRhs(lowering, cluster, a.Product(0, a.rank - 1), rhs, columns, {weights, {}});
  }
  if (a.rank < 2 || b.rank < 2) {
    *refusal = "no fast kernel multiplies vectors that a run computes";
    return Status::Ok();
  }
  return LowerBatchedMatMul(lowering, cluster, refusal);
}

// The weights become floats while they are packed: a product as fast as that of a MatMul, for its memory.
Status LowerBlockMatMul(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::BlockMatMulAttributes>();
  WeightSource sources[4];  // weights, scales, zero points, bias
  FormatHash hash("gemm of blocks");
  hash.Add(attributes.bits).Add(attributes.block_size);
  for (size_t i = 0; i < 4; ++i) {
    const ValueId value = InputOf(node, i + 1);
    sources[i] = lowering.Weights(value);
    const bool is_float = i == 1 || i == 3;  // in float16, too
    const bool is_typed =
        sources[i].view != nullptr &&
        (is_float ? sources[i].IsF32OrF16() : sources[i].view->dtype == lowering.type(value).dtype);
    if (value != kNone && !is_typed) {
      *refusal = "the weights are not known when the plan is made";
      return Status::Ok();
    }
    if (i > 0) sources[0].PackWith(sources[i]);
    hash.Add(sources[i].constant);
  }
  const int64_t columns = attributes.columns, depth = attributes.depth;
  const Shape& x = lowering.shape(node.inputs[0]);
  return EmitKnownProduct(
      lowering, cluster, {x.Product(0, x.rank - 1), columns, depth}, sources[0], hash,
      "weights of few bits, packed as floats", [&](const GemmParams& params, float* packed) -> Status {
        MACE_ASSIGN_OR_RETURN(
            Buffer buffer, Buffer::Allocate(static_cast<size_t>(columns) * static_cast<size_t>(depth) * 4));
        const TensorView& given = *sources[1].view;
        MACE_ASSIGN_OR_RETURN(Buffer scales,
                              Buffer::Allocate(static_cast<size_t>(given.elements()) * sizeof(float)));
        auto* matrix = reinterpret_cast<float*>(buffer.data());
        auto* factors = reinterpret_cast<float*>(scales.data());
        for (int64_t i = 0; i < given.elements(); ++i) {
          factors[i] = kernels::ReadFloat(given.data, given.dtype, i);
        }
        for (int64_t column = 0; column < columns; ++column) {
          ops::UnpackBlockColumn(attributes, column, *sources[0].view, factors, sources[2].view,
                                 matrix + column * depth);
        }
        GemmRhs rhs = kernels::GemmRhsFromNK(matrix, DType::kF32, columns, depth, sources[3].data());
        rhs.bias_dtype = sources[3].dtype();
        kernels::PackGemmMatrix(params, rhs, packed);
        return Status::Ok();
      });
}

}  // namespace mace::cpu
