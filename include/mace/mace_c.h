/* mace_c.h: the C ABI of libmace, and the only thing it exports. mace.h wraps it for C++, `import mace` for
 * Python.
 *
 * Objects: a runtime (threads, memory) -> models (immutable, any thread) -> sessions (state; one caller at a
 * time). Ownership: what a *_create or *_load call gives is the caller's to destroy. A model keeps its
 * runtime alive, a session its model: they may be destroyed in any order. Destroying NULL does nothing.
 * Errors: a call that can fail returns NULL on success, else a mace_status that the caller must free with
 * mace_status_free (out of memory is a static object: reporting it allocates nothing, freeing it does
 * nothing). Nothing aborts or throws. Structs begin with struct_size = sizeof(the struct), which lets later
 * versions add fields; zero is the default of every other field. Enum values never change. Strings are UTF-8.
 * Sizes are bytes, times nanoseconds.
 *
 *   mace_runtime* runtime = NULL;  mace_model* model = NULL;  mace_session* session = NULL;
 *   mace_runtime_options options = {sizeof(options)};
 *   options.num_threads = 2;
 *   if (mace_runtime_create(&options, &runtime) != NULL) return 1;
 *   if (mace_model_load_file(runtime, "net.mace", NULL, &model) != NULL) return 2;
 *   if (mace_session_create(model, &session) != NULL) return 3;
 *   mace_tensor in = {sizeof(in)};   in.dtype = MACE_FLOAT32; in.rank = 2; in.dims[0] = 1; in.dims[1] = 4;
 *   in.data = pixels; in.byte_size = 16;
 *   mace_tensor out = {sizeof(out)};     // data NULL: the session's buffer, valid until its next run
 *   mace_status* status = mace_session_run(session, &in, 1, &out, 1, NULL);
 */
#ifndef MACE_MACE_C_H_
#define MACE_MACE_C_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define MACE_API
#else
#define MACE_API __attribute__((visibility("default")))
#endif

#define MACE_MAX_RANK 8

typedef struct mace_status mace_status;
typedef struct mace_runtime mace_runtime;
typedef struct mace_model mace_model;
typedef struct mace_session mace_session;

typedef enum mace_status_code {
  MACE_OK = 0,
  MACE_INVALID_ARGUMENT = 1,
  MACE_NOT_FOUND = 2,
  MACE_UNSUPPORTED = 3,
  MACE_OUT_OF_MEMORY = 4,
  MACE_DATA_LOSS = 5,
  MACE_IO_ERROR = 6,
  MACE_DEADLINE_EXCEEDED = 7,
  MACE_CANCELLED = 8,
  MACE_RESOURCE_EXHAUSTED = 9,
  MACE_INTERNAL = 10,
  MACE_FAILED_PRECONDITION = 11
} mace_status_code;

typedef enum mace_dtype {
  MACE_FLOAT32 = 1,
  MACE_FLOAT16 = 2,
  MACE_BFLOAT16 = 3,
  MACE_FLOAT64 = 4,
  MACE_INT8 = 5,
  MACE_UINT8 = 6,
  MACE_INT16 = 7,
  MACE_UINT16 = 8,
  MACE_INT32 = 9,
  MACE_UINT32 = 10,
  MACE_INT64 = 11,
  MACE_UINT64 = 12,
  MACE_BOOL = 13, /* one byte, 0 or 1 */
  MACE_INT4 = 14, /* two values a byte, the first in the low nibble */
  MACE_UINT4 = 15,
  MACE_INT2 = 16, /* four values a byte, the first in the lowest two bits */
  MACE_UINT2 = 17
} mace_dtype;

/* ---- versions and errors. Thread-safe. */
MACE_API const char* mace_version(void);                                   /* "0.1.0", static */
MACE_API mace_status_code mace_status_get_code(const mace_status* status); /* NULL: MACE_OK */
MACE_API const char* mace_status_get_message(
    const mace_status* status); /* valid while status lives; NULL: "" */
MACE_API void mace_status_free(mace_status* status);

/* ---- extension points: function pointers plus a context. They must be thread-safe, outlive the runtime and
 * not throw. */
typedef struct mace_allocator {
  uint32_t struct_size;
  void* context;
  void* (*allocate)(void* context, size_t bytes,
                    size_t alignment); /* NULL on failure; alignment: a power of two */
  void (*deallocate)(void* context, void* memory, size_t bytes);
} mace_allocator;

typedef enum mace_log_level { MACE_LOG_ERROR = 0, MACE_LOG_WARNING = 1, MACE_LOG_INFO = 2 } mace_log_level;
typedef struct mace_log {
  uint32_t struct_size;
  void* context;
  void (*write)(void* context, mace_log_level level, const char* message);
} mace_log;

/* Runs task(task_context, worker) for worker = 0 .. workers - 1, possibly at the same time, and returns when
 * all have returned. A runtime with an executor starts no thread of its own. */
