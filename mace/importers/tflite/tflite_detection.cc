// The converter of the custom operator TFLite_Detection_PostProcess.
#include "mace/importers/tflite/flexbuffer_map.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/detection/detection_post_process.h"

namespace mace::importers::tflite {

void ConvertDetectionPostProcess(TfliteContext& context) {
  const file::OperatorRecord& record = context.file().operation(context.operator_index());
  const FlexbufferMap options(SpanOf(record.custom_options()));
  ops::DetectionPostProcessAttributes attributes;
  attributes.max_detections = options.Integer("max_detections", 0);
  attributes.max_classes_per_detection = options.Integer("max_classes_per_detection", 0);
  attributes.detections_per_class = options.Integer("detections_per_class", 100);
  attributes.num_classes = options.Integer("num_classes", 0);
  attributes.use_regular_nms = options.Integer("use_regular_nms", 0) != 0;
  const auto real = [&](const char* name) { return static_cast<float>(options.Real(name, 0)); };
  attributes.score_threshold = real("nms_score_threshold");
  attributes.iou_threshold = real("nms_iou_threshold");
  attributes.y_scale = real("y_scale");
  attributes.x_scale = real("x_scale");
  attributes.h_scale = real("h_scale");
  attributes.w_scale = real("w_scale");
  const ValueId inputs[] = {context.Input(0), context.Input(1), context.Input(2)};
  std::vector<TensorType> types;
  std::vector<std::string_view> names;
  for (int i = 0; i < 4; ++i) {
    types.push_back(context.OutputType(i));
    types.back().quantization = kNone;
    names.push_back(context.file().TensorName(context.OutputTensor(i)));
  }
  const std::vector<ValueId> outputs =
      context.EmitNode(OpId::kDetectionPostProcess, inputs, &attributes, sizeof(attributes), types, names);
  for (int i = 0; i < 4; ++i) context.BindOutput(i, outputs[static_cast<size_t>(i)]);
}

}  // namespace mace::importers::tflite
