// The original's folders of samples: files that are named after the inputs, one set of files per sample.
#ifndef TOOLS_MACE_RUN_BATCH_H_
#define TOOLS_MACE_RUN_BATCH_H_

#include <string>
#include <vector>

namespace mace_run {

// What a tensor is called in names of files: letters and digits of ASCII stay, the rest becomes '_'.
std::string FileName(const std::string& tensor_name);

// Throws UsageError where two of the tensors ("input" or "output") would have files of one name.
void CheckFileNames(const std::vector<std::string>& tensor_names, const std::string& side);

// The samples among `files`: suffixes s for which every name of `names` (as FileName gives them) has a file
// name + s; in natural order. Throws std::runtime_error where a file of the first name has no companions and
// is none itself; `folder` begins the message.
std::vector<std::string> FindSamples(const std::vector<std::string>& files,
                                     const std::vector<std::string>& names, const std::string& folder);

// Names of the folder's regular files; none where it cannot be read.
std::vector<std::string> FilesOf(const std::string& folder);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_BATCH_H_