typedef struct mace_executor {
  uint32_t struct_size;
  void* context;
  int32_t max_workers; /* >= 1 */
  void (*run)(void* context, int32_t workers, void (*task)(void* task_context, int32_t worker),
              void* task_context);
} mace_executor;

/* ---- runtime */
typedef struct mace_runtime_options {
  uint32_t struct_size;
  int32_t num_threads;             /* 0: one per core that this process may use; else 1 .. 256 */
  const mace_allocator* allocator; /* NULL: the system's. For arenas, packed weights and file images */
  const mace_log* log;             /* NULL: silent */
  const mace_executor* executor;   /* NULL: own threads */
  uint64_t memory_limit;           /* bytes of arenas, held results and packed weights; 0: no limit */
  /* NULL: the best of this CPU; "scalar", "sse4", "avx2", "avxvnni", "avx512", "avx512vnni", "neon",
   * "dotprod", "i8mm", "sve", "rvv": this one and those before it, as far as this CPU has them.
   * Names of another architecture, or left out of this build, are refused */
  const char* isa;
} mace_runtime_options;

/* options may be NULL. */
MACE_API mace_status* mace_runtime_create(const mace_runtime_options* options, mace_runtime** runtime);
MACE_API void mace_runtime_destroy(mace_runtime* runtime);
/* Frees the pooled memory of intermediate results that no session holds. Thread-safe. NULL: nothing. */
MACE_API void mace_runtime_trim(mace_runtime* runtime);

/* ---- operators that the application brings (docs/custom_operators.md). Register them before a model that
 * has nodes of them is loaded; they stay as long as the runtime. `run` computes the outputs of one node: it
 * allocates each of them once and fills it. It may be called from several threads at once, and must not use
 * the session that runs it. Anything but MACE_OK ends the run with that code and the text of
 * mace_operator_fail. */
typedef struct mace_operator_call mace_operator_call; /* valid during `run` only */
typedef struct mace_custom_operator {
  uint32_t struct_size;
  const char* name; /* as in the source model; copied */
  void* context;
  int32_t (*run)(void* context, mace_operator_call* call); /* gives a mace_status_code */
} mace_custom_operator;
/* Thread-safe. An error where the name is registered already. */
MACE_API mace_status* mace_runtime_register_operator(mace_runtime* runtime,
                                                     const mace_custom_operator* custom);
/* The bytes of the node's options, as the source model stores them (of ONNX: its attributes as JSON). */
MACE_API const void* mace_operator_options(const mace_operator_call* call, size_t* byte_size);
MACE_API int32_t mace_operator_input_count(const mace_operator_call* call);
MACE_API int32_t mace_operator_output_count(const mace_operator_call* call);
/* tensor->struct_size must be set. data is not to be written to; dtype 0: an absent input. */
MACE_API mace_status* mace_operator_input(const mace_operator_call* call, int32_t index,
                                          struct mace_tensor* tensor);
/* The dtype (mace_dtype) that output `index` has to have; 0: nobody reads it, nor may it be allocated. */
MACE_API int32_t mace_operator_output_dtype(const mace_operator_call* call, int32_t index);
MACE_API mace_status* mace_operator_allocate_output(mace_operator_call* call, int32_t index, int32_t rank,
                                                    const int64_t* dims, void** data);
MACE_API void mace_operator_fail(mace_operator_call* call, const char* message); /* copied, up to 500 bytes */

/* How fast this machine is with this runtime's threads: the beginning of MobileNetV2 (first convolution and
 * eight blocks of 224 x 224 x 3, 131 million multiply-adds), the median of ten runs. 0: not measured. */
typedef struct mace_capability {
  uint32_t struct_size;
  float float32_milliseconds;
  float int8_milliseconds;
} mace_capability;
/* Thread-safe. Takes eleven runs of either kind; whoever uses the runtime meanwhile makes it slower. */
MACE_API mace_status* mace_runtime_measure(mace_runtime* runtime, mace_capability* capability);

/* ---- model: a .mace file. Immutable and thread-safe. */
typedef enum mace_verify {
  MACE_VERIFY_DEFAULT = 0 /* graph, not weights */,
  MACE_VERIFY_FULL = 1
} mace_verify;
typedef enum mace_numerics {
  MACE_NUMERICS_DEFAULT = 0,
  MACE_NUMERICS_EXACT = 1 /* not built yet: refused */
} mace_numerics;
typedef enum mace_memory { MACE_MEMORY_DEFAULT = 0, MACE_MEMORY_LOW = 1 } mace_memory;

typedef struct mace_model_options {
  uint32_t struct_size;
  int32_t verify;            /* mace_verify */
  int32_t numerics;          /* mace_numerics */
  int32_t memory;            /* mace_memory */
  int32_t max_cached_plans;  /* plans kept, one per set of input shapes; 0: 16 */
  int32_t reference_kernels; /* not 0: only the plain reference kernels (slow; for finding errors) */
} mace_model_options;

