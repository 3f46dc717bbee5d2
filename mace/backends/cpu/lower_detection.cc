// DetectionPostProcess.
#include "mace/backends/cpu/lowering_table.h"
#include "mace/kernels/detection/detection.h"
#include "mace/ops/detection/detection_post_process.h"

namespace mace::cpu {

Status LowerDetectionPostProcess(Lowering& lowering, const Cluster& cluster, const char** refusal) {
  const Node& node = lowering.node(cluster.nodes[0]);
  const auto& attributes = node.attributes.as<ops::DetectionPostProcessAttributes>();
  MACE_ASSIGN_OR_RETURN(auto* params, lowering.builder().NewParams<kernels::DetectionParams>());
  const auto values_of = [&](size_t input) {
    kernels::DetectionParams::Values values;
    const Quantization* quantization = lowering.plan().graph->QuantizationOf(node.inputs[input]);
    values.is_u8 = lowering.type(node.inputs[input]).dtype == DType::kU8;
    if (values.is_u8) {
      values.scale = quantization->scales[0];
      values.zero_point = quantization->zero_points[0];
    }
    return values;
  };
  const Shape& boxes = lowering.shape(node.inputs[0]);
  params->boxes = boxes[1];
  params->box_values = boxes[2];
  params->columns = lowering.shape(node.inputs[1])[2];
  params->classes = attributes.num_classes;
  params->max_detections = attributes.max_detections;
  params->classes_per_detection = attributes.max_classes_per_detection;
  params->detections_per_class = attributes.detections_per_class;
  params->regular = attributes.use_regular_nms;
  params->score_threshold = attributes.score_threshold;
  params->overlap_threshold = attributes.iou_threshold;
  const float scales[] = {attributes.y_scale, attributes.x_scale, attributes.h_scale, attributes.w_scale};
  for (int i = 0; i < 4; ++i) params->box_scales[i] = scales[i];
  params->encodings = values_of(0);
  params->scores = values_of(1);
  params->anchors = values_of(2);
  MACE_RETURN_IF_ERROR(kernels::PrepareDetection(params));
  StepSpec spec;
  MACE_RETURN_IF_ERROR(lowering.SetKernel(
      {"detection_post_process", kernels::DetectionPostProcess, Isa::kScalar}, params, &spec));
  for (size_t i : {0, 1, 2}) MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, node.inputs[i]));
  for (size_t i : {0, 1, 2, 3}) MACE_RETURN_IF_ERROR(lowering.AddOperand(&spec, OutputOf(node, i)));
  return lowering.Emit(cluster, std::move(spec));
}

}  // namespace mace::cpu