/* The file is mapped and must not change while the model lives. */
MACE_API mace_status* mace_model_load_file(mace_runtime* runtime, const char* path,
                                           const mace_model_options* options, mace_model** model);
/* The bytes must stay valid and unchanged while the model lives. Any alignment works; weights of bytes
 * aligned to 64 are used in place. */
MACE_API mace_status* mace_model_load_memory(mace_runtime* runtime, const void* data, size_t byte_size,
                                             const mace_model_options* options, mace_model** model);
MACE_API void mace_model_destroy(mace_model* model);

/* What a model's input or output looks like. dims: -1 is a dimension that may differ from run to run. rank:
 * -1 where that may. */
typedef struct mace_tensor_info {
  uint32_t struct_size;
  int32_t dtype; /* mace_dtype */
  int32_t rank;
  int32_t optional; /* an input that may be left out (data NULL): it then has the session's state */
  int64_t dims[MACE_MAX_RANK];
  const char* name;                     /* valid while the model lives */
  const char* dim_names[MACE_MAX_RANK]; /* NULL where a dimension has no name */
  float scale;                          /* 0: not quantized, or per channel */
  int32_t zero_point;
} mace_tensor_info;

MACE_API int32_t mace_model_input_count(const mace_model* model);
MACE_API int32_t mace_model_output_count(const mace_model* model);
/* info->struct_size must be set. An index out of range is an error. */
MACE_API mace_status* mace_model_input_info(const mace_model* model, int32_t index, mace_tensor_info* info);
MACE_API mace_status* mace_model_output_info(const mace_model* model, int32_t index, mace_tensor_info* info);

/* Texts stored with the model (labels, an author), in the order of the file. Texts are valid while the model
 * lives; where a key is there twice the first one counts. An index out of range is an error. */
MACE_API int32_t mace_model_metadata_count(const mace_model* model);
MACE_API mace_status* mace_model_metadata(const mace_model* model, int32_t index, const char** key,
                                          const char** value);

/* ---- session: the state of one stream of runs. Not thread-safe; several sessions of one model may run at
 * once. */
typedef enum mace_memory_kind { MACE_MEMORY_HOST = 0 } mace_memory_kind;

/* A contiguous, row-major tensor that the caller owns. */
typedef struct mace_tensor {
  uint32_t struct_size;
  int32_t dtype; /* mace_dtype */
  int32_t rank;
  int32_t memory_kind; /* mace_memory_kind */
  int64_t dims[MACE_MAX_RANK];
  void* data;
  size_t byte_size; /* of data */
} mace_tensor;

typedef struct mace_run_options {
  uint32_t struct_size;
  int32_t priority;    /* reserved: others than 0 are refused */
  uint64_t timeout_ns; /* 0: none; else the run stops with MACE_DEADLINE_EXCEEDED after about this time */
  /* NULL, or a flag that another thread may set: the run stops with MACE_CANCELLED soon after it becomes
   * non-zero. It is read by relaxed atomic loads, so set it by an atomic store: __atomic_store_n, or in C++
   * std::atomic_ref<int32_t>(flag) = 1. */
  const volatile int32_t* cancel;
  int32_t profile; /* not 0: measure every step (mace_session_profile_json) */
} mace_run_options;

MACE_API mace_status* mace_session_create(mace_model* model, mace_session** session);
MACE_API void mace_session_destroy(mace_session* session);
/* Makes (or finds) the plan for these input shapes (data may be NULL) and fills in dtype, rank, dims and
 * byte_size of the outputs. A run with the same shapes then allocates nothing. Where the size of an output
 * depends on data, dims are -1 (rank too, where it may differ) and byte_size is 0. */
MACE_API mace_status* mace_session_prepare(mace_session* session, const mace_tensor* inputs,
                                           int32_t input_count, mace_tensor* outputs, int32_t output_count);
/* inputs and outputs in model order. An output with data NULL gets the session's buffer (valid until the
 * session's next run, prepare or destroy); else the result is written there, and byte_size must be large
 * enough: the error says what was needed, also where only the run could tell. dtype, rank, dims and byte_size
 * of the outputs are filled in. Input and output buffers must not overlap. After an error the state is as
 * before the run. */
MACE_API mace_status* mace_session_run(mace_session* session, const mace_tensor* inputs, int32_t input_count,
                                       mace_tensor* outputs, int32_t output_count,
                                       const mace_run_options* options);
/* The initial state again. */
MACE_API mace_status* mace_session_reset_state(mace_session* session);

/* Texts are the session's, valid until its next call. explain: the current plan (after a prepare or run): per
 * step the nodes, kernel, reason, bytes, multiply-adds. profile: the times of the last run with profile set.
 * JSON objects; docs/explain.md. */
MACE_API mace_status* mace_session_explain_json(mace_session* session, const char** text);
MACE_API mace_status* mace_session_profile_json(mace_session* session, const char** text);

#ifdef __cplusplus
}
#endif

#endif /* MACE_MACE_C_H_ */
